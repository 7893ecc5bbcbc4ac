"""The parsed form of a model: a small tree of plain data, each node with its place in the text."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from sympy import Expr

from rnnsym.errors import Span


@dataclass(frozen=True)
class Time:
    """The time of a reference: `t + offset`, `T + offset` or the constant `offset` (anchor empty).

    >>> print(Time("t", -1), Time("T", 0), Time("", 0))
    t-1 T 0
    """

    anchor: str
    offset: int

    def __str__(self) -> str:
        if not self.anchor:
            return str(self.offset)
        return f"{self.anchor}{self.offset:+d}" if self.offset else self.anchor


@dataclass(frozen=True)
class Number:
    """An exact number: `0.5` is one half."""

    value: Fraction
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Reference:
    """A variable, with its time where it has one: `W`, `h[t-1]`, `h[0]`, `y[T]`."""

    name: str
    time: Time | None
    span: Span = field(compare=False)

    def __str__(self) -> str:
        return self.name if self.time is None else f"{self.name}[{self.time}]"


@dataclass(frozen=True)
class Negative:
    """Unary minus."""

    operand: Expression
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Transpose:
    """`operand.T`."""

    operand: Expression
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Binary:
    """`left operator right`; operator is one of `+ - * / @ **`; the right side of `**` is a Number."""

    operator: str
    left: Expression
    right: Expression
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Call:
    """`function(arguments)`; `function` is a name of the operations' table."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Constant:
    """A given array that its sizes fix: the `identity` matrix, or a vector of `ones`. Shapes are solved by then."""

    function: str
    shape: tuple[Expr, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Slice:
    """`operand[low:high]`: some elements of a vector, counted from 0; `high` is None for all that are left.

    The bounds are sums of sizes, `n + 2 * m`.
    """

    operand: Expression
    low: Expr
    high: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Part:
    """One of the vectors `i[t], f[t] = split(operand)`: of the variables `names`, one after the other, that at `place`.

    Once shapes are solved, it is a slice.
    """

    operand: Expression
    place: int
    names: tuple[str, ...]
    span: Span = field(compare=False)


Expression = Number | Reference | Negative | Transpose | Binary | Call | Constant | Slice | Part


@dataclass(frozen=True)
class Definition:
    """One equation as written: `target = value`."""

    target: Reference
    value: Expression
    span: Span = field(compare=False)


def children(node: Expression) -> tuple[Expression, ...]:
    """The operands of a node, left to right."""
    match node:
        case Negative(operand) | Transpose(operand) | Slice(operand) | Part(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def references(node: Expression) -> Iterator[Reference]:
    """The variables that an expression reads, in the order of the text."""
    return (found for found in walk(node) if isinstance(found, Reference))


def free_name(wanted: str, taken: Container[str]) -> str:
    """A name that is not taken: the one that is wanted, with as many underscores behind it as that needs.

    >>> free_name("s", {"s", "s_"})
    's__'
    """
    while wanted in taken:
        wanted += "_"
    return wanted
