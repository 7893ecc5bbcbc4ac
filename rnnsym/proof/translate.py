"""A claim's formulas as polynomials: the same language as the theory's."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import sympy

from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import (
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Extreme,
    Identity,
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
    free_letters,
    walk,
)
from rnnsym.claims.syntax import Product as ProductNode
from rnnsym.proof.adjoints import UndecidedError
from rnnsym.proof.atoms import (
    ONE,
    ZERO,
    Delta,
    Place,
    Polynomial,
    Product,
    constant,
    of_atom,
)
from rnnsym.proof.functions import Functions
from rnnsym.proof.leaves import Axes, UnprovenError, fitted, is_scalar
from rnnsym.proof.lift import size_value
from rnnsym.proof.polynomial import canonical, counted, fresh, instantiated, multiplied, powered
from rnnsym.proof.times import Context


@dataclass(frozen=True)
class Translator(Functions):
    """Translates nodes; sequences without a meaning are put in."""

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
                return size_value(size)
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
                return reduce(lambda total, part: total + self.fitted(part, axes, context), parts, ZERO)
            case Negative(operand):
                return -self.fitted(operand, axes, context)
            case ProductNode(Way.MATRIX, parts):
                return self._chain(parts, axes, context)
            case ProductNode(Way.OUTER, (matrix, column)):
                whole = self.node(matrix, axes[:2], context)
                return multiplied(whole, self.node(column, (axes[2], None), context), free)
            case ProductNode(_, parts):
                found = [self.fitted(part, axes, context) for part in parts]
                return reduce(lambda one, other: multiplied(one, other, free), found, ONE)
            case Contraction():
                return self._contraction(node, axes, context)
            case Quotient(top, bottom):
                return multiplied(self.fitted(top, axes, context), self._inverse(bottom, axes, context), free)
            case Transpose(operand):
                return self.node(operand, axes[::-1], context)
            case Power(base, Fraction() as exponent, matrix):
                if matrix:
                    return self._matrix_power(base, exponent, axes, context)
                return powered(self.node(base, axes, context), exponent, free)
            case Power(_, Moment(), True):
                (steps,) = self._powers_apart((node,), context)
                return self.node(steps, axes, context)
            case Power(base, Moment() as exponent, False) if node.shape == SCALAR:
                steps = TimeProduct(fresh("j"), Moment((), 1), exponent, False, base, node.shape)
                return self._time_product(steps, axes, context)
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

    # Products

    def _inverse(self, node: Node, axes: Axes, context: Context) -> Polynomial:
        """One divided by a node; a product or a power below is not multiplied out."""
        axes = fitted(node, axes)
        free = frozenset(axis for axis in axes if axis)
        match node:
            case Power(base, Fraction() as exponent, False):
                return powered(self.node(base, axes, context), -exponent, free)
            case Negative(operand):
                return -self._inverse(operand, axes, context)
            case Quotient(top, bottom):
                return multiplied(self.fitted(bottom, axes, context), self._inverse(top, axes, context), free)
            case ProductNode(Way.SCALAR | Way.HADAMARD, parts):
                found = [self._inverse(part, axes, context) for part in parts]
                return reduce(lambda one, other: multiplied(one, other, free), found, ONE)
        return powered(self.node(node, axes, context), Fraction(-1), free)

    def _chain(self, parts: tuple[Node, ...], axes: Axes, context: Context) -> Polynomial:
        """A matrix product from the left; a factor of one element multiplies."""
        if len(parts) == 1:
            return self.fitted(parts[0], axes, context)
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
        if inner is None:
            return multiplied(left, right, free)
        return multiplied(with_index(left, right, inner, last.shape[0]), right, free, frozenset({inner}))

    def _contraction(self, node: Contraction, axes: Axes, context: Context) -> Polynomial:
        names = {letter: fresh() for own in node.letters for letter in own}
        names |= dict(zip(node.free, (axis for axis in axes if axis), strict=True))
        every = frozenset(names.values())
        counts: dict[str, Polynomial] = {}
        total = ONE
        for part, own in zip(node.parts, node.letters, strict=True):
            assert part.shape is not None
            inner: Axes = tuple(names[letter] for letter in own)
            total = multiplied(
                total, self.node(part, (*inner, *(None,) * (len(part.shape) - len(own))), context), every
            )
            counts |= {names[letter]: size_value(size) for letter, size in zip(own, part.shape, strict=False)}
        summed = {index: count for index, count in counts.items() if index not in axes}
        return canonical(counted(total, summed, every).terms, every.difference(summed))

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
            before = Moment(tuple((letter, -count) for letter, count in part.exponent.terms if count < 0))
            starts = [time - part.exponent for time in times] or [before]
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
        vector = bool(self.theory.variables[self.theory.chain[0]].shape)
        if vector != (axes != (None, None)):
            raise UnprovenError("the factors of a product over time are not the one-step Jacobians")
        one, other = (fresh("i"), fresh("j")) if vector else (None, None)
        letter = fresh(node.index)
        late, early = (node.first, node.last) if node.descending else (node.last, node.first)
        inner = context.adding((letter, early, late))
        factor = self.node(at_times(node.operand, {node.index: Moment.of(letter)}, fresh), (one, other), inner)
        alike = node.index not in free_letters(node.operand)  # then the order of the factors is no matter
        for falls in (True, False) if alike else (node.descending,):
            rows = tuple(name for name in ((one, other) if falls else (other, one)) if name is not None)
            outer = tuple(axis for axis in (axes if falls else axes[::-1]) if axis is not None)
            for shift in (0, 1, -1):
                time = {"t": Moment.of(letter, shift)}
                jacobian = instantiated(self.theory.chain[1], dict(zip(("i", "j"), rows, strict=False)), time)
                if canonical(jacobian.terms, frozenset(rows)) == factor:
                    shifted = Moment((), shift)
                    return self.theory.flow(late + shifted, early + shifted - Moment((), 1), *outer)
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

    # Sums over time

    def _time_sum(self, node: TimeSum, axes: Axes, context: Context) -> Polynomial:
        if isinstance(node.low, Extreme) or isinstance(node.high, Extreme):
            raise UnprovenError("a sum whose bound is the larger of two times has no rule")
        return self._summed(node.index, node.operand, (node.low, node.high), axes, context)

    def _summed(
        self, index: str, operand: Node, ends: tuple[Moment, Moment], axes: Axes, context: Context
    ) -> Polynomial:
        """A sum over a time from one end to the other; in two parts where its terms depend on the time."""
        low, high = ends
        if low == high:
            return self.node(at_times(operand, {index: low}, fresh), axes, context)
        letter = fresh(index)
        inner = context.adding((letter, low, high))
        try:
            found = self.node(at_times(operand, {index: Moment.of(letter)}, fresh), axes, inner)
        except UndecidedError as undecided:
            middle, one = undecided.boundary, Moment((), 1)
            fits = context.surely_from(middle, low - one) and context.surely_to(middle, high)
            if undecided.letter != letter or not fits or middle in (low - one, high):
                raise
            parts = ((low, middle), (middle + one, high))
            first, second = (self._summed(index, operand, part, axes, context) for part in parts)
            return first + second
        raw = [
            (Product(product.powers, ((letter, low, high), *product.over)), number) for product, number in found.terms
        ]
        return canonical(raw, frozenset(axis for axis in axes if axis))


def with_index(left: Polynomial, right: Polynomial, index: str, size: sympy.Expr) -> Polynomial:
    """The left of two factors, so that the sum over an index counts what has it on neither side."""
    if all(index in product.indices for product, _ in right.terms):
        return left
    return counted(left, {index: size_value(size)}, left.indices | {index})


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


def chain_shape(parts: tuple[Node, ...]) -> tuple[sympy.Expr, ...]:
    """The shape of a matrix product; factors of one element aside."""
    shapes = [part.shape for part in parts if part.shape is not None and not is_scalar(part.shape)]
    if not shapes:
        return (sympy.Integer(1), sympy.Integer(1))
    return (shapes[0][0], *shapes[-1][1:])
