"""A claim's formulas as polynomials: the same language as the theory's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce

import sympy

from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Diagonal,
    Equation,
    Extreme,
    Identity,
    Kind,
    Moment,
    Negative,
    Node,
    Number,
    Ones,
    Power,
    Prime,
    Quotient,
    Sequence,
    SizeNumber,
    Slice,
    Stack,
    Sum,
    TimeNumber,
    TimeProduct,
    TimeSum,
    Transpose,
    Variable,
    Way,
    walk,
)
from rnnsym.claims.syntax import Product as ProductNode
from rnnsym.errors import RnnsymError
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction
from rnnsym.proof.lift import BOUND
from rnnsym.proof.polynomial import (
    ONE,
    ZERO,
    Apply,
    Delta,
    Element,
    Place,
    Polynomial,
    Product,
    Size,
    all_renamed,
    apart,
    canonical,
    constant,
    fresh,
    instantiated,
    multiplied,
    of_atom,
    powered,
)
from rnnsym.proof.substitute import with_letter, with_moments
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import FIRST, LENGTH, Context, solved

#: An index for each axis of a node; None where the axis has one element.
Axes = tuple[str | None, ...]


class UnprovenError(RnnsymError):
    """A formula that the proof does not reach; it may be right."""


@dataclass(frozen=True)
class Meaning:
    """What a sequence of the claim is: `number` times the adjoint of `variable`, `shift` steps later.

    `path`: with two times, the part of that adjoint at the second time that comes from the loss at the first.
    `turned`: which of its two times is the later one comes second.
    """

    variable: str
    shift: int = 0
    number: Fraction = Fraction(1)
    path: bool = False


@dataclass(frozen=True)
class Translator:
    """Translates nodes in a context of times; `meanings` are of the claim's own sequences, others are put in."""

    theory: Theory
    definitions: Mapping[str, tuple[Equation, ...]]
    meanings: Mapping[str, Meaning]
    partial: Kind
    layout: str
    inside: tuple[str, ...] = field(default=())

    # Nodes

    def node(self, node: Node, axes: Axes, context: Context) -> Polynomial:
        """The element of a node; the free indices are those of `axes`."""
        free = frozenset(axis for axis in axes if axis)
        match node:
            case Number(value):
                return constant(value)
            case TimeNumber(moment):
                return self._time(moment)
            case SizeNumber(size):
                return self._size(size)
            case Ones():
                return ONE
            case Identity():
                return of_atom(Delta(*sorted(axis for axis in axes if axis)))
            case Variable():
                return of_atom(self._element(node, axes))
            case Sequence():
                return self._sequence(node, axes, context)
            case Derivative():
                return self._derivative(node, axes, context)
            case Sum(parts):
                return reduce(lambda total, part: total + self._fitted(part, axes, context), parts, ZERO)
            case Negative(operand):
                return -self._fitted(operand, axes, context)
            case ProductNode(Way.MATRIX, parts):
                return self._chain(parts, axes, context)
            case ProductNode(_, parts):
                found = [self._fitted(part, axes, context) for part in parts]
                return reduce(lambda one, other: multiplied(one, other, free), found, ONE)
            case Quotient(top, bottom):
                below = powered(self._fitted(bottom, axes, context), Fraction(-1), free)
                return multiplied(self._fitted(top, axes, context), below, free)
            case Transpose(operand):
                return self.node(operand, axes[::-1], context)
            case Power(base, Fraction() as exponent, matrix):
                if matrix:
                    return self._matrix_power(base, exponent, axes, context)
                return powered(self.node(base, axes, context), exponent, free)
            case Diagonal(operand):
                return self._diagonal(operand, axes, context)
            case Stack(parts, across):
                return self._stack(parts, across, axes, context)
            case Slice(operand, first, _):
                return self._slice(operand, first, axes, context)
            case Call(function, operand):
                return self._call(function, operand, axes, context)
            case Prime(function, operand):
                return self._prime(function, operand, axes, context)
            case TimeSum():
                return self._time_sum(node, axes, context)
            case TimeProduct():
                return self._time_product(node, axes, context)
        raise UnprovenError("this kind of formula has no rule")

    def _fitted(self, node: Node, axes: Axes, context: Context) -> Polynomial:
        """A part of a sum or an elementwise product; what has one element counts for all."""
        assert node.shape is not None
        return self.node(node, fitted(node, axes), context)

    def _time(self, moment: Moment) -> Polynomial:
        total = constant(moment.offset)
        for letter, count in moment.terms:
            total = total + of_atom(Size(f"@{letter}")).scaled(Fraction(count))
        return total

    def _size(self, size: sympy.Expr) -> Polynomial:
        if size.is_Integer:
            return constant(int(size))
        if size.is_Symbol:
            return of_atom(Size(size.name))
        if size.is_Add:
            return reduce(lambda total, part: total + self._size(part), size.args, ZERO)
        return reduce(lambda whole, part: multiplied(whole, self._size(part), frozenset()), size.args, ONE)

    def _element(self, variable: Variable, axes: Axes) -> Element:
        rank = len(self.theory.variables[variable.name].shape)
        times = () if variable.time is None else (variable.time,)
        return Element(variable.name, times, own_axes(rank, axes))

    # Products

    def _chain(self, parts: tuple[Node, ...], axes: Axes, context: Context) -> Polynomial:
        """A matrix product from the left; a factor of one element multiplies."""
        if len(parts) == 1:
            return self._fitted(parts[0], axes, context)
        parts = self._powers_apart(parts, context)
        *first, last = parts
        left_shape = chain_shape(tuple(first))
        assert last.shape is not None
        free = frozenset(axis for axis in axes if axis)
        if is_scalar(left_shape) or is_scalar(last.shape):
            left_axes: Axes = (None, None) if is_scalar(left_shape) else axes
            right_axes: Axes = (None, None) if is_scalar(last.shape) else axes
            left = self._chain(tuple(first), left_axes, context)
            return multiplied(left, self.node(last, right_axes, context), free)
        inner = None if left_shape[1] == 1 else fresh()
        if len(last.shape) == 3:
            # A vector or matrix times the derivative of a vector by a matrix.
            lead: Axes = axes[: len(axes) - 2] if left_shape[0] != 1 else (None,)
            left = self._chain(tuple(first), (lead[0], inner), context)
            right = self.node(last, (inner, *axes[-2:]), context)
        else:
            left = self._chain(tuple(first), (axes[0], inner), context)
            right = self.node(last, (inner, axes[1]), context)
        shared = frozenset({inner}) if inner else frozenset()
        return multiplied(left, right, free, shared)

    def _matrix_power(self, base: Node, exponent: Fraction, axes: Axes, context: Context) -> Polynomial:
        if exponent.denominator != 1 or not 0 <= exponent <= 16:
            raise UnprovenError("only whole powers of matrices have a rule")
        if exponent == 0:
            return of_atom(Delta(*sorted(axis for axis in axes if axis)))
        return self._chain((base,) * int(exponent), axes, context)

    def _powers_apart(self, parts: tuple[Node, ...], context: Context) -> tuple[Node, ...]:
        """A power of a matrix to a time, as a product over the steps up to a time that a neighbour is at."""
        found = []
        for place, part in enumerate(parts):
            if not (isinstance(part, Power) and isinstance(part.exponent, Moment)):
                found.append(part)
                continue
            times = [time for other in (*parts[place + 1 :], *parts[:place]) for time in times_in(other)]
            starts = [time - part.exponent for time in times] or [Moment((), 0)]
            start = min(starts, key=lambda time: (len(time.terms), str(time)))
            letter = fresh("j")
            one = Moment((), 1)
            ends = (start + one, start + part.exponent)
            found.append(TimeProduct(letter, *ends, False, part.base, part.shape))
        return tuple(found)

    def _time_product(self, node: TimeProduct, axes: Axes, context: Context) -> Polynomial:
        """A product of one-step Jacobians of a model with one state: the derivative over all these steps."""
        if self.theory.chain is None or isinstance(node.first, Extreme) or isinstance(node.last, Extreme):
            raise UnprovenError("a product over time has a rule for models with one state only")
        one, other = fresh("i"), fresh("j")
        letter = fresh(node.index)
        late, early = (node.first, node.last) if node.descending else (node.last, node.first)
        inner = Context((*context.ranges, (letter, early, late)), context.shortest)
        factor = self.node(with_letter(node.operand, node.index, letter), (one, other), inner)
        rows = (one, other) if node.descending else (other, one)
        for shift in (0, 1, -1):
            time = {"t": Moment.of(letter, shift)}
            jacobian = instantiated(self.theory.chain[1], dict(zip(("i", "j"), rows, strict=True)), time)
            if canonical(jacobian.terms, frozenset(rows)) == factor:
                row, column = axes if node.descending else axes[::-1]
                assert row is not None
                assert column is not None
                shifted = Moment((), shift)
                return self.theory.flow(late + shifted, early + shifted - Moment((), 1), row, column)
        raise UnprovenError("the factors of a product over time are not the one-step Jacobians")

    def _diagonal(self, operand: Node, axes: Axes, context: Context) -> Polynomial:
        assert operand.shape is not None
        one, other = axes
        if one is None or other is None:
            return self.node(operand, (None, None), context)
        inner: Axes = (one, None) if operand.shape[1] == 1 else (None, one)
        vector = self.node(operand, inner, context)
        return multiplied(vector, of_atom(Delta(*sorted((one, other)))), frozenset({one, other}))

    # Stacks and slices

    def _stack(self, parts: tuple[Node, ...], across: bool, axes: Axes, context: Context) -> Polynomial:
        place = int(across)
        whole = axes[place]
        if whole is None:
            return self.node(parts[0], axes, context)
        total, offset = ZERO, sympy.Integer(0)
        free = frozenset(axis for axis in axes if axis)
        for part in parts:
            assert part.shape is not None
            own = fresh()
            inner = tuple(own if position == place else axis for position, axis in enumerate(axes))
            found = self.node(part, inner, context)
            here = of_atom(Place(whole, own, str(offset)))
            total = total + multiplied(found, here, free, frozenset({own}))
            offset = offset + part.shape[place]
        return total

    def _slice(self, operand: Node, first: sympy.Expr, axes: Axes, context: Context) -> Polynomial:
        place = 0 if axes[0] is not None else 1
        own = axes[place]
        assert own is not None
        whole = fresh()
        inner = tuple(whole if position == place else axis for position, axis in enumerate(axes))
        found = self.node(operand, inner, context)
        here = of_atom(Place(whole, own, str(first - 1)))
        return multiplied(found, here, frozenset(axis for axis in axes if axis), frozenset({whole}))

    # Functions

    def _call(self, function: str, operand: Node, axes: Axes, context: Context) -> Polynomial:
        assert operand.shape is not None
        if function == "sum_elements":
            inner: Axes = tuple(None if size == 1 else fresh() for size in operand.shape)
            found = self.node(operand, inner, context)
            return canonical(apart(found, frozenset(axis for axis in inner if axis)), frozenset())
        operation = OPERATIONS[function]
        if isinstance(operation, VectorFunction):
            place = 0 if operand.shape[0] != 1 else 1
            bound: Axes = (BOUND, None) if place == 0 else (None, BOUND)
            argument = self._argument(self.node(operand, bound, context), BOUND)
            index = next((axis for axis in axes if axis), "")
            return self.theory.applied(function, argument, True, index)
        index = next((axis for axis in axes if axis), "")
        return self.theory.applied(function, self._argument(self.node(operand, axes, context), index), False, "")

    def _argument(self, argument: Polynomial, index: str) -> Polynomial:
        """An argument that is written out, by the name that the model has for it: W h + U x + b is a."""
        if len(argument.terms) == 1 and len(argument.terms[0][0].powers) == 1:
            return argument
        moments = {time for product, _ in argument.terms for atom, _ in product.powers
                   if isinstance(atom, Element) for time in atom.times}  # fmt: skip
        for name, indices, value in self.theory.definitions:
            if len(indices) > 1 or bool(indices) != bool(index):
                continue
            timed = self.theory.variables[name].timed
            for moment in sorted(moments, key=str) if timed else [None]:
                for lag in range(3) if timed else [0]:
                    time = None if moment is None else moment + Moment((), lag)
                    times = {} if time is None else {"t": time}
                    known = instantiated(value, dict.fromkeys(indices, index), times)
                    if canonical(known.terms, frozenset({index})) == argument:
                        return of_atom(Element(name, () if time is None else (time,), (index,) if index else ()))
        return argument

    def _prime(self, function: str, operand: Node, axes: Axes, context: Context) -> Polynomial:
        operation = OPERATIONS[function]
        assert isinstance(operation, Elementwise)
        free = frozenset(axis for axis in axes if axis)
        index = next((axis for axis in axes if axis), "")
        x, y = sympy.Symbol("x"), sympy.Symbol("y")
        argument = self._argument(self.node(operand, axes, context), index)
        values = {x: argument, y: self.theory.applied(function, argument, False, "")}
        return self._expression(operation.derivative(x, y), values, free)

    def _expression(
        self, expression: sympy.Expr, values: Mapping[sympy.Symbol, Polynomial], free: frozenset[str]
    ) -> Polynomial:
        """A derivative of the operations' table, with values for its argument and its result."""
        if expression in values:
            return values[expression]
        if expression.is_Rational:
            return constant(Fraction(int(expression.p), int(expression.q)))
        parts = [self._expression(part, values, free) for part in expression.args]
        if expression.is_Add:
            return reduce(lambda total, part: total + part, parts, ZERO)
        if expression.is_Mul:
            return reduce(lambda one, other: multiplied(one, other, free), parts, ONE)
        if expression.is_Pow:
            return powered(parts[0], Fraction(int(expression.exp.p), int(expression.exp.q)), free)
        return self.theory.applied(expression.func.__name__, parts[0], False, "")

    # Sums over time

    def _time_sum(self, node: TimeSum, axes: Axes, context: Context) -> Polynomial:
        if isinstance(node.low, Extreme) or isinstance(node.high, Extreme):
            raise UnprovenError("a sum whose bound is the larger of two times has no rule")
        letter = fresh(node.index)
        low, high = node.low, node.high
        inner = Context((*context.ranges, (letter, low, high)), context.shortest)
        found = self.node(with_letter(node.operand, node.index, letter), axes, inner)
        raw = [
            (Product(product.powers, ((letter, low, high), *product.over)), number) for product, number in found.terms
        ]
        return canonical(raw, frozenset(axis for axis in axes if axis))

    # The claim's own sequences

    def _sequence(self, node: Sequence, axes: Axes, context: Context) -> Polynomial:
        meaning = self.meanings.get(node.name)
        if meaning is not None:
            return self._meant(node, meaning, axes, context)
        if node.name in self.inside:
            raise UnprovenError(f"{node.name} is defined by itself, and no adjoint of the model is equal to it")
        equations = self.definitions.get(node.name, ())
        if len(equations) != 1:
            raise UnprovenError(
                f"{node.name} has {len(equations)} equations, and no adjoint of the model is equal to it"
            )
        (equation,) = equations
        assert isinstance(equation.left, Sequence)
        times: dict[str, Moment] = {}
        for own, wanted in zip(equation.left.times, node.times, strict=True):
            found = solved(own, wanted)
            if found is None:
                raise UnprovenError(f"the times of {node.name} cannot be told")
            times |= found
        for wanted in node.times:
            if context.inside(wanted, FIRST, LENGTH) is False:
                return ZERO
        inner = Translator(
            self.theory, self.definitions, self.meanings, self.partial, self.layout, (*self.inside, node.name)
        )
        value = inner._fitted(with_moments(equation.right, times), axes, context)
        given = equation.given and not equation.ranges
        if not given and any(context.inside(wanted, FIRST, LENGTH) is None for wanted in node.times):
            self._check_ends(value, node, context)
        if equation.ranges:
            raise UnprovenError(f"{node.name} is defined for some times only")
        return value

    def _check_ends(self, value: Polynomial, node: Sequence, context: Context) -> None:
        """A sequence is zero beyond its ends: so must be what is put in for it."""
        for wanted in node.times:
            if context.inside(wanted, FIRST, LENGTH) is not None:
                continue
            late = context.surely_from(wanted, FIRST)
            for product, _ in value.terms:
                adjoint = any(
                    isinstance(atom, Element) and atom.name.startswith(("bar(", "path("))
                    and atom.times and context.within(product).surely_from(atom.times[-1], wanted)
                    for atom, _ in product.powers
                )  # fmt: skip
                if not (late and adjoint):
                    raise UnprovenError(f"{node.name} may be read beyond its ends")

    def _meant(self, node: Sequence, meaning: Meaning, axes: Axes, context: Context) -> Polynomial:
        rank = len(self.theory.variables[meaning.variable].shape)
        own = own_axes(rank, axes)
        shift = Moment((), meaning.shift)
        times = tuple(time + shift if place == len(node.times) - 1 else time for place, time in enumerate(node.times))
        for time in node.times:
            inside = context.inside(time, FIRST, LENGTH)
            if inside is False:
                return ZERO
            if inside is None and not context.surely_from(time, FIRST):
                raise UnprovenError(f"{node.name} may be read before the first step")
        name = f"path({meaning.variable})" if meaning.path else f"bar({meaning.variable})"
        return of_atom(Element(name, times, own)).scaled(meaning.number)

    # Derivatives

    def _derivative(self, node: Derivative, axes: Axes, context: Context) -> Polynomial:
        theory, top, bottom = self.theory, node.top, node.bottom
        kind = self.partial if node.kind is Kind.PARTIAL else node.kind
        rank = len(theory.variables[bottom.name].shape)
        if top.name == theory.system.loss and kind is not Kind.IMMEDIATE:
            times = () if bottom.time is None else (bottom.time,)
            return of_atom(Element(f"bar({bottom.name})", times, own_axes(rank, axes)))
        if not theory.variables[top.name].shape:
            return self._of_step_loss(node, own_axes(rank, axes), context)
        return self._between(node, kind, axes, context)

    def _of_step_loss(self, node: Derivative, indices: tuple[str, ...], context: Context) -> Polynomial:
        """The derivative of the loss of one step: of what lies between it and the states, or along one path."""
        theory, top, bottom = self.theory, node.top, node.bottom
        step = theory.step
        number = theory.number_of(top.name)
        if number is None or not number or bottom.time is None or top.time is None or step is None:
            raise UnprovenError(f"the derivative of {top.name} has no rule")
        same = bottom.time == top.time
        if same and bottom.name not in step.computing and bottom.name not in theory.lagged:
            return of_atom(Element(f"bar({bottom.name})", (bottom.time,), indices)).scaled(1 / number)
        if theory.losses_at_their_time:
            return of_atom(Element(f"path({bottom.name})", (top.time, bottom.time), indices)).scaled(1 / number)
        raise UnprovenError(f"the derivative of {top.name} by {bottom.name} has no rule")

    def _between(self, node: Derivative, kind: Kind, axes: Axes, context: Context) -> Polynomial:
        theory, top, bottom = self.theory, node.top, node.bottom
        ranks = len(theory.variables[top.name].shape), len(theory.variables[bottom.name].shape)
        if self.layout == "denominator" and ranks == (1, 1):
            axes = axes[::-1]
        indices = tuple(axis for axis in axes if axis)
        if len(indices) != sum(ranks):
            raise UnprovenError("a derivative by a scalar in a matrix product has no rule")
        if bottom.time is None:
            if kind is Kind.IMMEDIATE:
                found = theory.immediate(top.name, bottom.name)
                return self._closed(found, indices, top.time)
            assert top.time is not None
            return of_atom(Element(f"total({top.name},{bottom.name})", (top.time,), indices))
        assert top.time is not None
        lag = top.time - bottom.time
        if lag.terms:
            if theory.chain is None or {top.name, bottom.name} != {theory.chain[0]}:
                raise UnprovenError("the derivative over many steps has a rule for models with one state only")
            return theory.flow(top.time, bottom.time, *indices)
        if lag.offset == 0 and top.name == bottom.name:
            return of_atom(Delta(*sorted(indices)))
        if lag.offset < 0:
            return ZERO
        if lag.offset > 1 and kind is not Kind.IMMEDIATE:
            raise UnprovenError("the derivative over several steps has no rule")
        return self._closed(theory.jacobian(top.name, bottom.name, lag.offset), indices, top.time)

    def _closed(
        self, found: tuple[tuple[str, ...], Polynomial] | None, indices: tuple[str, ...], time: Moment | None
    ) -> Polynomial:
        if found is None:
            raise UnprovenError("the model is not one chain of equal steps")
        times = {} if time is None else {"t": time}
        value = instantiated(found[1], dict(zip(found[0], indices, strict=True)), times)
        return canonical(value.terms, frozenset(indices))


