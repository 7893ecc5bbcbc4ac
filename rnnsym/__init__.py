"""Gradients of recurrent networks, from their equations.

    model = rnnsym.load("lstm")           # or rnnsym.Model(equations)
    derivation = rnnsym.derive(model)     # every gradient, step by step
    kernel = rnnsym.generate(model)       # NumPy code that computes them
    report = rnnsym.crosscheck(model)     # all of it checked by independent routes

Each name is imported when it is first used: `import rnnsym` alone does not load SymPy.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnsym.errors import ModelError, RnnsymError, ShapeError, UnknownModelError
    from rnnsym.language.model import Model
    from rnnsym.library import available, load
    from rnnsym.pipeline import crosscheck, derive, generate

__version__ = "0.1.0"

__all__ = [
    "Model",
    "ModelError",
    "RnnsymError",
    "ShapeError",
    "UnknownModelError",
    "__version__",
    "available",
    "crosscheck",
    "derive",
    "generate",
    "load",
]

_HOMES = {
    "Model": "rnnsym.language.model",
    "ModelError": "rnnsym.errors",
    "RnnsymError": "rnnsym.errors",
    "ShapeError": "rnnsym.errors",
    "UnknownModelError": "rnnsym.errors",
    "available": "rnnsym.library",
    "crosscheck": "rnnsym.pipeline",
    "derive": "rnnsym.pipeline",
    "generate": "rnnsym.pipeline",
    "load": "rnnsym.library",
}


if not TYPE_CHECKING:  # to a type checker this would mean that every name is there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'rnnsym' has no attribute '{name}'")
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps the function rnnsym.crosscheck in its place when the folder rnnsym/crosscheck is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
