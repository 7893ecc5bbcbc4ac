"""Kinds of blocks that work a derivation out in numbers, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rnnsym.checks.symbolic import Evaluation
from rnnsym.docs.data import Array, Numbers, read
from rnnsym.docs.kinds import Kind, Option, Request, display, table, whole
from rnnsym.equations.indexed import Equation, Role, Variable
from rnnsym.language.syntax import Time
from rnnsym.notation.alphabets import LatexPrinter
from rnnsym.notation.content import GENERIC
from rnnsym.notation.document import printer_for
from rnnsym.notation.printers import active

DATA = Option("data", "a TOML file beside the page with parameters and inputs")
DIGITS = Option("digits", "after the point", "3", whole(0, 9))


class Worked:
    """A model with numbers: its unrolled equations, each with its value."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.digits: int = request["digits"]
        self.data: Numbers = read(request.subject, request["data"], request.folder).numbers()
        derived = (*request.derivation.system.equations, *request.derivation.adjoints)
        self.evaluation = Evaluation(request.subject, derived, self.data.params, self.data.inputs)
        self.length = self.evaluation.length
        printer = printer_for(request.derivation.content, "latex")
        assert isinstance(printer, LatexPrinter)
        self.printer = printer
        self.printer.length = self.length

    def rows(self, equations: Iterable[tuple[Equation, int | None]]) -> Iterator[str]:
        """Aligned rows: the equation at its time, and its value."""
        for equation, time in equations:
            self.printer.at = time
            shown = equation
            if time is not None and equation.time == Time("t", 0):
                terms = active(equation, time, self.length)
                shown = Equation(equation.variable, equation.time, equation.indices, terms)
            value = self.evaluation.value(equation.name, time)
            yield f"{self.printer.left(shown)} &= {self.printer.right(shown)} &&= {self.value(value)}"

    def value(self, value: Array) -> str:
        return in_latex(value, self.digits)

    def leaf(self, variable: Variable, time: Time | None) -> str:
        self.printer.at = None
        return self.printer.leaf(variable, time)


def in_latex(value: Array, digits: int) -> str:
    """A number, a vector as a transposed row, or a matrix."""
    value = np.asarray(value)
    if value.ndim == 0:
        return decimal(float(value), digits)
    if value.ndim == 1:
        return "(" + r",\ ".join(decimal(float(number), digits) for number in value) + r")^\top"
    rows = " \\\\ ".join(" & ".join(decimal(float(number), digits) for number in row) for row in value)
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def decimal(value: float, digits: int) -> str:
    """A decimal number; whole numbers stay whole, and zero has no sign."""
    if abs(value) < 1e6 and value == round(value):
        return str(round(value))
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not float(text) else text


def grouped(worked: Worked, equations: Iterable[tuple[Equation, int | None]], backwards: bool) -> str:
    """The rows, one display for each time step."""
    groups: dict[int | None, list[tuple[Equation, int | None]]] = {}
    for equation, time in equations:
        groups.setdefault(time, []).append((equation, time))
    parts = []
    for time, members in groups.items():
        caption = worked.data.captions[time - 1] if time and time <= len(worked.data.captions) else ""
        if time is not None and time > 0:
            parts.append(f"**t = {time}**" + (f", “{caption}”" if caption else ""))
        elif time is None and len(groups) > 1:
            parts.append("**The gradients**" if backwards else "**After the last step**")
        parts.append(display(worked.rows(members)))
    return "\n\n".join(parts)


def forward(request: Request) -> str:
    worked = Worked(request)
    return grouped(worked, request.derivation.unroll(worked.length).forward(), backwards=False)


def backward(request: Request) -> str:
    worked = Worked(request)
    unrolled = request.derivation.unroll(worked.length)
    inputs = {*request.subject.sequences, *request.subject.inputs}
    equations = [
        (equation, time) for equation, time in unrolled.backward() if equation.variable.adjoint_of not in inputs
    ]
    first = [pair for pair in equations if pair[1] is None and not _is_result(request, pair[0])]
    steps = [pair for pair in equations if pair[1] is not None]
    last = [pair for pair in equations if pair[1] is None and pair not in first]
    worked_out = [display(worked.rows(first))] if first else []
    return "\n\n".join([*worked_out, grouped(worked, [*steps, *last], backwards=True)])


def _is_result(request: Request, equation: Equation) -> bool:
    own = request.derivation.content.variables[equation.variable.adjoint_of or ""]
    return own.role in (Role.PARAMETER, Role.INPUT)


def given(request: Request) -> str:
    """The parameters and what is handed in."""
    worked = Worked(request)
    variables = request.derivation.content.variables
    rows = []
    for name in request.subject.parameters:
        rows.append(f"{worked.leaf(variables[name], None)} &= {worked.value(worked.data.params[name])}")
    for name, time in request.subject.given:
        rows.append(f"{worked.leaf(variables[name], time)} &= {worked.value(worked.data.inputs[f'{name}[{time}]'])}")
    for name in request.subject.inputs:
        rows.append(f"{worked.leaf(variables[name], None)} &= {worked.value(worked.data.inputs[name])}")
    parts = [display(rows)]
    for name in request.subject.sequences:
        symbol = worked.leaf(variables[name], GENERIC)
        steps = worked.data.inputs[name]
        captions = worked.data.captions if len(worked.data.captions) == len(steps) else ()
        head = ("t", *(["word"] if captions else []), f"${symbol}$")
        cells = [(str(t), *(captions[t - 1 : t]), f"${worked.value(value)}$") for t, value in enumerate(steps, 1)]
        parts.append(table(head, cells))
    return "\n\n".join(parts)


def update(request: Request) -> str:
    """One step of gradient descent, and the loss before and after."""
    worked = Worked(request)
    data, variables = worked.data, request.derivation.content.variables
    loss, gradients = data.kernel.loss_and_grad(data.params, data.batch)
    rows = []
    changed = {}
    for name in request.subject.parameters:
        symbol = worked.leaf(variables[name], None)
        changed[name] = data.params[name] - data.rate * gradients[name]
        step = rf"{symbol} - \eta \, {worked.printer.derivative(symbol)}"
        rows.append(rf"{symbol} &\leftarrow {step} &&= {worked.value(changed[name])}")
    after, _ = data.kernel.loss_and_grad(changed, data.batch)
    before, after_step = (decimal(value, worked.digits) for value in (loss, after))
    sentence = rf"With $\eta = {data.rate:g}$ the loss of this example goes from {before} to {after_step}."
    return f"{display(rows)}\n\n{sentence}"


KINDS = (
    Kind("given", "parameters and inputs of a data file", given, (DATA, DIGITS)),
    Kind("forward-pass", "the forward pass with its numbers, step by step", forward, (DATA, DIGITS)),
    Kind("backward-pass", "the backward pass with its numbers, step by step", backward, (DATA, DIGITS)),
    Kind("update", "one step of gradient descent with its numbers", update, (DATA, DIGITS)),
)
