"""The tree of matrix notation in print: the walk that LaTeX and Unicode text share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from sympy import Expr, Integer, Rational

from rnnsym.equations.indexed import Equation, Role, T, Term, Variable
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.notation.builder import Builder
from rnnsym.notation.names import Names
from rnnsym.notation.tree import (
    Applied,
    Chain,
    Columns,
    Diagonal,
    Entry,
    Hadamard,
    Identity,
    IndexSum,
    Leaf,
    Literal,
    Minus,
    Node,
    Ones,
    Paired,
    Plus,
    Power,
    Scaled,
    SizeSum,
    Slice,
    SquaredNorm,
    Stack,
    TimeSum,
    Transposed,
    Where,
)
from rnnsym.operations import Pairwise


class Binding(IntEnum):
    """How tightly a piece binds: what is looser than its surroundings gets parentheses."""

    SUM = 0
    TIMES = 1  # products with scalars; sums over time
    HADAMARD = 2
    CHAIN = 3
    POWER = 4  # powers and transposes
    ATOM = 5


@dataclass(frozen=True)
class Piece:
    """A printed expression."""

    text: str
    binding: Binding


class Printer:
    """The common walk. Subclasses give the alphabet."""

    hadamard = ""
    divide = ""
    dots = ""
    ones = ""
    identity = "I"
    minus = "-"
    #: How tightly a fraction binds.
    fraction = Binding.TIMES

    def __init__(self, names: Names, builder: Builder, given: frozenset[tuple[str, Time]] = frozenset()) -> None:
        self.names = names
        self.style = names.notation
        self.builder = builder
        self.given = given
        #: What is computed against the usual direction of time.
        self.against: frozenset[str] = frozenset()
        #: The numbers that t and T stand for in an unrolled equation.
        self.at: int | None = None
        self.length: int | None = None
        self._bound: list[str] = []  # the indices of the sums around the place that is being printed
        self._trees: dict[tuple[str, tuple[Term, ...]], Node] = {}
        self._loss = next((v for v in builder.variables.values() if v.role is Role.LOSS), None)

    # Equations

    def left(self, equation: Equation) -> str:
        """A variable as it stands on the left: beside bars, the gradient of what is given as a fraction."""
        variable, time = equation.variable, equation.time
        indices = equation.indices if self.style.indices else ()
        if variable.adjoint_of is not None and self.style.adjoint == "bar":
            own = self.builder.variables[variable.adjoint_of]
            if own.role in (Role.PARAMETER, Role.INPUT) or (own.name, time) in self.given:
                return self.derivative(self.leaf(own, time, indices))
        return self.leaf(variable, time, indices)

    def leaf(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        """A variable at a time, or an element of it; an adjoint as the notation has it."""
        if variable.adjoint_of is None or self.style.marks:
            return self.symbol(variable, time, indices)
        own = self.builder.variables[variable.adjoint_of]
        if self.style.adjoint == "leibniz":
            return self.derivative(self.symbol(own, time, indices))
        whole = self.gradient(self.symbol(own, time))
        return self.entry(self.parentheses(whole), indices) if indices else whole

    def _leaf_binding(self, leaf: Leaf) -> Binding:
        if leaf.variable.adjoint_of is None or self.style.marks:
            return Binding.ATOM
        if self.style.adjoint == "leibniz":
            return self.fraction
        return Binding.ATOM if leaf.indices else Binding.TIMES

    def index(self, index: Expr) -> Expr:
        """An index of elements in print: a letter that nothing else in the model is called."""
        return index.xreplace(self.names.indices)

    def right(self, equation: Equation) -> str:
        """The right side; at one time of an unrolled equation, what counts at that time."""
        if self.length is not None and self.at is not None:
            equation = replace(equation, terms=active(equation, self.at, self.length))
        return self.show(self.tree(equation)).text

    def tree(self, equation: Equation) -> Node:
        """The right side as a tree, made once."""
        key = (equation.name, equation.terms)
        if key not in self._trees:
            self._trees[key] = self.builder.equation(equation)
        return self._trees[key]

    @property
    def loss(self) -> str:
        """The total loss."""
        assert self._loss is not None
        return self.leaf(self._loss, None)

    @property
    def adjoint_mark(self) -> str:
        """What stands before the adjoint of a variable; empty where it is a bar above."""
        raise NotImplementedError

    # Nodes

    def show(self, node: Node) -> Piece:
        """A tree in print."""
        match node:
            case Leaf(variable, time, indices):
                return Piece(self.leaf(variable, time, indices), self._leaf_binding(node))
            case Literal(value):
                return self.literal(self.number(value))
            case Ones():
                return Piece(self.ones, Binding.ATOM)
            case Plus(parts):
                return Piece(self._sum(parts), Binding.SUM)
            case Minus(operand):
                return Piece(self.minus + self.within(operand, Binding.TIMES), Binding.SUM)
            case Scaled():
                return self.scaled(node)
            case Hadamard(parts, below):
                return Piece(self._elementwise(parts, below), Binding.HADAMARD)
            case Chain(parts):
                return Piece(self.adjoined([self.within(part, Binding.POWER) for part in parts]), Binding.CHAIN)
            case Transposed(operand):
                return Piece(self.transposed(self.within(operand, Binding.ATOM)), Binding.POWER)
            case Diagonal(operand):
                return Piece(self.diagonal(self.show(operand).text), Binding.ATOM)
            case Applied():
                return self.applied(node)
            case Paired(operation, left, right):
                return Piece(self.paired(operation, self.show(left).text, self.show(right).text), Binding.ATOM)
            case Power():
                return self.power(node)
            case SquaredNorm(operand, matrix):
                return Piece(self.norm(self.show(operand).text, matrix), Binding.POWER)
            case Slice(operand, offset, size):
                return Piece(self.slice(self.within(operand, Binding.ATOM), offset + 1, offset + size), Binding.ATOM)
            case Columns(operand, offset, size, rows):
                spans = [f"{self.size(offset + 1)}:{self.size(offset + size)}", ":"]
                if rows and isinstance(operand, Columns) and not operand.rows:
                    spans[1] = f"{self.size(operand.offset + 1)}:{self.size(operand.offset + operand.size)}"
                    operand = operand.operand
                inner = self.within(operand, Binding.ATOM)
                return Piece(self.columns(inner, ",".join(spans if rows else spans[::-1])), Binding.ATOM)
            case Identity():
                return Piece(self.identity, Binding.ATOM)
            case Stack(parts, rows):
                return Piece(self.stack([self.show(part).text for part in parts], rows), Binding.ATOM)
            case TimeSum(index, interval, operand):
                self._bound.append(str(index))
                inner = self.within(operand, Binding.TIMES)
                self._bound.pop()
                return Piece(self.time_sum(str(index), interval, inner), Binding.TIMES)
            case IndexSum():
                return self.index_sum(node)
            case SizeSum(ranges, operand):
                bounds = [(str(self.index(index)), self.size(self.number(size))) for index, size in ranges]
                return Piece(self.size_sum(bounds, self.within(operand, Binding.TIMES)), Binding.TIMES)
            case Entry(operand, indices):
                return Piece(self.entry(self.within(operand, Binding.ATOM), indices), Binding.ATOM)
            case Where(one, other):
                return Piece(f"[{self.size(self.index(one))} = {self.size(self.index(other))}]", Binding.ATOM)

    def within(self, node: Node, binding: Binding) -> str:
        """A part, in parentheses where it binds more loosely than this."""
        piece = self.show(node)
        return piece.text if piece.binding >= binding else self.parentheses(piece.text)

    def _sum(self, parts: tuple[Node, ...]) -> str:
        text = ""
        for part in parts:
            negative = isinstance(part, Minus)
            inner = self.within(part.operand if isinstance(part, Minus) else part, Binding.TIMES)
            sign = self.minus if negative else "+" if text else ""
            text += (f" {sign} " if text else sign) + inner
        return text

    def _elementwise(self, parts: tuple[Node, ...], below: tuple[Node, ...]) -> str:
        # Matrix products bind tighter than the elementwise product, but a reader is glad of parentheses.
        text = f" {self.hadamard} ".join(self.within(part, Binding.POWER) for part in parts)
        if below:
            divisor = self.within(below[0] if len(below) == 1 else Hadamard(below), Binding.POWER)
            text += f" {self.divide} {divisor}"
        return text

    # Times

    def time(self, time: Time) -> str:
        """A time in print; in an unrolled equation t is a number."""
        if self.at is not None and time.anchor == "t" and "t" not in self._bound:
            return str(self.at + time.offset)
        return str(self.end(time))

    def range(self, interval: Interval) -> str:
        """The times of an interval: `1..T`."""
        return str(Interval(self.end(interval.low), self.end(interval.high)))

    def end(self, time: Time) -> Time:
        """The end of a range: a number in an unrolled equation."""
        if self.length is not None and time.anchor == "T":
            return Time("", self.length + time.offset)
        return time

    def number(self, value: Expr) -> Expr:
        """A number or a size; T is a number in an unrolled equation."""
        return value if self.length is None else value.xreplace({T: Integer(self.length)})

    def at_least(self, length: int) -> str:
        """`T ≥ 2`."""
        return f"T ≥ {length}"

    # The alphabet

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def adjoined(self, factors: list[str]) -> str:
        """The factors of a matrix product, side by side."""
        return " ".join(factors)

    def symbol(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        """A variable by its own symbol, with a mark where it is an adjoint."""
        raise NotImplementedError

    def size(self, size: Expr) -> str:
        """A size of an array."""
        raise NotImplementedError

    def literal(self, value: Expr) -> Piece:
        raise NotImplementedError

    def scaled(self, node: Scaled) -> Piece:
        raise NotImplementedError

    def derivative(self, text: str) -> str:
        """The derivative of the total loss with respect to something, as a fraction."""
        raise NotImplementedError

    def gradient(self, text: str) -> str:
        """The same, as a gradient."""
        raise NotImplementedError

    def entry(self, text: str, indices: tuple[Expr, ...]) -> str:
        """An element of something that is no variable."""
        raise NotImplementedError

    def size_sum(self, bounds: list[tuple[str, str]], text: str) -> str:
        """A sum over indices, each from 1 to a size."""
        raise NotImplementedError

    def transposed(self, text: str) -> str:
        raise NotImplementedError

    def diagonal(self, text: str) -> str:
        raise NotImplementedError

    def applied(self, node: Applied) -> Piece:
        raise NotImplementedError

    def paired(self, operation: Pairwise, left: str, right: str) -> str:
        """A function of two arguments."""
        raise NotImplementedError

    def power(self, node: Power) -> Piece:
        raise NotImplementedError

    def norm(self, text: str, matrix: bool) -> str:
        raise NotImplementedError

    def slice(self, text: str, first: Expr, last: Expr) -> str:
        raise NotImplementedError

    def columns(self, text: str, spans: str) -> str:
        """Some rows and columns of a matrix, `1:n,:`."""
        raise NotImplementedError

    def stack(self, parts: list[str], rows: bool) -> str:
        raise NotImplementedError

    def time_sum(self, index: str, interval: Interval, text: str) -> str:
        raise NotImplementedError

    def index_sum(self, node: IndexSum) -> Piece:
        raise NotImplementedError


@dataclass(frozen=True)
class Scalars:
    """The scalars of a product in print: numbers and sizes apart from variables, above and below the line."""

    numbers: list[str]
    above: list[str]
    numbers_below: list[str]
    below: list[str]

    @classmethod
    def of(cls, node: Scaled, printer: Printer, alone: Binding) -> Scalars:
        """`alone` is how loose the only factor above the line may be."""
        number: Rational = node.number
        sizes: list[str] = []
        sizes_below: list[str] = []
        above: list[Node] = []
        below: list[Node] = []
        for parts, found, others in ((node.above, sizes, above), (node.below, sizes_below, below)):
            for part in parts:
                value = printer.number(part.value) if isinstance(part, Literal) else None
                if value is None:
                    others.append(part)
                elif value.is_Rational:
                    number = number * value if found is sizes else number / value
                else:
                    found.append(printer.within(part, Binding.POWER))
        exact = decimal(number)
        return cls(
            [exact or str(number.p)] * (number.p != 1 or bool(exact)) + sizes,
            [printer.within(part, alone if len(above) == 1 else Binding.POWER) for part in above],
            [str(number.q)] * (number.q != 1 and not exact) + sizes_below,
            [printer.within(part, Binding.POWER) for part in below],
        )


def decimal(number: Rational) -> str:
    """A number as a decimal where that is how a person writes it: 0.9, but 1/2, 3/4 and 1/3."""
    twos = fives = 0
    rest = int(number.q)
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or not fives:
        return ""
    digits = str(int(abs(number) * 10**places)).rjust(places + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def active(equation: Equation, number: int, length: int) -> tuple[Term, ...]:
    """The terms that count at one time of an unrolled equation."""
    return tuple(term for term in equation.terms if term.when is None or number in term.when.bounds(length))
