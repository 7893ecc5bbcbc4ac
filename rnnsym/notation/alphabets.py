"""The two alphabets: LaTeX, and Unicode text for a terminal."""

from __future__ import annotations

import re
from itertools import pairwise
from types import MappingProxyType

import sympy
from sympy import Expr

from rnnsym.equations.indexed import Variable
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.notation.letters import MACRON, SUPERSCRIPTS, WORDS
from rnnsym.notation.printers import Binding, Piece, Printer, Scalars, decimal
from rnnsym.notation.style import HADAMARD, TRANSPOSE
from rnnsym.notation.tree import Applied, IndexSum, Literal, Power, Scaled, SizeSum, TimeSum
from rnnsym.operations import Pairwise

#: What LaTeX spaces by itself.
OPERATOR = re.compile(r"\\(log|exp|tanh|sin|cos|arctan|operatorname)\b")


class LatexPrinter(Printer):
    """LaTeX as KaTeX, MathJax and amsmath read it."""

    divide = r"\oslash"
    dots = r"\cdots"
    ones = r"\mathbf{1}"
    fraction = Binding.POWER

    @property
    def hadamard(self) -> str:  # type: ignore[override]
        return HADAMARD[self.style.hadamard][0]

    @property
    def adjoint_mark(self) -> str:
        return self.names.mark.strip()

    def at_least(self, length: int) -> str:
        return rf"T \ge {length}"

    def parentheses(self, text: str) -> str:
        tall = any(sign in text for sign in (r"\sum", r"\frac", r"\begin"))
        return rf"\left({text}\right)" if tall else f"({text})"

    def adjoined(self, factors: list[str]) -> str:
        """The factors of a matrix product; words do not run together."""
        text = factors[0]
        for before, after in pairwise(factors):
            words = is_word(after) or (is_word(before) and not OPERATOR.match(after))
            text += (r" \, " if words else " ") + after
        return text

    def symbol(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        return self.names.latex(variable, "" if time is None else self.time(time), self._places(indices))

    def _places(self, indices: tuple[Expr, ...]) -> str:
        """The indices of an element: `ij`, or with commas where one is more than a letter."""
        shown = [sympy.latex(self.index(index)) for index in indices]
        return ("" if all(len(index) == 1 for index in shown) else ",").join(shown)

    def entry(self, text: str, indices: tuple[Expr, ...]) -> str:
        return rf"{text}_{{{self._places(indices)}}}"

    def size_sum(self, bounds: list[tuple[str, str]], text: str) -> str:
        signs = " ".join(rf"\sum_{{{sympy.latex(sympy.Symbol(index))}=1}}^{{{size}}}" for index, size in bounds)
        return f"{signs} {text}"

    def size(self, size: Expr) -> str:
        return self.names.size(size)

    def literal(self, value: Expr) -> Piece:
        if not value.is_Rational:
            return Piece(self.size(value), binding_of(value))
        exact = decimal(value)
        if exact or value.is_Integer:
            return Piece(exact or str(value), Binding.ATOM if value >= 0 else Binding.SUM)
        return Piece(rf"\tfrac{{{value.p}}}{{{value.q}}}", Binding.ATOM)

    def scaled(self, node: Scaled) -> Piece:
        whole = node.operand is None or bool(node.below)
        found = Scalars.of(node, self, Binding.CHAIN if whole else Binding.POWER)
        numbers, pieces = r" \, ".join(found.numbers), found.above
        below = r" \, ".join([*found.numbers_below, *found.below])
        if found.below:
            above = r" \, ".join([*found.numbers, *found.above])
            numbers, pieces = "", [rf"\frac{{{above or '1'}}}{{{below}}}"]
        elif below:
            numbers = rf"\tfrac{{{numbers or '1'}}}{{{below}}}"
        if isinstance(node.operand, TimeSum | SizeSum):
            pieces.append(self.show(node.operand).text)
        elif node.operand is not None:
            pieces.append(self.within(node.operand, Binding.CHAIN if pieces else Binding.HADAMARD))
        return Piece(" ".join(part for part in (numbers, r" \, ".join(pieces)) if part) or "1", Binding.TIMES)

    def derivative(self, text: str) -> str:
        return rf"\frac{{\partial {self.loss}}}{{\partial {text}}}"

    def gradient(self, text: str) -> str:
        return rf"\nabla_{{{text}}} {self.loss}"

    def transposed(self, text: str) -> str:
        mark = TRANSPOSE[self.style.transpose]
        # As in books, the transpose of h^{(t)} needs no brackets: a time is no power.
        above = re.fullmatch(r"(\\?[^^]*\^\{\([tTs0-9][^{}()]*\))\}(.*)", text) if self.names.time_above else None
        if above and "^" not in above[2] and not text.startswith(("(", r"\left")):
            return rf"{above[1]}{' ' * (mark[0] == chr(92))}{mark}}}{above[2]}"
        return raised(text, mark)

    def diagonal(self, text: str) -> str:
        return rf"\operatorname{{diag}}({text})"

    def applied(self, node: Applied) -> Piece:
        text = self.show(node.operand).text
        if node.operation.name == "sqrt":
            return Piece(rf"\sqrt{{{text}}}", Binding.POWER)
        if "{x}" in node.operation.latex:
            mark = node.operation.latex.format(x="").removeprefix("^{").removesuffix("}")
            return Piece(raised(self.within(node.operand, Binding.ATOM), mark), Binding.POWER)
        return Piece(node.operation.latex + self.parentheses(text), Binding.ATOM)

    def paired(self, operation: Pairwise, left: str, right: str) -> str:
        return operation.latex.format(x=left, y=right)

    def power(self, node: Power) -> Piece:
        exponent = str(node.exponent)
        base = node.base
        if isinstance(base, Applied) and base.operation.name != "sqrt" and node.exponent.is_Integer:
            argument = self.parentheses(self.show(base.operand).text)
            return Piece(raised(base.operation.latex, exponent) + argument, Binding.POWER)
        # A vector has no other power than that of its elements, and books write h^2; a matrix W has W W.
        mark = rf"{self.hadamard} {exponent}" if node.matrix else exponent
        return Piece(raised(self.within(base, Binding.ATOM), mark), Binding.POWER)

    def norm(self, text: str, matrix: bool) -> str:
        return rf"\lVert {text} \rVert{'_F' * matrix}^2"

    def slice(self, text: str, first: Expr, last: Expr) -> str:
        return rf"\left[{text}\right]_{{{self.size(first)}:{self.size(last)}}}"

    def columns(self, text: str, spans: str) -> str:
        return rf"\left[{text}\right]_{{{spans}}}"

    def stack(self, parts: list[str], rows: bool) -> str:
        between = " & " if rows else r" \\ "
        return rf"\begin{{bmatrix}} {between.join(parts)} \end{{bmatrix}}"

    def time_sum(self, index: str, interval: Interval, text: str) -> str:
        return rf"\sum_{{{index}={self.end(interval.low)}}}^{{{self.end(interval.high)}}} {text}"

    def index_sum(self, node: IndexSum) -> Piece:
        text = self.within(node.operand, Binding.TIMES)
        if node.indices:
            text = rf"\sum_{{{','.join(str(self.index(index)) for index in node.indices)}}} {text}"
        if node.free:
            return Piece(self.entry(rf"\left[{text}\right]", node.free), Binding.ATOM)
        return Piece(text, Binding.TIMES)


def binding_of(size: Expr) -> Binding:
    """How tightly a size binds."""
    return (
        Binding.SUM if size.is_Add else Binding.TIMES if size.is_Mul else Binding.POWER if size.is_Pow else Binding.ATOM
    )


def is_word(latex: str) -> bool:
    """Whether a factor begins with a name of several letters."""
    return latex.startswith((*WORDS, r"\overline{"))


def raised(base: str, mark: str) -> str:
    r"""A superscript, also on what has one: `(h^{(1)}_t)^\top`."""
    bare = re.sub(r"\{(?:[^{}]|\{[^{}]*\})*\}", "", base)
    while (outside := re.sub(r"\([^()]*\)", "", bare)) != bare:
        bare = outside
    safe = f"({base})" if "^" in bare else base
    return f"{safe}^{mark}" if len(mark) == 1 or mark == r"\top" else f"{safe}^{{{mark}}}"


class TextPrinter(Printer):
    """Unicode text."""

    divide = "⊘"
    dots = "⋯"
    ones = "𝟏"

    @property
    def hadamard(self) -> str:  # type: ignore[override]
        return HADAMARD[self.style.hadamard][1]

    fractions = MappingProxyType({"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"})

    @property
    def adjoint_mark(self) -> str:
        return "" if self.names.text_mark == MACRON else self.names.text_mark

    def symbol(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        return self.names.text(variable, None if time is None else self.time(time), self._places(indices))

    def _places(self, indices: tuple[Expr, ...]) -> list[str]:
        return [self.size(self.index(index)).replace(" ", "") for index in indices]

    def entry(self, text: str, indices: tuple[Expr, ...]) -> str:
        return f"{text}[{','.join(self._places(indices))}]"

    def size_sum(self, bounds: list[tuple[str, str]], text: str) -> str:
        return " ".join([*(f"Σ_{{{index}=1..{size}}}" for index, size in bounds), text])

    def size(self, size: Expr) -> str:
        return self.names.size(size, text=True)

    def literal(self, value: Expr) -> Piece:
        if not value.is_Rational:
            return Piece(self.size(value), binding_of(value))
        text = decimal(value) or self.fractions.get(str(value), str(value))
        return Piece(text, Binding.SUM if value < 0 else Binding.TIMES if "/" in text else Binding.ATOM)

    def scaled(self, node: Scaled) -> Piece:
        last = node.operand is None and all(isinstance(part, Literal) for part in node.below)
        found = Scalars.of(node, self, Binding.CHAIN if last else Binding.POWER)
        pieces = [*found.numbers, *found.above]
        below = [*found.numbers_below, *found.below]
        if found.below:
            pieces = [self._over(pieces, below)]
        elif below:
            pieces = [self._over(found.numbers, below), *found.above]
        if isinstance(node.operand, TimeSum | SizeSum):
            pieces.append(self.show(node.operand).text)
        elif node.operand is not None:
            pieces.append(self.within(node.operand, Binding.HADAMARD if len(pieces) < 2 else Binding.POWER))
        if below and len(pieces) > 1 and "/" in pieces[0]:
            pieces[0] = f"({pieces[0]})"
        return Piece(" ".join(pieces) or "1", Binding.TIMES)

    def _over(self, above: list[str], below: list[str]) -> str:
        divisor = below[0] if len(below) == 1 else f"({' '.join(below)})"
        text = f"{' '.join(above) or '1'}/{divisor}"
        return self.fractions.get(text, text)

    def derivative(self, text: str) -> str:
        return f"∂{self.loss}/∂{text}"

    def gradient(self, text: str) -> str:
        return f"∇_{{{text}}} {self.loss}"

    def transposed(self, text: str) -> str:
        return f"{text}ᵀ"

    def diagonal(self, text: str) -> str:
        return f"diag({text})"

    def applied(self, node: Applied) -> Piece:
        if "{x}" in node.operation.text:
            return Piece(node.operation.text.format(x=self.within(node.operand, Binding.ATOM)), Binding.POWER)
        return Piece(f"{node.operation.text or node.operation.name}({self.show(node.operand).text})", Binding.ATOM)

    def paired(self, operation: Pairwise, left: str, right: str) -> str:
        return operation.text.format(x=left, y=right)

    def power(self, node: Power) -> Piece:
        base = self.within(node.base, Binding.ATOM)
        exponent = str(node.exponent)
        raised = exponent.translate(SUPERSCRIPTS) if node.exponent.is_Integer else f"^({exponent})"
        return Piece(base + raised, Binding.POWER)

    def norm(self, text: str, matrix: bool) -> str:
        return f"‖{text}‖{'_F' * matrix}²"

    def slice(self, text: str, first: Expr, last: Expr) -> str:
        return text + f"[{self.size(first)}:{self.size(last)}]".replace(" ", "")

    def columns(self, text: str, spans: str) -> str:
        return f"{text}[{spans.replace(' ', '')}]"

    def stack(self, parts: list[str], rows: bool) -> str:
        return f"[{(', ' if rows else '; ').join(parts)}]"

    def time_sum(self, index: str, interval: Interval, text: str) -> str:
        return f"Σ_{{{index}={self.end(interval.low)}..{self.end(interval.high)}}} {text}"

    def index_sum(self, node: IndexSum) -> Piece:
        text = self.within(node.operand, Binding.TIMES)
        if node.indices:
            text = f"Σ_{{{','.join(str(self.index(index)) for index in node.indices)}}} {text}"
        if node.free:
            return Piece(f"[{text}]_{{{','.join(self._places(node.free))}}}", Binding.ATOM)
        return Piece(text, Binding.TIMES)
