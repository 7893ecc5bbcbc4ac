"""Where parameters start: zero for what is added, not for what multiplies or divides."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym.kernels.starts import starts

LOSS = "\nE[t] = sum(h[t] ** 2)"


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)", {}),
        ("h[t] = tanh(W @ x[t] + u * h[t-1] + b)", {"u": 1.0}),
        ("h[t] = h[t-1] + tanh(W @ x[t]) / tau", {"tau": 1.0}),
        ("h[t] = h[t-1] / (1 + W @ x[t] + tau) ** 2", {"tau": 1.0}),
        ("h[t] = (1 - alpha) * h[t-1] + alpha * (W @ x[t])", {"alpha": 0.5}),
        ("h[t] = sqrt(a) * (W @ x[t]) + exp(b) * h[t-1]", {"a": 1.0}),
        ("h[t] = a ** -0.5 * (W @ x[t])", {"a": 1.0}),
        ("h[t] = dot(v, x[t]) * (W @ x[t])", {"v": None}),
        ("h[t] = W @ x[t] - 2 * dot(u, x[t]) / dot(u, u) * v", {"u": None, "v": 1.0}),
        ("h[t] = tanh(layer_norm(W @ x[t], gain, shift))", {"gain": 1.0}),
        ("h[t] = (M * W) @ x[t]", {}),  # matrices are drawn, whatever they do
        ("h[t] = (V / M) @ x[t]", {"M": 1.0}),  # unless something is divided by them
    ],
)
def test_what_a_parameter_does_says_where_it_starts(equation: str, expected: dict[str, float | None]) -> None:
    assert starts(rnnsym.Model(equation + LOSS, sizes={"x": "m", "h": "n"})) == expected


def test_a_kernel_starts_there() -> None:
    model = rnnsym.Model("h[t] = h[t-1] / tau + dot(v, x[t]) * (W @ x[t]) + b" + LOSS, sizes={"x": "m", "h": "n"})
    params = rnnsym.generate(model).init(0, m=3, n=2)
    assert params["tau"].tolist() == [1, 1]
    assert params["b"].tolist() == [0, 0]
    assert np.all(np.abs(params["v"]) <= 1 / np.sqrt(3))
    assert np.all(params["v"] != 0)
    assert {array.dtype for array in params.values()} == {np.dtype("float64")}
    single = rnnsym.generate(model, dtype="float32").init(0, m=3, n=2)
    assert {array.dtype for array in single.values()} == {np.dtype("float32")}


def test_a_model_of_matrices_and_biases_has_no_table_of_starts() -> None:
    assert "STARTS" not in rnnsym.generate(rnnsym.load("rnn")).source


def test_other_backends_start_alike() -> None:
    pytest.importorskip("torch")
    model = rnnsym.load("ctrnn")
    ours, theirs = (
        kernel.init(3, m=2, n=3) for kernel in (rnnsym.generate(model), rnnsym.generate(model, backend="torch"))
    )
    for name, array in ours.items():
        np.testing.assert_array_equal(np.asarray(theirs[name]), array)


def test_a_number_among_the_factors_of_weights_starts_at_one() -> None:
    model = rnnsym.Model(
        "h[t] = tanh(W @ h[t-1] + dot(v, a * x[t]))\nE[t] = sum(h[t] ** 2)", sizes={"a": (), "x": 3, "h": 2}
    )
    assert rnnsym.generate(model).init(0)["a"] == 1.0
