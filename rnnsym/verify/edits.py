"""Small changes that put an equation right, each with the mistake that it undoes in words.

An edit is a change at one place of a tree. Which edits there are is a table of rules: each looks at a place and offers
changes. A rule knows no model; it knows how people slip.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.claims.combine import Misfit, chain, hadamard, transpose
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import (
    Bound,
    Call,
    Derivative,
    Diagonal,
    Extreme,
    Kind,
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
    TimeNumber,
    TimeProduct,
    TimeSum,
    Transpose,
    Variable,
    Way,
    free_letters,
    walk,
)
from rnnsym.verify.trees import Path, Site, changed, is_one
from rnnsym.verify.vocabulary import Vocabulary
from rnnsym.verify.writing import Writer

T = Moment.of("T")
FIRST = Moment((), 1)


@dataclass(frozen=True, eq=False)
class Edit:
    """A change at a place, what it undoes in a sentence, and how unusual the slip is: from 1 upwards."""

    path: Path
    change: Callable[[Node], Node]
    sentence: str
    cost: float
    part: str = ""
    kind: str = ""

    def apply(self, root: Node) -> Node:
        return changed(root, self.path, self.change)


def put(node: Node) -> Callable[[Node], Node]:
    """The change that puts a tree in place of what is there."""
    return lambda _: node


class Editor:
    """The edits of one equation's right side.

    left: what the equation is for; target: the variable whose derivative the left side is, if it is one.
    """

    def __init__(self, vocabulary: Vocabulary, writer: Writer, left: Node, target: Variable | None) -> None:
        self.words, self.writer, self.left, self.target = vocabulary, writer, left, target

    def say(self, node: Node) -> str:
        """A part in words: text of formulas reads well in a sentence."""
        return self.writer.show(node)

    def edits(self, site: Site) -> Iterator[Edit]:
        """Every change at a place."""
        for rule in (
            self.times, self.siblings, self.functions, self.transposes, self.numbers, self.kinds, self.summands,
            self.factors, self.order, self.parentheses, self.bounds, self.whole,
        ):  # fmt: skip
            yield from rule(site)
        yield from self.missing_summands(site)
        yield from self.missing_factors(site)

    def moments(self, site: Site) -> list[Moment]:
        """The times that are current at a place: those of the left side, and of the sums around."""
        found: list[Moment] = []
        match self.left:
            case Sequence(_, times):
                found += list(times[-1:]) if len(times) == 2 else list(times)
            case Derivative(_, top, bottom):
                found += [v.time for v in (top, bottom) if v.time is not None]
            case Variable(_, Moment() as time):
                found.append(time)
        found += [Moment.of(letter) for letter in reversed(site.bound)]
        return list(dict.fromkeys(found))

    # Leaves

    def times(self, site: Site) -> Iterator[Edit]:
        """A time off by one or two, or another letter's."""
        node = site.node
        for changed_node, distance in self._retimed(node, site):
            yield Edit(site.path, put(changed_node), f"{self.say(node)} stands where {self.say(changed_node)} is needed.",
                       1.0 + 0.4 * (abs(distance) - 1), self.say(node), "time")  # fmt: skip

    def _retimed(self, node: Node, site: Site) -> Iterator[tuple[Node, int]]:
        shifts = (-1, 1, -2, 2)
        match node:
            case Variable(_, Moment() as time):
                for shift in shifts:
                    yield replace(node, time=time + Moment((), shift)), shift
                for other in self._letters(time, site):
                    yield replace(node, time=other), 2
            case Sequence(_, times) if times:
                for place, time in enumerate(times):
                    options = [(time + Moment((), shift), shift) for shift in shifts]
                    options += [(other, 2) for other in self._letters(time, site)]
                    for other, distance in options:
                        yield replace(node, times=(*times[:place], other, *times[place + 1 :])), distance
            case Derivative(_, top, bottom):
                for which, variable in (("bottom", bottom), ("top", top)):
                    if variable.time is not None:
                        for shift in shifts:
                            moved = replace(variable, time=variable.time + Moment((), shift))
                            yield replace(node, **{which: moved}), shift  # type: ignore[arg-type]
                        for other in self._letters(variable.time, site):
                            yield replace(node, **{which: replace(variable, time=other)}), 2  # type: ignore[arg-type]

    def _letters(self, time: Moment, site: Site) -> Iterator[Moment]:
        """The same distance from another time that is current."""
        own = {*site.bound, *free_letters(self.left), "T"}
        for letter in sorted(time.letters | ({"T"} if dict(time.terms).get("T") else set())):
            for other in sorted(own - {letter}):
                yield time - Moment.of(letter) + Moment.of(other)

    def siblings(self, site: Site) -> Iterator[Edit]:
        """One variable for another of the same shape: W for U, i for f, delta for epsilon."""
        node = site.node
        match node:
            case Variable(_, time):
                shape = node.shape
            case Sequence(_, times) if times:
                shape, time = node.shape, times[-1]
            case Derivative(Kind.TOTAL, top, bottom) if top.shape == SCALAR and bottom.time is not None:
                shape, time = bottom.shape, bottom.time
            case _:
                return
        assert shape is not None
        for other, cost in self._likely(node, shape, time):
            if isinstance(other, Derivative) and isinstance(node, Sequence):
                cost += 0.2  # the author has no name for it
            if other != node and other.shape == node.shape:
                yield Edit(site.path, put(other), f"{self.say(node)} stands where {self.say(other)} is needed.", cost,
                           self.say(node), "sibling")  # fmt: skip

    def _likely(self, node: Node, shape: Shape, time: Moment | None) -> Iterator[tuple[Node, float]]:
        words = self.words
        if time is None:
            for other in words.variables(shape, None):
                yield other, 1.1
            if len(shape) == 2 and shape[0] != shape[1]:
                return
            for other in words.variables(shape, None):
                if other != node:
                    yield transpose(other), 1.9
            return
        is_adjoint = isinstance(node, Derivative) or (isinstance(node, Sequence) and node.name in words.meanings)
        times = node.times if isinstance(node, Sequence) else (time,)
        outer = times[0] if len(times) == 2 else None
        for shift in (0, -1, 1):
            at = time + Moment((), shift)
            cost = 1.1 if not shift else 1.7
            for other in words.sequences(shape, (*times[:-1], at)):
                yield other, cost
            if is_adjoint:
                for name in words.timed:
                    if words.shape(name) == shape:
                        yield words.adjoint(name, at, outer), cost + 0.1
            if not is_adjoint or not shift:
                for other in words.variables(shape, at):
                    yield other, cost + 0.6 * is_adjoint
                for other in words.images(shape, at):
                    yield other, cost + 0.2 + 0.6 * is_adjoint

    # Functions

    def functions(self, site: Site) -> Iterator[Edit]:
        """A function at the wrong argument, left out, or another one; the same for derivatives of functions."""
        node = site.node
        match node:
            case Call(function, operand) if function in self.words.functions:
                yield self._instead(site, operand, 1.2)
                for other in self.words.functions:
                    if other != function:
                        yield self._instead(site, Call(other, operand, node.shape), 1.2)
            case Prime(function, operand):
                for other in self.words.functions:
                    if other != function:
                        yield self._instead(site, Prime(other, operand, node.shape), 1.1)
                yield from self._arguments(site, node)
            case Sum() | Product(Way.HADAMARD):
                yield from self._slopes(site)
        if isinstance(node, Variable | Sequence) and node.shape is not None and not isinstance(site.parent, Call):
            for function in self.words.functions:
                yield self._instead(site, Call(function, node, node.shape), 1.3)

    def _arguments(self, site: Site, node: Prime) -> Iterator[Edit]:
        operand = node.operand
        if not isinstance(operand, Variable) or operand.time is None or node.shape is None:
            return
        for shift in (0, 1, -1):
            time = operand.time + Moment((), shift)
            for other in self.words.variables(node.shape, time):
                if other == operand:
                    continue
                new = Prime(node.function, other, node.shape)
                behind = any(a.argument == getattr(other, "name", "") for a in self.words.activations)
                what = f"the pre-activation {self.say(other)}" if behind else self.say(other)
                sentence = f"The derivative {self.writer.function(node.function)}' is taken at {self.say(operand)} where {what} is needed."
                yield Edit(site.path, put(new), sentence, 1.05 + 0.05 * abs(shift), self.say(node), "argument")

    def _slopes(self, site: Site) -> Iterator[Edit]:
        """The derivative of one activation in place of another's."""
        node = site.node
        shape = node.shape
        if shape is None or shape == SCALAR:
            return
        for time in self.nearby(site):
            for slope in self.words.slopes(shape, time):
                if slope != node and looks_like_slope(node):
                    sentence = (
                        f"{self.say(node)} stands where the derivative of the activation, {self.say(slope)}, is needed."
                    )
                    yield Edit(site.path, put(slope), sentence, self._slope_cost(node, slope), self.say(node), "slope")
        if isinstance(node, Product):
            for first in range(len(node.parts) - 1):
                pair = node.parts[first : first + 2]
                if len(node.parts) > 2 and looks_like_slope(Product(Way.HADAMARD, pair, shape)):
                    for time in self.nearby(site):
                        for slope in self.words.slopes(shape, time):
                            parts = (*node.parts[:first], slope, *node.parts[first + 2 :])
                            wrong = self.say(Product(Way.HADAMARD, pair, shape))
                            sentence = f"{wrong} stands where the derivative of the activation, {self.say(slope)}, is needed."
                            cost = self._slope_cost(Product(Way.HADAMARD, pair, shape), slope)
                            yield Edit(site.path, put(replace(node, parts=parts)), sentence, cost, wrong, "slope")

    def _slope_cost(self, node: Node, slope: Node) -> float:
        """A derivative of the same variable is the likelier one."""
        used = [{part for part in walk(tree) if isinstance(part, Variable)} for tree in (node, slope)]
        return 1.0 if used[0] & used[1] else 1.2

    def nearby(self, site: Site) -> list[Moment]:
        """The times that are current, and one step from them."""
        return [time + Moment((), shift) for time in self.moments(site) for shift in (0, 1, -1)]

    def _instead(self, site: Site, new: Node, cost: float) -> Edit:
        sentence = f"{self.say(site.node)} stands where {self.say(new)} is needed."
        return Edit(site.path, put(new), sentence, cost, self.say(site.node), "function")

    # Matrices

    def transposes(self, site: Site) -> Iterator[Edit]:
        """A transpose too many or too few, where the shapes allow both."""
        node = site.node
        square = node.shape is not None and len(node.shape) == 2 and node.shape[0] == node.shape[1]
        if not square or node.shape == SCALAR or isinstance(site.parent, Transpose) or isinstance(node, Diagonal):
            return
        if isinstance(node, Product) and site.path:
            return
        new = transpose(node)
        if isinstance(node, Transpose):
            sentence = f"{self.say(new)} must not be transposed here."
        elif site.path:
            sentence = f"{self.say(node)} must be transposed here: {self.say(new)}."
        else:
            sentence = "The whole right side is transposed: its factors stand in the other order and transposed."
        yield Edit(site.path, transpose, sentence, 1.0 if site.path else 1.2, self.say(node), "transpose")

    def order(self, site: Site) -> Iterator[Edit]:
        """Neighbours in a matrix product that changed places."""
        node = site.node
        if not isinstance(node, Product) or node.way is not Way.MATRIX:
            return
        for first in range(len(node.parts) - 1):
            parts = list(node.parts)
            if any(part.shape is None or len(part.shape) != 2 for part in parts[first : first + 2]):
                continue
            parts[first], parts[first + 1] = parts[first + 1], parts[first]
            new = fitting(parts, node.shape)
            one, other = self.say(node.parts[first]), self.say(node.parts[first + 1])
            if new is not None:
                yield Edit(site.path, put(new), f"The factors {one} and {other} stand in the wrong order.", 1.0,
                           self.say(node), "order")  # fmt: skip
            turned = fitting([transpose(p) if n in (first, first + 1) else p for n, p in enumerate(parts)], node.shape)
            if turned is not None:
                yield Edit(
                    site.path, put(turned),
                    f"{one} {other} is transposed: {self.say(turned)} is needed.", 1.1, self.say(node), "order",
                )  # fmt: skip

    # Numbers

    def numbers(self, site: Site) -> Iterator[Edit]:
        """A wrong constant or exponent."""
        node = site.node
        match node:
            case Number(value):
                for other in dict.fromkeys((value * 2, value / 2, -value, value + 1, value - 1, Fraction(1), Fraction(2))):
                    if other != value and other:
                        new = Number(other, node.shape)
                        yield Edit(site.path, put(new), f"The number {self.say(node)} has to be {self.say(new)}.", 1.2,
                                   self.say(node), "number")  # fmt: skip
            case Power(base, Fraction() as exponent, False):
                for step in (-1, 1):
                    new_power: Node = Power(base, exponent + step, False, node.shape) if exponent + step != 1 else base
                    if exponent + step:
                        yield Edit(site.path, put(new_power), f"{self.say(node)} stands where {self.say(new_power)} is needed.",
                                   1.2, self.say(node), "power")  # fmt: skip
            case Power(base, Moment() as exponent, matrix):
                for step in (-1, 1):
                    new_power = Power(base, exponent + Moment((), step), matrix, node.shape)
                    yield Edit(site.path, put(new_power), f"The power of {self.say(base)} is off by one: "
                               f"{exponent} stands where {exponent + Moment((), step)} is needed.", 1.0, self.say(node), "power")  # fmt: skip
            case Quotient(top, bottom):
                if node.shape == top.shape:
                    yield Edit(site.path, put(top), f"The division by {self.say(bottom)} is superfluous.", 1.1,
                               self.say(node), "factor")  # fmt: skip

    # Kinds of derivatives

    def kinds(self, site: Site) -> Iterator[Edit]:
        """Total for immediate, and the reverse."""
        node = site.node
        if not isinstance(node, Derivative) or node.top.shape == SCALAR:
            return
        top, bottom = self.say(node.top), self.say(node.bottom)
        if node.kind is not Kind.IMMEDIATE:
            new = replace(node, kind=Kind.IMMEDIATE)
            sentence = (
                f"The derivative of {top} by {bottom} is the total one here, where the immediate one is needed, which "
                f"holds earlier states fixed: as it stands, earlier steps are counted more than once."
            )
            yield Edit(site.path, put(new), sentence, 0.9, self.say(node), "kind")
        if node.kind is not Kind.TOTAL:
            new = replace(node, kind=Kind.TOTAL)
            sentence = (
                f"The derivative of {top} by {bottom} is the immediate one here, where the total one is needed: the "
                f"paths through earlier steps are missing."
            )
            yield Edit(site.path, put(new), sentence, 1.0, self.say(node), "kind")

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
                yield Edit(site.path, dropped(place), f"The summand {self.say(part)} is superfluous.", 1.05, self.say(part),
                           "superfluous")  # fmt: skip

    def missing_summands(self, site: Site) -> Iterator[Edit]:
        """A term of the true derivation that is not there: a path that was forgotten."""
        node = site.node
        if node.shape is None or node.shape == SCALAR or isinstance(site.parent, Sum) or not self._holds_terms(site):
            return
        seen: set[Node] = set()
        for time in self.nearby(site):
            outer = self.left.times[0] if isinstance(self.left, Sequence) and len(self.left.times) == 2 else None
            for term in self.words.terms(node.shape, time, outer):
                if term in seen:
                    continue
                seen.add(term)
                for sign in (1, -1):
                    yield self._added(site, term, sign, time)

    def _holds_terms(self, site: Site) -> bool:
        """Whether a place could hold a sum of terms: not inside a power, function or diagonal."""
        return not any(isinstance(node, Power | Call | Prime | Diagonal | Derivative) for node in (*site.around, site.node))

    def _added(self, site: Site, term: Node, sign: int, time: Moment) -> Edit:
        node = site.node
        part = term if sign > 0 else Negative(term, term.shape)

        def change(found: Node) -> Node:
            parts = found.parts if isinstance(found, Sum) else (found,)
            return Sum((*parts, part), found.shape)

        shown = self.say(term) if sign > 0 else f"-{self.writer.within(term, 2)}"
        path = self.path_of(term, site) if not site.path else ""
        sentence = f"The summand {shown} is missing{': ' + path if path else ''}."
        unnamed = any(isinstance(part, Derivative) for part in walk(term)) and bool(self.words.meanings)
        around = any(isinstance(part, Product) and part.way is Way.MATRIX for part in site.around)
        cost = 1.0 + 0.15 * (sign < 0) + 0.1 * bool(site.path) + 0.2 * unnamed + 0.2 * around
        return Edit(site.path, change, sentence, cost, self.say(node), "missing")

    def path_of(self, term: Node, site: Site) -> str:
        """The edge of the graph that a term goes along: from the variable that the equation is for to a later one."""
        if self.target is None:
            return ""
        from rnnsym.verify.explain import path

        return path(term, self.target, self.left, self.words)

    # Products

    def factors(self, site: Site) -> Iterator[Edit]:
        """A factor too many."""
        node = site.node
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

    def missing_factors(self, site: Site) -> Iterator[Edit]:
        """A factor that is not there: a gate, an activation's derivative, a matrix."""
        node, shape = site.node, site.node.shape
        if shape is None or shape == SCALAR or len(shape) != 2 or not self._holds_terms(site):
            return
        if isinstance(site.parent, Product) and site.parent.way is Way.HADAMARD:
            return
        inside = site.parent.parts if isinstance(site.parent, Sum) else ()
        if isinstance(node, Negative) or any(part.shape == SCALAR for part in inside):
            return
        if SCALAR[0] in shape:
            seen: set[Node] = set()
            for time in self.nearby(site):
                for factor, cost, what in self._elementwise(shape, time):
                    if factor in seen:
                        continue
                    seen.add(factor)
                    yield Edit(site.path, times_factor(factor), f"{self._lacks(site)} lacks {what}{self.say(factor)}.",
                               cost, self.say(node), "missing factor")  # fmt: skip
        for other in self.words.variables((shape[0], shape[0]), None):
            for matrix in (transpose(other), other):
                new = fitting([matrix, node], shape)
                if new is not None and shape[0] != SCALAR[0]:
                    yield Edit(site.path, put(new), f"{self._lacks(site)} lacks the factor {self.say(matrix)}.", 1.3,
                               self.say(node), "missing factor")  # fmt: skip

    def _lacks(self, site: Site) -> str:
        if not site.path:
            return "The right side"
        if isinstance(site.parent, Sum):
            place = ("first", "second", "third", "fourth", "fifth", "sixth")
            number = site.path[-1]
            which = place[number] if number < len(place) else "last"
            return f"The {which} summand, {self.say(site.node)},"
        return self.say(site.node)

    def _elementwise(self, shape: Shape, time: Moment) -> Iterator[tuple[Node, float, str]]:
        for factor in self.words.slopes(shape, time):
            yield factor, 1.1, "the activation's derivative "
        for factor in self.words.variables(shape, time):
            yield factor, 1.15, "the factor "
        for factor in self.words.complements(shape, time):
            yield factor, 1.15, "the factor "
        for factor in self.words.images(shape, time):
            yield factor, 1.25, "the factor "

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
            for kept, common in ((inner.parts[:start], inner.parts[start:]), (inner.parts[start:], inner.parts[:start])):
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
                others = "first summand lacks" if place and len(parts) == 2 else "other summands lack" if len(parts) > 2 else "second summand lacks"
                yield Edit(site.path, put(new), f"The {others} {shown}: parentheses are missing, so that it multiplies one "
                           f"summand only.", 1.0, self.say(site.node), "parentheses")  # fmt: skip

    def _pushed_in(self, site: Site, parts: tuple[Node, ...], place: int, part: Sum) -> Iterator[Edit]:
        others = [other for number, other in enumerate(parts) if number != place]
        for chosen in range(len(part.parts)):
            terms = [
                hadamard([t, *others]) if number == chosen else t for number, t in enumerate(part.parts)
            ]
            if any(term.shape != site.node.shape for term in terms):
                continue
            new = Sum(tuple(terms), site.node.shape)
            shown = " ⊙ ".join(self.writer.within(c, 3) for c in others)
            yield Edit(site.path, put(new), f"{shown} multiplies the whole sum, where it belongs to "
                       f"{self.say(part.parts[chosen])} alone.", 1.1, self.say(site.node), "parentheses")  # fmt: skip

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
                            inner = replace_letter(operand, index, own)
                            yield Edit(site.path, put(inner), f"The sum over {index} is superfluous.", 1.2, self.say(node), "sum")
                    outer = replace(node, operand=replace_letter(operand.operand, operand.index, Moment.of(index)))
                    yield Edit(site.path, put(outer), f"The sum over {operand.index} is superfluous: {operand.index} = {index} alone counts.",
                               1.2, self.say(node), "sum")  # fmt: skip
                for own in self.moments(site):
                    if own != Moment.of(index):
                        single = replace_letter(operand, index, own)
                        yield Edit(site.path, put(single), f"The sum over {index} is superfluous: {index} = {own} alone counts.",
                                   1.2, self.say(node), "sum")  # fmt: skip
            case TimeProduct(index, first, last, descending, operand):
                for other in self._ends(first, site, descending):
                    yield self._bounded(site, replace(node, first=other), first, other, "begins", index)
                for other in self._ends(last, site, not descending):
                    yield self._bounded(site, replace(node, last=other), last, other, "ends", index)
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
        if after == Moment((), 0):
            cost = 1.15
        if isinstance(before, Extreme) and verb == "begins":
            kept = self._kept(before, site)
            cost = 0.9
            sentence = (
                f"This is truncated backpropagation through time: the sum over {index} begins at {before}, so that "
                f"{kept}; it has to begin at {after}."
            )
        elif after in (FIRST, T) and verb != "ends":
            cost = 0.95
        elif isinstance(after, Moment) and isinstance(before, Moment) and (after - before).terms and after not in (FIRST, T):
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
                    return f"only the last {count} steps are kept ({count} occurrence{'s' * (count != 1)} of the parameter)"
        return "only the last steps are kept"

    # The whole right side

    def whole(self, site: Site) -> Iterator[Edit]:
        """The sign of everything, a constant factor, a sum over time that was forgotten."""
        node = site.node
        if site.path:
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
            new = TimeSum(letter, FIRST, T, node, node.shape)
            yield Edit((), put(new), f"The sum over {letter} is missing: every step contributes.", 0.9, self.say(node), "sum")


