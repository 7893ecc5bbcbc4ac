"""Inputs given as classes: whole numbers that say which element is one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from rnnsym import Kernel, Model, Passes, generate
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

SMALL = Passes(rows=40, cache=2000)
CELL = "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\n"
#: By what they show, equations and the inputs that come as classes.
MODELS = {
    "each step": (CELL + "y[t] = softmax(V @ h[t] + c)\nE[t] = cross_entropy(target[t], y[t])", ("target",)),
    "twice the loss, and a weight": (
        CELL + "y[t] = softmax(V @ h[t])\nE[t] = 2 * w[t] * cross_entropy(target[t], y[t])",
        ("target",),
    ),
    "two outputs": (
        CELL + "y[t] = softmax(V @ h[t])\nz[t] = softmax(Z @ h[t])\n"
        "E[t] = cross_entropy(target[t], y[t]) + cross_entropy(other[t], z[t])",
        ("target", "other"),
    ),
    "the output fed back": (
        "h[t] = tanh(W @ h[t-1] + U @ y[t-1] + b)\ny[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])",
        ("target",),
    ),
    "the last step": (CELL + "y = softmax(V @ h[T])\nE = cross_entropy(target, y)", ("target",)),
    "words": (CELL + "y[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])", ("x", "target")),
    "squares": (CELL + "E[t] = squared_error(target[t], V @ h[t])", ("target",)),
    "not linear": (CELL + "E[t] = dot(tanh(target[t]), V @ h[t])", ("target",)),
    "no softmax": (CELL + "y[t] = sigmoid(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])", ("target",)),
    "read twice": (
        "h[t] = tanh(W @ h[t-1] + U @ target[t-1] + b)\ny[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])",
        ("target",),
    ),
}
#: Where a fast kernel picks, and needs no rows of zeros and ones.
PICKED = {"each step", "two outputs", "the output fed back", "words", "squares"}


@cache
def kernel_of(what: str, optimize: bool = True) -> Kernel:
    return generate(Model(MODELS[what][0]), optimize=optimize, passes=SMALL if optimize else None)


def problem(model: Model, names: tuple[str, ...], steps: int, batch: int) -> tuple[Any, Any, Any]:
    """Parameters, inputs with rows of zeros and ones, and the same inputs with classes."""
    drawn, inputs, _ = draw(model, 3, length=steps, batch=batch)
    rows, classes = dict(inputs), dict(inputs)
    random = np.random.default_rng(0)
    for key in rows:
        if key.split("[")[0] in names:
            size = rows[key].shape[-1]
            classes[key] = random.integers(0, size, rows[key].shape[:-1])
            rows[key] = np.eye(size)[classes[key]]
    return dict(drawn), rows, classes


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("what", MODELS)
def test_classes_are_rows_of_zeros_and_a_one(what: str, optimize: bool) -> None:
    text, names = MODELS[what]
    model = Model(text)
    kernel = kernel_of(what, optimize)
    for steps, batch in ((1, 1), (50, 1), (45, 3)):
        params, rows, classes = problem(model, names, steps, batch)
        expected, gradients = kernel.loss_and_grad(params, rows)
        loss, found = kernel.loss_and_grad(params, classes)
        assert loss == pytest.approx(expected, rel=1e-12)
        assert numeric.relative_difference(found, gradients) < 1e-12
        assert kernel.forward(params, classes)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("what", MODELS)
def test_what_picks(what: str) -> None:
    assert ("PICKED" in kernel_of(what).source) == (what in PICKED)


def test_classes_in_a_workspace() -> None:
    text, names = MODELS["each step"]
    model, kernel = Model(text), kernel_of("each step")
    params, rows, classes = problem(model, names, 50, 2)
    workspace = kernel.module.workspace(params, classes)
    for inputs in (classes, rows, {**classes, "target": classes["target"].astype(np.uint8)}):
        loss, gradients = kernel.loss_and_grad(params, inputs, workspace=workspace)
        expected, others = kernel.loss_and_grad(params, rows)
        assert loss == pytest.approx(expected, rel=1e-12)
        assert numeric.relative_difference(dict(gradients), others) < 1e-12


@pytest.mark.parametrize("what", ["each step", "read twice"])
def test_classes_that_are_not_there_are_refused(what: str) -> None:
    text, names = MODELS[what]
    model, kernel = Model(text), kernel_of(what)
    params, _, classes = problem(model, names, 5, 2)
    workspace = kernel.module.workspace(params, classes)
    size = params["V"].shape[0]
    for shift, words in ((-1 - classes["target"].min(), "from -1 "), (size - classes["target"].max(), f" to {size},")):
        wrong = {**classes, "target": classes["target"] + shift}
        for options in ({}, {"workspace": workspace}):
            with pytest.raises(
                ValueError, match=rf"inputs\['target'\] holds classes .*{words}.*expected 0 to {size - 1}"
            ):
                kernel.loss_and_grad(params, wrong, **options)


def test_classes_of_the_wrong_length_are_refused() -> None:
    text, names = MODELS["each step"]
    model = Model(text)
    params, _, classes = problem(model, names, 5, 2)
    with pytest.raises(ValueError, match=r"inputs\['target'\] has shape \(4, 2\)"):
        kernel_of("each step").loss_and_grad(params, {**classes, "target": classes["target"][1:]})


def test_classes_do_not_tell_how_many_there_are() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + b)\nE[t] = dot(target[t], h[t]) + sum(q[t])")
    kernel = generate(model)
    params, inputs, _ = draw(model, 0, length=4, batch=2)
    with pytest.raises(ValueError, match="holds classes, which do not tell the size n_q"):
        kernel.loss_and_grad(dict(params), {**inputs, "q": np.zeros((4, 2), int)})


def test_a_name_that_a_pass_would_take() -> None:
    model = Model(
        """
        tanh_c_again[t] = sigmoid(W @ h[t-1] + U @ x[t])
        PICKED[t] = tanh(V @ h[t-1] + Z @ x[t])
        c[t] = tanh_c_again[t] * c[t-1] + PICKED[t]
        h[t] = tanh_c_again[t] * tanh(c[t])
        E[t] = dot(G[t], h[t])
        """
    )
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace")
    params, inputs, _ = draw(model, 0, length=30, batch=2)
    loss, values = kernel.forward(dict(params), dict(inputs))
    gradients = kernel.module.backward(dict(params), dict(inputs), values)
    found_loss, found = kernel.loss_and_grad(dict(params), dict(inputs))
    assert found_loss == pytest.approx(loss, rel=1e-12)
    assert numeric.relative_difference(found, gradients) < 1e-10
