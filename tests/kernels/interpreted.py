"""Numba kernels without Numba: the module as plain Python, with memory and matrix products by NumPy."""

from __future__ import annotations

import ctypes
import math
import sys
import types
from typing import Any
from unittest import mock

import numpy as np

LETTERS = {78: False, 84: True}  # N and T


def _compiled(*_: Any, **__: Any) -> Any:
    return lambda function: function


def _modules() -> dict[str, types.ModuleType]:
    """What the module imports, as far as it uses it when it is loaded."""
    found = {name: types.ModuleType(name) for name in ("numba", "numba.extending", "llvmlite", "llvmlite.binding")}
    numba: Any = found["numba"]
    numba.njit, numba.types = _compiled, mock.MagicMock()
    extending: Any = found["numba.extending"]
    extending.intrinsic, extending.get_cython_function_address = (lambda function: function), (lambda *_: 0)
    llvmlite: Any = found["llvmlite"]
    llvmlite.ir = mock.MagicMock()
    binding: Any = found["llvmlite.binding"]
    binding.get_host_cpu_features = lambda: {"avx": True}
    return found


def interpreted(source: str) -> Any:
    """A module whose functions run as they stand."""
    module: Any = types.ModuleType("interpreted")
    with mock.patch.dict(sys.modules, _modules()):
        exec(compile(source, "<interpreted>", "exec"), module.__dict__)
    kind = {"float32": ctypes.c_float, "float64": ctypes.c_double}[np.dtype(module.R).name]
    size = ctypes.sizeof(kind)

    def read(place: int, position: int) -> Any:
        return module.R(kind.from_address((int(place) + int(position)) * size).value)

    def write(place: int, position: int, value: Any) -> None:
        assert isinstance(value, module.R), "a number of another type is stored"
        kind.from_address((int(place) + int(position)) * size).value = value

    def array(place: int, *shape: int) -> Any:
        pointer = ctypes.cast(int(place) * size, ctypes.POINTER(kind))
        return np.ctypeslib.as_array(pointer, tuple(int(number) for number in shape))

    def matrix(place: int, apart: int, columns: int, rows: int, turned: bool = False) -> Any:
        """A matrix of Fortran's, by its columns."""
        columns, rows = (rows, columns) if turned else (columns, rows)
        flat = array(place, (columns - 1) * apart + rows)
        strides = (flat.itemsize * int(apart), flat.itemsize)
        view = np.lib.stride_tricks.as_strided(flat, (int(columns), int(rows)), strides)
        return view if turned else view.T

    def gemm(_: int, arguments: tuple[Any, ...]) -> None:
        one, other, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = arguments
        left, right = matrix(a, lda, k, m, LETTERS[one]), matrix(b, ldb, n, k, LETTERS[other])
        out = matrix(c, ldc, n, m)
        out[...] = alpha * (left @ right) + (beta * out if beta else 0)

    def gemv(_: int, arguments: tuple[Any, ...]) -> None:
        kind_, m, n, alpha, a, lda, x, step, beta, y, other = arguments
        assert step == other == 1
        left = matrix(a, lda, n, m)
        left = left.T if LETTERS[kind_] else left
        out = array(y, left.shape[0])
        out[...] = alpha * (left @ array(x, left.shape[1])) + (beta * out if beta else 0)

    def power(rounded: Any) -> Any:
        bits = np.dtype(f"uint{8 * size}").type
        return ((rounded.view(bits) << bits(module.MANTISSA)) + (bits(module.BIAS) << bits(module.MANTISSA))).view(
            module.R
        )

    def tile(
        tall: int, left: int, down: int, right: int, panel: int, depth: int, adding: int, out: int, out_apart: int
    ) -> None:
        weights = array(panel, depth, module.WIDE)
        for i in range(tall):
            row = array(out + i * out_apart, module.WIDE)
            numbers = array(left + i * down, (depth - 1) * right + 1)[::right]
            row[...] = numbers @ weights + (row if adding else 0)

    def move(target: int, source: int, scale: Any) -> None:
        array(target, module.LANES)[...] = scale * array(source, module.LANES)

    module.move = move
    module.tile = tile
    # Numba's functions of the type that they are given, and without exceptions.
    module.math = types.SimpleNamespace(
        sqrt=np.sqrt, log=np.log, log1p=np.log1p, sin=np.sin, cos=np.cos, atan=np.arctan, floor=np.floor, prod=math.prod,
        erf=lambda x: module.R(math.erf(x)),
    )  # fmt: skip
    module.load = module.take = read
    module.store = module.put = write
    module.apart = lambda: None
    module.power = power
    module._gemm, module._gemv = gemm, gemv
    compute = module.compute

    def quiet(given: Any) -> float:
        with np.errstate(all="ignore"):
            return float(compute(given))

    module.compute = quiet
    return module
