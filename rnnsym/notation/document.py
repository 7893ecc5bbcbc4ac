"""A derivation as a document: symbols, assumptions, forward equations, steps, result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Symbol

from rnnsym.equations.indexed import Equation, Role, Variable
from rnnsym.notation.alphabets import LatexPrinter, TextPrinter
from rnnsym.notation.builder import Builder
from rnnsym.notation.content import GENERIC, Content, lines_of
from rnnsym.notation.elements import IndexBuilder
from rnnsym.notation.html import HtmlRenderer
from rnnsym.notation.names import Names
from rnnsym.notation.printers import Printer, active
from rnnsym.notation.renderers import LatexRenderer, MarkdownRenderer, Renderer, TextRenderer
from rnnsym.notation.style import DEFAULT, Notation
from rnnsym.notation.telling import joined, tell
from rnnsym.notation.tree import (
    Diagonal,
    Hadamard,
    Identity,
    Node,
    Ones,
    Plus,
    Power,
    SizeSum,
    Slice,
    Stack,
    TimeSum,
    Where,
    walk,
)

DETAILS = ("result", "outline", "full")

ROLES = {
    Role.INPUT: "input",
    Role.PARAMETER: "parameter",
    Role.DEFINED: "defined by the model",
    Role.INTERMEDIATE: "named in the derivation",
    Role.LOSS: "total loss",
}


def printer_for(content: Content, style: str, notation: Notation | None = None) -> Printer:
    """The printer of a style: `text`, `markdown` or `latex`."""
    notation = notation or DEFAULT
    names = Names(content.model.symbols, content.variables.values(), notation)
    rows = content.rows if notation.vectors == "as written" else notation.vectors == "rows"
    builder = (IndexBuilder if notation.indices else Builder)(content.variables, rows)
    printer = (TextPrinter if style == "text" else LatexPrinter)(names, builder, frozenset(content.model.given))
    printer.against = content.against
    return printer


def renderer_for(content: Content, style: str, document: bool = False, notation: Notation | None = None) -> Renderer:
    """The renderer of a style: `text`, `markdown`, `latex` or `html`."""
    printer = printer_for(content, style, notation)
    if isinstance(printer, TextPrinter):
        return TextRenderer(printer)
    assert isinstance(printer, LatexPrinter)
    if style == "html":
        return HtmlRenderer(printer)
    return MarkdownRenderer(printer) if style == "markdown" else LatexRenderer(printer, document)


def write(
    content: Content, style: str, detail: str = "full", document: bool = False, notation: Notation | None = None
) -> str:
    """The document in a style, at a level of detail."""
    if detail not in DETAILS:
        raise ValueError(f"detail is one of {', '.join(DETAILS)}, not {detail!r}")
    out = renderer_for(content, style, document, notation)
    adjoints, gradients = content.result()
    out.title(content.model.title)
    if detail != "result":
        if content.model.summary:
            out.paragraph(out.plain(" ".join(content.model.summary.split())))
        out.heading("Symbols")
        symbols(content, out)
        out.heading("Assumptions and notation")
        out.paragraph(" ".join(assumptions(content, out)))
        if sentences := [*meanings((*content.system.equations, *content.adjoints), out)]:
            out.paragraph(" ".join(sentences))
        for remark in content.model.remarks:
            out.paragraph(out.plain(f"Remark: {remark}."))
    system = content.system
    for part, own in content.by_part([*system.equations]):
        out.heading(f"Forward equations{_titled(part)}{_for_length(system.minimum_length)}")
        show(own, out)
    if detail != "result":
        if not content.part_of:
            out.heading("Derivation")
        tell(content, detail, out)
    for part, own in content.by_part(adjoints, backwards=True) if adjoints else ():
        out.heading(f"Adjoints{_titled(part)}{_direction(content, own)}{_for_length(content.shortest_length)}")
        show(own, out)
    for part, own in content.by_part(gradients) if gradients else ():
        out.heading(f"Gradients{_titled(part)}{_for_length(content.shortest_length)}")
        show(own, out)
    return out.finish()


def _direction(content: Content, adjoints: list[Equation]) -> str:
    """How the adjoints run, for the heading."""
    if not content.model.timed:
        return ""
    timed = {equation.name for equation in adjoints if equation.time == GENERIC}
    if not content.against & timed:
        return ", backwards in time"
    return ", forwards in time" if timed <= content.against else ", each against its own direction of time"


def _titled(part: str) -> str:
    return f": {part}" if part else ""


def _for_length(shortest: int) -> str:
    return f", for T ≥ {shortest}" if shortest > 1 else ""


def show(equations: Iterable[Equation], out: Renderer) -> None:
    """Equations as one display."""
    out.equations([line for equation in equations for line in lines_of(equation, out)])


# Sections


def symbols(content: Content, out: Renderer) -> None:
    """The table of symbols with their shapes: what is given first, then what is computed."""
    losses = {definition.target.name for definition in content.model.losses}
    order = list(ROLES)
    rows: list[tuple[str, ...]] = []
    for variable in sorted(content.system.variables.values(), key=lambda variable: order.index(variable.role)):
        role = "fixed parameter" if variable.name in content.system.fixed else ROLES[variable.role]
        role = "loss" if variable.role is Role.DEFINED and variable.name in losses else role
        symbol = out.printer.leaf(variable, GENERIC if variable.timed else None)
        rows.append((out.math(symbol), shape(variable, out), role))
    out.table(("symbol", "shape", "role"), rows)


def shape(variable: Variable, out: Renderer) -> str:
    """The sizes of a variable."""
    if not variable.shape:
        return "scalar"
    sizes = [out.printer.size(size) for size in variable.shape]
    if len(sizes) > 1:
        sizes = [f"({text})" if size.is_Add else text for size, text in zip(variable.shape, sizes, strict=True)]
    return out.math((" × " if isinstance(out, TextRenderer) else r" \times ").join(sizes))


def assumptions(content: Content, out: Renderer) -> Iterator[str]:
    """What a reader has to know of the model."""
    printer, model = out.printer, content.model
    if not printer.style.indices:
        yield f"Vectors are {'rows' if printer.builder.rows else 'columns'}."
    given = [out.math(printer.leaf(content.system.variables[name], time)) for name, time in model.given]
    if given:
        yield f"{joined(given)} {'is' if len(given) == 1 else 'are'} given."
    if model.timed:
        last = out.math("T")
        beyond = f"before 1 or beyond {last}" if content.against else f"beyond {last}"
        yield f"Time {out.math('t')} runs from 1 to {last}; a term with an adjoint {beyond} is zero."
    shortest, written = content.system.minimum_length, content.shortest_length
    if shortest > 1:
        yield f"The boundary equations need {out.math(printer.at_least(shortest))}."
    if written > shortest:
        bound = out.math(printer.at_least(written))
        yield f"The derivation is written for {bound}; shorter sequences have to be unrolled."


def meanings(equations: tuple[Equation, ...], out: Renderer) -> Iterator[str]:
    """What the signs mean that the equations use."""
    printer = out.printer
    trees = [node for equation in equations for node in walk(printer.tree(equation))]
    kinds = {type(node) for node in trees}
    loss = out.math(printer.loss)
    if printer.style.marks:
        mark = out.math(printer.adjoint_mark) if printer.adjoint_mark else "A bar"
        yield f"{mark} marks the derivative of {loss} with respect to a variable, its adjoint."
    else:
        written = printer.derivative("v") if printer.style.adjoint == "leibniz" else printer.gradient("v")
        yield f"{out.math(written)} is the adjoint of {out.math('v')}: the derivative of {loss} along all paths."
    if printer.style.indices:
        yield "Equations are for single elements; an index that stands on the left takes every value."
    if elementwise := _elementwise(trees, out):
        verb = "does" if len(elementwise) == 1 and elementwise[0] != "powers" else "do"
        yield f"Functions of numbers act on vectors element by element, and so {verb} {joined(elementwise)}."
    if Ones in kinds:
        yield f"{out.math(printer.ones)} is a vector of ones."
    if Identity in kinds:
        yield f"{out.math(printer.identity)} is the identity matrix."
    if Diagonal in kinds:
        yield f"{out.math(printer.diagonal('v'))} is the matrix with {out.math('v')} on its diagonal."
    if Stack in kinds and isinstance(out, TextRenderer):
        joined_vectors = next(node for node in trees if isinstance(node, Stack))
        yield f"{printer.stack(['u', 'v'], joined_vectors.rows)} is u followed by v."
    if Slice in kinds:
        piece = out.math(printer.slice("v", Symbol("a"), Symbol("b")))
        yield f"{piece} are the elements {out.math('a')} to {out.math('b')} of {out.math('v')}."
    if Where in kinds:
        yield f"{out.math('[i = j]')} is one where {out.math('i')} equals {out.math('j')}, and zero elsewhere."
    if any(
        isinstance(node, Plus) and any(isinstance(part, TimeSum | SizeSum) for part in node.parts[:-1])
        for node in trees
    ):
        yield "A sum sign reaches to the next plus or minus."


def _elementwise(trees: list[Node], out: Renderer) -> list[str]:
    """The signs that go element by element."""
    products = [node for node in trees if isinstance(node, Hadamard)]
    signs = [out.math(out.printer.hadamard)] * any(len(node.parts) > 1 for node in products)
    signs += [out.math(out.printer.divide)] * any(node.below for node in products)
    return signs + ["powers"] * any(isinstance(node, Power) and not node.scalar for node in trees)


def result(content: Content) -> tuple[list[Equation], list[Equation]]:
    """The adjoints that the gradients need, and the gradients."""
    return content.result()


__all__ = ["DETAILS", "Content", "active", "lines_of", "printer_for", "renderer_for", "result", "write"]
