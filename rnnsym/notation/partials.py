"""The alphabets of derivatives through time: Jacobians, immediate and total derivatives, products over steps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sympy import Expr, Symbol, latex

from rnnsym.equations.indexed import INDICES, Equation, Kind, Variable
from rnnsym.language.syntax import Time
from rnnsym.notation.alphabets import LatexPrinter, TextPrinter
from rnnsym.notation.builder import Builder
from rnnsym.notation.letters import GREEK_TEXT, MACRON, WORDS, bold
from rnnsym.notation.names import Names
from rnnsym.notation.printers import Binding, Piece, Printer
from rnnsym.notation.renderers import Line
from rnnsym.notation.symbols import Form
from rnnsym.notation.tree import Leaf, Node, Where

DOT = "\u0307"


class Partials(Printer):
    """What both alphabets share. `running` is the letter printed for the time t."""

    at_most = ""

    def __init__(self, names: Names, builder: Builder, given: frozenset[tuple[str, Time]], timed_loss: str) -> None:
        super().__init__(names, builder, given)
        #: The loss of one time that the states of that time reach; empty where the total has no such part.
        self.timed_loss = timed_loss
        #: Whether signals carry the name of their state: where there are several.
        self.several = False
        #: Whether states reach the loss at one time only: then signals need no second time.
        self.last_only = False
        self.running = "t"
        self.flat = False
        words = {part for form in names.forms.values() for part in (form.letter, *form.below)}
        words |= set(names.forms)
        self.words = words
        sizes = {str(s) for v in builder.variables.values() for entry in v.shape for s in entry.free_symbols}
        self.step, self.back = self._times(words)
        letters = [letter for letter in "ipqrluvwabcdefg" if letter not in words | sizes | {self.step, self.back}]
        letters += [f"i{number}" for number in range(1, len(INDICES) + 1)]
        self.element_indices = {
            index: Symbol(letter, integer=True) for index, letter in zip(INDICES, letters, strict=False)
        }
        self.signal = self._free(("delta", "epsilon", "eta", "xi", "zeta"))
        self.joint = self._free(("s", "q", "z", "u", "v", "w", "r", "p"))
        self.inner = self._free(("A", "B", "C", "D", "F"))
        self.local = self._free(("M", "N", "P", "Q", "R"))
        self.some = self._free(("theta", "vartheta", "phi", "omega"))
        self.weight = self._free(("lambda", "mu", "nu", "rho", "psi"))
        self.kept = self._free(("K", "L", "M", "N"))
        self.identity = self._free(("I", "J"))
        self.delta = "delta" if not {"delta", r"\delta"} & words else ""

    def _times(self, words: set[str]) -> tuple[str, str]:
        """Letters for the step that a Jacobian is about, and for the step to which a path leads back."""
        known = self.builder.variables.values()
        shown = [v.shape for v in known if v.partial is not None and v.partial.kind in (Kind.STEP, Kind.IMMEDIATE)]
        sizes = {str(symbol) for shape in shown for size in shape for symbol in size.free_symbols}
        letters = [letter for letter in ("j", "k", "l", "m", "tau", "nu", "mu") if letter not in words | sizes]
        return letters[0], letters[1]

    def _free(self, candidates: tuple[str, ...]) -> str:
        return next((c for c in candidates if c not in self.words and "\\" + c not in self.words), candidates[-1])

    @contextmanager
    def at_time(self, letter: str) -> Iterator[None]:
        """Print equations about time t for another letter."""
        before, self.running = self.running, letter
        yield
        self.running = before

    def time(self, time: Time) -> str:
        if time.anchor == "t" and "t" not in self._bound and self.at is None:
            return str(time).replace("t", self.letter(self.running))
        return super().time(time)

    def index(self, index: Expr) -> Expr:
        return index.xreplace(self.element_indices)

    @contextmanager
    def inline(self) -> Iterator[None]:
        """Write derivatives with a slash, as they stand in a sentence."""
        self.flat = True
        yield
        self.flat = False

    def leaf(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        if variable.partial is None:
            return super().leaf(variable, time, indices)
        partial, known = variable.partial, self.builder.variables
        kind = partial.kind
        if kind is Kind.TANGENT:
            return self.dotted(known[partial.of], time, indices)
        if kind is Kind.SIGNAL:
            assert time is not None
            return self.error(partial.by, self.time(time), indices)
        if kind is Kind.DIRECT:
            return self.effect(known[partial.by], time, indices)
        rank = len(known[partial.of].shape)
        above = super().leaf(known[partial.of], time, indices[:rank])
        earlier = None
        if partial.lag is not None and time is not None:
            earlier = Time(time.anchor, time.offset - partial.lag)
        below = super().leaf(known[partial.by], earlier, indices[rank:])
        return self.ratio(above, below, kind)

    def effect(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...] = ()) -> str:
        """The derivative of the loss by a state, all other states fixed."""
        below = super().leaf(variable, time, indices)
        if self.timed_loss and time is not None:
            return self.ratio(super().leaf(self.builder.variables[self.timed_loss], time), below, Kind.STEP)
        alone = self.last_only and not self.several
        return self.ratio(self.loss, below, Kind.STEP if alone else Kind.IMMEDIATE)

    def _leaf_binding(self, leaf: Leaf) -> Binding:
        partial = leaf.variable.partial
        if partial is None:
            return super()._leaf_binding(leaf)
        return Binding.ATOM if partial.kind in (Kind.SIGNAL, Kind.TANGENT) else self.fraction

    def show(self, node: Node) -> Piece:
        if isinstance(node, Where):
            return Piece(self.where(node.left, node.right), Binding.ATOM)
        return super().show(node)

    def line(self, equation: Equation, turn: Callable[[Node], Node] = lambda node: node, note: str = "") -> Line:
        """An equation about a partial derivative, at time `running`."""
        tree = turn(self.tree(equation))
        return Line(self.leaf(equation.variable, equation.time), self.show(tree).text, note)

    @property
    def joint_bar(self) -> str:
        """The name of the adjoint of the joint state."""
        return f"bar {self.joint}"

    # The alphabet

    def letter(self, name: str) -> str:
        """A letter of the document's own, by its name."""
        return name

    def dotted(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...]) -> str:
        """How a variable changes in the direction."""
        raise NotImplementedError

    def ratio(self, above: str, below: str, kind: Kind) -> str:
        """A derivative as a fraction."""
        raise NotImplementedError

    def error(self, state: str, time: str, indices: tuple[Expr, ...] = ()) -> str:
        """The signal of a state at a time, of the loss at time t."""
        raise NotImplementedError

    def summed(self, index: str, low: str, high: str, text: str) -> str:
        """A sum over times."""
        raise NotImplementedError

    def product(self, first: str, last: str, text: str, alone: bool = False) -> str:
        """A product of Jacobians, `first` on the left; in parentheses, unless it stands alone."""
        raise NotImplementedError

    def subscripted(self, name: str, *below: str) -> str:
        """A letter of the document's own, at a time."""
        raise NotImplementedError

    def matrix(self, rows: list[list[str]]) -> str:
        """A matrix by blocks."""
        raise NotImplementedError

    def norm_of(self, text: str, kind: str) -> str:
        """The norm of a matrix or a vector; of kind "largest" the largest element, "absolute" a scalar's size."""
        raise NotImplementedError

    def number_text(self, number: Expr) -> str:
        """A positive number."""
        raise NotImplementedError

    def power_of(self, text: str, exponent: str) -> str:
        """A scalar to a power."""
        raise NotImplementedError

    def only_carried(self, text: str) -> str:
        """A derivative along the additive path alone."""
        raise NotImplementedError

    def where(self, one: Expr, other: Expr) -> str:
        """One where two indices are equal."""
        raise NotImplementedError


