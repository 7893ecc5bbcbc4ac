"""A claim, read: equations whose names are settled and whose shapes fit.

Every shape is `(rows, columns)`: a column of n elements is `(n, 1)`, a row `(1, n)`, a scalar `(1, 1)`. The derivative
of a vector by a matrix is `(n, rows, columns)`. Sizes are those of the model, SymPy expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer

from rnnsym.claims.affine import Bound as Bound
from rnnsym.claims.affine import Extreme as Extreme
from rnnsym.claims.affine import Moment as Moment
from rnnsym.errors import Span

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


@dataclass(frozen=True)
class Range:
    """The times at which an equation is said to hold; an end that is not told is None."""

    letter: str
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True)
class Equation:
    """`left = right`, for the times in `ranges` (where told).

    `left` is a Sequence where the equation defines one, else a Derivative, a Variable or another expression that is
    claimed to be equal. `given`: it comes from the `where` text, and is a definition that nobody has to prove.
    """

    left: Node
    right: Node
    ranges: tuple[Range, ...]
    span: Span = field(compare=False)
    source: str = field(default="", compare=False)
    given: bool = False

    @property
    def defines(self) -> str | None:
        """The sequence that it defines."""
        return self.left.name if isinstance(self.left, Sequence) else None

    @property
    def letters(self) -> tuple[str, ...]:
        """The times that are free in it, those of the left side first."""
        return tuple(dict.fromkeys((*free_letters(self.left), *free_letters(self.right))))


@dataclass(frozen=True)
class Claim:
    r"""What a person derived: equations in the order of the text, those of `where` first.

    `layout` and `convention` are how it was read, `assumed` what it leaves unsaid and how that was taken. `adjoints`
    says which of the claim's sequences is named after a variable, as `\bar{h}` or `\delta h` is: the author most likely
    means its adjoint. `raised_to_length`: the numbers under a T that may be a transpose or a power.
    `numbered`: elements with different numbers stand in an equation, and were taken for any two.
    """

    equations: tuple[Equation, ...]
    text: str
    layout: str = "numerator"
    convention: str = "columns"
    adjoints: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    raised_to_length: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def sequences(self) -> tuple[str, ...]:
        """The names that the claim defines."""
        return tuple(dict.fromkeys(e.defines for e in self.equations if e.defines is not None))

    def defining(self, name: str) -> list[Equation]:
        """The equations that define a sequence."""
        return [equation for equation in self.equations if equation.defines == name]

    def says_adjoint(self, name: str) -> bool:
        """Whether a sequence has the bar of an adjoint over its letter; a delta may be that of a pre-activation."""
        return name in self.adjoints and re.split(r"[_^]", name)[0].endswith("bar")

    @property
    def readings(self) -> tuple[Kind, ...]:
        """What a plain partial sign between states may mean; nothing to choose where there is none."""
        nodes = (node for e in self.equations for side in (e.left, e.right) for node in walk(side))
        plain = any(isinstance(node, Derivative) and node.kind is Kind.PARTIAL for node in nodes)
        return (Kind.TOTAL, Kind.IMMEDIATE) if plain else (Kind.TOTAL,)


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


def shown(node: Node) -> str:
    """A short form for messages."""
    match node:
        case Number(value):
            return str(value)
        case TimeNumber(moment):
            return str(moment)
        case SizeNumber(size):
            return str(size)
        case Variable(name, time):
            own = node.label or name
            return own if time is None else f"{own}[{time}]"
        case Sequence(name, times):
            return f"{name}[{', '.join(map(str, times))}]" if times else name
        case Derivative(kind, top, bottom):
            sign = {Kind.TOTAL: "d", Kind.IMMEDIATE: "∂⁺", Kind.PARTIAL: "∂"}[kind]
            return f"{sign}{shown(top)}/{sign.rstrip('⁺')}{shown(bottom)}"
        case Sum(parts):
            return "(" + " + ".join(shown(part) for part in parts) + ")"
        case Negative(operand):
            return f"-{shown(operand)}"
        case Product(way, parts):
            return "(" + f" {SIGNS[way]} ".join(shown(part) for part in parts) + ")"
        case Quotient(top, bottom):
            return f"{shown(top)}/{shown(bottom)}"
        case Transpose(operand):
            return f"{shown(operand)}ᵀ"
        case Power(base, exponent):
            return f"{shown(base)}^{exponent}"
        case Stack(parts):
            return f"[{'; '.join(shown(part) for part in parts)}]"
        case Slice(operand, first, last):
            return f"{shown(operand)}[{first}:{last}]"
        case Call(function, operand):
            return f"{function}({shown(operand)})"
        case Prime(function, operand):
            return f"{function}'({shown(operand)})"
        case TimeSum(index, low, high, operand):
            return f"Σ_{{{index}={low}..{high}}} {shown(operand)}"
        case TimeProduct(index, first, last, _, operand):
            return f"Π_{{{index}={first}..{last}}} {shown(operand)}"
        case Diagonal(operand):
            return f"diag({shown(operand)})"
        case Contraction(parts, letters, free):
            named = (
                f"{shown(part)}_{{{','.join(own)}}}" if own else shown(part)
                for part, own in zip(parts, letters, strict=True)
            )
            over = dict.fromkeys(letter for own in letters for letter in own if letter not in free)
            return f"[{f'Σ_{{{chr(44).join(over)}}} ' if over else ''}{' '.join(named)}]_{{{','.join(free)}}}"
        case Entry(operand, indices):
            places = (index.letter.rstrip("'") + (f"+{index.offset}" if index.offset else "") for index in indices)
            return f"{shown(operand)}_{{{','.join(places)}}}"
        case IndexSum(index, _, operand):
            return f"Σ_{{{index}}} {shown(operand)}"
        case Kronecker(first, second, offset):
            if offset is not None:
                return f"[{first} = {second}{f' + {offset}' if offset else ''}]"
            return f"δ_{{{first},{second}}}"
    return "𝟏" if isinstance(node, Ones) else "I"


SIGNS = {Way.MATRIX: "@", Way.HADAMARD: "⊙", Way.SCALAR: "·", Way.OUTER: "⊗"}

assert all(any(f.name == "shape" for f in fields(kind)) for kind in Node.__args__)
