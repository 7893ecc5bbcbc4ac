"""The Numba backend: a Python module whose loops Numba compiles; matrix products are those of SciPy's BLAS."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import types
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends.compiled import CompiledKernel, statements
from rnnsym.kernels.backends.native.blas import BlasWriter
from rnnsym.kernels.backends.native.numba_frame import numba_source
from rnnsym.kernels.backends.native.storage import plain
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content


@dataclass(frozen=True)
class NumbaKernel(CompiledKernel):
    """A kernel that Numba compiles."""

    @cached_property
    def module(self) -> types.ModuleType:
        """The source as a module. Raises RnnsymError where Numba or SciPy is not installed."""
        try:
            return _imported(self.source, f"rnnsym_numba_{plain(self.name)}")
        except ImportError as error:
            missing = (error.name or "numba").partition(".")[0]
            raise RnnsymError(
                f"the numba backend runs with {missing}, which is not installed: pip install numba scipy"
            ) from error


def _imported(source: str, name: str) -> types.ModuleType:
    """The source as a module from a file of the user's cache, beside which Numba keeps what it compiled.

    The folder is the one that the variable RNNSYM_CACHE names, or else `rnnsym` in the user's cache; without a folder
    that can be written to, the code is compiled in every process.
    """
    name = f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(os.environ.get("RNNSYM_CACHE") or Path(home) / "rnnsym") / f"{name}.py"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
                file.write(source)
            os.replace(file.name, path)
    except OSError:
        return Kernel(name, source, {}, {}).module
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # what Numba keeps is found again by the name of the module
    spec.loader.exec_module(module)
    return module


def kernel(content: Content, program: Program, base: Kernel) -> NumbaKernel:
    """The program for Numba; `base` is the NumPy kernel of the same model, whose shapes and sizes it has."""
    found = statements(BlasWriter, content, program)
    source = numba_source(content.model, found, base, tuple(program.wanted))
    return NumbaKernel(content.model.name, source, base.shapes, base.sizes, base.dtype, reference=base)