class LatexPartials(Partials, LatexPrinter):
    """LaTeX of derivatives through time."""

    at_most = r"\le"

    def letter(self, name: str) -> str:
        if name.startswith("bar "):
            return rf"\bar{{{name[4:]}}}"
        return rf"\{name}" if len(name) > 1 else name

    def adjoined(self, factors: list[str]) -> str:
        """The factors of a matrix product; diag(v) W is no function of W."""
        text = super().adjoined(factors)
        return re.sub(
            r"(\\operatorname\{diag\}(\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\))) (?=[\\\w(])",
            r"\1 \\, ",
            text,
        )

    def dotted(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...]) -> str:
        form = self.names.form_of(variable)
        wide = form.letter.startswith(WORDS)
        form = replace(form, letter=form.letter + "^{\\boldsymbol{\\cdot}}" if wide else rf"\dot{{{form.letter}}}")
        return form.latex("" if time is None else self.time(time), self._places(indices), self.names.time_above)

    def ratio(self, above: str, below: str, kind: Kind) -> str:
        if self.flat:
            sign = (
                r"\mathrm{d} " if kind is Kind.TOTAL else r"\partial^{+} " if kind is Kind.IMMEDIATE else r"\partial "
            )
            return f"{sign}{above} / {sign.replace('^{+}', '')}{below}"
        if kind is Kind.TOTAL:
            return rf"\frac{{\mathrm{{d}} {above}}}{{\mathrm{{d}} {below}}}"
        plus = "^{+}" if kind is Kind.IMMEDIATE else ""
        return rf"\frac{{\partial{plus} {above}}}{{\partial {below}}}"

    def error(self, state: str, time: str, indices: tuple[Expr, ...] = ()) -> str:
        places = [self.names.latex(self.builder.variables[state])] if self.several else []
        above = "" if self.last_only else "^{(t)}"
        return (
            rf"{self.letter(self.signal)}{above}_{{{','.join([*places, time, *map(str, map(self.index, indices))])}}}"
        )

    def summed(self, index: str, low: str, high: str, text: str) -> str:
        return rf"\sum_{{{self.letter(index)}={low}}}^{{{high}}} {text}"

    def product(self, first: str, last: str, text: str, alone: bool = False) -> str:
        whole = rf"\prod_{{{self.letter(self.step)}={first}}}^{{{last}}} {text}"
        return whole if alone else rf"\left({whole}\right)"

    def subscripted(self, name: str, *below: str) -> str:
        letter = bold(self.letter(name)) if self.style.bold else self.letter(name)
        return Form(letter).latex(",".join(below), "", self.names.time_above)

    def matrix(self, rows: list[list[str]]) -> str:
        body = r" \\[12pt] ".join(" & ".join(row) for row in rows).replace(r"\frac", r"\dfrac")
        return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"

    def norm_of(self, text: str, kind: str) -> str:
        sides = (r"\left|", r"\right|") if kind == "absolute" else (r"\left\lVert", r"\right\rVert")
        return f"{sides[0]} {text} {sides[1]}" + r"_\infty" * (kind == "largest")

    def number_text(self, number: Expr) -> str:
        return self.literal(number).text if number.is_Rational else str(latex(number))

    def power_of(self, text: str, exponent: str) -> str:
        return f"{text}^{{{exponent}}}"

    def only_carried(self, text: str) -> str:
        return rf"\left[{text}\right]_{{\mathrm{{carry}}}}"

    def where(self, one: Expr, other: Expr) -> str:
        simple = one.is_Symbol and other.is_Symbol
        first, second = self.size(self.index(one)), self.size(self.index(other))
        return rf"\delta_{{{first}{second}}}" if self.delta and simple else f"[{first} = {second}]"


