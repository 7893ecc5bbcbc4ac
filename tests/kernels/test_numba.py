"""Kernels for Numba give the numbers of the NumPy kernel: interpreted, and, where Numba is installed, compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from interpreted import interpreted

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.errors import RnnsymError
from rnnsym.operations import ELEMENTWISE
from rnnsym.testing import models

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
#: T and B: single ones, and several chunks of steps.
PROBLEMS = ((1, 1), (4, 2), (3, 1))


def difference(one: Any, other: Any) -> float:
    one, other = np.asarray(one), np.asarray(other)
    assert one.shape == other.shape
    return float(np.max(np.abs(one - other), initial=0.0) / (1 + np.max(np.abs(other), initial=0.0)))


def compare(model: rnnsym.Model, module: Any, dtype: str, problems: tuple[tuple[int, int], ...] = PROBLEMS) -> None:
    reference = rnnsym.generate(model, dtype=dtype, optimize=False)
    for seed, (length, batch) in enumerate(problems):
        steps = max(length, model.timing.minimum_length) if model.timed else 1
        params, inputs, _ = draw(model, seed, length=steps, batch=batch)
        extra = {} if model.sequences or not model.timed else {"length": steps}
        expected, wanted = reference.loss_and_grad(params, inputs, **extra)
        loss, gradients = module.loss_and_grad(params, inputs, **extra)
        assert difference(loss, expected) < TOLERANCE[dtype]
        assert set(gradients) == set(wanted)
        for key, gradient in wanted.items():
            assert gradients[key].dtype == dtype
            assert difference(gradients[key], gradient) < TOLERANCE[dtype], (key, steps, batch)


def written(model: rnnsym.Model, dtype: str = "float64", deep: int = 4) -> Any:
    """The kernel as plain Python. deep: rows of a chunk, few of them so that there are several chunks."""
    source = rnnsym.generate(model, dtype=dtype, backend="numba").source
    return interpreted(source.replace("DEEP = 128", f"DEEP = {deep}"))


@pytest.mark.parametrize("name", sorted(rnnsym.available()))
def test_shipped(name: str) -> None:
    model = rnnsym.load(name)
    compare(model, written(model), "float64")


@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many"])
def test_float32(name: str) -> None:
    model = rnnsym.load(name)
    compare(model, written(model, "float32"), "float32")


@settings(
    max_examples=5, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(models())
def test_drawn(model: rnnsym.Model) -> None:
    compare(model, written(model), "float64", ((5, 1), (2, 2)))


@pytest.mark.parametrize(
    "text",
    [
        "h[t] = tanh(W @ h[t-1] + R @ h[t-3] + b)\nE[t] = squared_error(y[t], h[t])",
        # What follows from a parameter alone is the same for all examples.
        "p = softmax(b)\nh[t] = tanh(W @ h[t-1] + p)\nE[t] = squared_error(d[t], h[t])",
        # U stands in two products with one vector, whose adjoints lie side by side.
        "k[t] = tanh(W @ h[t-1] + U @ x[t])\nh[t] = k[t] + tanh(W @ k[t] + U @ x[t])\nE[t] = squared_error(d[t], h[t])",
        # The adjoints of u and z lie side by side, and that of u is begun with zeros.
        "u[t] = A @ x[t]\nz[t] = B @ x[t]\nv[t] = u[t] + u[t-1]\ny[t] = z[t] * v[t]\nE[t] = squared_error(d[t], y[t])",
        "h[t] = tanh(W @ concat(h[t-1], x[t]))\nE[t] = squared_error(y[t], h[t])",
        "h[t] = tanh(W @ (k[t] * h[t-1]) + U @ x[t])\nk[t] = sigmoid(V @ h[t-1])\nE[T] = squared_error(y, h[T])",
        "h[t] = W @ h[t-1] + a * (U @ x[t]) + s[t] * b\ns[t] = tanh(dot(v, h[t-1]))\nE[t] = squared_error(y[t], h[t])",
    ],
)
def test_other_cells(text: str) -> None:
    model = rnnsym.Model(text, inputs=("y",) if "(y, " in text else ())
    compare(model, written(model), "float64", ((5, 2), (1, 1)))


def test_every_operation() -> None:
    # An argument of at least 1: within the domain of all of them.
    parts = [f"{entry.name}(1.5 + 0.1 * tanh(U @ x[t]))" for entry in ELEMENTWISE]
    model = rnnsym.Model(f"h[t] = tanh(W @ h[t-1]) + {' + '.join(parts)}\nE[t] = squared_error(y[t], h[t])")
    compare(model, written(model), "float64", ((3, 2),))
    compare(model, written(model, "float32"), "float32", ((3, 2),))


def test_what_one_product_takes_lies_side_by_side() -> None:
    """An LSTM multiplies four times a step and chunk fewer times than it has matrices."""
    source = rnnsym.generate(rnnsym.load("lstm"), backend="numba").source
    body = source[source.index("def compute") : source.index("def _size")]
    assert body.count("product(B, B,") == 2  # all gates forwards, all deltas backwards
    assert body.count("add_outer(") == 3  # W, U and V
    assert "JOINED = (('W_i', 'W_f'" in source or "JOINED = [('W_i', 'W_f'" in source


def test_workspace_is_reused() -> None:
    model = rnnsym.load("gru")
    module = written(model)
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    fresh = module.loss_and_grad(params, inputs)[1]
    space = module.workspace(params, inputs)
    first = module.loss_and_grad(params, inputs, workspace=space)[1]
    again = module.loss_and_grad(params, inputs, workspace=space)[1]
    for key, gradient in fresh.items():
        assert again[key] is first[key]
        np.testing.assert_array_equal(again[key], gradient)
    other = {key: value[:, :1] if value.ndim == 3 else value[:1] for key, value in inputs.items()}
    assert module.loss_and_grad(params, other, workspace=space)[1]["x"].shape[1] == 1


def test_memory_and_threads() -> None:
    model = rnnsym.load("rnn")
    module = written(model)
    params, inputs, sizes = draw(model, 0, length=3, batch=3)
    space = module.workspace(params, inputs)
    known = {str(symbol): number for symbol, number in sizes.items() if str(symbol) not in "TB"}
    taken = space.memory.nbytes + sum(array.nbytes for array in space.gradients.values())
    assert module.memory(3, 3, **known) == pytest.approx(taken, abs=64)
    loss, gradients = module.loss_and_grad(params, inputs)
    found, others = module.Team(params, inputs, 2).loss_and_grad(params, inputs)
    assert found == pytest.approx(loss, rel=1e-12)
    assert all(difference(others[key], gradients[key]) < 1e-12 for key in gradients)


def test_lengths_and_sums_over_calls() -> None:
    model = rnnsym.load("rnn")
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    totals = [{name: np.ones_like(value) for name, value in params.items()} for _ in range(2)]
    loss, gradients = written(model).loss_and_grad(params, inputs, lengths=np.array([3, 1]), accumulate=totals[0])
    expected, wanted = rnnsym.generate(model).loss_and_grad(
        params, inputs, lengths=np.array([3, 1]), accumulate=totals[1]
    )
    assert loss == pytest.approx(expected, rel=1e-12)
    assert all(difference(gradients[key], wanted[key]) < 1e-12 for key in wanted)
    assert all(difference(totals[0][key], totals[1][key]) < 1e-12 for key in params)


def test_one_matrix_twice_in_a_sum() -> None:
    """Two gradients of one matrix side by side are added up, and not put one after the other."""
    text = (
        "z[t] = sigmoid(W @ x[t] + b)\ng[t] = tanh(W @ x[t] + c)\nh[t] = z[t] * h[t-1] + g[t]\nE[t] = dot(h[t], h[t])"
    )
    model = rnnsym.Model(text)
    compare(model, written(model), "float64", ((5, 2), (1, 1)))


def test_a_sum_over_time_inside_a_loop_over_time() -> None:
    model = rnnsym.Model(
        "h[t] = tanh(W @ h[t-1] + V @ h[t-2] + b)\nE[T] = mean(z[T] * h[T])\nF[t] = squared_error(y[t], z[1])"
    )
    compare(model, written(model), "float64", ((4, 2),))


def test_what_does_not_fit_is_said() -> None:
    module = written(rnnsym.load("rnn"))
    params, inputs, _ = draw(rnnsym.load("rnn"), 0, length=3, batch=2)
    with pytest.raises(ValueError, match="params lacks 'W'"):
        module.loss_and_grad({key: value for key, value in params.items() if key != "W"}, inputs)


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RNNSYM_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "numba", None)
    kernel = rnnsym.generate(rnnsym.load("rnn"), backend="numba")
    with pytest.raises(RnnsymError, match="pip install numba scipy"):
        kernel.loss_and_grad({}, {})
    params, inputs, _ = draw(rnnsym.load("rnn"), 0, length=3, batch=2)
    assert kernel.forward(params, inputs)[0] == rnnsym.generate(rnnsym.load("rnn")).forward(params, inputs)[0]


def test_the_source_is_deterministic() -> None:
    one, other = (rnnsym.generate(rnnsym.load("lstm"), backend="numba").source for _ in range(2))
    assert one == other


def compiled(name: str, dtype: str) -> None:
    model = rnnsym.load(name)
    kernel = rnnsym.generate(model, dtype=dtype, backend="numba")
    compare(model, kernel, dtype, ((1, 1), (30, 19)))


@pytest.fixture
def numba(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("scipy")
    monkeypatch.setenv("RNNSYM_CACHE", str(tmp_path))


@pytest.mark.usefixtures("numba")
def test_compiled() -> None:
    compiled("elman", "float32")


@pytest.mark.usefixtures("numba")
def test_what_is_kept_serves_the_next_process() -> None:
    """One number of each example is read beside rows that are shorter than what is done at once."""
    program = (
        "import rnnsym; from rnnsym.checks.data import draw; model = rnnsym.load('rnn'); "
        "params, inputs, _ = draw(model, 0, length=2, batch=3, sizes={'n': 8, 'm': 8, 'k': 8}); "
        "kernel = rnnsym.generate(model, backend='numba', gradients=[*model.parameters, 'x', 'h[0]']); "
        "print(kernel.loss_and_grad(params, inputs)[0])"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in "ab"]
    assert runs[0].stdout == runs[1].stdout != ""


@pytest.mark.slow
@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many", "feedforward"])
def test_more_compiled(name: str) -> None:
    compiled(name, "float64")
