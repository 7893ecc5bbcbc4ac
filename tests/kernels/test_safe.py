"""Expressions that lose their digits where a gate is shut: a kernel computes them in another form."""

from __future__ import annotations

import numpy as np
import pytest

from rnnsym import Model, generate

POINTS = np.array([-200.0, -30.0, -1.0, 0.5, 30.0, 200.0])
CROSS_ENTROPY = (
    "y[t] = sigmoid(x[t])\nE[t] = binary_cross_entropy(d[t], y[t])",
    "E[t] = binary_cross_entropy(d[t], sigmoid(x[t]))",
    "E[t] = -sum(d[t] * log(sigmoid(x[t])) + (1 - d[t]) * log(1 - sigmoid(x[t])))",
)


@pytest.mark.parametrize("size", [(), ("n",)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", CROSS_ENTROPY)
def test_cross_entropy_of_a_saturated_output(text: str, dtype: str, size: tuple[str, ...]) -> None:
    text = text if size else text.replace("-sum(", "-(")
    kernel = generate(Model(text, sizes={"x": size, "d": size}), dtype=dtype)
    for point in POINTS:
        for target in (0.0, 0.5, 1.0):
            inputs = {"x": np.full((1, 1, *[1] * len(size)), point), "d": np.full((1, 1, *[1] * len(size)), target)}
            loss, gradients = kernel.loss_and_grad({}, inputs)
            expected = target * np.logaddexp(0, -point) + (1 - target) * np.logaddexp(0, point)
            assert loss == pytest.approx(expected, rel=1e-5, abs=1e-6)
            assert gradients["x"].item() == pytest.approx(0.5 + 0.5 * np.tanh(point / 2) - target, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["E[t] = sum(sigmoid(x[t]) ** (1/16))", "a[t] = sigmoid(x[t])\nE[t] = sum(a[t] ** (1/16))"]
)
def test_the_root_of_a_shut_gate(text: str) -> None:
    kernel = generate(Model(text), dtype="float32")
    for point in POINTS:
        loss, gradients = kernel.loss_and_grad({}, {"x": np.full((1, 1, 1), point)})
        value = np.exp(-np.logaddexp(0, -point) / 16)
        assert loss == pytest.approx(value, rel=1e-5)
        assert gradients["x"].item() == pytest.approx(value / (1 + np.exp(point)) / 16, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("size", [(), ("n",)])
def test_cross_entropy_without_time(size: tuple[str, ...]) -> None:
    text = "y = sigmoid(z)\nE = binary_cross_entropy(target, y)"
    kernel = generate(Model(text, sizes={"z": size, "target": size}, inputs=("z", "target")), dtype="float32")
    for point in POINTS:
        inputs = {"z": np.full((1, *[1] * len(size)), point), "target": np.full((1, *[1] * len(size)), 0.5)}
        loss, gradients = kernel.loss_and_grad({}, inputs)
        assert loss == pytest.approx((np.logaddexp(0, -point) + np.logaddexp(0, point)) / 2, rel=1e-5)
        assert gradients["z"].item() == pytest.approx(0.5 * np.tanh(point / 2), abs=1e-6)
        assert gradients["target"].item() == pytest.approx(-point, rel=1e-5)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_the_root_of_what_a_shut_gate_leaves(backend: str) -> None:
    text = "a[t] = exp(-8 * sigmoid(x[t]))\nh[t] = a[t] * h[t-1] + sqrt(1 - a[t] ** 2) * x[t]\nE[t] = sum(h[t])"
    kernel = generate(Model(text), backend=backend)
    for point in POINTS:
        inputs = {"x": np.full((1, 1, 1), point), "h[0]": np.ones((1, 1))}
        _, gradients = kernel.loss_and_grad({}, inputs)
        gate = 1 / (1 + np.exp(-point))
        root = np.sqrt(-np.expm1(-16 * gate))
        slope = root + (8 * np.exp(-16 * gate) / root * point - 8 * np.exp(-8 * gate)) * gate * (1 - gate)
        assert gradients["x"].item() == pytest.approx(slope, rel=1e-3, abs=1e-6)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_an_exponential_of_an_exponential(backend: str) -> None:
    """A rate that is too large for a floating-point number: what is left of the state is zero, and so is the slope."""
    text = "h[t] = exp(-exp(lambda_ + U @ x[t])) * h[t-1] + x[t]\nE[t] = sum(h[t])"
    kernel = generate(Model(text), dtype="float32", backend=backend)
    for point in (-1.0, 0.5, 5.0, 50.0, 88.0, 200.0):
        params = {"lambda_": np.array([point]), "U": np.array([[0.5]])}
        inputs = {"x": np.array([[[0.0]], [[0.1]]]), "h[0]": np.array([[2.0]])}
        _, gradients = kernel.loss_and_grad(params, inputs)
        first, second = np.exp(-np.exp(point)), np.exp(-np.exp(point + 0.05))
        slopes = [-np.exp(point) * first * 2, -np.exp(point + 0.05) * second * first * 2]
        slopes[0] += slopes[0] * second
        assert gradients["lambda_"].item() == pytest.approx(sum(slopes), rel=1e-4, abs=1e-12)
        assert gradients["h[0]"].item() == pytest.approx(first + first * second, rel=1e-4, abs=1e-12)
