"""Steps in segments: the same numbers, with the values of one segment in memory at a time."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regular import regular_cells

import rnnsym
from rnnsym import Kernel, Model, Passes, RnnsymError, generate, load
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

SMALL = Passes(rows=12, cache=2000)


def problem(model: Model, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    params, inputs, _ = draw(model, 0, **options)
    return dict(params), dict(inputs)


def same_in_segments(model: Model, kernel: Kernel, steps: int, batch: int, segment: int | bool) -> None:
    data = problem(model, length=steps, batch=batch)
    length: dict[str, Any] = {} if model.sequences else {"length": steps}
    expected, gradients = kernel.loss_and_grad(*data, **length)
    # The second call finds in the workspace what the first one has left.
    workspace = kernel.module.workspace(*data, checkpoint=segment, **length)
    for _ in range(2):
        loss, found = kernel.loss_and_grad(*data, workspace=workspace, **length)
        assert loss == pytest.approx(expected, rel=1e-11, abs=1e-12)
        assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in gradients.items()}
        assert numeric.relative_difference(found, gradients) < 1e-10


@given(regular_cells(), st.integers(1, 40), st.sampled_from((1, 2, 5)), st.sampled_from((1, 2, 5, 13, True)))
@settings(max_examples=8)
def test_drawn_cells_in_segments(model: Model, steps: int, batch: int, segment: int | bool) -> None:
    same_in_segments(model, generate(model, passes=SMALL), steps, batch, segment)


LAGS = """
h[t] = tanh(W @ h[t-2] + U @ x[t-1] + V @ x[t-3])
E[t] = squared_error(target[t], h[t-1])
"""
ENDS = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b * h[t-2])
E = norm(h[T] + h[T-1] + x[2]) + norm(h[T-2])
"""
LAST = """
h[t] = tanh(W @ h[t-1] + U @ x[t])
E = dot(target, h[T])
"""
START = """
h[t] = tanh(W @ h[t-1] + U @ x[t] * h[t-1])
h[0] = b
E[t] = dot(target[t], h[t]) / (1 + norm(h[t-1]))
"""


MODELS = (
    load("lstm"), load("many_to_one"), Model(LAGS), Model(ENDS), Model(LAST, inputs=("target",)), Model(START)
)  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("steps", "batch", "segment"), [(13, 1, 4), (14, 3, True)])
def test_models_in_segments(model: Model, steps: int, batch: int, segment: int | bool) -> None:
    kernel = generate(model, passes=SMALL)
    assert len(kernel.module._segments(steps, batch, segment)) > 2
    same_in_segments(model, kernel, steps, batch, segment)


def test_segments_differ_by_one_step_at_most() -> None:
    cuts = generate(load("lstm")).module._segments
    assert cuts(10, 3, None) == cuts(10, 3, False) == cuts(10, 3, 10) == cuts(10, 3, 99) == [0, 10]
    assert cuts(10, 3, 4) == [0, 3, 6, 10]
    assert cuts(100, 16, True) == list(range(0, 101, 10))
    # A segment of few examples has more steps: its sums are products of few rows.
    assert cuts(1000, 1, True) == list(range(0, 1001, 125))
    assert len(cuts(1000, 16, True)) == 33
    # A model that reads three steps back does not take segments of one.
    assert len(generate(load("narx")).module._segments(12, 1, 1)) - 1 == 4


SIZES = {"n": 24, "m": 20, "k": 12}


def arrays(kernel: Kernel, length: int, batch: int) -> tuple[dict[str, Any], dict[str, Any]]:
    module, random = kernel.module, np.random.default_rng(0)
    known = {**SIZES, "T": length, "B": batch}
    params, inputs = (
        {key: 0.1 * random.normal(size=[module._size(part, known) for part in shape]) for key, shape in table.items()}
        for table in (module.PARAMETERS, module.INPUTS)
    )
    return params, inputs


