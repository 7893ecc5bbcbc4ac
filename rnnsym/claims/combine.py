"""Nodes of a claim put together, with their shapes checked: the one place that knows which shapes fit.

A shape of None is one that is not known yet. It never makes an error, and never hides one: reading ends with a pass
in which every shape is known.
"""

from __future__ import annotations

from collections.abc import Sequence as Several
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TypeGuard

from rnnsym.claims.brief import shown
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Diagonal,
    Identity,
    Moment,
    Negative,
    Node,
    Number,
    Ones,
    Open,
    Power,
    Product,
    Quotient,
    Shape,
    Stack,
    Sum,
    TimeSum,
    Transpose,
    Way,
)


class Misfit(Exception):
    """Shapes that do not fit; the reader adds the place."""


def told(shape: Open) -> str:
    """A shape in words: `n × m`."""
    return "unknown" if shape is None else " × ".join(map(str, shape))


def is_scalar(node: Node) -> bool:
    return node.shape == SCALAR


def filled(node: Node, shape: Open) -> Node:
    """A vector of ones takes its length from what stands around it; the shape may come out otherwise than asked."""
    if node.shape is not None or shape is None or len(shape) != 2:
        return node
    match node:
        case Ones() | Identity():
            return replace(node, shape=shape)
        case Transpose(operand):
            inner = filled(operand, (shape[1], shape[0]))
            return node if inner.shape is None else Transpose(inner, shape)
        case Negative(operand):
            inner = filled(operand, shape)
            return node if inner.shape is None else Negative(inner, inner.shape)
        case TimeSum(index, low, high, operand):
            inner = filled(operand, shape)
            return node if inner.shape is None else TimeSum(index, low, high, inner, inner.shape)
        case Quotient(top, bottom):
            inner = filled(top, shape)
            return node if inner.shape is None else quotient(inner, bottom)
        case Sum(parts) | Product(Way.SCALAR | Way.HADAMARD, parts):
            found = tuple(filled(part, shape) for part in parts)
            if any(part.shape is None for part in found):
                return node
            common_shape = common([part for part in found if not is_scalar(part)], "put together")
            return replace(node, parts=found, shape=common_shape or SCALAR)
        case Product(Way.MATRIX, parts):
            inner = filled(parts[0], (shape[0], ONE))
            last = filled(parts[-1], (ONE, shape[1]))
            try:
                return chain((inner, *parts[1:-1], last))
            except Misfit:
                return node
    return node


def add(parts: Several[Node]) -> Node:
    """A sum. Scalars broadcast, as in 1 - h."""
    shape, found = alike(parts, "added up")
    if shape is None and all(is_scalar(part) for part in found):
        shape = SCALAR
    return found[0] if len(found) == 1 else Sum(found, shape)


def alike(parts: Several[Node], what: str) -> tuple[Open, tuple[Node, ...]]:
    """The shape that all but scalars have, and the parts with ones filled to it."""
    shape = common([part for part in parts if not is_scalar(part)], what)
    found = tuple(filled(part, shape) for part in parts)
    common([part for part in found if not is_scalar(part)], what)  # a product with ones may have come out otherwise
    return shape, found


def common(parts: Several[Node], what: str) -> Open:
    """The shape that all of them have, as far as it is known."""
    known = [part for part in parts if part.shape is not None]
    for part in known[1:]:
        if part.shape != known[0].shape:
            raise Misfit(
                f"{shown(known[0])} is {told(known[0].shape)} and {shown(part)} is {told(part.shape)}: "
                f"they cannot be {what}"
            )
    return known[0].shape if known else None


def negative(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value, node.shape)
    return Negative(node, node.shape)


def hadamard(parts: Several[Node]) -> Node:
    """An elementwise product."""
    shape, found = alike(parts, "multiplied elementwise")
    others = [part for part in parts if not is_scalar(part)]
    if len(others) <= 1:
        shape = others[0].shape if others else SCALAR
        return Product(Way.SCALAR, found, shape)
    return Product(Way.HADAMARD, found, shape)


def quotient(top: Node, bottom: Node) -> Node:
    """One thing divided by another, element by element, or by a scalar."""
    shape = common([part for part in (top, bottom) if not is_scalar(part)], "divided elementwise")
    if shape is None and is_scalar(top) and is_scalar(bottom):
        shape = SCALAR
    return Quotient(filled(top, shape), filled(bottom, shape), shape)


