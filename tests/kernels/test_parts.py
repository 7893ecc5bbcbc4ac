"""Modules for JAX work on some steps at a time: the numbers do not depend on how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy_for_jax import run

import rnnsym
from rnnsym import Model, generate
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import relative_difference
from rnnsym.testing import models

CELLS = [
    # Values of a loop that another loop reads one step later, and sums of them; a loop over three steps.
    """h[t] = tanh(W @ h[t-1] + U @ x[t])
    g[t] = tanh(V @ g[t-1] + A @ h[t-1] + C @ g[t-3])
    y[t] = B @ g[t] + D @ x[t-1]
    E[t] = squared_error(z[t], y[t])""",
    # A loss at the last step alone.
    """i[t] = sigmoid(W @ h[t-1] + U @ x[t] + p * c[t-1])
    c[t] = i[t] * c[t-1] + tanh(V @ h[t-1] + R @ x[t])
    h[t] = tanh(c[t])
    E = dot(a, h[T])""",
    # Matrices that are multiplied with parts side by side.
    """h[t] = tanh(W @ concat(h[t-1], x[t]) + b)
    E[t] = squared_error(z[t], h[t])""",
]


def cell(text: str) -> Model:
    return Model("\n".join(map(str.strip, text.splitlines())))


def difference(model: Model, loss_and_grad: Any, length: int, batch: int, seed: int = 0) -> float:
    """How far loss and gradients are from those of the NumPy kernel, step by step."""
    params, inputs, _ = draw(model, seed, length=length, batch=batch)
    length = max(length, model.timing.minimum_length)
    loss, expected = generate(model, optimize=False).loss_and_grad(params, inputs, length=length)
    own_loss, own = loss_and_grad(params, inputs, length=length)
    assert float(own_loss) == pytest.approx(loss, rel=1e-9, abs=1e-9)
    assert set(own) == set(expected)
    return relative_difference({key: np.asarray(value) for key, value in own.items()}, expected)


def in_parts(source: str, steps: int) -> Any:
    """The function of a module, for so many steps at a time."""
    names = run(source)
    names.update(ROWS=1, STEPS=steps)
    return names["loss_and_grad"]


@pytest.mark.parametrize("model", [*map(cell, CELLS), rnnsym.load("gru")])
def test_parts_of_any_length(model: Model) -> None:
    source = generate(model, backend="jax").source
    assert "def part_back" in source
    for length, steps in ((7, 2), (2, 9), (1, 1)):
        assert difference(model, in_parts(source, steps), length, 2) < 1e-10


@given(models(), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
def test_drawn_models(model: Model, length: int, batch: int, steps: int, seed: int) -> None:
    source = generate(model, backend="jax").source
    if "def part_back" in source:
        assert difference(model, in_parts(source, steps), length, batch, seed) < 1e-9


def test_compiled() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    model = cell(CELLS[1])
    kernel = generate(model, backend="jax")
    vars(kernel.module).update(ROWS=4, STEPS=2)
    assert difference(model, kernel.loss_and_grad, 7, 2) < 1e-10
