"""What arrays say of T, of the batch, and of the sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from rnnsym.errors import ShapeError
from rnnsym.language.model import Model


def sequence_length(model: Model, inputs: Mapping[str, Any], length: int | None = None) -> int:
    """T: the length of the sequences, all of which have to agree; 1 for a model without time."""
    found = {name: len(np.asarray(inputs[name])) for name in model.sequences}
    if length is not None:
        found["length"] = length
    if len(set(found.values())) > 1:
        raise ShapeError("sequences of different length: " + ", ".join(f"{name} has {n}" for name, n in found.items()))
    if not found:
        if model.timed:
            raise ShapeError("no sequence tells the length T: pass length=")
        return 1
    (only,) = set(found.values())
    if only < model.timing.minimum_length:
        raise ShapeError(f"the model needs T >= {model.timing.minimum_length}, and the sequences have {only} steps")
    return only


def batch_size(model: Model, inputs: Mapping[str, Any]) -> int | None:
    """B where the inputs are `(T, B, size)` and `(B, size)`; None where they are a single example's.

    >>> batch_size(Model("E = squared_error(x, w)", sizes={"x": "n"}, inputs=("x",)), {"x": np.ones((5, 2))})
    5
    """
    found: dict[str, int | None] = {}
    for key in model.input_keys:
        shape = np.shape(inputs[key])
        rank, front = len(model.shapes[variable(key)]), int(key in model.sequences)
        if len(shape) - front - rank not in (0, 1):
            raise ShapeError(f"{key} has the shape {shape}, and its value has {rank} axes")
        found[key] = shape[front] if len(shape) > front + rank else None
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{key} has {'none' if size is None else size}" for key, size in found.items())
        raise ShapeError(f"inputs of different batch size: {shown}")
    return next(iter(found.values()), None)


def variable(key: str) -> str:
    """The variable that a key of the data belongs to: `h[0]` holds a value of h."""
    return key.partition("[")[0]


def bound_sizes(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The number that each symbolic size stands for, read off the arrays; raises ShapeError where they disagree.

    >>> model = Model("E[t] = squared_error(W @ x[t], y[t])")
    >>> bound_sizes(model, {"W": np.ones((2, 3))}, {"x": np.ones((4, 3)), "y": np.ones((4, 2))})
    {'n_y': 2, 'n_x': 3}
    """
    found = dict(sizes or {})
    open_sizes: list[tuple[str, Expr, int]] = []
    for key, data in (*params.items(), *inputs.items()):
        shape = model.shapes[variable(key)]
        actual = np.shape(data)
        if len(actual) < len(shape) + (key in model.sequences):
            raise ShapeError(f"{key} has the shape {actual}, and each value of it has the sizes {shape}")
        open_sizes += zip((key,) * len(shape), shape, actual[len(actual) - len(shape) :], strict=True)
    # Those with few names first: then at most one is left in the size of a concatenation.
    for key, size, number in sorted(open_sizes, key=lambda item: len(item[1].free_symbols)):
        unknown = [symbol for symbol in size.free_symbols if symbol.name not in found]
        if len(unknown) == 1:
            rest = size_number(size.subs(unknown[0], 0), found)
            found[unknown[0].name] = (number - rest) // int(size.coeff(unknown[0]))
        if len(unknown) <= 1 and size_number(size, found) != number:
            raise ShapeError(f"{key} has the size {number} where {size} = {size_number(size, found)} is needed")
    return found


def size_number(size: Expr, sizes: Mapping[str, int]) -> int:
    """A size such as `n + m` as a number."""
    if isinstance(size, Symbol) and size.name in sizes:  # most are; substituting takes a hundred times as long
        return sizes[size.name]
    value = size.subs({symbol: sizes[symbol.name] for symbol in size.free_symbols if symbol.name in sizes})
    if not value.is_Integer:
        raise ShapeError(f"no array tells the size {value}: pass sizes=")
    return int(value)
