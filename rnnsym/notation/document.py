"""A derivation as a document: symbols, assumptions, forward equations, steps, result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnsym.calculus.steps import Step
from rnnsym.equations.indexed import Equation, Role, Term, Variable, access, elements, t, time_of
from rnnsym.equations.lowering import System
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, at_length, point
from rnnsym.notation.names import Names
from rnnsym.notation.printers import LatexPrinter, Printer, TextPrinter
from rnnsym.notation.renderers import LatexRenderer, Line, MarkdownRenderer, Renderer, TextRenderer, escaped
from rnnsym.notation.tree import Builder
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction

DETAILS = ("result", "outline", "full")
GENERIC = Time("t", 0)

ROLES = {
    Role.PARAMETER: "parameter",
    Role.INPUT: "input",
    Role.DEFINED: "defined",
    Role.INTERMEDIATE: "named by the derivation",
    Role.LOSS: "total loss",
}


@dataclass(frozen=True)
class Content:
    """What a document is about: plain data from the earlier stages."""

    model: Model
    system: System
    adjoints: tuple[Equation, ...]
    steps: tuple[Step, ...]

    @property
    def variables(self) -> dict[str, Variable]:
        return {**self.system.variables, **{equation.name: equation.variable for equation in self.adjoints}}


def printer_for(content: Content, format: str) -> Printer:
    """The printer of a format: `text`, `markdown` or `latex`."""
    names = Names(content.model.symbols, content.variables.values())
    builder = Builder(content.variables, writes_rows(content.model))
    return TextPrinter(names, builder) if format == "text" else LatexPrinter(names, builder)


def renderer_for(content: Content, format: str, document: bool = False) -> Renderer:
    """The renderer of a format."""
    printer = printer_for(content, format)
    if isinstance(printer, TextPrinter):
        return TextRenderer(printer)
    assert isinstance(printer, LatexPrinter)
    return MarkdownRenderer(printer) if format == "markdown" else LatexRenderer(printer, document)


def writes_rows(model: Model) -> bool:
    """Whether the author writes vectors as rows: products with the vector on the left, and none on the right."""
    from rnnsym.language.syntax import Binary, Reference, walk

    rows = columns = False
    for definition in model.core:
        for node in walk(definition.value):
            if isinstance(node, Binary) and node.operator == "@":
                for side, operand in (("left", node.left), ("right", node.right)):
                    vector = isinstance(operand, Reference) and len(model.shapes[operand.name]) == 1
                    rows |= vector and side == "left"
                    columns |= vector and side == "right"
    return rows and not columns


def write(content: Content, format: str, detail: str = "full", document: bool = False) -> str:
    """The document in a format, at a level of detail."""
    if detail not in DETAILS:
        raise ValueError(f"detail is one of {', '.join(DETAILS)}, not {detail!r}")
    out = renderer_for(content, format, document)
    out.title(content.model.title)
    if detail != "result":
        if content.model.summary:
            out.paragraph(plain(content.model.summary, out))
        out.heading("Symbols")
        symbols(content, out)
        out.heading("Assumptions")
        for sentence in assumptions(content, out):
            out.paragraph(sentence)
    out.heading("Forward equations")
    out.equations([line for equation in content.system.equations for line in lines_of(equation, out)])
    if detail != "result":
        out.heading("Derivation")
        for step in shown(content, detail):
            out.step(*_step(step, content, out))
    adjoints, gradients = result(content)
    if adjoints:
        out.heading("Adjoints, backwards in time" if content.model.timed else "Adjoints")
        out.equations([line for equation in adjoints for line in lines_of(equation, out)])
    out.heading("Gradients")
    out.equations([line for equation in gradients for line in lines_of(equation, out)])
    return out.finish()


def plain(text: str, out: Renderer) -> str:
    """A sentence of the author's, safe in the format."""
    text = " ".join(text.split())
    return escaped(text) if isinstance(out, LatexRenderer) else text


# Sections


