"""Backends: ways to write out the same equations other than as a NumPy module. The table has one row for each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from rnnsym.kernels.kernel import Kernel
    from rnnsym.kernels.schedule import Program
    from rnnsym.notation.document import Content


@dataclass(frozen=True)
class Backend:
    """A way to write out kernels.

    suffix: of the file. needs: what has to be installed where a kernel is used, as for pip. kernel: the function that
    makes one, `module:function`; it takes the content, the program and the NumPy kernel of the same model.
    extras: options of `generate` beyond those that all backends take.
    """

    name: str
    suffix: str
    needs: tuple[str, ...] = ()
    kernel: str = ""
    extras: tuple[str, ...] = ()

    def make(self, content: Content, program: Program, base: Kernel) -> Kernel:
        """The kernel of a program; `base` is the NumPy kernel of the same model."""
        if not self.kernel:
            return base
        module, _, function = self.kernel.partition(":")
        make = getattr(importlib.import_module(module), function)
        return cast("Callable[[Content, Program, Kernel], Kernel]", make)(content, program, base)


#: What the NumPy kernel does for a backend that takes NumPy arrays.
EXTRAS = ("hessian", "optimizer")

#: The backends by name; what `generate(model, backend=...)` and `rnnsym export --backend` take.
BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("numpy", ".py", extras=(*EXTRAS, "optimize=False", "like")),
        Backend("c", ".c", (), "rnnsym.kernels.backends.c:kernel", EXTRAS),
        Backend("numba", ".py", ("numba", "scipy"), "rnnsym.kernels.backends.numba:kernel", EXTRAS),
        Backend("jax", ".py", ("jax",), "rnnsym.kernels.backends.jax:kernel"),
        Backend("torch", ".py", ("torch",), "rnnsym.kernels.backends.torch:kernel"),
        Backend("array_api", ".py", (), "rnnsym.kernels.backends.array_api:kernel"),
    )
}
