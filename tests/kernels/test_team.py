"""A batch split over threads."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from rnnsym import Kernel, Model, Passes, generate, load
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

MODELS = {
    "lstm": load("lstm"),
    "one loss": Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\ny = softmax(V @ h[T])\nE = cross_entropy(target, y)"),
    "nothing comes in but states": Model("h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(v, h[t])"),
    "a loss of parameters": Model(
        "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\ne[t] = dot(G[t], h[t])\nE = sum(e[t]) + dot(b, b)"
    ),
}


def problem(model: Model, batch: int) -> tuple[Any, Any, dict[str, int]]:
    params, inputs, _ = draw(model, 2, length=20, batch=batch)
    return dict(params), dict(inputs), {} if model.sequences else {"length": 20}


@cache
def kernel_of(name: str) -> Kernel:
    return generate(MODELS[name], passes=Passes(rows=40, cache=2000))


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("name", MODELS)
def test_a_team_gives_the_same(name: str, batch: int) -> None:
    model = MODELS[name]
    kernel = kernel_of(name)
    params, inputs, length = problem(model, batch)
    expected, others = kernel.loss_and_grad(params, inputs, **length)
    for threads in (1, 2, 3):
        team = kernel.module.Team(params, inputs, threads, **length)
        for _ in range(2):
            loss, gradients = team.loss_and_grad(params, inputs)
            assert loss == pytest.approx(expected, rel=1e-12)
            assert gradients.keys() == others.keys()
            assert numeric.relative_difference(dict(gradients), others) < 1e-12


def test_a_team_takes_classes() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\ny[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])")
    module = generate(model).module
    params, inputs, _ = problem(model, 4)
    inputs["target"] = np.random.default_rng(0).integers(0, params["V"].shape[0], (20, 4))
    expected, others = module.loss_and_grad(params, inputs)
    loss, gradients = module.Team(params, inputs).loss_and_grad(params, inputs)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert numeric.relative_difference(dict(gradients), others) < 1e-12


def test_a_team_for_other_sizes_is_refused() -> None:
    module = kernel_of("lstm").module
    team = module.Team(*problem(load("lstm"), 4)[:2])
    with pytest.raises(ValueError, match="the team is for"):
        team.loss_and_grad(*problem(load("lstm"), 6)[:2])