def constant_edit(number: Fraction, power: int) -> Edit:
    """The right side multiplied by a number and a power of T."""
    length: Node = TimeNumber(T, SCALAR)
    factor: Node = Number(number, SCALAR)
    if power:
        length = length if power > 0 else Quotient(Number(Fraction(1), SCALAR), length, SCALAR)
        factor = length if number == 1 else Product(Way.SCALAR, (factor, length), SCALAR)
    shown = ("" if number == 1 and power else str(number)) + ("" if not power else " T" if power > 0 else "/T")
    if power and number == 1:
        shown = "T" if power > 0 else "1/T"
    which = {1: ": it is a mean over time where the sum is needed", -1: ": it is a sum over time where the mean is needed"}
    if number == -1 and not power:
        return Edit((), negated, "The sign of the right side is wrong.", 1.0, "", "constant")
    sentence = f"The right side has to be multiplied by {shown.strip()}{which.get(power, '')}."
    return Edit((), times_number(factor), sentence, 1.1, "", "constant")


# Changes


def negated(node: Node) -> Node:
    return node.operand if isinstance(node, Negative) else Negative(node, node.shape)


def flipped(place: int) -> Callable[[Node], Node]:
    """A sum with one sign turned."""

    def change(node: Node) -> Node:
        assert isinstance(node, Sum)
        return replace(node, parts=(*node.parts[:place], negated(node.parts[place]), *node.parts[place + 1 :]))

    return change


