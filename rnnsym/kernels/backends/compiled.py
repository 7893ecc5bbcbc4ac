"""Kernels whose `loss_and_grad` is compiled and takes NumPy arrays; what else they do, the NumPy kernel does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnsym.kernels.kernel import Kernel


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
