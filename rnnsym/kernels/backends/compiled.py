"""Kernels whose `loss_and_grad` is compiled and takes NumPy arrays; what else they do, the NumPy kernel does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.backends.native.contractions import contracted
from rnnsym.kernels.backends.native.lifetimes import live
from rnnsym.kernels.backends.native.writer import Writer, Written, written
from rnnsym.kernels.fast.ahead import plan_ahead
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan, plan
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content, printer_for


def statements(
    writer: type[Writer], content: Content, program: Program, comment: Callable[[str], str] = str
) -> Written:
    """The statements of a program by a writer: many steps at once where it has a plan for that, otherwise step by step.

    comment: how the text of an equation is written in a comment.
    """
    program = live(program)
    try:
        cut: Plan | None = contracted(plan_ahead(program) if program.outputs else plan(program))
    except Irregular:
        cut = None
    variables = program.variables if cut is None else cut.variables
    printer = printer_for(replace(content, system=replace(program.system, variables=variables)), "text")

    def describe(equation: Equation) -> str:
        return comment(f"{printer.left(equation)} = {printer.right(equation)}")

    return written(writer, content.model, program, describe, cut)


@dataclass(frozen=True)
class CompiledKernel(Kernel):
    """A kernel with compiled gradients. reference: the NumPy kernel of the same model, with its extras."""

    reference: Kernel | None = None

    @property
    def _numpy(self) -> Kernel:
        assert self.reference is not None
        return self.reference

    def init(self, seed: int = 0, **sizes: int) -> dict[str, Any]:
        """Parameters to start from, as arrays by name."""
        return self._numpy.init(seed, **sizes)

    def forward(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int
    ) -> tuple[float, dict[str, Any]]:
        """The loss, and every computed value, by the NumPy kernel."""
        return self._numpy.forward(params, inputs, **length)

    def predict(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> dict[str, Any]:
        """The outputs and states for inputs without targets, by the NumPy kernel."""
        return self._numpy.predict(params, inputs, **length)

    def advance(
        self, params: Mapping[str, Any], state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step of a stream, by the NumPy kernel."""
        return self._numpy.advance(params, state, inputs)

    def hessian_product(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], direction: Mapping[str, Any], **length: int
    ) -> dict[str, Any]:
        """The Hessian of the loss times a direction, by the NumPy kernel."""
        return self._numpy.hessian_product(params, inputs, direction, **length)

    def step(
        self,
        params: Mapping[str, Any],
        gradients: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        **rates: Any,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step of the optimizer, by the NumPy kernel."""
        return self._numpy.step(params, gradients, state, **rates)

    def clip(self, gradients: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """The gradients scaled so that those of the parameters together have at most this norm."""
        return self._numpy.clip(gradients, limit)