def symbols(content: Content, out: Renderer) -> None:
    """The table of symbols with their shapes."""
    rows = []
    for variable in content.system.variables.values():
        time = GENERIC if variable.timed else None
        shape = " × ".join(out.math(size_text(size, out)) for size in variable.shape) or "scalar"
        if not isinstance(out, TextRenderer):
            shape = shape.replace("×", r"$\times$" if isinstance(out, LatexRenderer) else "×")
        rows.append((out.math(out.printer.leaf(variable, time)), shape, ROLES[variable.role]))
    out.table(("symbol", "shape", "role"), rows)


def size_text(size: object, out: Renderer) -> str:
    from sympy import latex

    return str(size) if isinstance(out, TextRenderer) else str(latex(size))


def assumptions(content: Content, out: Renderer) -> Iterable[str]:
    """What a reader has to know."""
    printer, model = out.printer, content.model
    rows = writes_rows(model)
    shape = "rows" if rows else "columns"
    yield f"Vectors are {shape}; a bar marks the derivative of {out.math(printer.loss)} with respect to a variable (its adjoint)."
    given = [out.math(printer.leaf(content.system.variables[name], time)) for name, time in model.given]
    if given:
        yield f"{joined(given)} {'is' if len(given) == 1 else 'are'} given."
    if model.timed:
        yield f"Time runs from 1 to {out.math('T')}; adjoints are zero beyond {out.math('T')}."
    if content.system.minimum_length > 1:
        bound = f"T >= {content.system.minimum_length}" if isinstance(out, TextRenderer) else rf"T \ge {content.system.minimum_length}"
        yield f"The boundary equations need {out.math(bound)}."


def joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def shown(content: Content, detail: str) -> list[Step]:
    """The steps of a level: in outline, one for each adjoint; in full, a lone share is its adjoint at once."""
    if detail == "full":
        found: list[Step] = []
        for step in content.steps:
            if step.rule == "single contribution" and found and found[-1].is_share:
                found[-1] = replace(found[-1], adjoint=step.result)
            else:
                found.append(step)
        return [replace(step, number=number) for number, step in enumerate(found, 1)]
    outline = [step for step in content.steps if not step.is_share and step.rule not in ("name", "no contribution")]
    return [replace(step, number=number) for number, step in enumerate(outline, 1)]


def _step(step: Step, content: Content, out: Renderer) -> tuple[int, str, str, list[Line]]:
    printer = out.printer
    places: dict[str, str] = {"function": "", "element": "", "target": "", "subject": ""}
    if step.action is not None:
        variable = content.system.variables[step.action.subject]
        time = step.action.time if step.action.time is not None else (GENERIC if variable.timed else None)
        places["subject"] = out.math(printer.leaf(variable, time))
        if step.action.rule == "contribution" and step.action.element is not None and step.equation is not None:
            found = access(step.action.element, content.system.variables)
            places["element"] = out.math(printer.leaf(content.system.variables[found.name], None if found.time is None else time_of(found.time)))
            places["target"] = out.math(printer.leaf(step.equation.variable, step.equation.time))
    if step.function:
        operation = OPERATIONS[step.function]
        assert isinstance(operation, Elementwise | VectorFunction)
        places["function"] = step.function if isinstance(out, TextRenderer) else out.math(operation.latex)
    lines = []
    if step.adjoint and step.equation is not None:
        lines.append(Line(printer.left(step.equation), printer.right(step.equation)))
        lines += [line for equation in step.adjoint for line in lines_of(equation, out)]
    elif step.is_share and step.equation is not None:
        lines.append(Line(printer.left(step.equation), printer.right(step.equation)))
        (share,) = step.result
        right = printer.right(share)
        sign = "" if right.startswith("-") else "+ "
        lines.append(Line(printer.left(share), f"{printer.dots} {sign}{right}", _note(share, out)))
    else:
        lines = [line for equation in step.result for line in lines_of(equation, out)]
    rule = step.rule if not step.function else f"{step.rule} through {step.function}" if step.rule == "chain rule" else f"{step.rule} of {step.function}"
    return step.number, rule, step.reason.format(**places), lines


