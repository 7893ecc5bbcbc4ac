"""Formulas, read: their names are settled, and their shapes fit.

Every shape is `(rows, columns)`: a column of n elements is `(n, 1)`, a row `(1, n)`, a scalar `(1, 1)`. The derivative
of a vector by a matrix is `(n, rows, columns)`. Sizes are those of the model, SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer

from rnnsym.claims.affine import Bound as Bound
from rnnsym.claims.affine import Extreme as Extreme
from rnnsym.claims.affine import Moment as Moment

Shape = tuple[Expr, ...]
ZERO = Integer(0)
#: Before a claim's own sequences have found their shapes, a shape may be open.
Open = Shape | None


class Kind(Enum):
    """What a derivative holds fixed.

    TOTAL: nothing. IMMEDIATE: every value at an earlier time, written with a superscript +. PARTIAL: the author wrote
    a plain partial sign between a state and something; whether that is meant as total has to be tried.
    """

    TOTAL = "total"
    IMMEDIATE = "immediate"
    PARTIAL = "partial"


class Way(Enum):
    """Kinds of product."""

    MATRIX = "matrix"
    HADAMARD = "hadamard"
    SCALAR = "scalar"  # at most one factor is not a scalar
    OUTER = "outer"  # of a matrix and a column: an array with three indices


@dataclass(frozen=True)
class Number:
    """An exact number."""

    value: Fraction
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class TimeNumber:
    """A time as a number: the T in 1/T."""

    moment: Moment
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class SizeNumber:
    """A size of the model as a number."""

    size: Expr
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Ones:
    """A vector or matrix of ones."""

    shape: Open = None


@dataclass(frozen=True)
class Identity:
    """The identity matrix."""

    shape: Open = None


@dataclass(frozen=True)
class Variable:
    """A variable of the model or of its system of equations (a pre-activation, the total loss) at a time."""

    name: str
    time: Moment | None
    shape: Open = field(default=None, compare=False)
    label: str = field(default="", compare=False)  # what messages call it, where that is not its name


@dataclass(frozen=True)
class Sequence:
    """What the claim itself defines, at one or two times (none: a value without time)."""

    name: str
    times: tuple[Moment, ...]
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Derivative:
    """The derivative of `top` by `bottom`.

    `gradient`: the author wrote it as a gradient or an adjoint, not as a fraction, so that it has the shape of
    `bottom` and is never a row beside a column. Of a scalar: the shape of `bottom`. Of a vector by a vector: a matrix
    laid out as the claim's layout says. Of a vector by a matrix: `(n, rows, columns)`.
    """

    kind: Kind
    top: Variable
    bottom: Variable
    shape: Open = field(default=None, compare=False)
    gradient: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Sum:
    """A sum; numbers broadcast."""

    parts: tuple[Node, ...]
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Negative:
    """The negative."""

    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Product:
    """A product, in the author's order; a matrix product of more than two associates from the left."""

    way: Way
    parts: tuple[Node, ...]
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Quotient:
    """`top` divided by `bottom`, elementwise or by a scalar."""

    top: Node
    bottom: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Transpose:
    """The transpose."""

    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Power:
    """`base` to a power: element by element, or of a square matrix where the exponent may be a time such as T-i."""

    base: Node
    exponent: Fraction | Moment
    matrix: bool
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Diagonal:
    """The matrix with a vector on its diagonal."""

    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Stack:
    """Vectors or matrices below each other; `across`: side by side."""

    parts: tuple[Node, ...]
    across: bool = False
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Slice:
    """The elements `first` to `last` of a vector, counted from one, both included."""

    operand: Node
    first: Expr
    last: Expr
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Call:
    """A function of the operations' table: an Elementwise, a VectorFunction, or sum_elements."""

    function: str
    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Prime:
    """The derivative of an Elementwise of the table, taken at `operand`."""

    function: str
    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class TimeSum:
    """The sum of `operand` over index = low, ..., high; empty where low > high."""

    index: str
    low: Bound
    high: Bound
    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class TimeProduct:
    """The matrix product of `operand`, its first factor at index = first and its last at index = last.

    `descending`: the index falls by one from factor to factor, else it rises. Where it cannot, the product is empty.
    """

    index: str
    first: Bound
    last: Bound
    descending: bool
    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Contraction:
    """A product of arrays whose axes have letters, summed over the letters that `free` lacks: where no matrix form is.

    A scalar has no letter, a column one, a matrix two, a tensor three.
    """

    parts: tuple[Node, ...]
    letters: tuple[tuple[str, ...], ...]
    free: tuple[str, ...]
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class ElementIndex:
    """A letter that counts elements, plus a size: the j + n of an element of what stands second in a stack."""

    letter: str
    offset: Expr = ZERO


