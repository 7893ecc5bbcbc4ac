"""What a model gives without its losses: equations for that, inputs that only losses need, whether steps can stream."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.equations.indexed import Equation, Role, accesses, time_of
from rnnsym.kernels.schedule import GENERIC, Program
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval


def output_equations(model: Model, program: Program) -> tuple[Equation, ...]:
    """The forward equations without the losses and what was named for the losses alone."""
    dead = {program.loss, *(definition.target.name for definition in model.losses)}
    while True:
        live = tuple(equation for equation in program.forward if equation.name not in dead)
        read = {name for equation in live for name in _names(equation) if name != equation.name}
        more = {e.name for e in live if e.variable.role is Role.INTERMEDIATE and e.name not in read}
        if not more:
            return live
        dead |= more


def outputs_alone(model: Model, program: Program) -> Program:
    """The program that computes the outputs and states, and neither losses nor gradients."""
    equations = output_equations(model, program)
    outputs = tuple(dict.fromkeys(e.name for e in equations if e.variable.role is not Role.INTERMEDIATE))
    return replace(program, forward=equations, backward=(), wanted=(), outputs=outputs)


def targets(model: Model, program: Program) -> tuple[str, ...]:
    """Inputs that only the loss needs."""
    outputs = output_equations(model, program)
    needed = {key for equation in outputs for key in _inputs_of(model, equation)}
    used = {key for equation in program.forward for key in _inputs_of(model, equation)}
    spare = [key for key in model.input_keys if key in used - needed]

    def sizes_of(key: str) -> set[str]:
        return {str(symbol) for size in program.variables[key.split("[")[0]].shape for symbol in size.free_symbols}

    # An input that alone says how large an output is has to stay.
    known = {part for key in (*model.param_keys, *model.input_keys) if key not in spare for part in sizes_of(key)}
    wanted = {str(symbol) for e in outputs for size in e.variable.shape for symbol in size.free_symbols} - known
    return tuple(key for key in spare if not wanted & sizes_of(key))


def is_stream(model: Model, program: Program) -> bool:
    """Whether the outputs of a step need earlier steps alone, the same for every step."""
    if not model.sequences or program.minimum_length > 1:
        return False
    if any(time.anchor or time.offset > 0 for _, time in model.given):
        return False
    for equation in output_equations(model, program):
        if equation.time != GENERIC or equation.interval != Interval(Time("", 1), Time("T", 0)):
            return False
        for term in equation.terms:
            times = [time_of(found.time) for found in accesses(term, program.variables) if found.time is not None]
            if term.over or term.when is not None or any(e.anchor != "t" or e.offset > 0 for e in times):
                return False
    return True


def state(model: Model) -> str:
    """The values before the first step, by name and time, as a tuple in Python."""
    return "(" + "".join(f'("{name}", {time.offset}), ' for name, time in model.given).rstrip() + ")"


def _inputs_of(model: Model, equation: Equation) -> set[str]:
    names = _names(equation)
    return {key for key in model.input_keys if key.split("[")[0] in names}


def _names(equation: Equation) -> frozenset[str]:
    return equation.reads | {equation.name}
