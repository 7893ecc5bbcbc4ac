"""Truncated gradients: each loss followed back through the last steps, against windows of steps run by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regular import regular_cells

from rnnsym import Kernel, Model, Passes, generate, load
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

SMALL = Passes(rows=12, cache=2000)


def problem(model: Model, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    params, inputs, _ = draw(model, 0, **options)
    return dict(params), dict(inputs)


def window(model: Model, inputs: dict[str, Any], values: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    """The inputs of the steps from `first` to `last`, which begin with the states that the steps before have left."""
    length = next(len(inputs[name]) for name in model.sequences)
    found = {name: inputs[name][first - 1 : last] for name in model.sequences}
    found |= {name: inputs[name] for name in model.inputs}
    for name, time in model.given:
        at = first - 1 + time.offset
        rows = inputs[name] if name in model.sequences else values[name]
        start = 1 if name in model.sequences else length + 1 - len(rows)  # the time of the first row
        found[f"{name}[{time}]"] = inputs[f"{name}[{at}]"] if f"{name}[{at}]" in inputs else rows[at - start]
    return found


def in_windows(model: Model, kernel: Kernel, data: Any, steps: int) -> dict[str, Any]:
    """The gradients of the parameters: the loss of each step by what its window has more than the window without it."""
    params, inputs = data
    _, values = kernel.forward(params, inputs)
    length = next(len(inputs[name]) for name in model.sequences)
    total = {name: np.zeros_like(value) for name, value in params.items()}

    def add(first: int, last: int, sign: float) -> None:
        own = window(model, inputs, values, first, last)
        gradients = kernel.module.backward(params, own, kernel.forward(params, own)[1])
        for name in total:
            total[name] += sign * gradients[name]

    each = model.losses[0].target.time is not None
    for last in range(1, length + 1) if each else (length,):
        first = max(1, last - steps + 1)
        add(first, last, 1.0)
        if each and first < last:
            add(first, last - 1, -1.0)
    return total


def same_as_windows(model: Model, kernel: Kernel, length: int, batch: int, steps: int) -> None:
    data = problem(model, length=length, batch=batch)
    loss, found = kernel.loss_and_grad(*data, truncate=steps)
    assert loss == pytest.approx(kernel.forward(*data)[0], rel=1e-11, abs=1e-12)
    expected = in_windows(model, kernel, data, steps)
    assert numeric.relative_difference({name: found[name] for name in expected}, expected) < 1e-9


@given(regular_cells(), st.integers(1, 12), st.sampled_from((1, 2)), st.integers(1, 6))
@settings(max_examples=6)
def test_drawn_cells(model: Model, length: int, batch: int, steps: int) -> None:
    if model.sequences:
        # The gradients of values before the first step may need several steps, of which some are in other windows.
        same_as_windows(model, generate(model, gradients=model.parameters, passes=SMALL), length, batch, steps)


@pytest.mark.parametrize("name", ["lstm", "many_to_one"])
def test_models(name: str) -> None:
    model = load(name)
    kernel = generate(model, passes=SMALL)
    for steps in (1, 2, 7):
        same_as_windows(model, kernel, 9, 2, steps)


def test_a_single_step_leaves_out_the_recurrence() -> None:
    """After one step, W is told only what it does to the same step."""
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = dot(target[t], h[t])")
    kernel = generate(model)
    params, inputs = problem(model, length=5, batch=2)
    _, values = kernel.forward(params, inputs)
    h = values["h"]
    delta = inputs["target"] * (1 - h[1:] ** 2)
    _, gradients = kernel.loss_and_grad(params, inputs, truncate=1)
    np.testing.assert_allclose(gradients["W"], np.einsum("tbi,tbj->ij", delta, h[:-1]), rtol=1e-12)
    np.testing.assert_allclose(gradients["x"], delta @ params["U"], rtol=1e-12)


def test_as_many_steps_as_there_are_give_the_gradient() -> None:
    model = load("rnn")
    kernel = generate(model)
    data = problem(model, length=5, batch=2)
    for steps in (5, 6, 100):
        expected, found = kernel.loss_and_grad(*data)[1], kernel.loss_and_grad(*data, truncate=steps)[1]
        assert all(np.array_equal(expected[key], found[key]) for key in expected)


@pytest.mark.parametrize("name", ["rnn", "many_to_one"])
def test_examples_of_different_lengths(name: str) -> None:
    model = load(name)
    kernel = generate(model, passes=SMALL)
    params, inputs = problem(model, length=9, batch=3)
    lengths = [9, 4, 6]
    loss, found = kernel.loss_and_grad(params, inputs, truncate=3, lengths=np.array(lengths))
    total, expected = 0.0, {key: np.zeros_like(value) for key, value in params.items()}
    for number, length in enumerate(lengths):
        one = slice(number, number + 1)
        own = {key: value[:length, one] if key in model.sequences else value[one] for key, value in inputs.items()}
        total += kernel.loss_and_grad(params, own, truncate=3, accumulate=expected)[0]
    assert loss == pytest.approx(total, rel=1e-12)
    assert numeric.relative_difference({key: found[key] for key in expected}, expected) < 1e-11


def test_what_cannot_be_truncated_is_said() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE = norm(h[T] + h[0])")
    with pytest.raises(ValueError, match="this kernel cannot truncate: it reads values at fixed steps"):
        generate(model).loss_and_grad(*problem(model, length=6), truncate=2)
    rnn = load("rnn")
    with pytest.raises(ValueError, match="no truncate= for this model"):
        generate(rnn, optimize=False).loss_and_grad(*problem(rnn), truncate=2)
    with pytest.raises(ValueError, match="truncate is through how many steps"):
        generate(rnn).loss_and_grad(*problem(rnn), truncate=0)


@pytest.mark.parametrize("name", ["lstm", "many_to_one"])
def test_a_workspace_for_one_call_after_another(name: str) -> None:
    model = load(name)
    kernel = generate(model, passes=SMALL)
    data = problem(model, length=9, batch=2)
    whole = kernel.loss_and_grad(*data)[1]
    for steps in (1, 4, 9, 12):
        expected = kernel.loss_and_grad(*data, truncate=steps)
        room = kernel.module.workspace(*data, truncate=steps)
        for _ in range(2):
            loss, found = kernel.loss_and_grad(*data, truncate=steps, workspace=room)
            assert loss == expected[0]
            assert all(np.array_equal(found[key], expected[1][key]) for key in expected[1])
    assert numeric.relative_difference(found, whole) < 1e-12
    with pytest.raises(ValueError, match="the workspace is for truncate=9"):
        kernel.loss_and_grad(*data, workspace=room)
    with pytest.raises(ValueError, match="and truncate=9"):
        kernel.loss_and_grad(*data, truncate=3, workspace=room)
