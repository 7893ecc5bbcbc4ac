"""Examples of different lengths in one batch: each counts as it does alone, and padding counts nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regular import regular_cells

from rnnsym import Kernel, Model, Passes, generate, load, masked
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

SMALL = Passes(rows=12, cache=2000)


def problem(model: Model, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    params, inputs, _ = draw(model, 0, **options)
    return dict(params), dict(inputs)


def alone(model: Model, kernel: Kernel, data: tuple[dict[str, Any], dict[str, Any]], lengths: list[int]) -> Any:
    """The sum of the losses of single examples, each at its own length, and the gradients."""
    params, inputs = data
    total, gradients = 0.0, dict[str, Any]()
    for number, length in enumerate(lengths):
        one = slice(number, number + 1)
        own = {key: value[:length, one] if key in model.sequences else value[one] for key, value in inputs.items()}
        loss, values = kernel.forward(params, own)
        total += loss
        for key, value in kernel.module.backward(params, own, values).items():
            if key in params:
                gradients[key] = gradients.get(key, 0) + value
                continue
            whole = gradients.setdefault(key, np.zeros_like(inputs[key]))
            whole[(slice(length), one) if key in model.sequences else one] = value
    return total, gradients


def same_as_alone(model: Model, kernel: Kernel, steps: int, lengths: list[int], **options: Any) -> None:
    data = problem(model, length=steps, batch=len(lengths))
    expected, gradients = alone(model, kernel, data, lengths)
    loss, found = kernel.loss_and_grad(*data, lengths=np.array(lengths), **options)
    assert loss == pytest.approx(expected, rel=1e-11, abs=1e-12)
    assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in gradients.items()}
    assert numeric.relative_difference(found, gradients) < 1e-10


@given(regular_cells(), st.lists(st.integers(1, 20), min_size=1, max_size=5), st.sampled_from((None, 3)))
@settings(max_examples=8)
def test_drawn_cells(model: Model, lengths: list[int], segment: int | None) -> None:
    steps = max(lengths) + 2
    if model.sequences:
        same_as_alone(model, generate(model, passes=SMALL), steps, lengths, checkpoint=segment)


RECURRENT_LOSS = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = dot(h[t], h[t])"
LINEAR_LOSS = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = dot(target[t], h[t])"
LATER = "h[t] = tanh(W @ h[t-1] + U @ x[t])\ng[t] = R @ (h[t-1] * x[t-2])\nE[t] = dot(target[t], g[t]) + squared_error(h[t], x[t-1])"
ENDS = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE = norm(h[T] + h[T-1] + V @ x[T])"
MEAN = "h[t] = tanh(W @ h[t-1] + U @ x[t])\ne[t] = squared_error(target[t], h[t])\nE = mean(e[t])"
BOTH = "bidirectional(gru)"
STEPWISE = "one_to_many"


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("segment", [None, 3])
@pytest.mark.parametrize(
    "text", ["lstm", "many_to_one", RECURRENT_LOSS, LINEAR_LOSS, LATER, ENDS, MEAN, BOTH, STEPWISE], ids=range(9)
)
def test_each_counts_as_it_does_alone(text: str, segment: int | None, optimize: bool) -> None:
    model = Model(text) if "=" in text else load(text)
    kernel = generate(model, passes=SMALL, optimize=optimize)
    options = {} if segment is None or "needs all steps at once" in kernel.source else {"checkpoint": segment}
    if not hasattr(kernel.module, "Workspace"):
        options = {}
    same_as_alone(model, kernel, 14, [9, 3, 14, 6, 3], **options)


@pytest.mark.parametrize("text", ["lstm", "many_to_one", RECURRENT_LOSS, LINEAR_LOSS, LATER, ENDS], ids=range(6))
def test_most_need_no_second_run(text: str) -> None:
    model = Model(text) if "=" in text else load(text)
    assert "there = apart if lengths is None" in generate(model).source


def test_what_stands_in_the_padding_does_not_matter() -> None:
    model = load("lstm")
    kernel = generate(model, passes=SMALL)
    params, inputs = problem(model, length=12, batch=3)
    lengths = np.array([12, 5, 8])
    loss, gradients = kernel.loss_and_grad(params, inputs, lengths=lengths)
    padding = np.arange(12)[:, None] >= lengths
    others = {k: np.where(padding[..., None], -7.0, v) if k in model.sequences else v for k, v in inputs.items()}
    again, found = kernel.loss_and_grad(params, others, lengths=lengths)
    assert again == pytest.approx(loss, rel=1e-13)
    assert numeric.relative_difference(found, gradients) < 1e-12
    assert not found["x"][padding].any()
    assert found["x"][~padding].all()


def test_the_same_as_a_model_with_a_mask() -> None:
    model = load("gru")
    lengths = np.array([7, 2, 5])
    params, inputs = problem(model, length=7, batch=3)
    mask = (np.arange(7)[:, None] < lengths).astype(float)
    loss, gradients = generate(model).loss_and_grad(params, inputs, lengths=lengths)
    expected, others = generate(masked(model), gradients=model.parameters).loss_and_grad(
        params, {**inputs, "mask": mask}
    )
    assert loss == pytest.approx(expected, rel=1e-12)
    assert numeric.relative_difference({key: gradients[key] for key in others}, others) < 1e-11


def test_a_workspace_serves_any_lengths() -> None:
    model = load("lstm")
    kernel = generate(model, passes=SMALL)
    data = problem(model, length=9, batch=2)
    workspace = kernel.module.workspace(*data)
    for lengths in ([9, 4], None, [2, 5]):
        given_lengths = None if lengths is None else np.array(lengths)
        expected = kernel.loss_and_grad(*data, lengths=given_lengths)
        found = kernel.loss_and_grad(*data, lengths=given_lengths, workspace=workspace)
        assert found[0] == expected[0]
        assert all(np.array_equal(found[1][key], expected[1][key]) for key in expected[1])


@pytest.mark.parametrize("text", ["lstm", MEAN])
def test_gradients_are_added_where_that_is_wanted(text: str) -> None:
    model = Model(text) if "=" in text else load(text)
    kernel = generate(model)
    params, inputs = problem(model, length=6, batch=3)
    total = {key: np.ones_like(value) for key, value in params.items()}
    _, gradients = kernel.loss_and_grad(params, inputs, lengths=np.array([6, 3, 3]), accumulate=total)
    for key in params:
        np.testing.assert_allclose(total[key], 1 + gradients[key], rtol=1e-12)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 4, 2], "3 lengths for 2 examples"),
        ([3, 7], "lengths go from 1 to 5, not from 3 to 7"),
        ([0, 5], "lengths go from 1 to 5, not from 0 to 5"),
        ([1.5, 2.0], "lengths are whole numbers, one for each example"),
        (4, "lengths are whole numbers, one for each example"),
    ],
)
def test_wrong_lengths_are_refused(lengths: Any, message: str, optimize: bool) -> None:
    model = load("rnn")
    with pytest.raises(ValueError, match=message):
        generate(model, optimize=optimize).loss_and_grad(*problem(model, length=5, batch=2), lengths=lengths)
