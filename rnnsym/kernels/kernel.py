"""A generated kernel: its source, and its functions ready to call."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnsym.errors import RnnsymError


@dataclass(frozen=True)
class Kernel:
    """NumPy code for a model's loss and gradients.

    source: a self-contained module. shapes: every array with its symbolic shape. sizes: the sizes given to `generate`.
    """

    name: str
    source: str
    shapes: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
    dtype: str = "float64"
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def module(self) -> types.ModuleType:
        """The source as a module: generated from parsed equations, of whose text it holds names and numbers only."""
        module = types.ModuleType(f"rnnsym_kernel_{self.name}")
        exec(compile(self.source, f"<kernel {self.name}>", "exec"), module.__dict__)  # our own generated code
        return module

    def init(self, seed: int = 0, **sizes: int) -> dict[str, Any]:
        """Parameters to start from, as arrays by name."""
        try:
            return self.module.init(seed, **sizes)  # type: ignore[no-any-return]
        except ValueError as error:
            raise RnnsymError(str(error)) from None

    def forward(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int
    ) -> tuple[float, dict[str, Any]]:
        """The loss, and every computed value. `length=` is T where no sequence gives it."""
        return self.module.forward(params, inputs, **length)  # type: ignore[no-any-return]

    def predict(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> dict[str, Any]:
        """States and outputs from step 1 on; needs no targets. `length=` is T where no sequence gives it."""
        return self.module.predict(params, inputs, **length)  # type: ignore[no-any-return]

    def advance(
        self, params: Mapping[str, Any], state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step of a stream: the state for the next step, and the states and outputs of this one.

        state: the values before the step, by key (`h[0]`), each (B, size). inputs: what comes with it, (B, size).
        Raises RnnsymError for a model whose steps need more than the steps before them.
        """
        if not hasattr(self.module, "advance"):
            raise RnnsymError(f"{self.name} has no single step: something in it is read at a fixed or a later time")
        return self.module.advance(params, state, inputs)  # type: ignore[no-any-return]

    def loss_and_grad(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], **options: Any
    ) -> tuple[float, dict[str, Any]]:
        """The loss, and its gradient with respect to every parameter and input, by the same keys.

        accumulate=: arrays by parameter, to which the gradients of the parameters are added as well, so that several
        calls add up. checkpoint=: keep the values of one segment of the steps at a time, of so many steps or (True) of
        the square root of T (more with few examples), and compute the others again. lengths=: the length of each
        example, in sequences that are filled up to one length; what stands beyond it counts nothing. workspace=: what
        `module.workspace` made, for one call after another. length=: T where no sequence gives it. truncate=: follow
        each loss back through so many steps and no further. Raises RnnsymError for an option that this kernel does not
        have.
        """
        self._check_options(options)
        return self.module.loss_and_grad(params, inputs, **options)  # type: ignore[no-any-return]

    @cached_property
    def _options(self) -> frozenset[str] | None:
        """The options of `loss_and_grad` in the module; None where it hands on whatever it gets."""
        found = inspect.signature(self.module.loss_and_grad).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in found.values()):
            return None
        return frozenset(found) - {"params", "inputs"}

    def _check_options(self, options: Mapping[str, Any]) -> None:
        if self._options is None:
            return
        for name in sorted(options.keys() - self._options):
            raise RnnsymError(
                f"loss_and_grad of this kernel has no option {name}=, it has {', '.join(sorted(self._options))}"
                + ("; NumPy kernels have it" if name in ("checkpoint", "lengths", "truncate", "accumulate") else "")
            )

    def memory(self, T: int, B: int = 1, checkpoint: bool | int | None = None, **sizes: int) -> int:
        """The bytes that `loss_and_grad` takes at most, beside the parameters and inputs that it is given.

        T, B: length and batch. checkpoint: as in `loss_and_grad`. sizes: numbers for symbolic sizes that `generate` was
        not told. Raises RnnsymError for a kernel that goes step by step, which has no layout, and for a size that is
        missing.
        """
        if not hasattr(self.module, "memory"):
            raise RnnsymError(f"{self.name} goes step by step: no layout says how much memory it takes")
        try:
            return int(self.module.memory(T, B, checkpoint, **{**self.sizes, **sizes}))
        except KeyError as error:
            raise RnnsymError(f"memory needs the size {error.args[0]}: memory(T, B, {error.args[0]}=...)") from None

    def hessian_product(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], direction: Mapping[str, Any], **length: int
    ) -> dict[str, Any]:
        """The Hessian of the loss times a direction, by parameter: see `generate(model, hessian=True)`.

        `direction` has the keys and shapes of `params`; what it lacks does not move. Raises RnnsymError where the
        kernel was generated without it.
        """
        if not hasattr(self.module, "hessian_product"):
            raise RnnsymError("this kernel has no Hessian product: generate(model, hessian=True)")
        return self.module.hessian_product(params, inputs, direction, **length)  # type: ignore[no-any-return]

    def step(
        self,
        params: Mapping[str, Any],
        gradients: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        **rates: Any,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step of the optimizer: the parameters after it, and its state for the next step.

        Raises RnnsymError where the kernel was generated without one: see `generate(model, optimizer="adam")`.
        """
        if not hasattr(self.module, "step"):
            raise RnnsymError('this kernel has no optimizer: generate(model, optimizer="adam")')
        return self.module.step(params, gradients, state, **rates)  # type: ignore[no-any-return]

    def clip(self, gradients: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """The gradients scaled so that those of the parameters together have at most this norm."""
        if not hasattr(self.module, "clip"):
            raise RnnsymError('this kernel has no optimizer: generate(model, optimizer="adam")')
        return self.module.clip(gradients, limit)  # type: ignore[no-any-return]

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write the source to a file, whole or not at all. An existing file is kept unless `force`."""
        from rnnsym.files import write_text

        return write_text(Path(path), self.source, force=force)