def times_in(node: Node) -> list[Moment]:
    """The times at which a node reads something."""
    found: list[Moment] = []
    for part in walk(node):
        if isinstance(part, Variable) and part.time is not None:
            found.append(part.time)
        if isinstance(part, Sequence):
            found += part.times
        if isinstance(part, Derivative):
            found += [time for time in (part.bottom.time, part.top.time) if time is not None]
    return found


def is_scalar(shape: tuple[sympy.Expr, ...]) -> bool:
    """Whether a value has one element."""
    return all(size == 1 for size in shape)


def fitted(node: Node, axes: Axes) -> Axes:
    """The axes of a part that is broadcast: an axis of one element has no index."""
    assert node.shape is not None
    if is_scalar(node.shape):
        return (None,) * len(node.shape)
    return axes


def chain_shape(parts: tuple[Node, ...]) -> tuple[sympy.Expr, ...]:
    """The shape of a matrix product; factors of one element aside."""
    shapes = [part.shape for part in parts if part.shape is not None and not is_scalar(part.shape)]
    if not shapes:
        return (sympy.Integer(1), sympy.Integer(1))
    return (shapes[0][0], *shapes[-1][1:])


def own_axes(rank: int, axes: Axes) -> tuple[str, ...]:
    """The indices of a variable among the axes of its node."""
    found = tuple(axis for axis in axes if axis)
    if len(found) != rank:
        raise UnprovenError("a size of one cannot be told from a vector here")
    return found


__all__ = ["Apply", "Meaning", "TimeProduct", "Translator", "UnprovenError", "all_renamed"]
