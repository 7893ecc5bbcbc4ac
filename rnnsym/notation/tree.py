"""The tree of matrix notation: what a person would write, without saying in which alphabet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from sympy import Expr, Integer, Rational, Symbol

from rnnsym.equations.indexed import Variable
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.operations import Elementwise, Pairwise, VectorFunction


@dataclass(frozen=True)
class Leaf:
    """A variable at a time (None: it has none); with `indices`, one element of it."""

    variable: Variable
    time: Time | None
    indices: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Literal:
    """A number, a size or T."""

    value: Expr


@dataclass(frozen=True)
class Ones:
    """The vector of ones."""


@dataclass(frozen=True)
class Plus:
    """A sum; a part may carry a minus sign of its own."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Minus:
    """The negative of something."""

    operand: Node


@dataclass(frozen=True)
class Scaled:
    """A positive number, scalars and a denominator of scalars, times a vector, a matrix, a sum over time or nothing."""

    number: Rational
    above: tuple[Node, ...]
    below: tuple[Node, ...]
    operand: Node | None


@dataclass(frozen=True)
class Hadamard:
    """An elementwise product, divided elementwise by the product of `below`."""

    parts: tuple[Node, ...]
    below: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A matrix product, in the order in which it is written."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Transposed:
    """The transpose."""

    operand: Node


@dataclass(frozen=True)
class Diagonal:
    """The matrix with a vector on its diagonal."""

    operand: Node


@dataclass(frozen=True)
class Applied:
    """A function of the table."""

    operation: Elementwise | VectorFunction
    operand: Node


@dataclass(frozen=True)
class Paired:
    """A function of two arguments of the table."""

    operation: Pairwise
    left: Node
    right: Node


@dataclass(frozen=True)
class Power:
    """`scalar`: an ordinary power; otherwise elementwise, for a `matrix` or a vector."""

    base: Node
    exponent: Expr
    scalar: bool
    matrix: bool = False


@dataclass(frozen=True)
class SquaredNorm:
    """The sum of the squares of a vector's elements, or of a matrix's."""

    operand: Node
    matrix: bool


@dataclass(frozen=True)
class Slice:
    """The elements of a concatenation that belong to one of its parts."""

    operand: Node
    offset: Expr
    size: Expr


@dataclass(frozen=True)
class Columns:
    """The columns of a matrix (with `rows`: its rows) that belong to one part of a concatenation."""

    operand: Node
    offset: Expr
    size: Expr
    rows: bool = False


@dataclass(frozen=True)
class Identity:
    """The identity matrix."""


@dataclass(frozen=True)
class Stack:
    """A concatenation; of rows, side by side."""

    parts: tuple[Node, ...]
    rows: bool


@dataclass(frozen=True)
class TimeSum:
    """A sum over time; `index` is t or s."""

    index: Symbol
    interval: Interval
    operand: Node


@dataclass(frozen=True)
class IndexSum:
    """What has no matrix form: the array over `free` of a product of elements, summed over `indices`."""

    operand: Node
    free: tuple[Symbol, ...]
    indices: tuple[Symbol, ...]


@dataclass(frozen=True)
class SizeSum:
    """A sum over the elements that an index numbers, in index notation: j = 1..n."""

    indices: tuple[tuple[Symbol, Expr], ...]
    operand: Node


@dataclass(frozen=True)
class Entry:
    """One element of a vector that is no variable: softmax(o)_i."""

    operand: Node
    indices: tuple[Symbol, ...]


@dataclass(frozen=True)
class Where:
    """One where two indices are equal, else zero."""

    left: Expr
    right: Expr


Node = (
    Leaf | Literal | Ones | Paired | Plus | Minus | Scaled | Hadamard | Chain | Transposed | Diagonal | Applied | Power
    | SquaredNorm | Slice | Columns | Identity | Stack | TimeSum | IndexSum | SizeSum | Entry | Where
)  # fmt: skip
ONE, ONES = Integer(1), Ones()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)


# Making nodes, without needless nesting


def plus(parts: tuple[Node, ...]) -> Node:
    """A sum; nothing added up is zero."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Plus) else [part]
    if not flat:
        return Literal(Integer(0))
    return flat[0] if len(flat) == 1 else Plus(tuple(flat))


def minus(node: Node) -> Node:
    """The negative."""
    return node.operand if isinstance(node, Minus) else Minus(node)


def chain(*parts: Node) -> Node:
    """A matrix product."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Chain) else [part]
    return Chain(tuple(flat))


def transposed(node: Node) -> Node:
    """The transpose: of a transpose the thing itself, of a product the product of the transposes."""
    if isinstance(node, Transposed):
        return node.operand
    if isinstance(node, Chain):
        return Chain(tuple(transposed(part) for part in reversed(node.parts)))
    if isinstance(node, Columns) and isinstance(node.operand, Identity):
        return Columns(node.operand, node.offset, node.size, not node.rows)
    return node if isinstance(node, Diagonal | Identity) else Transposed(node)


def columns(node: Node, offset: Expr, size: Expr, rows: bool) -> Node:
    """Columns, or rows, of a matrix: those of a transpose are rows, or columns, transposed."""
    if isinstance(node, Transposed):
        return transposed(columns(node.operand, offset, size, not rows))
    if isinstance(node, Columns) and node.rows and not rows:  # rows stand before columns
        return Columns(columns(node.operand, offset, size, rows), node.offset, node.size, rows=True)
    return Columns(node, offset, size, rows)


def scaled(number: Rational, above: tuple[Node, ...], below: tuple[Node, ...], operand: Node | None) -> Node:
    """A product with scalars; the sign stands in front."""
    if number < 0:
        return minus(scaled(-number, above, below, operand))
    if isinstance(operand, Minus):
        return minus(scaled(number, above, below, operand.operand))
    if isinstance(operand, Scaled):
        return scaled(number * operand.number, (*above, *operand.above), (*below, *operand.below), operand.operand)
    if not below and number == 1 and operand is not None and not above:
        return operand
    if operand is None and not below and number == 1 and len(above) == 1:
        return above[0]
    if operand is None and not above and not below:
        return Literal(number)
    return Scaled(number, above, below, operand)
