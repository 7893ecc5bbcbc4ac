"""Slips of one symbol: a time, a name, a function, a transpose, a number, a kind of derivative.

Each rule looks at a place in an equation and offers changes that would put it right, each with the slip that it undoes
in words. A rule knows no model; it knows how people slip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from rnnsym.claims.combine import transpose
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Diagonal,
    Kind,
    Moment,
    Node,
    Number,
    Power,
    Prime,
    Product,
    Sequence,
    Shape,
    Sum,
    Transpose,
    Variable,
    Way,
    free_letters,
    walk,
)
from rnnsym.verify.formulas.edits import Edit, fitting, looks_like_slope, put, turned
from rnnsym.verify.formulas.trees import Site
from rnnsym.verify.formulas.vocabulary import Vocabulary
from rnnsym.verify.formulas.writing import Writer


def times_of(leaf: Variable | Sequence) -> tuple[Moment, ...]:
    """The times of a leaf."""
    if isinstance(leaf, Sequence):
        return leaf.times
    return () if leaf.time is None else (leaf.time,)


class Slips:
    """What the rules know of an equation whose right side is to be put right.

    left: what the equation is for; target: the variable whose derivative the left side is, if it is one.
    """

    def __init__(self, vocabulary: Vocabulary, writer: Writer, left: Node, target: Variable | None) -> None:
        self.words, self.writer, self.left, self.target = vocabulary, writer, left, target

    def say(self, node: Node) -> str:
        """A part in words: text of formulas reads well in a sentence."""
        return self.writer.show(node)

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
        if not found:  # outside all sums in an equation for a parameter: the times that stand there
            leaves = [node for node in walk(site.parent or site.node) if isinstance(node, Variable | Sequence)]
            found += [time for leaf in leaves for time in times_of(leaf) if not time.letters]
        return list(dict.fromkeys(found))

    # Leaves

    def times(self, site: Site) -> Iterator[Edit]:
        """A time off by one or two, or another letter's."""
        node = site.node
        for changed_node, distance in self._retimed(node, site):
            yield self._instead(site, changed_node, 1.0 + 0.4 * (abs(distance) - 1), "time")

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
            case Sequence(_, times):
                shape, time = node.shape, times[-1] if times else None
            case Derivative(Kind.TOTAL, top, bottom) if top.shape == SCALAR and bottom.time is not None:
                shape, time = bottom.shape, bottom.time
            case _:
                return
        assert shape is not None
        inside = any(isinstance(part, Call | Prime | Power) for part in site.around)
        for other, cost in self._likely(node, shape, time):
            if inside and self.is_adjoint(other):  # nothing in a gradient is a function of one
                continue
            if isinstance(other, Derivative) and isinstance(node, Sequence):
                cost += 0.2  # the author has no name for it
            if other != node and other.shape == node.shape:
                yield self._instead(site, other, cost, "sibling")

    def is_adjoint(self, node: Node) -> bool:
        """Whether a node is the derivative of the loss, perhaps under the author's name."""
        return isinstance(node, Derivative) or (isinstance(node, Sequence) and node.name in self.words.meanings)

    def _likely(self, node: Node, shape: Shape, time: Moment | None) -> Iterator[tuple[Node, float]]:
        words = self.words
        is_adjoint = self.is_adjoint(node)
        if time is None:
            for other in words.sequences(shape, ()):
                yield other, 1.1
            for other in words.variables(shape, None):
                yield other, 1.1 + 0.6 * is_adjoint
            if len(shape) == 2 and shape[0] != shape[1]:
                return
            for other in words.variables(shape, None):
                if other != node:
                    yield transpose(other), 1.9
            return
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
            for other in words.variables(shape, at):
                yield other, cost + (0.2 if shift else 0.6) * is_adjoint
            if not is_adjoint or not shift:
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
                slope = f"The derivative {self.writer.function(node.function)}'"
                sentence = f"{slope} is taken at {self.say(operand)} where {what} is needed."
                yield Edit(site.path, put(new), sentence, 1.05 + 0.05 * abs(shift), self.say(node), "argument")

    def _slopes(self, site: Site) -> Iterator[Edit]:
        """The derivative of one activation in place of another's."""
        node = site.node
        shape = node.shape
        if shape is None or self.too_small(shape):
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
                            sentence = (
                                f"{wrong} stands where the derivative of the activation, {self.say(slope)}, is needed."
                            )
                            cost = self._slope_cost(Product(Way.HADAMARD, pair, shape), slope)
                            yield Edit(site.path, put(replace(node, parts=parts)), sentence, cost, wrong, "slope")

    def _slope_cost(self, node: Node, slope: Node) -> float:
        """A derivative of the same variable is the likelier one."""
        used = [{part for part in walk(tree) if isinstance(part, Variable)} for tree in (node, slope)]
        return 1.0 if used[0] & used[1] else 1.2

    def nearby(self, site: Site) -> list[Moment | None]:
        """The times that are current, and one step from them; None for what has no time."""
        near = [time + Moment((), shift) for time in self.moments(site) for shift in (0, 1, -1)]
        return [*near, *self.timeless]

    @property
    def timeless(self) -> list[None]:
        """None as a time, where the model computes something that has none."""
        return [None] if self.words.single else []

    def too_small(self, shape: Shape | None) -> bool:
        """Whether something is a number in an equation for a vector: a coefficient, not a term."""
        return shape is None or (shape == SCALAR and self.left.shape != SCALAR)

    def _instead(self, site: Site, new: Node, cost: float, kind: str = "function") -> Edit:
        sentence = f"{self.say(site.node)} stands where {self.say(new)} is needed."
        return Edit(site.path, put(new), sentence, cost, self.say(site.node), kind)

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
        change, cost = (transpose, 1.0) if site.path else (turned, 1.2)
        yield Edit(site.path, change, sentence, cost, self.say(node), "transpose")

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
                for other in dict.fromkeys(
                    (value * 2, value / 2, -value, value + 1, value - 1, Fraction(1), Fraction(2))
                ):
                    if other != value and other:
                        new = Number(other, node.shape)
                        yield Edit(site.path, put(new), f"The number {self.say(node)} has to be {self.say(new)}.", 1.2,
                                   self.say(node), "number")  # fmt: skip
            case Power(base, Fraction() as exponent, False):
                for step in (-1, 1):
                    new_power: Node = Power(base, exponent + step, False, node.shape) if exponent + step != 1 else base
                    if exponent + step:
                        yield self._instead(site, new_power, 1.2, "power")
            case Power(base, Moment() as exponent, matrix):
                for step in (-1, 1):
                    new_power = Power(base, exponent + Moment((), step), matrix, node.shape)
                    needed = f"{exponent} stands where {exponent + Moment((), step)} is needed"
                    sentence = f"The power of {self.say(base)} is off by one: {needed}."
                    yield Edit(site.path, put(new_power), sentence, 1.0, self.say(node), "power")

    # Kinds of derivatives

    def kinds(self, site: Site) -> Iterator[Edit]:
        """Total for immediate, and the reverse."""
        node = site.node
        if not isinstance(node, Derivative) or (node.top.shape == SCALAR and node.kind is not Kind.IMMEDIATE):
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
            whole = self.words.named(replace(node, kind=Kind.TOTAL))
            which = "other" if node.top.shape == SCALAR else "earlier"
            sentence = (
                f"The derivative of {top} by {bottom} is the immediate one here, where the total one is needed: the "
                f"paths through {which} steps are missing."
            )
            yield Edit(site.path, put(whole), sentence, 1.0, self.say(node), "kind")
