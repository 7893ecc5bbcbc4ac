"""Saturated gates and large states, in single precision: what is finite has to be found finite."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.data import draw

#: By how much parameters and inputs are multiplied.
SCALES = ((1, 30), (30, 1), (10, 10), (1, 100), (100, 1))
#: What may not be so large, and why.
TOO_MUCH = {
    "min_lstm": 10,  # f / (f + i) is 0 / 0 where both gates are shut; the appendix of the paper has a form in logarithms
}
#: Single precision ends at 3e38.
LARGEST = 1e37


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", rnnsym.available())
def test_gradients_of_large_numbers_are_finite(name: str) -> None:
    model = rnnsym.load(name)
    length = max(4, model.timing.minimum_length)
    params, inputs, sizes = draw(model, 5, length=length, batch=2)
    double, single = (rnnsym.generate(model, sizes, dtype=dtype) for dtype in ("float64", "float32"))
    for weights, data in SCALES:
        if max(weights, data) >= TOO_MUCH.get(name, 1000):
            continue
        larger = {key: array if key in model.fixed else weights * array for key, array in params.items()}
        given = {key: data * array if _is_data(key) else array for key, array in inputs.items()}
        exact, exact_gradients = double.loss_and_grad(larger, given, length=length)
        if exact > LARGEST:
            continue  # no gradient of an infinite loss means anything
        loss, gradients = single.loss_and_grad(larger, given, length=length)
        for key, expected in {"the loss": exact, **exact_gradients}.items():
            assert np.all(np.isfinite(expected)), (key, weights, data)
            if np.max(np.abs(expected)) < LARGEST:
                assert np.all(np.isfinite({"the loss": loss, **gradients}[key])), (key, weights, data)


def _is_data(key: str) -> bool:
    """Whether an input is a sequence that a cell reads: no target, no place in a memory, no initial state."""
    return "[" not in key and key not in {"target", "position"}