def transpose(node: Node) -> Node:
    if isinstance(node, Transpose):
        return node.operand
    if node.shape is not None and len(node.shape) != 2:
        raise Misfit(f"{shown(node)} is {told(node.shape)}, which has no transpose")
    shape = None if node.shape is None else (node.shape[1], node.shape[0])
    return Transpose(node, shape)


def diagonal(node: Node) -> Node:
    if node.shape is None:
        return Diagonal(node, None)
    if ONE not in node.shape:
        raise Misfit(f"diag of {shown(node)}, which is {told(node.shape)}: diag takes a vector")
    size = node.shape[0] * node.shape[1] if len(node.shape) == 2 else node.shape[0]
    return Diagonal(node, (size, size))


def trace(node: Node) -> Node:
    """The sum over the diagonal of a square matrix; a number is its own."""
    if is_scalar(node):
        return node
    if node.shape is not None and (len(node.shape) != 2 or node.shape[0] != node.shape[1]):
        raise Misfit(f"tr of {shown(node)}, which is {told(node.shape)}: only a square matrix has a trace")
    return Call("sum_elements", Product(Way.HADAMARD, (Identity(node.shape), node), node.shape), SCALAR)


def power(base: Node, exponent: Fraction | Moment, elementwise: bool) -> Node:
    """A power: of a square matrix, unless it is said to be elementwise."""
    shape = base.shape
    square = shape is not None and len(shape) == 2 and shape[0] == shape[1] and shape != SCALAR
    if isinstance(exponent, Moment) and exponent.is_constant and not exponent.terms:
        exponent = Fraction(exponent.offset)
    matrix = square and not elementwise
    if isinstance(exponent, Moment) and not matrix and shape is not None and ONE not in shape:
        raise Misfit(f"{shown(base)} is {told(shape)}: only a square matrix has the power {exponent}")
    if matrix and isinstance(exponent, Fraction) and exponent.denominator == 1 and exponent < 0:
        if isinstance(base, Transpose):  # that of a transpose is the transpose of that
            return transpose(power(base.operand, exponent, False))
        inverse = Call("inverse", base, shape)
        return inverse if exponent == -1 else Power(inverse, -exponent, True, shape)
    if matrix and isinstance(exponent, Fraction) and exponent.denominator != 1:
        raise Misfit(f"the power {exponent} of the matrix {shown(base)} is not read")
    return Power(base, exponent, matrix, shape)


def stack(parts: Several[Node], across: bool) -> Node:
    """Vectors or matrices below each other, or side by side."""
    if any(part.shape is None for part in parts):
        return Stack(tuple(parts), across, None)
    if across and len({part.shape for part in parts if part.shape is not None and part.shape[1] == ONE}) >= 1:
        # [a, b] of columns is one long column to everybody who writes it so.
        across = not all(part.shape is not None and part.shape[1] == ONE for part in parts)
    along, other = (1, 0) if across else (0, 1)
    widths = {part.shape[other] for part in parts if part.shape is not None}
    if len(widths) != 1:
        shapes = ", ".join(f"{shown(part)} is {told(part.shape)}" for part in parts)
        raise Misfit(f"these cannot be stacked: {shapes}")
    total = sum((part.shape[along] for part in parts if part.shape is not None), start=ONE - ONE)
    (width,) = widths
    return Stack(tuple(parts), across, (width, total) if across else (total, width))


def widened(node: Node, shape: Open) -> Node:
    """A stack in which one number stands for as many equal elements as the shape asks for, as 0 in [0; p]."""
    numbers = [part for part in node.parts if isinstance(part, Number)] if isinstance(node, Stack) else []
    if not isinstance(node, Stack) or shape is None or node.shape is None or len(shape) != 2 or len(numbers) != 1:
        return node
    place = 1 if node.shape[0] == ONE else 0
    count = shape[place] - node.shape[place] + ONE
    if shape[1 - place] != ONE or not count.is_positive:
        return node
    size = (ONE, count) if place else (count, ONE)
    wide = Product(Way.SCALAR, (numbers[0], Ones(size)), size)
    return Stack(tuple(wide if part is numbers[0] else part for part in node.parts), node.across, shape)


