"""What the documents of all forms through time share: a printer, the symbols of states, ranges of time, headings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy import KroneckerDelta

from rnnsym.calculus.chains import Chain
from rnnsym.equations.indexed import Equation, Kind, Select, Term, Variable
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.notation.content import Content, lines_of
from rnnsym.notation.elements import IndexBuilder
from rnnsym.notation.html import HtmlRenderer
from rnnsym.notation.jacobians import JacobianBuilder, flipped
from rnnsym.notation.names import Names
from rnnsym.notation.partials import LatexPartials, Partials, TextPartials
from rnnsym.notation.renderers import LatexRenderer, Line, MarkdownRenderer, Renderer, TextRenderer
from rnnsym.notation.style import DEFAULT, Notation
from rnnsym.notation.tree import Node

LAYOUTS = ("numerator", "denominator")


def printer_of(
    content: Content,
    variables: dict[str, Variable],
    style: str,
    notation: Notation | None,
    timed_loss: str,
    indices: bool,
) -> Partials:
    """A printer for equations with partial derivatives: in matrix notation, or for single elements."""
    notation = notation or DEFAULT
    names = Names(content.model.symbols, content.variables.values(), notation)
    rows = content.rows if notation.vectors == "as written" else notation.vectors == "rows"
    builder = (IndexBuilder if indices else JacobianBuilder)({**content.variables, **variables}, rows)
    printer = (TextPartials if style == "text" else LatexPartials)(
        names, builder, frozenset(content.model.given), timed_loss
    )
    printer.against = content.against
    return printer


def renderer_of(printer: Partials, style: str, document: bool) -> Renderer:
    """The renderer of a style."""
    if isinstance(printer, TextPartials):
        return TextRenderer(printer)
    assert isinstance(printer, LatexPartials)
    if style == "html":
        return HtmlRenderer(printer)
    return MarkdownRenderer(printer) if style == "markdown" else LatexRenderer(printer, document)


class Story:
    """Writes about one chain of steps; the sections of a form are methods of its own class."""

    def __init__(
        self,
        content: Content,
        chain: Chain,
        style: str,
        document: bool = False,
        notation: Notation | None = None,
        layout: str = "numerator",
        more: Iterable[Variable] = (),
    ) -> None:
        self.content, self.chain, self.layout = content, chain, layout
        variables = {**chain.variables, **{variable.name: variable for variable in more}}
        timed = chain.timed_loss
        self.printer = printer_of(content, variables, style, notation, timed, False)
        self.elements = printer_of(content, variables, style, notation, timed, True)
        self.printer.several = self.elements.several = len(chain.states) > 1
        self.printer.last_only = self.elements.last_only = self.last_only
        self.out = renderer_of(self.printer, style, document)
        self.text = style == "text"

    # Symbols

    @property
    def math(self) -> Callable[[str], str]:
        return self.out.math

    @property
    def transposes(self) -> bool:
        """Whether derivatives are written transposed: with the variable's own axes first."""
        return self.layout == "denominator"

    def variable(self, name: str, letter: str = "t", offset: int = 0) -> str:
        """A variable at the time of a letter."""
        known = self.printer.builder.variables[name]
        if not known.timed:
            return self.printer.leaf(known, None)
        if letter == "T" or letter.lstrip("-").isdigit():
            return self.printer.leaf(known, Time("T", offset) if letter == "T" else Time("", int(letter) + offset))
        with self.printer.at_time(letter):
            return self.printer.leaf(known, Time("t", offset))

    def state(self, letter: str = "t", offset: int = 0) -> str:
        """The state that a step hands on, or the joint letter of several."""
        if not self.chain.joined:
            return self.variable(next(iter(self.chain.states)), letter, offset)
        return self.printer.subscripted(self.printer.joint, self.moment(letter, offset))

    def moment(self, letter: str, offset: int = 0) -> str:
        """A time in print: k+1."""
        if letter.lstrip("-").isdigit():
            return str(int(letter) + offset)
        return self.printer.letter(letter) + (f"{offset:+d}" if offset else "")

    def parameter(self) -> str:
        """The parameter that the document is about, or a letter for each of several."""
        if len(self.chain.parameters) == 1:
            return self.variable(self.chain.parameters[0])
        return self.printer.letter(self.printer.some)

    def own(self, name: str) -> str:
        """A parameter's symbol."""
        return self.variable(name)

    # Derivatives

    def jacobian(self, letter: str) -> str:
        return self.printer.ratio(self.state(letter), self.state(letter, -1), Kind.STEP)

    def immediate(self, letter: str, parameter: str) -> str:
        return self.printer.ratio(self.state(letter), parameter, Kind.IMMEDIATE)

    def total(self, letter: str, parameter: str, offset: int = 0) -> str:
        return self.printer.ratio(self.state(letter, offset), parameter, Kind.TOTAL)

    def gradient(self, parameter: str) -> str:
        return self.printer.derivative(parameter)

    def effect(self, letter: str = "t") -> str:
        """How a state reaches the loss beside the later states."""
        if self.chain.timed_loss:
            return self.printer.ratio(self.variable(self.chain.timed_loss, letter), self.state(letter), Kind.STEP)
        alone = self.last_only and len(self.chain.states) == 1
        return self.printer.ratio(self.printer.loss, self.state(letter), Kind.STEP if alone else Kind.IMMEDIATE)

    @property
    def last_only(self) -> bool:
        """Whether states reach the loss at one time only."""
        return self.chain.counted is not None and self.chain.counted.is_point

    def path(self, first: str, last: str) -> str:
        """The product of Jacobians from a step back to the one after another: J[t] ... J[k+1], or transposed."""
        step = self.printer.step
        body = self.jacobian(step)
        ends = (last, first) if self.transposes else (first, last)
        return self.printer.product(*ends, body)

    def ordered(self, *factors: str) -> str:
        """Factors from the loss to the parameter; in denominator layout from the parameter to the loss."""
        kept = [factor for factor in factors if factor]
        # A fraction with its slash runs into the next one in text.
        if self.text and len(kept) > 1:
            kept = [f"({f})" if "/" in f and not f.startswith(("(", "Σ")) else f for f in kept]
        return " ".join(reversed(kept) if self.transposes else kept)

    def bracketed(self, fraction: str) -> str:
        """A fraction as a factor: text needs parentheses."""
        return f"({fraction})" if self.text and "/" in fraction else fraction

    def flat(self, write: Callable[[], str]) -> str:
        """A formula with derivatives, inside a sentence."""
        with self.printer.inline():
            return self.math(write())

    # Lines

    def turn(self, node: Node) -> Node:
        return flipped(node) if self.transposes else node

    def note(self, interval: Interval | None, letter: str) -> str:
        """For which steps a line holds; empty where it is all."""
        if interval is None or interval == self.chain.times:
            return ""
        shown = self.out.times(self.printer.range(interval))
        return self.printer.letter(letter) + shown[1:]

    def lines(self, equations: Iterable[Equation], letter: str, matrices: bool = True) -> list[Line]:
        """Equations about derivatives of step `letter`: as matrices, or for single elements."""
        printer = self.printer if matrices else self.elements
        found = []
        with printer.at_time(letter):
            for equation in equations:
                if equation.variable.partial is not None:
                    equation = replace(equation, terms=tuple(sorted(equation.terms, key=_carries)))
                if not matrices:
                    equation = replace(equation, terms=tuple(map(_deltas_first, equation.terms)))
                tree = printer.tree(equation)
                right = printer.show(self.turn(tree) if matrices else tree).text
                left = printer.leaf(equation.variable, equation.time, () if matrices else equation.indices)
                found.append(Line(left, right, self.note(equation.interval, letter)))
        return found

    def show(self, *lines: Line) -> None:
        if lines:
            self.out.equations(list(lines))

    def say(self, text: str) -> None:
        self.out.paragraph(" ".join(text.split()))

    def effects(self) -> list[Line]:
        """The derivatives of the loss by the states in closed form, and what lies between."""
        found = []
        names = {equation.name for equation in self.chain.effects()}
        for equation in self.chain.direct:
            if not equation.terms:
                continue
            for line in lines_of(equation, self.out):
                if line.right == "0":
                    continue
                turned = equation.name in names and self.printer.builder.rows == self.transposes
                left = self.printer.transposed(self.printer.parentheses(line.left)) if turned else line.left
                whole = equation.interval == self.chain.times and all(term.when is None for term in equation.terms)
                found.append(replace(line, left=left, note="" if whole else line.note))
        return found[::-1]


def _carries(term: Term) -> bool:
    """False for terms that hand an element on by itself: they come first."""
    return not any(isinstance(factor, KroneckerDelta) for factor in term.factors)


def _deltas_first(term: Term) -> Term:
    """A term with what selects an element in front."""
    ordered = sorted(term.factors, key=lambda factor: not isinstance(factor, KroneckerDelta | Select))
    return replace(term, factors=tuple(ordered))
