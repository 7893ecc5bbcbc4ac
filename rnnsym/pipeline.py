"""The whole way of the data, from a model to its derivation, its kernel and its check."""

from __future__ import annotations

from collections.abc import Mapping

from rnnsym.calculus.sweep import sweep
from rnnsym.equations.lowering import lower
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.module import Writer
from rnnsym.kernels.schedule import Program, needed, schedule, share_functions
from rnnsym.language.model import Model


def generate(model: Model, sizes: Mapping[str, int] | None = None, dtype: str = "float64") -> Kernel:
    system = lower(model)
    state, _ = sweep(system)
    variables = {**system.variables, **{e.name: e.variable for e in state.adjoints}}
    program = Program(variables, system.equations, tuple(state.adjoints), system.loss, system.minimum_length)
    program = needed(program, {*model.parameters, *(key.split("[")[0] for key in model.input_keys)})
    program = share_functions(program)
    writer = Writer(model, schedule(program), lambda e: f"{e.target}", dict(sizes or {}), dtype, "0.1.0")
    shapes = {**{n: writer._parameter_shape(n) for n in model.parameters}, **{k: writer._input_shape(k) for k in model.input_keys}}
    return Kernel(model.name, writer.source(), shapes, dict(sizes or {}), dtype)
