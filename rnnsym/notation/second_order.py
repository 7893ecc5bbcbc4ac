"""The product of the Hessian with a direction, as a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from rnnsym.calculus.tangent import tangent_name, tangent_of
from rnnsym.equations.indexed import Equation, Role, Variable
from rnnsym.notation.content import Content, lines_of
from rnnsym.notation.document import result
from rnnsym.notation.partials import Partials
from rnnsym.notation.renderers import Line, Renderer
from rnnsym.notation.story import printer_of, renderer_of
from rnnsym.notation.style import Notation
from rnnsym.notation.telling import joined

#: The ends of a range of times, to be exchanged.
BACKWARDS = re.compile(r"(?<== )(\S+?)(\.\.|, \\dots, )(\S+)")


def write_product(
    content: Content,
    parameters: tuple[str, ...],
    product: tuple[Equation, ...],
    style: str,
    detail: str,
    document: bool,
    notation: Notation | None,
) -> str:
    """The equations of the product: forward ones, those of the adjoints backwards, then the results."""
    moving = {tangent_name(name): tangent_of(content.system.variables[name]) for name in parameters}
    variables = {**moving, **{equation.name: equation.variable for equation in product}}
    printer = printer_of(content, variables, style, notation, "", False)
    out = renderer_of(printer, style, document)
    out.title(f"{content.model.title}: the Hessian times a direction")
    known = {**content.variables, **variables}
    results = {tangent_name(f"bar({name})") for name in parameters}
    ahead = [e for e in product if known[_of(e)].role is not Role.ADJOINT]
    back = [
        e
        for e in product
        if known[_of(e)].role is Role.ADJOINT and e.name not in results and not _is_of_given(e, known, content)
    ]
    ends = [e for name in parameters for e in product if e.name == tangent_name(f"bar({name})")]
    if detail != "result":
        _explain(moving, ends, out, printer)
        if detail == "full":
            _gradient(content, out)
    out.heading("Forward in time")
    _show(ahead, out)
    out.heading("Backwards in time")
    _show(back, out, backwards=True)
    out.heading("The product")
    _show(ends, out)
    return out.finish()


def _of(equation: Equation) -> str:
    assert equation.variable.partial is not None
    return equation.variable.partial.of


def _is_of_given(equation: Equation, known: Mapping[str, Variable], content: Content) -> bool:
    """Whether it is about the gradient of a value that is handed in: nothing else needs that."""
    origin = known[_of(equation)].adjoint_of
    return equation.time is not None and (origin, equation.time) in content.model.given


def _explain(moving: dict[str, Variable], ends: list[Equation], out: Renderer, printer: Partials) -> None:
    out.heading("How to read it")
    dots = [printer.leaf(variable, None) for variable in moving.values()]
    products = [printer.leaf(equation.variable, None) for equation in ends]
    kind, moves = ("parameter", "moves") if len(dots) == 1 else ("parameters", "move")
    what = [out.math(text) for text in dots]
    out.paragraph(
        f"A dot marks how a value changes as the {kind} {moves} in the direction {joined(what)}, which is chosen. "
        "Every line is a line of the gradient's derivation, differentiated by the product rule and the chain rule. "
        f"The last lines, {joined([out.math(text) for text in products])}, tell how the gradient changes: the Hessian "
        f"of {out.math(printer.loss)} times the direction. The Hessian itself is "
        "never formed, and the work is about twice that of the gradient."
    )


def _gradient(content: Content, out: Renderer) -> None:
    out.heading("The model and its gradient")
    adjoints, gradients = result(content)
    _show(content.system.equations, out)
    _show((*adjoints, *gradients), out)


def _show(equations: Iterable[Equation], out: Renderer, backwards: bool = False) -> None:
    lines: list[Line] = [line for equation in equations for line in lines_of(equation, out)]
    if backwards:
        lines = [replace(line, note=BACKWARDS.sub(r"\3\2\1", line.note)) for line in lines]
    if lines:
        out.equations(lines)
