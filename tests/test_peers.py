"""Gradients equal to those of PyTorch's own layers, where PyTorch is installed (no test needs it)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rnnsym

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed", exc_type=ImportError)

#: Shipped model, PyTorch's layer, the order of its gates, and the bias that stands inside the reset gate.
LAYERS = [
    ("rnn", "RNN", ("",), None),
    ("lstm", "LSTM", ("i", "f", "g", "o"), None),
    ("gru_reset_after", "GRU", ("r", "z", "g"), "d_g"),
]


@pytest.mark.parametrize(("name", "layer", "gates", "inner"), LAYERS)
def test_gradients_of_torch(name: str, layer: str, gates: tuple[str, ...], inner: str | None) -> None:
    random = np.random.default_rng(0)
    sizes = {"T": 6, "B": 3, "n": 5, "m": 4, "k": 2}
    kernel = rnnsym.generate(rnnsym.load(name))
    params = {key: random.normal(size=[sizes[s] for s in shape]) / 2 for key, shape in kernel.module.PARAMETERS.items()}
    inputs = {key: random.normal(size=[sizes[s] for s in shape]) for key, shape in kernel.module.INPUTS.items()}
    loss, gradients = kernel.loss_and_grad(params, inputs)

    leaf = {key: torch.tensor(value, requires_grad=True) for key, value in (params | inputs).items()}

    def stacked(letter: str) -> Any:
        return torch.cat([leaf[f"{letter}_{gate}" if gate else letter] for gate in gates])

    none = torch.zeros(sizes["n"], dtype=torch.float64)
    hidden_bias = [leaf[inner] if inner and gate == "g" else none for gate in gates]
    weights = {
        "weight_ih_l0": stacked("U"),
        "weight_hh_l0": stacked("W"),
        "bias_ih_l0": stacked("b"),
        "bias_hh_l0": torch.cat(hidden_bias),
    }
    state = leaf["h[0]"][None]
    start = (state, leaf["c[0]"][None]) if "c[0]" in leaf else state
    module = getattr(torch.nn, layer)(sizes["m"], sizes["n"], dtype=torch.float64)
    output, _ = torch.func.functional_call(module, weights, (leaf["x"], start))
    scores = output @ leaf["V"].T + leaf["b_y" if "b_y" in leaf else "c"]
    expected = -(leaf["target"] * torch.log_softmax(scores, -1)).sum()
    expected.backward()

    assert loss == pytest.approx(expected.item(), rel=1e-13)
    for key, gradient in gradients.items():
        assert np.allclose(gradient, leaf[key].grad.numpy(), rtol=1e-11, atol=1e-13), key
