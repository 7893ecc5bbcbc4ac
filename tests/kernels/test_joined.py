"""Vectors that a recurrence takes apart and puts together, and inputs that are another vector or matrix each example."""

from __future__ import annotations

import numpy as np
import pytest
from test_fast import problem, same_as_step_by_step

import rnnsym
from rnnsym import Model, generate

LOSS = "\nE[t] = squared_error(y[t], h[t])"
SIZES = {"h": "n", "x": "m"}
MODELS = {
    "normalised, then cut": Model(
        "u[t] = layer_norm(W @ h[t-1] + U @ x[t], g, b)\na[t], d[t] = split(u[t])\nh[t] = tanh(a[t]) * sigmoid(d[t])"
        + LOSS,
        sizes={**SIZES, "a": "n", "d": "n"},
    ),
    "put together of two steps": Model(
        "u[t] = softmax(concat(h[t-2], x[t]))\nh[t] = tanh(W @ u[t] + V @ h[t-1])" + LOSS, sizes=SIZES
    ),
    "a matrix for each example": Model(
        "h[t] = tanh(W @ h[t-1] + M @ h[t-1] + U @ x[t])" + LOSS, sizes={**SIZES, "M": ("n", "n")}, inputs=("M",)
    ),
    "a vector for each example": Model(
        "h[t] = tanh(W @ h[t-1] + M + U @ x[t] + b + p * h[t-1] + M * h[t-1])" + LOSS,
        sizes={**SIZES, "M": "n", "p": "n"},
        inputs=("M",),
    ),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_as_step_by_step(model: Model) -> None:
    kernel = generate(model)
    assert "class Workspace" in kernel.source
    for steps, batch in ((3, 1), (9, 2)):
        same_as_step_by_step(model, kernel, 0, steps, batch)
    params, inputs = problem(model, length=9, batch=2)
    loss, gradients = kernel.loss_and_grad(params, inputs)
    again, found = kernel.loss_and_grad(params, inputs, checkpoint=4)
    assert again == pytest.approx(loss)
    for key, value in gradients.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["attention_dot", "lstm_layer_norm"])
def test_models_of_the_library_have_fast_kernels(name: str) -> None:
    model = rnnsym.load(name)
    kernel = generate(model)
    assert "class Workspace" in kernel.source
    same_as_step_by_step(model, kernel, 1, 6, 3)
