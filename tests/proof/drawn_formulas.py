"""Random formulas in pairs: two that may be equal, so that a proof and numbers can be compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Symbol

from rnnsym import Model
from rnnsym.claims.syntax import (
    Call,
    Diagonal,
    Moment,
    Negative,
    Node,
    Ones,
    Power,
    Product,
    Sequence,
    Sum,
    TimeSum,
    Transpose,
    Variable,
    Way,
)

MODEL = Model(
    "h[t] = tanh(W @ h[t-1] + A @ x[t] + b)\ng[t] = sigmoid(V @ g[t-1] + h[t])\nE[t] = squared_error(d[t], g[t])",
    sizes={"h": "n", "g": "n", "x": "m"},
)
N, M, ONE = Symbol("n", integer=True, positive=True), Symbol("m", integer=True, positive=True), Integer(1)
Shape = tuple[Expr, ...]
VECTORS = {"h": N, "g": N, "x": M, "d": N}
MATRICES = {"W": (N, N), "V": (N, N), "A": (N, M)}


class Maker:
    """Draws nodes of a shape, in time t."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def node(self, shape: Shape, depth: int) -> Node:
        rows, columns = shape
        if shape == (1, 1):
            one, other = self.vector(N, depth - 1), self.vector(N, depth - 1)
            return Product(Way.MATRIX, (Transpose(one, (ONE, N)), other), shape)
        if columns == 1:
            return self.vector(rows, depth)
        return self.matrix(rows, columns, depth)

    def vector(self, size: Expr, depth: int) -> Node:
        shape = (size, ONE)
        if depth <= 0 or self.rng.random() < 0.15:
            if self.rng.random() < 0.15:
                return Ones(shape)
            names = [name for name, own in VECTORS.items() if own == size]
            time = Moment.of("t", self.rng.choice((0, 0, 0, -1)))
            return Variable(self.rng.choice(names), time, shape)
        kind = self.rng.choice(("sum", "hadamard", "matrix", "scaled", "power", "call", "diag", "negative"))
        if kind == "sum":
            return Sum(tuple(self.vector(size, depth - 1) for _ in range(2)), shape)
        if kind == "hadamard":
            return Product(Way.HADAMARD, tuple(self.vector(size, depth - 1) for _ in range(2)), shape)
        if kind == "matrix":
            inner = self.rng.choice((N, M))
            return Product(Way.MATRIX, (self.matrix(size, inner, depth - 1), self.vector(inner, depth - 1)), shape)
        if kind == "scaled":
            return Product(Way.SCALAR, (self.node((ONE, ONE), depth - 1), self.vector(size, depth - 1)), shape)
        if kind == "power":
            return Power(self.vector(size, depth - 1), Fraction(2), False, shape)
        if kind == "call":
            return Call("tanh", self.vector(size, depth - 2), shape)
        if kind == "diag":
            diagonal = Diagonal(self.vector(size, depth - 1), (size, size))
            return Product(Way.MATRIX, (diagonal, self.vector(size, depth - 1)), shape)
        return Negative(self.vector(size, depth - 1), shape)

    def matrix(self, rows: Expr, columns: Expr, depth: int) -> Node:
        shape = (rows, columns)
        names = [name for name, own in MATRICES.items() if own == shape]
        turned = [name for name, own in MATRICES.items() if own[::-1] == shape]
        if depth <= 0 or self.rng.random() < 0.4:
            if names and (not turned or self.rng.random() < 0.6):
                return Variable(self.rng.choice(names), None, shape)
            if turned:
                name = self.rng.choice(turned)
                return Transpose(Variable(name, None, MATRICES[name]), shape)
        if depth <= 0 or self.rng.random() < 0.5:
            one, other = self.vector(rows, depth - 1), self.vector(columns, depth - 1)
            return Product(Way.MATRIX, (one, Transpose(other, (ONE, columns))), shape)
        return Sum((self.matrix(rows, columns, depth - 1), self.matrix(rows, columns, depth - 1)), shape)

    def formula(self, depth: int = 3) -> Node:
        shape = self.rng.choice(((N, ONE), (N, N), (N, M), (ONE, ONE)))
        found = self.node(shape, depth)
        if self.rng.random() < 0.3:
            low = Moment((), self.rng.choice((1, 1, 2)))
            return TimeSum("t", low, Moment.of("T", self.rng.choice((0, 0, -1))), found, shape)
        return found


