"""Proofs of claims: every equation, for every length and all sizes.

The claim's own sequences are matched with adjoints of the model by numbers, which proves nothing; then every equation
of the claim, those that define sequences included, is shown to hold with the adjoints put in. A recursion from the last
step backwards has one solution only, and so the sequences *are* these adjoints: induction over t, its base the
equation at T, its step the equation at t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.checks.symbolic import Evaluation
from rnnsym.claims.interpret import Interpreter, drawn_data, targets
from rnnsym.claims.syntax import (
    Claim,
    Derivative,
    Equation,
    Extreme,
    Kind,
    Moment,
    Sequence,
    Variable,
    free_letters,
)
from rnnsym.language.model import Model
from rnnsym.proof.adjoints import UndecidedError
from rnnsym.proof.atoms import Element, Polynomial, Product, Range, TooLargeError, added, indices_of
from rnnsym.proof.leaves import Axes, Meaning, UnprovenError
from rnnsym.proof.matching import matched
from rnnsym.proof.polynomial import apart, canonical, replaced, without_ones
from rnnsym.proof.sums import settled, substituted
from rnnsym.proof.telling import told
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import FIRST, LENGTH, Context
from rnnsym.proof.translate import Translator

ONE = Moment((), 1)
#: How often states' adjoints are written out.
ROUNDS = 1
MOST_CASES = 40
Rule = Callable[[Element, Context], Polynomial | None]
#: Products that rules are applied to, before an attempt is given up.
MOST_WORK = 20_000


@dataclass(frozen=True)
class Assumption:
    """Something that a claim leaves unsaid: `sum_to_one` are inputs whose elements sum to one."""

    sum_to_one: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """One case of an equation's proof: the ranges of its letters, and how often adjoints were written out."""

    ranges: tuple[tuple[str, Moment, Moment], ...]
    written_out: int


@dataclass(frozen=True)
class EquationProof:
    """How an equation was proved."""

    equation: Equation
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Proof:
    """A proof of a claim, for every T from `shortest` on and all sizes.

    meanings: what each of the claim's sequences is. assumption: what the claim leaves unsaid, if anything.
    """

    claim: Claim
    meanings: dict[str, Meaning]
    equations: tuple[EquationProof, ...]
    assumption: Assumption
    shortest: int

    def __str__(self) -> str:
        return "\n".join(told(self))


def prove(claim: Claim, model: Model, theory: Theory | None = None) -> Proof:
    r"""Prove a claim; raises UnprovenError where the proof is not found, which does not say that the claim is wrong.

    theory: of this model, where it is known already.

    >>> from rnnsym.claims.match import read
    >>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
    >>> claim = read(r"\frac{\partial E}{\partial W} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_{t-1}^\top", model)
    >>> prove(claim, model).shortest
    1
    """
    theory = theory or Theory(model)
    problem: Exception | None = None
    # Without targets both are the same, and tried once.
    for assumption in dict.fromkeys((Assumption(), Assumption(targets(model)))):
        for partial in claim.readings:
            try:
                return Prover(theory, claim, partial, assumption).proof()
            except (UnprovenError, TooLargeError, UndecidedError) as error:
                problem = problem or error
    raise UnprovenError(str(problem))


