"""Slips in what is added and multiplied: summands and factors that are missing, superfluous or in the wrong place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from rnnsym.claims.combine import Misfit, hadamard, quotient, transpose
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import (
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Moment,
    Negative,
    Node,
    Number,
    Power,
    Prime,
    Product,
    Quotient,
    Sequence,
    Shape,
    Sum,
    TimeSum,
    Transpose,
    Variable,
    Way,
    walk,
)
from rnnsym.verify.formulas.edits import Edit, dropped, fitting, flipped, put, times_factor, without
from rnnsym.verify.formulas.explain import path
from rnnsym.verify.formulas.slips import Slips
from rnnsym.verify.formulas.trees import Site


class Terms(Slips):
    """The rules for sums and products."""

    # Sums

    def summands(self, site: Site) -> Iterator[Edit]:
        """A summand with the wrong sign, or one too many."""
        node = site.node
        if not isinstance(node, Sum):
            return
        for place, part in enumerate(node.parts):
            inner = part.operand if isinstance(part, Negative) else part
            turned = inner if isinstance(part, Negative) else Negative(part, part.shape)
            parts = (*node.parts[:place], turned, *node.parts[place + 1 :])
            new = replace(node, parts=parts)
            sentence = f"The sign of {self.say(inner)} is wrong: {self.say(new)} is needed."
            yield Edit(site.path, flipped(place), sentence, 1.0, self.say(part), "sign")
            rest = without(node, place)
            if rest is not None and rest.shape == node.shape:
                sentence = f"The summand {self.say(part)} is superfluous."
                yield Edit(site.path, dropped(place), sentence, 1.05, self.say(part), "superfluous")

    def missing_summands(self, site: Site) -> Iterator[Edit]:
        """A term of the true derivation that is not there: a path that was forgotten."""
        node = site.node
        if node.shape is None or self.too_small(node.shape) or not self._holds_terms(site):
            return
        if isinstance(site.parent, Sum | Negative):
            return
        seen: set[Node] = set()
        for term in self._sums_over_time(site):
            negative = isinstance(term, Negative)
            yield self._added(site, term.operand if isinstance(term, Negative) else term, -1 if negative else 1)
        for time in self.nearby(site):
            outer = self.left.times[0] if isinstance(self.left, Sequence) and len(self.left.times) == 2 else None
            for term in self.words.terms(node.shape, time, outer):
                if term in seen:
                    continue
                seen.add(term)
                for sign in (1, -1):
                    yield self._added(site, term, sign)

    def _sums_over_time(self, site: Site) -> Iterator[Node]:
        """The sums over time that the whole right side has beside other summands."""
        if site.path or self.target is None:
            return
        present = site.node.parts if isinstance(site.node, Sum) else (site.node,)
        for equation in self.words.true_equations(self.target.name):
            parts = equation.right.parts if isinstance(equation.right, Sum) else ()
            for part in parts:
                inner = part.operand if isinstance(part, Negative) else part
                if any(isinstance(node, TimeSum) for node in walk(inner)) and part not in present:
                    yield part

    def exchanged_summands(self, site: Site) -> Iterator[Edit]:
        """A summand in place of another one."""
        node = site.node
        if not isinstance(site.parent, Sum) or node.shape is None or self.too_small(node.shape):
            return
        inner = node.operand if isinstance(node, Negative) else node
        present = set(site.parent.parts)
        for time in [*self.moments(site), *self.timeless]:
            for term in self.words.terms(node.shape, time):
                new = Negative(term, term.shape) if isinstance(node, Negative) else term
                if new not in present and term != inner:
                    sentence = f"The summand {self.say(inner)} stands where {self.say(term)} is needed."
                    yield Edit(site.path, put(new), sentence, 1.4, self.say(inner), "summand")

    def _holds_terms(self, site: Site) -> bool:
        """Whether a place could hold a sum of terms: not inside a power, function or diagonal."""
        return not any(isinstance(node, Power | Call | Prime | Diagonal) for node in site.around)

    def _added(self, site: Site, term: Node, sign: int) -> Edit:
        node = site.node
        part = term if sign > 0 else Negative(term, term.shape)

        def change(found: Node) -> Node:
            if isinstance(found, Negative) and sign > 0:
                return Sum((part, found), found.shape)
            parts = found.parts if isinstance(found, Sum) else (found,)
            return Sum((*parts, part), found.shape)

        shown = self.say(term) if sign > 0 else f"-{self.writer.within(term, 2)}"
        path = self.path_of(term, site) if not site.path else ""
        sentence = f"The summand {shown} is missing{': ' + path if path else ''}."
        unnamed = any(isinstance(part, Derivative) for part in walk(term)) and bool(self.words.meanings)
        around = any(isinstance(part, Product) and part.way is Way.MATRIX for part in site.around)
        present = any(part == term for part in walk(node))  # once more what is there already
        apart = False  # it may stand beside one factor instead
        if isinstance(node, Product) and isinstance(term, Product) and node.way is term.way is Way.HADAMARD:
            apart = bool({*node.parts} & {*term.parts})
        cost = (
            1.0
            + 0.15 * apart
            + 0.3 * present
            + 0.15 * (sign < 0)
            + 0.1 * bool(site.path)
            + 0.2 * unnamed
            + 0.2 * around
        )
        return Edit(site.path, change, sentence, cost, self.say(node), "missing")

    def path_of(self, term: Node, site: Site) -> str:
        """The edge of the graph that a term goes along: from the variable that the equation is for to a later one."""
        if self.target is None:
            return ""
        return path(term, self.target, self.left, self.words)

    # Products

    def factors(self, site: Site) -> Iterator[Edit]:
        """A factor too many."""
        node = site.node
        if isinstance(node, Contraction):
            yield from self._numbers_beside(site, node)
        if not isinstance(node, Product):
            return
        for place, part in enumerate(node.parts):
            rest = tuple(other for number, other in enumerate(node.parts) if number != place)
            new = fitting(list(rest), node.shape, node.way)
            if new is not None:
                cost = 0.95 if part.shape == SCALAR else 1.1
                yield Edit(site.path, put(new), f"The factor {self.say(part)} is superfluous.", cost, self.say(part),
                           "superfluous")  # fmt: skip
        if len(node.parts) > 2:
            for one, other in itertools.combinations(range(len(node.parts)), 2):
                rest = tuple(part for number, part in enumerate(node.parts) if number not in (one, other))
                new = fitting(list(rest), node.shape, node.way)
                if new is not None:
                    first, second = self.say(node.parts[one]), self.say(node.parts[other])
                    yield Edit(site.path, put(new), f"The factors {first} and {second} are superfluous.", 2.2,
                               self.say(node), "superfluous")  # fmt: skip

    def _numbers_beside(self, site: Site, node: Contraction) -> Iterator[Edit]:
        """A number too many among the elements of a contraction."""
        for place, own in enumerate(node.letters):
            if not own:
                says = f"The factor {self.say(node.parts[place])} is superfluous."
                parts, letters = list(node.parts), list(node.letters)
                del parts[place], letters[place]
                new = replace(node, parts=tuple(parts), letters=tuple(letters))
                yield Edit(site.path, put(new), says, 0.95, self.say(node.parts[place]), "superfluous")

    def divisions(self, site: Site) -> Iterator[Edit]:
        """A division that is superfluous, the wrong way round, or in place of a product; and the reverse."""
        node, options = site.node, []
        match node:
            case Quotient(top, bottom):
                options = [
                    (top, f"The division by {self.say(bottom)} is superfluous.", 1.1),
                    (joined((top, bottom)), f"{self.say(bottom)} divides where it has to multiply.", 1.1),
                    (divided(bottom, top), f"The fraction {self.say(node)} is upside down.", 1.1),
                ]
            case Product(Way.HADAMARD | Way.SCALAR, parts):
                for place, part in enumerate(parts):
                    rest = joined((*parts[:place], *parts[place + 1 :]))
                    says = f"{self.say(part)} multiplies where it has to divide."
                    options.append((None if rest is None else divided(rest, part), says, 1.3))
        for new, says, cost in options:
            if new is not None and new.shape == node.shape:
                yield Edit(site.path, put(new), says, cost, self.say(node), "division")

    def missing_divisors(self, site: Site) -> Iterator[Edit]:
        """A division of the true derivation that is not there."""
        node = site.node
        if isinstance(node, Negative | Sum) or self.too_small(node.shape) or not self._holds_terms(site):
            return
        if isinstance(site.parent, Product | Quotient | Transpose):  # it belongs to the whole term
            return
        for time in self.nearby(site):
            for divisor in self.words.true_divisors(time):
                new = divided(node, divisor)
                if new is not None and new.shape == node.shape:
                    says = f"{self._lacks(site)} lacks the division by {self.say(divisor)}."
                    yield Edit(site.path, put(new), says, 1.15, self.say(node), "missing factor")

    def exchanged_factors(self, site: Site) -> Iterator[Edit]:
        """A compound factor in place of one of the true derivation's."""
        node, parent = site.node, site.parent
        if not isinstance(parent, Product) or parent.way is not Way.HADAMARD or node.shape is None:
            return
        if isinstance(node, Variable | Sequence | Derivative | Number):
            return
        for time in [*self.moments(site), *self.timeless]:
            for factor in self.words.true_factors(node.shape, time):
                if factor != node:
                    sentence = f"The factor {self.say(node)} stands where {self.say(factor)} is needed."
                    yield Edit(site.path, put(factor), sentence, 1.3, self.say(node), "slope")

    def missing_factors(self, site: Site) -> Iterator[Edit]:
        """A factor that is not there: a gate, an activation's derivative, a matrix."""
        node, shape = site.node, site.node.shape
        if shape is None or self.too_small(shape) or len(shape) != 2 or not self._holds_terms(site):
            return
        if isinstance(site.parent, Product) and site.parent.way is Way.HADAMARD:
            return
        inside = site.parent.parts if isinstance(site.parent, Sum) else ()
        if isinstance(node, Negative) or any(part.shape == SCALAR for part in inside):
            return
        seen: set[Node] = set()
        for time in self.nearby(site):
            for factor, cost, what in self._elementwise(shape, time):
                if factor in seen:
                    continue
                seen.add(factor)
                yield Edit(site.path, times_factor(factor), f"{self._lacks(site)} lacks {what}{self.say(factor)}.",
                           cost, self.say(node), "missing factor")  # fmt: skip
        for time in [] if shape == SCALAR else self._current(site):
            for number in (*self.words.variables(SCALAR, time), *self.words.adjoints(SCALAR, time)):
                scaled = Product(Way.SCALAR, (number, node), shape)
                cost = 1.2 + 0.1 * any(part == number for part in walk(node))
                yield Edit(site.path, put(scaled), f"{self._lacks(site)} lacks the factor {self.say(number)}.", cost,
                           self.say(node), "missing factor")  # fmt: skip
        for other in self.words.variables((shape[0], shape[0]), None):
            for matrix in (transpose(other), other):
                new = fitting([matrix, node], shape)
                if new is not None and shape[0] != SCALAR[0]:
                    yield Edit(site.path, put(new), f"{self._lacks(site)} lacks the factor {self.say(matrix)}.", 1.3,
                               self.say(node), "missing factor")  # fmt: skip

    def _current(self, site: Site) -> list[Moment | None]:
        return [*self.moments(site), None]

    def _lacks(self, site: Site) -> str:
        if not site.path:
            return "The right side"
        if isinstance(site.parent, Sum):
            place = ("first", "second", "third", "fourth", "fifth", "sixth")
            number = site.path[-1]
            which = place[number] if number < len(place) else "last"
            return f"The {which} summand, {self.say(site.node)},"
        return self.say(site.node)

    def _elementwise(self, shape: Shape, time: Moment | None) -> Iterator[tuple[Node, float, str]]:
        for factor in self.words.slopes(shape, time):
            yield factor, 1.1, "the activation's derivative "
        for factor in self.words.factors(shape, time):
            yield factor, 1.15, "the factor "
        for factor in self.words.true_factors(shape, time):
            yield factor, 1.15, "the factor "
        for factor in self.words.complements(shape, time):
            yield factor, 1.15, "the factor "
        for factor in self.words.images(shape, time):
            yield factor, 1.25, "the factor "
        for factor in self.words.variables(shape, None):
            yield factor, 1.2, "the factor "
        for factor in self.words.adjoints(shape, time):
            yield factor, 1.2 + 0.2 * isinstance(factor, Derivative), "the factor "

    # Parentheses

    def parentheses(self, site: Site) -> Iterator[Edit]:
        """A factor that stands by one summand and belongs to all, or the reverse."""
        node = site.node
        match node:
            case Sum(parts):
                for place, part in enumerate(parts):
                    yield from self._pulled_out(site, parts, place, part)
            case Product(way, parts) if way in (Way.HADAMARD, Way.SCALAR):
                for place, part in enumerate(parts):
                    if isinstance(part, Sum) and len(part.parts) > 1 and part.shape == node.shape:
                        yield from self._pushed_in(site, parts, place, part)

    def _pulled_out(self, site: Site, parts: tuple[Node, ...], place: int, part: Node) -> Iterator[Edit]:
        sign = isinstance(part, Negative)
        inner = part.operand if isinstance(part, Negative) else part
        if not isinstance(inner, Product) or inner.way is Way.MATRIX or len(inner.parts) < 2:
            return
        count = len(inner.parts)
        for start in range(1, count):
            for kept, common in (
                (inner.parts[:start], inner.parts[start:]),
                (inner.parts[start:], inner.parts[:start]),
            ):
                rest = fitting(list(kept), inner.shape, inner.way)
                if rest is None or any(isinstance(c, Number) for c in common):
                    continue
                terms = (*parts[:place], Negative(rest, rest.shape) if sign else rest, *parts[place + 1 :])
                total = Sum(terms, site.node.shape)
                try:
                    new = hadamard((total, *common)) if common is inner.parts[start:] else hadamard((*common, total))
                except Misfit:
                    continue
                if new.shape != site.node.shape:
                    continue
                shown = " ⊙ ".join(self.writer.within(c, 3) for c in common)
                others = (
                    "first summand lacks"
                    if place and len(parts) == 2
                    else "other summands lack"
                    if len(parts) > 2
                    else "second summand lacks"
                )
                sentence = f"The {others} {shown}: parentheses are missing, so that it multiplies one summand only."
                yield Edit(site.path, put(new), sentence, 1.0, self.say(site.node), "parentheses")

    def _pushed_in(self, site: Site, parts: tuple[Node, ...], place: int, part: Sum) -> Iterator[Edit]:
        others = [other for number, other in enumerate(parts) if number != place]
        for chosen in range(len(part.parts)):
            terms = [hadamard([t, *others]) if number == chosen else t for number, t in enumerate(part.parts)]
            if any(term.shape != site.node.shape for term in terms):
                continue
            new = Sum(tuple(terms), site.node.shape)
            shown = " ⊙ ".join(self.writer.within(c, 3) for c in others)
            yield Edit(site.path, put(new), f"{shown} multiplies the whole sum, where it belongs to "
                       f"{self.say(part.parts[chosen])} alone.", 1.1, self.say(site.node), "parentheses")  # fmt: skip


def joined(parts: tuple[Node, ...]) -> Node | None:
    """An elementwise product, without products in it."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Product) and part.way is Way.HADAMARD else [part]
    try:
        return hadamard(flat)
    except Misfit:
        return None


def divided(top: Node, bottom: Node) -> Node | None:
    """A fraction of what fits."""
    try:
        return quotient(top, bottom)
    except Misfit:
        return None