class TextPartials(Partials, TextPrinter):
    """Unicode text of derivatives through time."""

    fraction = Binding.TIMES
    at_most = "≤"

    def letter(self, name: str) -> str:
        return name[4:] + MACRON if name.startswith("bar ") else GREEK_TEXT.get(name, name)

    def dotted(self, variable: Variable, time: Time | None, indices: tuple[Expr, ...]) -> str:
        shown = self.names.text(variable)
        plain = re.match(r"[^\W\d_]\d*(_|$)", shown) and not unicodedata.decomposition(shown[0])
        shown = unicodedata.normalize("NFC", shown[0] + DOT + shown[1:]) if plain else f"dot({shown})"
        places = ",".join([*([] if time is None else [self.time(time)]), *self._places(indices)])
        return f"{shown}[{places}]" if places else shown

    def ratio(self, above: str, below: str, kind: Kind) -> str:
        sign, mark = ("d", "") if kind is Kind.TOTAL else ("∂", "⁺" if kind is Kind.IMMEDIATE else "")
        return f"{sign}{mark}{above}/{sign}{below}"

    def error(self, state: str, time: str, indices: tuple[Expr, ...] = ()) -> str:
        name = f"_{self.names.text(self.builder.variables[state])}" if self.several else ""
        above = "" if self.last_only else "⁽ᵗ⁾"
        return f"{self.letter(self.signal)}{name}{above}[{','.join([time, *map(str, map(self.index, indices))])}]"

    def summed(self, index: str, low: str, high: str, text: str) -> str:
        return f"Σ_{{{self.letter(index)}={low}..{high}}} {text}"

    def product(self, first: str, last: str, text: str, alone: bool = False) -> str:
        whole = f"∏_{{{self.letter(self.step)}={first}..{last}}} {text}"
        return whole if alone else f"({whole})"

    def matrix(self, rows: list[list[str]]) -> str:
        return f"[{'; '.join(', '.join(row) for row in rows)}]"

    def subscripted(self, name: str, *below: str) -> str:
        return f"{self.letter(name)}[{','.join(below)}]"

    def norm_of(self, text: str, kind: str) -> str:
        return f"|{text}|" if kind == "absolute" else f"‖{text}‖" + "_∞" * (kind == "largest")

    def number_text(self, number: Expr) -> str:
        return self.literal(number).text if number.is_Rational else str(number)

    def power_of(self, text: str, exponent: str) -> str:
        return f"{text}^({exponent})"

    def only_carried(self, text: str) -> str:
        return f"[{text}]_carry"

    def where(self, one: Expr, other: Expr) -> str:
        simple = one.is_Symbol and other.is_Symbol
        first, second = self.size(self.index(one)), self.size(self.index(other))
        return f"δ_{first}{second}" if self.delta and simple else f"[{first} = {second}]"