class Prover:
    """One attempt at a claim."""

    def __init__(self, theory: Theory, claim: Claim, partial: Kind, assumption: Assumption) -> None:
        self.work = 0
        self.theory = theory
        self.claim = claim
        self.partial = partial
        self.assumption = assumption
        #: Shorter sequences do not have all the times that the claim speaks of.
        self.shortest = max([theory.shortest, *(told_length(equation) for equation in claim.equations)])
        self.definitions: dict[str, tuple[Equation, ...]] = {}
        for equation in claim.equations:
            if isinstance(equation.left, Sequence):
                found = self.definitions.get(equation.left.name, ())
                self.definitions[equation.left.name] = (*found, equation)

    def proof(self) -> Proof:
        """The proof; raises UnprovenError."""
        model = self.theory.model
        length = max(4, self.shortest)
        data = drawn_data(model, 7, length, bool(self.assumption.sum_to_one))
        numbers = Interpreter(self.claim, model, self.theory.system, data, length, self.partial)
        equations = (*self.theory.system.equations, *self.theory.adjoints)
        derived = Evaluation(model, equations, data.params, data.inputs, length if model.timed else None)
        meanings = matched(self.claim, numbers, derived, self.theory, self.definitions)
        translator = Translator(self.theory, self.definitions, meanings, self.partial, self.claim.layout)
        proofs = []
        for equation in self.claim.equations:
            left = equation.left
            if isinstance(left, Sequence) and left.name not in meanings:
                continue  # what is put in by its definition needs no proof
            proofs.append(EquationProof(equation, tuple(self.equation(equation, translator))))
        if not proofs:
            raise UnprovenError("the claim defines sequences, and says nothing of the model's gradients")
        return Proof(self.claim, meanings, tuple(proofs), self.assumption, self.shortest)

    # Equations

    def equation(self, equation: Equation, translator: Translator) -> Iterator[Case]:
        """Prove one equation, case by case."""
        waiting = list(self.contexts(equation))
        done = 0
        while waiting:
            context = waiting.pop()
            done += 1
            if done > MOST_CASES:
                raise UnprovenError("too many cases")
            try:
                yield Case(context.ranges, self.case(equation, translator, context))
            except UndecidedError as undecided:
                waiting += split(context, undecided)

    def case(self, equation: Equation, translator: Translator, context: Context) -> int:
        """Prove an equation for times in one context; how often adjoints had to be written out."""
        shape = equation.left.shape
        assert shape is not None
        names = iter(("i", "j", "k"))
        axes: Axes = tuple(None if size == 1 else next(names) for size in shape)
        free = frozenset(axis for axis in axes if axis)
        left = self.theory.defined(equation.left, axes, context) if isinstance(equation.left, Variable) else None
        left = translator.node(equation.left, axes, context) if left is None else left
        right = translator.fitted(equation.right, axes, context)
        difference = canonical((left - right).terms, free)
        kinds = {atom.name.partition("(")[0] for product, _ in difference.terms for atom, _ in product.powers
                 if isinstance(atom, Element)}  # fmt: skip
        for kind, value in (("flow", self.theory.by_flow), ("total", self.theory.by_totals)):
            if kind in kinds:

                def rule(
                    element: Element, _: Context, value: Callable[[Element], Polynomial | None] = value
                ) -> Polynomial | None:
                    return value(element) if element.name.startswith("bar(") else None

                difference = self._everywhere(difference, free, context, rule)
        for count in range(ROUNDS + 1):
            difference = self._everywhere(difference, free, context, self._reducing)
            # Written out, sums keep the author's alignment: what stands a step apart must stay so.
            if not self.reduced(difference, free, context):
                return count
            if count < ROUNDS:
                difference = self.written_out(difference, free, context)
            else:
                difference = self._everywhere(difference, free, context, self._defining)
                if not self.reduced(difference, free, context):
                    return count
        raise UnprovenError(f"line {equation.span.line}: both sides could not be shown to be equal")

    def contexts(self, equation: Equation) -> Iterator[Context]:
        """The times for which an equation says something: those of its left side, from 1 to T."""
        nothing = Context((), self.shortest, self.theory.after_the_end)
        told = {found.letter: found for found in equation.ranges}
        ranges: list[tuple[str, Moment, Moment]] = []
        left = equation.left
        letters = list(equation.letters)
        for letter in letters:
            if letter in told:
                low, high = told[letter].low or FIRST, told[letter].high or LENGTH
                if isinstance(low, Extreme) or isinstance(high, Extreme):
                    raise UnprovenError("a range with max or min has no rule")
                ranges.append((letter, low, high))
                continue
            shift = self._shift(left, letter)
            ranges.append((letter, FIRST - shift, LENGTH - shift))
        if isinstance(left, Sequence):
            yield from self._apart_from_particular(left, tuple(ranges), nothing)
        elif isinstance(left, Derivative) and len(letters) == 2 and left.top.time and left.bottom.time:
            top, bottom = letters if left.top.time.letters == {letters[0]} else letters[::-1]
            first = self.theory.first_time(left.bottom.name)
            yield nothing.adding((top, FIRST, LENGTH), (bottom, first, Moment.of(top)))
        elif isinstance(left, Derivative) and len(letters) == 1 and letters[0] not in told:
            yield nothing.adding(self._steps(left, letters[0], ranges[0]))
        else:
            yield nothing.adding(*ranges)

    def _steps(self, left: Derivative, letter: str, otherwise: Range) -> Range:
        """The steps of which a derivative speaks: from the first whose earlier value there is."""
        if left.top.time is None or left.bottom.time is None:
            return otherwise
        early = self.theory.first_time(left.bottom.name) + left.top.time - left.bottom.time
        low = early if early.is_constant and early.offset > 1 else FIRST
        shift = left.top.time - Moment.of(letter)
        return letter, low - shift, LENGTH - shift

    def _shift(self, left: object, letter: str) -> Moment:
        """How far the time of a left side is from its letter."""
        times: list[Moment] = []
        if isinstance(left, Sequence):
            times = list(left.times)
        elif isinstance(left, Variable):
            times = [left.time] if left.time else []
        elif isinstance(left, Derivative):
            times = [variable.time for variable in (left.bottom, left.top) if variable.time]
        for time in times:
            if time == Moment.of(letter, time.offset):
                return Moment((), time.offset)
        return Moment((), 0)

    def _apart_from_particular(
        self, left: Sequence, ranges: tuple[tuple[str, Moment, Moment], ...], nothing: Context
    ) -> Iterator[Context]:
        """A general equation does not speak of the times for which there is a particular one."""
        others = [e.left for e in self.definitions[left.name] if isinstance(e.left, Sequence) and e.left != left]
        for other in others:
            if any(free_letters(other)) or len(left.times) != 1 or not ranges:
                continue
            (point,) = other.times
            letter, low, high = ranges[0]
            shift = left.times[0] - Moment.of(letter)
            if low + shift == point:
                ranges = ((letter, low + ONE, high), *ranges[1:])
            elif high + shift == point:
                ranges = ((letter, low, high - ONE), *ranges[1:])
        diagonal = any(len(set(other.times)) == 1 and len(other.times) == 2 for other in others)
        if diagonal and len(ranges) == 2 and len(left.times) == 2:
            tau, k = left.times
            outer, inner = (ranges[0], ranges[1]) if ranges[0][0] in tau.letters else (ranges[1], ranges[0])
            shift = k - Moment.of(inner[0])
            if tau == Moment.of(outer[0]):
                yield nothing.adding(outer, (inner[0], FIRST - shift, tau - ONE - shift))
                yield nothing.adding(outer, (inner[0], tau + ONE - shift, LENGTH - shift))
                return
        yield nothing.adding(*ranges)

    # Rewriting

    def reduced(self, terms: Polynomial, free: frozenset[str], context: Context) -> Polynomial:
        """Adjoints in terms of those of the states, sums over time in one form, assumptions used."""
        for _ in range(6):
            before = terms
            terms = self._everywhere(terms, free, context, self._reducing)
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

            terms = self._everywhere(terms, free, context, rule)
            terms = self._everywhere(terms, free, context, self._reducing)
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

        return self._everywhere(terms, free, context, rule)

    def _everywhere(self, terms: Polynomial, free: frozenset[str], context: Context, rule: Rule) -> Polynomial:
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


