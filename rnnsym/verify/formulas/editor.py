"""Every rule together, and those for sums over time and for the right side as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import (
    Bound,
    Diagonal,
    Extreme,
    Moment,
    Negative,
    Node,
    Number,
    Product,
    Sum,
    TimeProduct,
    TimeSum,
    free_letters,
    walk,
)
from rnnsym.verify.formulas.edits import FIRST, Edit, T, negated, put
from rnnsym.verify.formulas.onepath import OnePath
from rnnsym.verify.formulas.trees import Site


class Editor(OnePath):
    """The edits of one equation's right side."""

    def edits(self, site: Site) -> Iterator[Edit]:
        """Every change at a place."""
        for rule in (
            self.times, self.siblings, self.functions, self.transposes, self.numbers, self.kinds, self.summands,
            self.factors, self.divisions, self.order, self.parentheses, self.bounds, self.whole, self.beside_matrices,
            self.whole_functions, self.steps, self.throughout, self.one_path,
        ):  # fmt: skip
            yield from rule(site)
        yield from self.missing_summands(site)
        yield from self.exchanged_summands(site)
        yield from self.exchanged_factors(site)
        yield from self.missing_factors(site)
        yield from self.missing_divisors(site)

    # Sums and products over time

    def bounds(self, site: Site) -> Iterator[Edit]:
        """Ends of a sum or product that are wrong; a sum too many."""
        node = site.node
        match node:
            case TimeSum(index, low, high, operand):
                for other in self._ends(low, site, False):
                    yield self._bounded(site, replace(node, low=other), low, other, "begins", index)
                for other in self._ends(high, site, True):
                    yield self._bounded(site, replace(node, high=other), high, other, "ends", index)
                if index not in free_letters(operand):
                    yield Edit(site.path, put(operand), f"The sum over {index} is superfluous: it counts the same term "
                               "several times.", 1.0, self.say(node), "sum")  # fmt: skip
                if isinstance(operand, TimeSum):
                    for own in self.moments(site):
                        if own.terms:
                            inner = at_times(operand, {index: own})
                            yield Edit(
                                site.path,
                                put(inner),
                                f"The sum over {index} is superfluous.",
                                1.2,
                                self.say(node),
                                "sum",
                            )
                    outer = replace(node, operand=at_times(operand.operand, {operand.index: Moment.of(index)}))
                    sentence = f"The sum over {operand.index} is superfluous: {operand.index} = {index} alone counts."
                    yield Edit(site.path, put(outer), sentence, 1.2, self.say(node), "sum")
                for own in (*self.moments(site), T):
                    if own != Moment.of(index):
                        single = at_times(operand, {index: own})
                        sentence = f"The sum over {index} is superfluous: {index} = {own} alone counts."
                        yield Edit(site.path, put(single), sentence, 1.2, self.say(node), "sum")
            case TimeProduct(index, first, last, descending, operand):
                # Where the order is no matter, authors begin with the earliest.
                verbs = ("ends", "begins") if isinstance(operand, Diagonal) and descending else ("begins", "ends")
                for other in self._ends(first, site, descending):
                    yield self._bounded(site, replace(node, first=other), first, other, verbs[0], index)
                for other in self._ends(last, site, not descending):
                    yield self._bounded(site, replace(node, last=other), last, other, verbs[1], index)
                turned = replace(node, first=last, last=first, descending=not descending)
                yield Edit(site.path, put(turned), f"The factors of the product over {index} stand in the wrong order.",
                           1.0, self.say(node), "order")  # fmt: skip

    def _ends(self, bound: Bound, site: Site, late: bool) -> Iterator[Bound]:
        if isinstance(bound, Extreme):
            yield FIRST if bound.function == "max" else T
            yield from bound.moments
            return
        for shift in (-1, 1, -2, 2):
            yield bound + Moment((), shift)
        own = [Moment.of(letter) for letter in (*site.bound, *free_letters(self.left))]
        for other in (*((T, T - FIRST) if late else (FIRST, Moment((), 0))), *own, *(o + FIRST for o in own)):
            if other != bound:
                yield other

    def _bounded(self, site: Site, new: Node, before: Bound, after: Bound, verb: str, index: str) -> Edit:
        what = "product" if isinstance(site.node, TimeProduct) else "sum"
        sentence = f"The {what} over {index} {verb} at {before}, where it has to {verb[:-1]} at {after}."
        cost = 1.0
        beyond = beyond_ends(after)
        if beyond:  # nothing is there
            cost = 1.1 + 0.1 * beyond
        if isinstance(before, Extreme) and verb == "begins":
            kept = self._kept(before, site)
            cost = 0.9
            sentence = (
                f"This is truncated backpropagation through time: the sum over {index} begins at {before}, so that "
                f"{kept}; it has to begin at {after}."
            )
        elif after in (FIRST, T) and verb != "ends":
            cost = 0.95
        elif (
            isinstance(after, Moment)
            and isinstance(before, Moment)
            and (after - before).terms
            and after not in (FIRST, T)
        ):
            cost = 1.2
        return Edit(site.path, put(new), sentence, cost, self.say(site.node), "bounds")

    def _kept(self, bound: Extreme, site: Site) -> str:
        """How many steps a truncated sum keeps: from t-1 to t are two."""
        node = site.node
        if isinstance(node, TimeSum) and isinstance(node.high, Moment):
            for moment in bound.moments:
                span = node.high - moment
                if not span.terms:
                    count = span.offset + 1
                    plural = "s" * (count != 1)
                    return f"only the last {count} step{plural} are kept ({count} occurrence{plural} of the parameter)"
        return "only the last steps are kept"

    # The whole right side

    def whole(self, site: Site) -> Iterator[Edit]:
        """The sign of everything, a constant factor, a sum over time that was forgotten."""
        node = site.node
        if site.path:
            yield from self._unsummed(site)
            if isinstance(node, Negative):
                yield Edit(site.path, put(node.operand), f"The sign of {self.say(node.operand)} is wrong.", 1.05,
                           self.say(node), "sign")  # fmt: skip
            elif isinstance(site.parent, Product) and not isinstance(node, Number) and isinstance(node, Sum):
                yield Edit(site.path, lambda n: Negative(n, n.shape), f"The sign of {self.say(node)} is wrong.", 1.2,
                           self.say(node), "sign")  # fmt: skip
            return
        yield Edit((), negated, "The sign of the right side is wrong.", 1.0, "", "sign")
        bound = [letter for letter in free_letters(node) if letter not in free_letters(self.left)]
        for letter in bound:
            sentence = f"The sum over {letter} is missing: every step contributes."
            for place, (low, high) in enumerate(self._usual_ends()):
                new = TimeSum(letter, low, high, node, node.shape)
                yield Edit((), put(new), sentence, 0.9 + 0.05 * place, self.say(node), "sum")

    def _unsummed(self, site: Site) -> Iterator[Edit]:
        """A sum over time that one summand lacks."""
        node = site.node
        if not isinstance(site.parent, Sum | Negative) or isinstance(node, Negative | Number):
            return
        for letter in free_letters(node):
            if letter not in (*site.bound, *free_letters(self.left)):
                sentence = f"{self.say(node)} lacks the sum over {letter}: every step contributes."
                for place, (low, high) in enumerate(self._usual_ends()):
                    new = TimeSum(letter, low, high, node, node.shape)
                    yield Edit(site.path, put(new), sentence, 0.9 + 0.05 * place, self.say(node), "sum")

    def _usual_ends(self) -> list[tuple[Bound, Bound]]:
        """The ends of sums over time: the first and last step, and those of the true derivation."""
        true = [] if self.target is None else self.words.true_equations(self.target.name)
        sums = [node for equation in true for node in walk(equation.right) if isinstance(node, TimeSum)]
        return list(dict.fromkeys([(FIRST, T), *((node.low, node.high) for node in sums)]))


def beyond_ends(bound: Bound) -> int:
    """How far an end of a sum lies before step 1 or behind step T."""
    if not isinstance(bound, Moment):
        return 0
    last = bound - T
    return max(0, last.offset if not last.terms else 1 - bound.offset if not bound.terms else 0)
