"""A module for JAX, run by NumPy: what the functions say, without a compiler and without JAX."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np


def _fori_loop(low: int, high: int, body: Callable[[int, Any], Any], state: Any) -> Any:
    for number in range(low, high):
        state = body(number, state)
    return state


def _scan(step: Callable[..., Any], carry: Any, rows: Any, length: int, reverse: bool = False) -> Any:
    results: list[Any] = [None] * length
    for k in reversed(range(length)) if reverse else range(length):
        carry, results[k] = step(carry, tuple(array[k] for array in rows))
    return carry, tuple(np.stack(column) for column in zip(*results, strict=True))


def _place(array: Any, start: int, count: int) -> slice:
    """Rows that are there: JAX would move others inside without a word."""
    assert 0 <= start <= start + count <= len(array)
    return slice(start, start + count)


def _rows(array: Any, start: int, count: int) -> Any:
    return array[_place(array, start, count)]


def _put(array: Any, values: Any, start: int, axis: int) -> Any:
    changed = np.array(array)
    changed[_place(array, start, len(values))] = values
    return changed


def _softmax(x: Any) -> Any:
    shifted = np.exp(x - x.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _log_softmax(x: Any) -> Any:
    return x - _logsumexp(x, axis=-1)[..., None]


def _logsumexp(x: Any, axis: int) -> Any:
    highest = x.max(axis, keepdims=True)
    return np.log(np.exp(x - highest).sum(axis)) + highest[..., 0]


def _erf(x: Any) -> Any:
    import math

    return np.vectorize(math.erf)(x)


def run(source: str) -> dict[str, Any]:
    """The names of a module for JAX."""
    lax = types.SimpleNamespace(
        fori_loop=_fori_loop,
        scan=_scan,
        cond=lambda test, one, other, *given: one(*given) if test else other(*given),
        erf=_erf,
        optimization_barrier=lambda array: array,
        dynamic_slice_in_dim=_rows,
        dynamic_update_slice_in_dim=_put,
        dynamic_index_in_dim=lambda array, k, keepdims: _rows(array, k, 1)[0],
        dynamic_update_index_in_dim=lambda array, value, k, axis: _put(array, np.asarray(value)[None], k, axis),
    )
    jax = types.ModuleType("jax")
    vars(jax).update(
        numpy=np,
        lax=lax,
        jit=lambda function, **options: function,
        custom_vjp=lambda function, **options: types.SimpleNamespace(defvjp=lambda *pair: None, call=function),
        nn=types.SimpleNamespace(softmax=_softmax, log_softmax=_log_softmax, logsumexp=_logsumexp),
    )
    names: dict[str, Any] = {"partial": partial}
    with mock.patch.dict(sys.modules, {"jax": jax, "jax.numpy": np}):
        exec(compile(source, "<module for JAX>", "exec"), names)
    return names