def _note(share: Equation, out: Renderer) -> str:
    when = next((term.when for term in share.terms if term.when is not None), None)
    return out.times(out.printer.range(when)) if when is not None else ""


def result(content: Content) -> tuple[list[Equation], list[Equation]]:
    """The adjoints that the gradients need, and the gradients of parameters, initial values and inputs."""
    model = content.model
    own = {equation.variable.adjoint_of: equation for equation in content.adjoints}
    gradients = [e for name in model.parameters for e in content.adjoints if e.variable.adjoint_of == name]
    early = {(name, time) for name, time in model.given}
    gradients += [e for e in content.adjoints if (e.variable.adjoint_of, e.time) in early]
    inputs = (*model.sequences, *model.inputs)
    gradients += [e for name in inputs for e in content.adjoints if e.variable.adjoint_of == name and e not in gradients]
    used = {name for e in gradients for name in adjoints_read(e)}
    waiting = list(used)
    while waiting:
        name = waiting.pop()
        for equation in content.adjoints:
            if equation.name == name:
                for more in adjoints_read(equation) - used:
                    used.add(more)
                    waiting.append(more)
    del own
    return [e for e in content.adjoints if e.name in used and e not in gradients], gradients


def adjoints_read(equation: Equation) -> set[str]:
    """The adjoints that stand on the right side of an equation."""
    from rnnsym.equations.indexed import name_of

    names = {name_of(e) for term in equation.terms for factor in term.factors for e in elements(factor)}
    return {name for name in names if name.startswith("bar(")}


# Equations with the times at which they hold


def lines_of(equation: Equation, out: Renderer) -> list[Line]:
    """An equation as lines: one, or one for each stretch of time on which other terms count."""
    printer = out.printer
    lines = []
    for interval, terms in regions(equation):
        part = Equation(equation.variable, equation.time, equation.indices, terms, interval)
        if interval is not None and interval.is_point and equation.time == GENERIC:
            part = at_point(part, interval.low)
        note = ""
        if interval is not None and not interval.is_point:
            whole = interval if not _looks_ahead(part) else Interval(interval.high, interval.low)
            note = out.times(printer.range(whole))
        lines.append(Line(printer.left(part), printer.right(part), note))
    return lines


def _looks_ahead(equation: Equation) -> bool:
    """Whether an equation is computed backwards in time."""
    return equation.variable.role is Role.ADJOINT


def at_point(equation: Equation, time: Time) -> Equation:
    """An equation for all t, at one of them."""
    from rnnsym.equations.indexed import time_expression

    terms = tuple(term.replaced({t: time_expression(time)}) for term in equation.terms)
    return Equation(equation.variable, time, equation.indices, terms, point(time))


def regions(equation: Equation) -> list[tuple[Interval | None, tuple[Term, ...]]]:
    """The stretches of time on which the same terms count, from the last to the first."""
    interval = equation.interval
    if interval is None or interval.is_point or all(term.when is None for term in equation.terms):
        return [(interval, equation.terms)]
    length = 2 * (max(abs(e.offset) for term in equation.terms if term.when for e in (term.when.low, term.when.high)) + 5)
    times = list(interval.bounds(length))
    found: list[tuple[Interval, tuple[Term, ...]]] = []
    for number in times:
        terms = tuple(term for term in equation.terms if term.when is None or number in term.when.bounds(length))
        time = Time("T", number - length) if number > length // 2 else Time("", number)
        if found and found[-1][1] == terms:
            found[-1] = (Interval(found[-1][0].low, time), terms)
        else:
            found.append((point(time), terms))
    return [(whole, terms) for whole, terms in reversed(found)]


def active(equation: Equation, number: int, length: int) -> tuple[Term, ...]:
    """The terms that count at one time of an unrolled equation."""
    return tuple(term for term in equation.terms if term.when is None or number in term.when.bounds(length))


__all__ = ["DETAILS", "Content", "active", "at_length", "lines_of", "write"]