def told_length(equation: Equation) -> int:
    """The length from which on there are the times of a left side: of h[T-1], 2."""
    left = equation.left
    if isinstance(left, Sequence):
        times = left.times
    else:
        known = (left.bottom,) if isinstance(left, Derivative) else (left,) if isinstance(left, Variable) else ()
        times = tuple(variable.time for variable in known if variable.time is not None)
    for found in equation.ranges:  # from T-2 to T-1
        if isinstance(found.low, Moment) and isinstance(found.high, Moment) and found.low.terms == found.high.terms:
            times = (*times, found.low)
    late = (1 - time.offset for time in times if time.terms == LENGTH.terms)
    fixed = (time.offset for time in times if not time.terms)
    return max((*late, *fixed, 1))


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


def split(context: Context, undecided: UndecidedError) -> list[Context]:
    """Two contexts: a free letter up to a boundary, and beyond it."""
    for place, (letter, low, high) in enumerate(context.ranges):
        if letter == undecided.letter:
            one, other = list(context.ranges), list(context.ranges)
            one[place] = (letter, low, undecided.boundary)
            other[place] = (letter, undecided.boundary + ONE, high)
            return [replace(context, ranges=tuple(one)), replace(context, ranges=tuple(other))]
    raise UnprovenError("whether a term counts depends on the length")


__all__ = ["Assumption", "Fraction", "Proof", "prove"]