def chain(parts: Several[Node]) -> Node:
    """A product of factors side by side: scalars, and a matrix product.

    The derivative of a scalar by a vector is a column beside one factor and a row beside another; it is transposed
    where only that fits.
    """
    if len(parts) == 1:
        return parts[0]
    # What has no shape yet may get it from what stands beside its parentheses.
    parts = [inner for part in parts for inner in (part.parts if is_open_product(part) else (part,))]
    scalars = [part for part in parts if is_scalar(part)]
    others = [part for part in parts if not is_scalar(part)]
    if len(others) <= 1:
        return Product(Way.SCALAR, tuple(parts), others[0].shape if others else SCALAR)
    turning = [place for place, part in enumerate(others) if gradient(part)]
    first: Misfit | None = None
    for turned in product((False, True), repeat=min(len(turning), 4)):
        turns = {place for place, turn in zip(turning, turned, strict=False) if turn}
        oriented = [transpose(part) if place in turns else part for place, part in enumerate(others)]
        try:
            inner = matrix_product(oriented)
        except Misfit as misfit:
            first = first or misfit
            continue
        return Product(Way.SCALAR, (*scalars, inner), inner.shape) if scalars else inner
    assert first is not None
    raise first


def is_open_product(part: Node) -> TypeGuard[Product]:
    """Whether a factor is a matrix product that nothing inside tells the shape of."""
    return isinstance(part, Product) and part.way is Way.MATRIX and part.shape is None


def kronecker(row: Node, matrix: Node) -> Node:
    """A row ⊗ a matrix: what a matrix of as many rows as that has columns, its columns in one, is multiplied by.

    Its elements are those of an array with three indices, as the derivative of a vector by a matrix has them.
    """
    assert row.shape is not None
    assert matrix.shape is not None
    return Product(Way.OUTER, (matrix, transpose(row)), (*matrix.shape, row.shape[1]))


def gradient(part: Node) -> bool:
    """Whether a factor is the derivative of a scalar by a vector, written as a fraction; perhaps transposed."""
    if isinstance(part, Transpose):
        return gradient(part.operand)
    return (
        isinstance(part, Derivative)
        and not part.gradient
        and part.top.shape == SCALAR
        and part.shape is not None
        and ONE in part.shape
    )


def matrix_product(parts: Several[Node]) -> Node:
    """A matrix product, in which neighbours have to fit."""
    found = neighbours_filled(list(parts))
    shape: Open = found[0].shape
    for place, part in enumerate(found[1:], 1):
        if shape is None or part.shape is None:
            shape = None
            continue
        shape = fitted(shape, part.shape, found[:place], part)
    if shape is None and found[0].shape is not None and found[-1].shape is not None and len(found[-1].shape) == 2:
        shape = (found[0].shape[0], found[-1].shape[1]) if len(found[0].shape) == 2 else None
    return Product(Way.MATRIX, tuple(found), shape)


def neighbours_filled(parts: list[Node]) -> list[Node]:
    """Vectors of ones in a matrix product, sized by the factors beside them."""
    for place, part in enumerate(parts):
        if part.shape is not None:
            continue
        before = parts[place - 1].shape if place else None
        after = parts[place + 1].shape if place + 1 < len(parts) else None
        if not isinstance(part, Ones | Transpose):
            continue
        if before is not None and before[-1] != ONE:
            parts[place] = filled(part, (before[-1], ONE))
        elif after is not None and after[0] != ONE:
            parts[place] = filled(part, (ONE, after[0]))
    return parts


def together(parts: Several[Node]) -> str:
    """The factors before a place, for messages."""
    return shown(parts[0]) if len(parts) == 1 else shown(Product(Way.MATRIX, tuple(parts)))


def fitted(left: Shape, right: Shape, parts: Several[Node], part: Node) -> Shape:
    """The shape of a matrix product of two; the derivative of a vector by a matrix may stand at the end only."""
    if len(left) == 3:
        raise Misfit(
            f"{together(parts)} has three indices ({told(left)}): it may stand at the end of a product only, "
            f"and {shown(part)} follows"
        )
    if left == SCALAR:
        return right
    if right == SCALAR:
        return left
    if left[1] != right[0]:
        raise Misfit(
            f"{together(parts)} is {told(left)} and {shown(part)} is {told(right)}: the matrix product needs "
            f"{left[1]} = {right[0]}"
        )
    if len(right) == 3:
        return right[1:] if left[0] == ONE else (left[0], *right[1:])
    return (left[0], right[1])
