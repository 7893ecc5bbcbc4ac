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


@pytest.mark.parametrize(("name", "layer"), [("rnn", "RNN"), ("lstm", "LSTM"), ("gru_reset_after", "GRU")])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, False), (1, True), (2, True)])
def test_kernels_like_torch(name: str, layer: str, layers: int, both: bool) -> None:
    """A kernel that is generated like torch takes a state dict, and gives the gradients that torch gives."""
    cell = rnnsym.load(name)
    model = rnnsym.task(rnnsym.stack(rnnsym.bidirectional(cell) if both else cell, layers), "many-to-many", "squared")
    torch.manual_seed(0)
    module = getattr(torch.nn, layer)(4, 5, layers, bidirectional=both, dtype=torch.float64)
    head = torch.nn.Linear(10 if both else 5, 2, dtype=torch.float64)
    kernel = rnnsym.generate(model, like="torch")
    params = {key: value.detach().numpy() for key, value in module.state_dict().items()}
    params |= {"V": head.weight.detach().numpy(), "c": head.bias.detach().numpy()}
    x, target = torch.randn(6, 3, 4, dtype=torch.float64), torch.randn(6, 3, 2, dtype=torch.float64)
    inputs = {"x": x.numpy(), "target": target.numpy()}
    inputs |= {f"{state}[{time}]": np.zeros((3, 5)) for state, time in model.given}
    loss, gradients = kernel.loss_and_grad(params, inputs)
    expected = 0.5 * ((head(module(x)[0]) - target) ** 2).sum()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for key, parameter in module.named_parameters():
        np.testing.assert_allclose(gradients[key], parameter.grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=key)


def test_ctc_of_torch() -> None:
    from rnnsym.composition.labels import ctc_inputs

    model = rnnsym.task(rnnsym.load("rnn"), loss="ctc")
    random = np.random.default_rng(0)
    sizes = {"n": 5, "m": 4, "k": 4}
    params = {key: random.normal(size=[sizes[str(s)] for s in model.shapes[key]]) for key in model.parameters}
    labels = [[1, 2, 2], [3], [1, 3]]
    inputs = {"x": random.normal(size=(9, 3, 4)), "h[0]": np.zeros((3, 5)), **ctc_inputs(labels, 4)}
    loss, gradients = rnnsym.generate(model).loss_and_grad(params, inputs)
    leaf = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    h, rows = torch.zeros(3, 5, dtype=torch.float64), []
    for row in torch.tensor(inputs["x"]):
        h = torch.tanh(h @ leaf["W"].T + row @ leaf["U"].T + leaf["b"])
        rows.append(h @ leaf["V"].T + leaf["c"])
    flat = torch.tensor([label for own in labels for label in own])
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(torch.stack(rows), -1), flat, [9, 9, 9], [len(own) for own in labels], reduction="sum"
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-10)
    for key in params:
        np.testing.assert_allclose(gradients[key], leaf[key].grad.numpy(), rtol=1e-8, atol=1e-10)