def peak(kernel: Kernel, length: int, batch: int, segment: int | bool | None) -> int:
    data = arrays(kernel, length, batch)
    kernel.loss_and_grad(*data, checkpoint=segment)
    tracemalloc.start()
    kernel.loss_and_grad(*data, checkpoint=segment)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("segment", [True, 50])
@pytest.mark.parametrize("batch", [1, 16])
def test_memory_is_predicted(batch: int, segment: int | bool) -> None:
    kernel = generate(load("lstm"))
    assert kernel.memory(250, batch, segment, **SIZES) == pytest.approx(peak(kernel, 250, batch, segment), rel=0.1)


def test_memory_grows_as_the_root_of_the_length() -> None:
    model = load("lstm")
    kernel = generate(model, gradients=model.parameters)
    whole = [kernel.memory(length, 16, **SIZES) for length in (1000, 4000, 16000)]
    root = [kernel.memory(length, 16, True, **SIZES) for length in (1000, 4000, 16000)]
    assert whole[2] - whole[1] > 3.5 * (whole[1] - whole[0])
    assert root[2] - root[1] < 2.3 * (root[1] - root[0])
    assert root[0] < whole[0] / 5


def test_what_no_segment_holds_is_said() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE = norm(h[T] + h[0])")
    kernel = generate(model)
    data = problem(model, length=6, batch=2)
    kernel.loss_and_grad(*data)
    with pytest.raises(ValueError, match="h is read at time 0 while other steps are computed"):
        kernel.loss_and_grad(*data, checkpoint=True)


def test_a_kernel_that_goes_step_by_step_keeps_everything() -> None:
    model = load("rnn")
    kernel = generate(model, optimize=False)
    with pytest.raises(ValueError, match="no checkpoint= for this model"):
        kernel.loss_and_grad(*problem(model), checkpoint=True)


@pytest.mark.parametrize("segment", [0, -3, 2.5])
def test_a_segment_has_a_whole_number_of_steps(segment: float) -> None:
    model = load("rnn")
    with pytest.raises(ValueError, match="checkpoint is True or how many steps a segment has"):
        generate(model).loss_and_grad(*problem(model), checkpoint=segment)


def test_a_workspace_has_its_own_segments() -> None:
    model = load("rnn")
    kernel = generate(model)
    data = problem(model, length=12)
    workspace = kernel.module.workspace(*data, checkpoint=3)
    kernel.loss_and_grad(*data, workspace=workspace, checkpoint=3)
    with pytest.raises(ValueError, match="the workspace has other segments"):
        kernel.loss_and_grad(*data, workspace=workspace, checkpoint=4)


def test_a_term_without_time_counts_once_for_each_step() -> None:
    """Chunks and segments must not add it again."""
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = dot(target[t], h[t]) + dot(b, b)")
    data = problem(model, length=50, batch=2)
    kernel = generate(model, passes=Passes(rows=20))
    expected = numeric.loss(model, *data, length=50)
    for segment in (None, 7):
        assert kernel.loss_and_grad(*data, checkpoint=segment)[0] == pytest.approx(expected, rel=1e-12)


def test_a_loss_of_parameters_alone_counts_for_each_example() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + b)\nE = 0.5 * mean(b ** 2)")
    data = problem(model, length=5, batch=3)
    kernel = generate(model)
    assert kernel.loss_and_grad(*data, length=5)[0] == pytest.approx(kernel.forward(*data, length=5)[0], rel=1e-14)


def test_an_unknown_option_is_named() -> None:
    model = load("rnn")
    with pytest.raises(
        RnnsymError, match="has no option check_points=, it has accumulate, checkpoint, length, lengths"
    ):
        generate(model).loss_and_grad(*problem(model), check_points=3)


def test_without_a_kernel_of_many_steps_there_is_no_prediction() -> None:
    with pytest.raises(RnnsymError, match="step by step"):
        rnnsym.generate(load("rnn"), optimize=False).memory(10, 1, True)
