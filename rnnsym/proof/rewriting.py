"""What is to be zero, rewritten until it is: adjoints by those of the states, sums over time in one form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnsym.claims.syntax import Moment, Variable
from rnnsym.proof.adjoints import UndecidedError
from rnnsym.proof.atoms import Element, Polynomial, Product, TooLargeError, added, indices_of
from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.polynomial import apart, canonical, replaced, without_ones
from rnnsym.proof.proven import Assumption
from rnnsym.proof.sums import settled, substituted
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import Context

ONE = Moment((), 1)
#: How often states' adjoints are written out.
ROUNDS = 1
#: Products that rules are applied to, before an attempt is given up.
MOST_WORK = 20_000
Rule = Callable[[Element, Context], Polynomial | None]


class Rewriting:
    """The rules for a model, under an assumption. `free` are the indices that no sum runs over."""

    def __init__(self, theory: Theory, assumption: Assumption) -> None:
        self.theory, self.assumption = theory, assumption
        self.work = 0

    def rounds(self, difference: Polynomial, free: frozenset[str], context: Context) -> int | None:
        """How often adjoints have to be written out until nothing is left; None where something is left even so."""
        kinds = {atom.name.partition("(")[0] for product, _ in difference.terms for atom, _ in product.powers
                 if isinstance(atom, Element)}  # fmt: skip
        for kind, value in (("flow", self.theory.by_flow), ("total", self.theory.by_totals)):
            if kind in kinds:

                def rule(
                    element: Element, _: Context, value: Callable[[Element], Polynomial | None] = value
                ) -> Polynomial | None:
                    return value(element) if element.name.startswith("bar(") else None

                difference = self.everywhere(difference, free, context, rule)
        for count in range(ROUNDS + 1):
            difference = self.everywhere(difference, free, context, self._reducing)
            # Written out, sums keep the author's alignment: what stands a step apart must stay so.
            if not self.reduced(difference, free, context):
                return count
            if count < ROUNDS:
                difference = self.written_out(difference, free, context)
            else:
                difference = self.everywhere(difference, free, context, self._defining)
                if not self.reduced(difference, free, context):
                    return count
        return None

    def reduced(self, terms: Polynomial, free: frozenset[str], context: Context) -> Polynomial:
        """Adjoints in terms of those of the states, sums over time in one form, assumptions used."""
        for _ in range(6):
            before = terms
            terms = self.everywhere(terms, free, context, self._reducing)
            terms = self.assumed(settled(terms, free, context), free)
            if terms == before:
                break
        return terms

    def _reducing(self, element: Element, context: Context) -> Polynomial | None:
        theory = self.theory
        if element.name.startswith("bar("):
            name = theory.variables[element.name].adjoint_of
            if element.times and theory.beyond(element, context):
                return Polynomial()
            if name in theory.lagged and not (element.times and theory.fixed_time(element, context)):
                return None
            return theory.adjoint(element, context)
        if element.name.startswith("path("):
            if context.surely_from(element.times[1], element.times[0] + ONE):
                return Polynomial()
            return None if element.name[5:-1] in theory.lagged else theory.path(element, context)
        if element.name in theory.from_the_start and element.times and context.surely_to(element.times[0], ONE - ONE):
            return Polynomial()
        return None

    def _defining(self, element: Element, context: Context) -> Polynomial | None:
        """What a variable is that is no state and no function: an author may write that for its name."""
        theory = self.theory
        if element.name not in theory.variables or element.name in theory.lagged:
            return None
        node = Variable(element.name, element.times[0] if element.times else None)
        found = theory.defined(node, (*element.indices, None), context)
        # What it sums over keeps clear of what stands around it.
        return None if found is None else Polynomial(tuple(apart(found, frozenset(element.indices))))

    def written_out(self, terms: Polynomial, free: frozenset[str], context: Context) -> Polynomial:
        """The adjoints of states at the earliest time by their equations; those of a step in the order of the sweep.

        Of what runs against time, at the latest.
        """
        theory = self.theory
        times = {
            (atom.name in theory.forwards, atom.times[-1].offset)
            for product, _ in terms.terms
            for atom, _ in product.powers
            if isinstance(atom, Element) and atom.name.startswith(("bar(", "path(")) and atom.times
        }
        if not times:
            return self._totals_written_out(terms, free, context)
        earliest = min((offset for against, offset in times if not against), default=None)
        latest = max((offset for against, offset in times if against), default=None)
        for name in sorted(theory.lagged, key=lambda name: -theory.rank.get(name, 0)):

            def rule(element: Element, inner: Context, name: str = name) -> Polynomial | None:
                where = latest if element.name in theory.forwards else earliest
                if not element.times or element.times[-1].offset != where:
                    return None
                if element.name == f"bar({name})":
                    return theory.adjoint(element, inner)
                return theory.path(element, inner) if element.name == f"path({name})" else None

            terms = self.everywhere(terms, free, context, rule)
            terms = self.everywhere(terms, free, context, self._reducing)
        return terms

    def _totals_written_out(self, terms: Polynomial, free: frozenset[str], context: Context) -> Polynomial:
        """Total derivatives at the latest time by their recurrence."""
        found = [atom.times[0].offset for product, _ in terms.terms for atom, _ in product.powers
                 if isinstance(atom, Element) and atom.name.startswith("total(")]  # fmt: skip
        if not found:
            return terms
        late = max(found)

        def rule(element: Element, inner: Context) -> Polynomial | None:
            latest = element.name.startswith("total(") and element.times[0].offset == late
            return self.theory.total(element, inner) if latest else None

        return self.everywhere(terms, free, context, rule)

    def everywhere(self, terms: Polynomial, free: frozenset[str], context: Context, rule: Rule) -> Polynomial:
        """A rule applied to every element; where it depends on a summed time, the ends of that sum are split off."""
        done: list[Polynomial] = []
        waiting = [Polynomial((term,)) for term in terms.terms]
        while waiting:
            part = waiting.pop()
            self.work += 1
            if self.work > MOST_WORK:
                raise TooLargeError("the proof is too long")
            try:
                done.append(replaced(part, lambda e, p: rule(e, context.within(p)), free))
            except UndecidedError as undecided:
                ((product, number),) = part.terms
                place = next((n for n, (letter, _, _) in enumerate(product.over) if letter == undecided.letter), None)
                if place is None:
                    raise
                waiting += [canonical([(piece, number)], free) for piece in cut_at(product, place, undecided.boundary)]
        return without_ones(added(done))

    def assumed(self, terms: Polynomial, free: frozenset[str]) -> Polynomial:
        """What is assumed put to use: the elements of targets sum to one."""
        if not self.assumption.sum_to_one:
            return terms
        raw = []
        for product, number in terms.terms:
            powers = list(product.powers)
            for atom, power in product.powers:
                alone = isinstance(atom, Element) and atom.name in self.assumption.sum_to_one and power == 1
                if alone and isinstance(atom, Element) and len(atom.indices) == 1 and atom.indices[0] not in free:
                    others = [other for other, _ in powers if other is not atom]
                    if not any(atom.indices[0] in indices_of(other) for other in others):
                        powers.remove((atom, power))
            raw.append((replace(product, powers=tuple(powers)), number))
        return canonical(raw, free)


def cut_at(product: Product, place: int, boundary: Moment) -> list[Product]:
    """A sum in parts: to a boundary, and beyond it; the part near an end is written out."""
    letter, low, high = product.over[place]
    start, end = boundary - low, high - boundary
    if not start.terms and -1 <= start.offset < 8:
        points = [low + Moment((), n) for n in range(start.offset + 1)]
        rest = (letter, boundary + ONE, high)
    elif not end.terms and 0 < end.offset < 8:
        points = [boundary + Moment((), n + 1) for n in range(end.offset)]
        rest = (letter, low, boundary)
    else:
        raise UnprovenError("a sum over time depends on times in its middle")
    over = list(product.over)
    over[place] = rest
    return [*(substituted(product, place, point) for point in points), replace(product, over=tuple(over))]