def without(node: Sum, place: int) -> Node | None:
    """A sum without one of its parts."""
    parts = tuple(part for number, part in enumerate(node.parts) if number != place)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else replace(node, parts=parts)


def dropped(place: int) -> Callable[[Node], Node]:
    def change(node: Node) -> Node:
        assert isinstance(node, Sum)
        found = without(node, place)
        assert found is not None
        return found

    return change


def times_factor(factor: Node) -> Callable[[Node], Node]:
    """An elementwise factor more; in a product that is elementwise already it joins the others."""

    def change(node: Node) -> Node:
        parts = node.parts if isinstance(node, Product) and node.way is Way.HADAMARD else (node,)
        return Product(Way.HADAMARD, (*parts, factor), node.shape)

    return change


def times_number(number: Node) -> Callable[[Node], Node]:
    """A constant factor; with one that is there already it makes one number, and none where that is one."""

    def change(node: Node) -> Node:
        shorter = cancelled(node, number)
        return Product(Way.SCALAR, (number, node), node.shape) if shorter is None else shorter

    return change


def cancelled(node: Node, number: Node) -> Node | None:
    """A tree times a number, where that can be put together with a number in it."""
    match node, number:
        case Number(value), Number(other):
            return Number(value * other, node.shape)
        case Quotient(Number(value), TimeNumber()), TimeNumber() if node.bottom == number:
            return Number(value, SCALAR)
        case TimeNumber(), Quotient(Number(value), TimeNumber()) if number.bottom == node:
            return Number(value, SCALAR)
        case Quotient(top, bottom), TimeNumber() if bottom == number:
            return top
        case Quotient(Number(value), Number(below)), Number(other):
            return Number(value / below * other, node.shape)
        case Negative(operand) | TimeSum(_, _, _, operand), _:
            inner = cancelled(operand, number)
            return None if inner is None else replace(node, operand=inner)  # type: ignore[type-var]
        case Product(way, parts), _:
            for place, part in enumerate(parts):
                inner = cancelled(part, number)
                if inner is None:
                    continue
                kept = (*parts[:place], *(() if is_one(inner) else (inner,)), *parts[place + 1 :])
                if not kept:
                    return inner
                return kept[0] if len(kept) == 1 else Product(way, kept, node.shape)
    return None


def replace_letter(node: Node, letter: str, moment: Moment) -> Node:
    from rnnsym.verify.trees import shifted

    return shifted(node, letter, moment)


def fitting(parts: list[Node], shape: Shape | None, way: Way = Way.MATRIX) -> Node | None:
    """The product of these, where their shapes fit and give this one."""
    if not parts:
        return None
    try:
        found = hadamard(parts) if way is Way.HADAMARD and len(parts) > 1 else chain(parts)
    except Misfit:
        return None
    return found if found.shape == shape else None


def looks_like_slope(node: Node) -> bool:
    """Whether a part could be an activation's derivative: 1 - h**2, z * (1 - z), 1 - z."""
    match node:
        case Sum((first, Negative())):
            return is_one(first)
        case Product(Way.HADAMARD, (first, Sum((one, Negative())))):
            return is_one(one) and isinstance(first, Variable | Call)
        case Product(Way.HADAMARD, (Sum((one, Negative())), first)):
            return is_one(one) and isinstance(first, Variable | Call)
    return False