@dataclass(frozen=True)
class Entry:
    """One element, as `W_{ij}`. Entries, sums over them and Kronecker deltas are gone when a claim has been read."""

    operand: Node
    indices: tuple[ElementIndex, ...]
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class IndexSum:
    """The sum over all elements, or over `size` of them where the author says how many."""

    index: str
    size: Expr | None
    operand: Node
    shape: Open = field(default=None, compare=False)


@dataclass(frozen=True)
class Kronecker:
    """One where two indices are equal, else zero.

    offset: one where `first` is `second` + offset, as [i = j + n] says. Then they may run over different numbers of
    elements.
    """

    first: str
    second: str
    offset: Expr | None = None
    shape: Open = field(default=None, compare=False)


Node = (
    Number | TimeNumber | SizeNumber | Ones | Identity | Variable | Sequence | Derivative | Sum | Negative | Product
    | Quotient | Transpose | Power | Diagonal | Stack | Slice | Call | Prime | TimeSum | TimeProduct
    | Contraction | Entry | IndexSum | Kronecker
)  # fmt: skip
assert all(any(f.name == "shape" for f in fields(kind)) for kind in Node.__args__)


def children(node: Node) -> tuple[Node, ...]:
    """The operands of a node, left to right; a derivative is a leaf."""
    match node:
        case Sum(parts) | Product(_, parts) | Stack(parts) | Contraction(parts):
            return parts
        case Quotient(top, bottom):
            return (top, bottom)
        case Power(base):
            return (base,)
        case (
            Negative() | Transpose() | Diagonal() | Slice() | Call() | Prime() | TimeSum() | TimeProduct()
            | Entry() | IndexSum()
        ):  # fmt: skip
            return (node.operand,)
        case _:
            return ()


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node over other operands."""
    match node:
        case Sum() | Product() | Stack() | Contraction():
            return replace(node, parts=parts)
        case Quotient():
            return replace(node, top=parts[0], bottom=parts[1])
        case Power():
            return replace(node, base=parts[0])
    found: Any = node
    return replace(found, operand=parts[0]) if parts else node


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def free_letters(node: Node) -> tuple[str, ...]:
    """The time indices that no sum or product in the node binds, in the order of the text."""
    match node:
        case Variable(_, time):
            return tuple(sorted(time.letters)) if time else ()
        case Sequence(_, times):
            return tuple(dict.fromkeys(letter for time in times for letter in sorted(time.letters)))
        case Derivative(_, top, bottom):
            return tuple(dict.fromkeys((*free_letters(top), *free_letters(bottom))))
        case TimeNumber(moment):
            return tuple(sorted(moment.letters))
        case TimeSum(index, low, high, operand) | TimeProduct(index, low, high, _, operand):
            inner = [letter for letter in free_letters(operand) if letter != index]
            return tuple(dict.fromkeys((*sorted(low.letters), *sorted(high.letters), *inner)))
        case Power(base, Moment() as exponent):
            return tuple(dict.fromkeys((*free_letters(base), *sorted(exponent.letters))))
    return tuple(dict.fromkeys(letter for child in children(node) for letter in free_letters(child)))
