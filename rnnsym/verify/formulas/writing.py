r"""A claim's trees written out again, in LaTeX and in text, in the author's way of writing times.

>>> from rnnsym.claims.match import read
>>> from rnnsym.language.model import Model
>>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
>>> claim = read(r"\frac{\partial E}{\partial W} = \sum_t (1 - h_t^2) \odot \bar{h}_t h_{t-1}^\top", model)
>>> print(Writer.latex(claim, model).show(claim.equations[0].right))
\sum_{t=1}^{T} ((1 - h_t^2) \odot \bar{h}_t) h_{t-1}^\top
>>> print(Writer.text(claim, model).show(claim.equations[0].right))
Σ_{t=1..T} ((1 - h[t]²) ⊙ h̄[t]) h[t-1]ᵀ
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.calculus.rules import adjoint_of
from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.syntax import (
    Bound,
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Extreme,
    Identity,
    Kind,
    Moment,
    Negative,
    Node,
    Number,
    Ones,
    Power,
    Prime,
    Product,
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
)
from rnnsym.equations.indexed import Role
from rnnsym.equations.lowering import lower
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.notation.letters import GREEK, GREEK_TEXT
from rnnsym.notation.names import Names
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction

# How tightly something binds, from loose to tight.
SUM, BIG, HADAMARD, CHAIN, POWER, ATOM = range(6)
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
#: How an author writes times: h^{(t)}, but not \\delta^{(t)}_k; h^t, but not the end of a sum.
IN_PARENTHESES = re.compile(r"\^\{\s*\(\s*[a-z][^)]*\)\s*\}(?!\s*_)")
ABOVE = re.compile(r"[A-Za-z]\}?\^\{?[tk](?![A-Za-z(])")
BARS = re.compile(r"\\(bar|overline)\b|\bbar\(|\u0304")
SUMS = re.compile(r"\\(sum|prod)_\{?[^}]*\}?\^\{?\w+")
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Writer:
    """Writes nodes as the author of a claim does.

    style: where times stand, "below", "above" or "in parentheses above". bars: whether an adjoint has a bar, which is
    else the derivative that it is.
    """

    names: Names
    claim: Claim
    system: System
    tex: bool
    style: str
    bars: bool

    @classmethod
    def latex(cls, claim: Claim, model: Model) -> Writer:
        system = lower(model)
        names = Names(model.symbols, system.variables.values())
        text = SUMS.sub("", claim.text)
        style = "above" if ABOVE.search(text) else "below"
        style = "in parentheses above" if IN_PARENTHESES.search(text) else style
        return cls(names, claim, system, True, style, bool(BARS.search(claim.text)))

    @classmethod
    def text(cls, claim: Claim, model: Model) -> Writer:
        return replace(cls.latex(claim, model), tex=False)

    def equation(self, equation: Equation) -> str:
        return f"{self.show(equation.left)} = {self.show(equation.right)}"

    def show(self, node: Node) -> str:
        return self._show(node)[0]

    def within(self, node: Node, strength: int) -> str:
        """A part, in parentheses where it binds more loosely than this."""
        text, own = self._show(node)
        return text if own >= strength else self._parentheses(text)

    def _parentheses(self, text: str) -> str:
        tall = self.tex and any(sign in text for sign in (r"\frac", r"\sum", r"\prod"))
        return rf"\left( {text} \right)" if tall else f"({text})"

    def _show(self, node: Node) -> tuple[str, int]:
        match node:
            case Number(value):
                return self._number(value)
            case TimeNumber(moment):
                return str(moment), ATOM if not moment.offset else SUM
            case SizeNumber(size):
                return str(size), ATOM
            case Ones():
                return (r"\mathbf{1}" if self.tex else "𝟏"), ATOM
            case Identity():
                return "I", ATOM
            case Variable(name, time):
                return self._timed(self._variable(name), () if time is None else (time,)), ATOM
            case Sequence(name, times):
                return self._timed(self.sequence(name), times), ATOM
            case Derivative():
                return self._derivative(node), ATOM
            case Sum(parts):
                return self._sum(parts), SUM
            case Negative(operand):
                return f"-{self.within(operand, BIG)}", SUM
            case Product(way, parts):
                return self._product(way, parts)
            case Quotient(top, bottom):
                if self.tex:
                    return rf"\frac{{{self.show(top)}}}{{{self.show(bottom)}}}", POWER
                return f"{self.within(top, CHAIN)} / {self.within(bottom, POWER)}", HADAMARD
            case Transpose(operand):
                inner = self.within(operand, ATOM)
                if self.tex and "^" in inner and isinstance(operand, Variable | Sequence):
                    inner = f"{{{inner}}}"
                return inner + (r"^\top" if self.tex else "ᵀ"), POWER
            case Power(base, exponent):
                return self._power(base, str(exponent)), POWER
            case Diagonal(operand):
                inner = self.show(operand)
                return (rf"\operatorname{{diag}}\left({inner}\right)" if self.tex else f"diag({inner})"), ATOM
            case Stack(parts, across):
                if self.tex:
                    between = " & " if across else r" \\ "
                    return rf"\begin{{bmatrix}} {between.join(map(self.show, parts))} \end{{bmatrix}}", ATOM
                return f"[{(', ' if across else '; ').join(map(self.show, parts))}]", ATOM
            case Slice(operand, first, last):
                inner = self.within(operand, ATOM)
                return (f"{inner}_{{{first}:{last}}}" if self.tex else f"{inner}[{first}:{last}]"), ATOM
            case Call("sum_elements", Product(Way.HADAMARD, (Identity(), inside))):
                return (r"\operatorname{tr}" if self.tex else "tr") + f"({self.within(inside, 0)})", ATOM
            case Call(function, operand) if "{x}" in (sign := self.function(function)):
                return sign.format(x=self.within(operand, ATOM)), POWER
            case Call(function, operand):
                return f"{self.function(function)}({self.show(operand)})", ATOM
            case Prime(function, operand):
                return f"{self.function(function)}'({self.show(operand)})", ATOM
            case TimeSum(index, low, high, operand):
                inner = self.within(operand, BIG)
                if self.tex:
                    return rf"\sum_{{{index}={self._bound(low)}}}^{{{self._bound(high)}}} {inner}", BIG
                return f"Σ_{{{index}={low}..{high}}} {inner}", BIG
            case TimeProduct(index, first, last, _, operand):
                inner = self.within(operand, CHAIN)
                if self.tex:
                    return rf"\prod_{{{index}={self._bound(first)}}}^{{{self._bound(last)}}} {inner}", BIG
                return f"Π_{{{index}={first}..{last}}} {inner}", BIG
            case Contraction():
                return self._contraction(node), ATOM
        return shown(node), ATOM  # single elements are gone once a claim has been read

    def _contraction(self, node: Contraction) -> str:
        """Elements in brackets, with the indices of the array below."""
        summed = dict.fromkeys(letter for own in node.letters for letter in own if letter not in node.free)
        sign = (r"\sum" if self.tex else "Σ") + f"_{{{','.join(summed)}}} " if summed else ""
        factors = []
        for part, own in zip(node.parts, node.letters, strict=True):
            text, below = self.within(part, ATOM), ",".join(own)
            if not self.tex:
                factors.append((f"{text[:-1]},{below}]" if text.endswith("]") else f"{text}[{below}]") if own else text)
                continue
            head, mark, tail = text.rpartition("_")
            factors.append(f"{head}_{{{tail.strip('{}')},{below}}}" if mark else f"{text}_{{{below}}}" if own else text)
        return f"[{sign}{' '.join(factors)}]_{{{','.join(node.free)}}}"

    # Names

    def _variable(self, name: str) -> str:
        variable = self.system.variables[name]
        if self.tex:
            return self.names.latex(variable)
        return self.names.texts.get(name, name)

    def sequence(self, name: str) -> str:
        r"""A sequence's name as it was written: `deltac` is \delta c."""
        above = ""
        if "^" in name:
            name, _, above = name.partition("^")
        head, _, tail = name.partition("_")
        prefix = next((p for p in ("delta", "Delta", "∇") if head.startswith(p) and head != p), "")
        head = head.removeprefix(prefix)
        accents = []
        while (ending := next((a for a in ACCENTS if head.endswith(a) and head != a), None)) is not None:
            accents.append(ending)
            head = head.removesuffix(ending)
        if self.tex:
            short = len(head) == 1 or (len(head) == 2 and head.startswith("d"))  # dc, the derivative by c
            found = rf"\{head}" if head in GREEK else head if short else rf"\mathrm{{{head}}}"
            for accent in reversed(accents):
                found = rf"\{accent}{{{found}}}"
            found = (rf"\{prefix} " if prefix in GREEK else r"\nabla " if prefix else "") + found
            return found + (f"^{{{above}}}" if above else "") + (f"_{{{tail.replace('_', ',')}}}" if tail else "")
        found = GREEK_TEXT.get(head, head)
        for accent in accents:
            found = found[0] + ACCENTS[accent] + found[1:]
        found += (f"^{above}" if above else "") + (f"_{tail}" if tail else "")
        return unicodedata.normalize("NFC", GREEK_TEXT.get(prefix, prefix) + found)

    def function(self, name: str) -> str:
        entry = OPERATIONS.get(name)
        if isinstance(entry, Elementwise | VectorFunction):
            return entry.latex if self.tex else entry.text or name
        return rf"\operatorname{{{name}}}" if self.tex else name

    def _timed(self, name: str, times: tuple[Moment, ...]) -> str:
        if not times:
            return name
        if not self.tex:
            return f"{name}[{','.join(map(str, times))}]"
        if len(times) == 2:
            return rf"{name}^{{({times[0]})}}_{{{times[1]}}}"
        (time,) = times
        if self.style == "in parentheses above":
            return f"{name}^{{({time})}}"
        short = str(time) if len(str(time)) == 1 else f"{{{time}}}"
        if self.style == "above":
            return f"{name}^{short}"
        before, mark, below = name.rpartition("_")
        if mark and not name.endswith("}}"):
            return f"{before}_{{{below.strip('{}')},{time}}}"
        return f"{name}_{short}"

    def _derivative(self, node: Derivative) -> str:
        by = self.system.variables[node.bottom.name]
        total = node.kind is Kind.TOTAL and node.top == Variable(self.system.loss, None)
        if self.bars and total and by.role is not Role.PARAMETER:
            name = self.names.latex(adjoint_of(by)) if self.tex else self.names.text(adjoint_of(by))
            return self._timed(name, () if node.bottom.time is None else (node.bottom.time,))
        top = self.show(node.top) if node.top.time is not None else self._loss(node.top)
        bottom = self.show(node.bottom)
        sign, plus = (r"\partial ", "^{+} ") if self.tex else ("∂", "⁺")
        if node.kind is Kind.TOTAL and node.top.shape != (1, 1):
            sign = "d " if self.tex else "d"
        upper = sign.rstrip() + plus if node.kind is Kind.IMMEDIATE else sign
        return rf"\frac{{{upper}{top}}}{{{sign}{bottom}}}" if self.tex else f"{upper}{top}/{sign}{bottom}"

    def _loss(self, top: Variable) -> str:
        written = re.search(r"\\nabla_\{.*?\}\s*([A-Z])\b|partial\s+([A-Z])\s*\}\s*\{\s*\\partial", self.claim.text)
        return (written[1] or written[2]) if written else top.label or top.name

    # Compounds

    def _number(self, value: Fraction) -> tuple[str, int]:
        if value.denominator == 1:
            return str(value), ATOM if value >= 0 else SUM
        if self.tex:
            return ("-" if value < 0 else "") + rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", ATOM
        return str(value), HADAMARD

    def _sum(self, parts: tuple[Node, ...]) -> str:
        text = ""
        for part in parts:
            negative = isinstance(part, Negative) or (isinstance(part, Number) and part.value < 0)
            inner = part.operand if isinstance(part, Negative) else part
            if isinstance(inner, Number) and inner.value < 0:
                inner = Number(-inner.value, inner.shape)
            shown = self.within(inner, BIG)
            sign = "-" if negative else "+"
            text = f"{text} {sign} {shown}" if text else (f"-{shown}" if negative else shown)
        return text

    def _product(self, way: Way, parts: tuple[Node, ...]) -> tuple[str, int]:
        if way is Way.HADAMARD:
            times = r" \odot " if self.tex else " ⊙ "
            return times.join(self.within(part, CHAIN) for part in parts), HADAMARD
        if way is Way.OUTER:
            return (r" \otimes " if self.tex else " ⊗ ").join(self.within(part, POWER) for part in parts), HADAMARD
        *early, last = parts
        shown = [self.within(part, POWER) for part in early]
        return " ".join([*shown, self.within(last, CHAIN)]), CHAIN

    def _power(self, base: Node, exponent: str) -> str:
        if isinstance(base, Call) and self.tex:
            return f"{self.function(base.function)}^{{{exponent}}}({self.show(base.operand)})"
        inner = self.within(base, ATOM)
        if not self.tex:
            return inner + (exponent.translate(RAISED) if re.fullmatch(r"-?\d+", exponent) else f"^({exponent})")
        if "^" in inner and not inner.startswith((r"\left(", "(")):
            inner = f"({inner})"
        return f"{inner}^{exponent}" if len(exponent) == 1 else f"{inner}^{{{exponent}}}"

    def _bound(self, bound: Bound) -> str:
        if isinstance(bound, Extreme):
            return rf"\{bound.function}({', '.join(map(str, bound.moments))})"
        return str(bound)
