"""Optimizers in kernels: against their equations read as a model, and against PyTorch where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.reference import Evaluation
from rnnsym.errors import RnnsymError
from rnnsym.kernels.optimizers import OPTIMIZERS
from rnnsym.language.model import Model

RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])", sizes={"x": "m", "h": "n"})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_follow_the_equations(name: str) -> None:
    """The equations are a model in the language: its oracle computes the same parameters."""
    optimizer = OPTIMIZERS[name]
    text = optimizer.equations + "\nE = dot(p[T], p[T])"
    scalars = dict.fromkeys((*optimizer.rates, *optimizer.starts), ())
    model = Model(text, sizes={"p": "n", "g": "n", **scalars})
    random = np.random.default_rng(0)
    gradients, start = random.normal(size=(6, 3)), random.normal(size=3)
    inputs: dict[str, Any] = {"g": gradients}
    for key, time in model.given:
        zero = np.zeros(3) if key not in optimizer.starts else optimizer.starts[key]
        inputs[f"{key}[{time}]"] = start if key == "p" else zero
    oracle = Evaluation(model, dict(optimizer.rates), inputs)
    kernel = rnnsym.generate(RNN, optimizer=name)
    params, state = {"W": start}, None
    for step in range(6):
        params, state = kernel.step(params, {"W": gradients[step]}, state)
        np.testing.assert_allclose(params["W"], oracle.value("p", step + 1), rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_exported_kernel_trains_alone(name: str) -> None:
    kernel = rnnsym.generate(RNN, sizes={"m": 2, "n": 4}, optimizer=name)
    random = np.random.default_rng(1)
    inputs = {"x": random.normal(size=(5, 8, 2)), "d": 0.5 * np.ones((5, 8, 4)), "h[0]": np.zeros((8, 4))}
    module: dict[str, Any] = {}
    exec(kernel.source, module)  # as somebody would run the file
    params, state = module["init"](0), None
    first, _ = module["loss_and_grad"](params, inputs)
    for _ in range(60):
        _, gradients = module["loss_and_grad"](params, inputs)
        params, state = module["step"](params, module["clip"](gradients, 1.0), state, rate=0.02)
    assert module["forward"](params, inputs)[0] < 0.7 * first


def test_clipping() -> None:
    kernel = rnnsym.generate(RNN, optimizer="descent")
    gradients = {"W": np.array([3.0]), "b": np.array([4.0]), "x": np.array([100.0])}
    clipped = kernel.clip(gradients, 2.5)
    assert (clipped["W"], clipped["b"], clipped["x"]) == (1.5, 2.0, 100.0)
    assert kernel.clip(gradients, 5.0)["W"] == 3.0


def test_names() -> None:
    with pytest.raises(RnnsymError, match="did you mean adam"):
        rnnsym.generate(RNN, optimizer="adm")
    with pytest.raises(RnnsymError, match="no optimizer"):
        rnnsym.generate(RNN).step({}, {})


@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("descent", "SGD", {"lr": 0.1}),
        ("rmsprop", "RMSprop", {"lr": 0.01, "alpha": 0.9}),
        ("adam", "Adam", {"lr": 0.001}),
        ("momentum", "SGD", {"lr": 0.01, "momentum": 0.9}),
    ],
)
def test_steps_of_torch(name: str, theirs: str, options: dict[str, float]) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed", exc_type=ImportError)
    random = np.random.default_rng(0)
    weight = torch.tensor(random.normal(size=(2, 3)), requires_grad=True)
    optimizer = getattr(torch.optim, theirs)([weight], **options)
    kernel = rnnsym.generate(RNN, optimizer=name)
    params, state = {"W": weight.detach().numpy().copy()}, None
    for _ in range(8):
        gradient = random.normal(size=(2, 3))
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        params, state = kernel.step(params, {"W": gradient}, state)
        np.testing.assert_allclose(params["W"], weight.detach().numpy(), rtol=1e-9)