# The same in other words


def rewritten(node: Node, rng: random.Random) -> Node:
    """An equal formula: laws of algebra applied here and there."""
    node = with_children(node, lambda child: rewritten(child, rng))
    if rng.random() < 0.4:
        return node
    match node:
        case Sum(parts):
            return replace(node, parts=tuple(rng.sample(parts, len(parts))))
        case Product(Way.HADAMARD | Way.SCALAR, parts):
            sums = [place for place, part in enumerate(parts) if isinstance(part, Sum)]
            if sums and rng.random() < 0.7:
                return distributed(node, sums[0])
            return replace(node, parts=parts[::-1])
        case Product(Way.MATRIX, (Diagonal(vector), other)) if node.shape and node.shape[1] == 1:
            return Product(Way.HADAMARD, (vector, other), node.shape)
        case Product(Way.MATRIX, parts):
            sums = [place for place, part in enumerate(parts) if isinstance(part, Sum)]
            if sums and rng.random() < 0.7:
                return distributed(node, sums[0])
            turned = tuple(transposed(part) for part in parts[::-1])
            assert node.shape is not None
            return Transpose(Product(Way.MATRIX, turned, node.shape[::-1]), node.shape)
        case Power(base, Fraction() as exponent, False) if exponent == 2:
            return Product(Way.HADAMARD, (base, base), node.shape)
        case Negative(Sum(parts)):
            return Sum(tuple(Negative(part, part.shape) for part in parts), node.shape)
        case TimeSum(index, low, high, Sum(parts)):
            return Sum(tuple(TimeSum(index, low, high, part, part.shape) for part in parts), node.shape)
        case TimeSum(index, Moment() as low, Moment() as high, operand):
            one = Moment((), 1)
            later = shifted(operand, index, -1)
            return TimeSum(index, low + one, high + one, later, node.shape)
    return node


def distributed(node: Product, place: int) -> Node:
    """A product with a sum multiplied out."""
    sum_node = node.parts[place]
    assert isinstance(sum_node, Sum)
    terms = tuple(replace(node, parts=(*node.parts[:place], part, *node.parts[place + 1 :])) for part in sum_node.parts)
    return Sum(terms, node.shape)


def transposed(node: Node) -> Node:
    assert node.shape is not None
    return node.operand if isinstance(node, Transpose) else Transpose(node, node.shape[::-1])


def shifted(node: Node, letter: str, steps: int) -> Node:
    if isinstance(node, Variable) and node.time is not None and letter in node.time.letters:
        return replace(node, time=node.time + Moment((), steps))
    return with_children(node, lambda child: shifted(child, letter, steps))


def changed(node: Node, rng: random.Random) -> Node:
    """A formula with one place changed: another variable, time, sign or transpose."""
    places = list(inside(node))
    path, chosen = rng.choice(places)
    new: Node = Negative(chosen, chosen.shape)
    if isinstance(chosen, Variable) and chosen.time is not None:
        others = [name for name, size in VECTORS.items() if chosen.shape == (size, ONE) and name != chosen.name]
        if others and rng.random() < 0.5:
            new = replace(chosen, name=rng.choice(others))
        else:
            new = replace(chosen, time=chosen.time + Moment((), rng.choice((-1, 1))))
    elif isinstance(chosen, Variable) and chosen.shape == (N, N):
        new = Transpose(chosen, chosen.shape)
    elif isinstance(chosen, Sum | Product) and len(chosen.parts) == 2 and chosen.parts[0].shape == chosen.shape:
        new = chosen.parts[0]
    return put(node, path, new)


Path = tuple[tuple[str, int | None], ...]


def inside(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    yield path, node
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield from inside(value, (*path, (field.name, None)))
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            for place, part in enumerate(value):
                yield from inside(part, (*path, (field.name, place)))


def put(node: Node, path: Path, new: Node) -> Node:
    if not path:
        return new
    (name, place), *rest = path
    value = getattr(node, name)
    if place is None:
        return replace(node, **{name: put(value, tuple(rest), new)})  # type: ignore[arg-type]
    parts = (*value[:place], put(value[place], tuple(rest), new), *value[place + 1 :])
    return replace(node, **{name: parts})  # type: ignore[arg-type]


def with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    if isinstance(node, Variable | Sequence):
        return node
    changes: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changes[field.name] = change(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(change(part) for part in value)
    return replace(node, **changes)
