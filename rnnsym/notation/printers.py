"""The tree of matrix notation as LaTeX and as Unicode text: one walk, two alphabets."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Indexed, Rational, Symbol, latex

from rnnsym.equations.indexed import Equation, Role, Term, Variable, access, s, t, time_of
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, shifted
from rnnsym.notation.names import Names
from rnnsym.notation.tree import (
    Applied,
    Builder,
    Chain,
    Hadamard,
    IndexSum,
    Leaf,
    Literal,
    Minus,
    Node,
    Plus,
    Power,
    Scaled,
    Slice,
    SquaredNorm,
    Stack,
    TimeSum,
    Transposed,
)
from rnnsym.operations import VectorFunction

# How tightly a piece binds: what is looser than its surroundings gets parentheses.
SUM, TIMES, HADAMARD, CHAIN, ATOM = range(5)


@dataclass(frozen=True)
class Piece:
    text: str
    binding: int


class Printer:
    """Common walk. Subclasses give the alphabet."""

    hadamard = ""
    divide = ""
    transpose = ""
    ones = ""
    space = " "

    def __init__(self, names: Names, builder: Builder, at: int | None = None) -> None:
        self.names = names
        self.builder = builder
        #: The numbers that t and T stand for in an unrolled equation.
        self.at = at
        self.length: int | None = None
        self.bound: set[str] = set()  # the indices of the sums around the place that is being printed
        self._trees: dict[tuple[str, tuple[Term, ...]], Node] = {}

    # Equations

    def equation(self, equation: Equation) -> str:
        """`left = right`."""
        return f"{self.left(equation)} {self.equals} {self.right(equation)}"

    equals = "="

    def left(self, equation: Equation) -> str:
        return self.name(equation.variable, equation.time)

    def name(self, variable: Variable, time: Time | None) -> str:
        """A variable as it stands on the left: the gradient of a parameter or an input as a fraction."""
        if variable.adjoint_of is not None:
            own = self.builder.variables[variable.adjoint_of]
            early = time is not None and not time.anchor and time.offset < 1
            if own.role in (Role.PARAMETER, Role.INPUT) or early:
                return self.derivative(self.leaf(own, time))
        return self.leaf(variable, time)

    dots = "⋯"

    def derivative(self, text: str) -> str:
        """The derivative of the total loss with respect to something."""
        raise AssertionError

    @property
    def loss(self) -> str:
        """The total loss."""
        return self.leaf(next(v for v in self.builder.variables.values() if v.role is Role.LOSS), None)

    def right(self, equation: Equation) -> str:
        """The right side, each term on its own where it holds at some times only."""
        key = (equation.name, equation.terms)
        if key not in self._trees:
            self._trees[key] = self.builder.equation(equation)
        return self.show(self._trees[key]).text

    # Nodes

    def show(self, node: Node) -> Piece:
        match node:
            case Leaf(variable, time):
                return Piece(self.leaf(variable, None if time is None else time_of(time)), ATOM)
            case Literal(value):
                return self.literal(value)
            case Plus(parts):
                return Piece(self._sum(parts), SUM)
            case Minus(operand):
                return Piece(f"{self.minus}{self.within(operand, TIMES)}", SUM)
            case Scaled():
                return self.scaled(node)
            case Hadamard(parts, below):
                return self._elementwise(parts, below)
            case Chain(parts):
                return Piece(self.space.join(self.within(part, ATOM if len(parts) > 1 else CHAIN) for part in parts), CHAIN)
            case Transposed(operand):
                return Piece(f"{self.grouped(operand)}{self.transpose}", ATOM)
            case Applied():
                return self.applied(node)
            case Power(base, exponent, scalar):
                return self.power(base, exponent, scalar)
            case SquaredNorm(operand):
                return Piece(self.norm(self.show(operand).text), ATOM)
            case Slice(operand, offset, size):
                return Piece(self.slice(self.grouped(operand), offset, size), ATOM)
            case Stack(parts):
                return Piece(self.stack([self.show(part).text for part in parts]), ATOM)
            case TimeSum(index, interval, operand):
                self.bound.add(str(index))
                inner = self.within(operand, TIMES)
                self.bound.discard(str(index))
                return Piece(self.time_sum(index, interval, inner), TIMES)
            case IndexSum():
                return self.index_sum(node)

    def within(self, node: Node, binding: int) -> str:
        piece = self.show(node)
        return piece.text if piece.binding >= binding else self.parentheses(piece.text)

    def grouped(self, node: Node) -> str:
        return self.within(node, ATOM)

    def _sum(self, parts: tuple[Node, ...]) -> str:
        text = ""
        for part in parts:
            negative = isinstance(part, Minus)
            inner = self.within(part.operand if isinstance(part, Minus) else part, TIMES)
            text += (f" {self.minus} " if negative else " + ") + inner if text else (self.minus if negative else "") + inner
        return text

    def _elementwise(self, parts: tuple[Node, ...], below: tuple[Node, ...]) -> Piece:
        # Matrix products bind tighter than the elementwise product, but a reader is glad of parentheses.
        text = f" {self.hadamard} ".join(self.within(part, CHAIN if len(parts) == 1 else ATOM) for part in parts)
        for part in below:
            text += f" {self.divide} {self.within(part, ATOM)}"
        return Piece(text, HADAMARD)

    # The alphabet

    minus = "-"

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def leaf(self, variable: Variable, time: Time | None) -> str:
        raise AssertionError

    def literal(self, value: Expr | str) -> Piece:
        raise AssertionError

    def scaled(self, node: Scaled) -> Piece:
        raise AssertionError

    def applied(self, node: Applied) -> Piece:
        raise AssertionError

    def power(self, base: Node, exponent: Expr, scalar: bool) -> Piece:
        raise AssertionError

    def norm(self, text: str) -> str:
        raise AssertionError

    def slice(self, text: str, offset: Expr, size: Expr) -> str:
        raise AssertionError

    def stack(self, parts: list[str]) -> str:
        raise AssertionError

    def time_sum(self, index: Symbol, interval: Interval, text: str) -> str:
        raise AssertionError

    def index_sum(self, node: IndexSum) -> Piece:
        raise AssertionError

    def time(self, time: Time) -> str:
        """A time in print; in an unrolled equation t is a number."""
        if self.at is not None and time.anchor == "t" and "t" not in self.bound:
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


class LatexPrinter(Printer):
    hadamard = r"\odot"
    divide = r"\oslash"
    transpose = r"^\top"
    dots = r"\cdots"

    def parentheses(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\sum" in text or r"\frac" in text else f"({text})"

    def leaf(self, variable: Variable, time: Time | None) -> str:
        return self.names.latex(variable, "" if time is None else self.time(time))

    def literal(self, value: Expr | str) -> Piece:
        if value == "1" and isinstance(value, str):
            return Piece(r"\mathbf{1}", ATOM)
        return Piece(latex(value), SUM if isinstance(value, Add) else ATOM)

    def scaled(self, node: Scaled) -> Piece:
        alone = node.operand is None and len(node.above) == 1
        parts = [self.within(part, CHAIN if alone else ATOM) for part in node.above]
        numbers = [self.show(part).text for part in node.below if isinstance(part, Literal)]
        others = [self.within(part, CHAIN) for part in node.below if not isinstance(part, Literal)]
        if others:
            parts = [rf"\frac{{{' '.join(parts) or '1'}}}{{{' '.join(others)}}}"]
        if numbers:
            parts.insert(0, rf"\tfrac{{1}}{{{' '.join(numbers)}}}")
        if node.operand is not None:
            parts.append(self.within(node.operand, HADAMARD if len(parts) == 1 else CHAIN))
        return Piece(r" \, ".join(parts) if len(parts) > 1 and not numbers else " ".join(parts), TIMES)

    def derivative(self, text: str) -> str:
        return rf"\frac{{\partial {self.loss}}}{{\partial {text}}}"

    def applied(self, node: Applied) -> Piece:
        head = node.operation.latex
        if node.operation.name == "exp" and not isinstance(node.operand, Leaf):
            return Piece(f"{head}({self.show(node.operand).text})", ATOM)
        return Piece(f"{head}({self.show(node.operand).text})", ATOM)

    def power(self, base: Node, exponent: Expr, scalar: bool) -> Piece:
        if not scalar and exponent == 2:
            inner = self.within(base, ATOM)
            return Piece(rf"{inner} \odot {inner}", HADAMARD)
        mark = latex(exponent) if scalar else rf"\odot {latex(exponent)}"
        return Piece(f"{self.grouped(base)}^{{{mark}}}", ATOM)

    def norm(self, text: str) -> str:
        return rf"\lVert {text} \rVert^2"

    def slice(self, text: str, offset: Expr, size: Expr) -> str:
        return rf"\left[{text}\right]_{{{latex(offset + 1)}:{latex(offset + size)}}}"

    def stack(self, parts: list[str]) -> str:
        rows = r" \\ ".join(parts)
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"

    def time_sum(self, index: Symbol, interval: Interval, text: str) -> str:
        return rf"\sum_{{{index}={self.end(interval.low)}}}^{{{self.end(interval.high)}}} {text}"

    def index_sum(self, node: IndexSum) -> Piece:
        text = " ".join(self._element(factor) for factor in node.factors)
        if node.indices:
            text = rf"\sum_{{{', '.join(map(str, node.indices))}}} {text}"
        if node.free:
            text = rf"\left[{text}\right]_{{{' '.join(map(str, node.free))}}}"
        return Piece(text, ATOM if node.free else TIMES)

    def _element(self, factor: Expr) -> str:
        """An expression of elements, index by index."""
        places = {}
        for element in factor.atoms(Indexed):
            found = access(element, self.builder.variables)
            time = "" if found.time is None else self.time(time_of(found.time))
            below = ",".join([*([time] if time else []), *(str(index) for index in found.indices)])
            plain = self.names.latex(self.builder.variables[found.name], below)
            places[element] = Symbol(plain)
        text = latex(factor.xreplace(places))
        return f"({text})" if isinstance(factor, Add) else str(text)


class TextPrinter(Printer):
    hadamard = "⊙"
    divide = "⊘"
    transpose = "ᵀ"
    minus = "-"

    def leaf(self, variable: Variable, time: Time | None) -> str:
        return self.names.text(variable, None if time is None else self.time(time))

    def literal(self, value: Expr | str) -> Piece:
        return Piece(str(value), SUM if isinstance(value, Add) else TIMES if isinstance(value, Rational) and value.q != 1 else ATOM)

    def scaled(self, node: Scaled) -> Piece:
        alone = node.operand is None and len(node.above) == 1
        parts = [self.within(part, CHAIN if alone else ATOM) for part in node.above]
        if node.below:
            below = " ".join(self.within(part, ATOM) for part in node.below)
            parts.insert(0, f"1/({below})" if len(node.below) > 1 else f"1/{below}")
        if node.operand is not None:
            parts.append(self.within(node.operand, HADAMARD if len(parts) < 2 else ATOM))
        return Piece(" ".join(parts), TIMES)

    def derivative(self, text: str) -> str:
        return f"∂{self.loss}/∂{text}"

    def applied(self, node: Applied) -> Piece:
        return Piece(f"{node.operation.text or node.operation.name}({self.show(node.operand).text})", ATOM)

    def power(self, base: Node, exponent: Expr, scalar: bool) -> Piece:
        superscripts = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
        if exponent.is_Integer:
            return Piece(self.grouped(base) + str(exponent).translate(superscripts), ATOM)
        return Piece(f"{self.grouped(base)}^({exponent})", ATOM)

    def norm(self, text: str) -> str:
        return f"‖{text}‖²"

    def slice(self, text: str, offset: Expr, size: Expr) -> str:
        return f"{text}[{offset + 1}:{offset + size}]"

    def stack(self, parts: list[str]) -> str:
        return f"[{'; '.join(parts)}]"

    def time_sum(self, index: Symbol, interval: Interval, text: str) -> str:
        return f"Σ_{{{index}={self.end(interval.low)}..{self.end(interval.high)}}} {text}"

    def index_sum(self, node: IndexSum) -> Piece:
        text = " · ".join(str(factor) for factor in node.factors)
        if node.indices:
            text = f"Σ_{{{','.join(map(str, node.indices))}}} {text}"
        return Piece(f"[{text}]_{{{','.join(map(str, node.free))}}}" if node.free else text, ATOM if node.free else TIMES)


__all__ = ["LatexPrinter", "Piece", "TextPrinter", "VectorFunction", "s", "shifted", "t"]
