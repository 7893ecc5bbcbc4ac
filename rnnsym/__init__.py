"""Gradients of recurrent networks, from their equations.

model = rnnsym.load("lstm")           # or rnnsym.Model(equations)
derivation = rnnsym.derive(model)     # every gradient, step by step
kernel = rnnsym.generate(model)       # NumPy code that computes them
report = rnnsym.crosscheck(model)     # all of it checked by independent routes
"""

from rnnsym.derivation import Derivation
from rnnsym.errors import ModelError, RnnsymError, ShapeError, UnknownModelError
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model
from rnnsym.library import available, load
from rnnsym.notation.style import Notation
from rnnsym.pipeline import crosscheck, derive, generate
from rnnsym.version import __version__

__all__ = [
    "Derivation",
    "Kernel",
    "Model",
    "ModelError",
    "Notation",
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
