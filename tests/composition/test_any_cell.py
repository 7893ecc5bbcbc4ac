"""What is found out about cells of every kind: outputs, inputs, widths, fixed parameters; and what masks do to losses."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym import Model
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, relative_difference

MEMORY = """
S[t] = S[t-1] + (W_v @ x[t]) @ (W_k @ x[t]).T
o[t] = S[t] @ (W_q @ x[t])
E[t] = squared_error(target[t], o[t])
"""
MIXED = """
f[t] = sigmoid(W @ x[t])
c[t] = f[t] * c[t-1] + (1 - f[t]) * x[t]
h[t] = f[t] * tanh(c[t]) + (1 - f[t]) * x[t]
E[t] = squared_error(target[t], V @ h[t])
"""
RESERVOIR = """
h[t] = tanh(W @ h[t-1] + lambda_ * (U @ x[t]))
E[t] = squared_error(target[t], V @ h[t])
"""
CLOCKED = """
h[t] = mask[t] * tanh(W @ h[t-1] + U @ x[t]) + (1 - mask[t]) * h[t-1]
E[t] = squared_error(target[t], h[t])
"""


def right(model: Model) -> None:
    params, inputs, sizes = draw(model, 2, length=3, batch=2)
    _, gradients = rnnsym.generate(model, sizes).loss_and_grad(params, inputs)
    assert relative_difference(complex_step(model, params, inputs), gradients) < 1e-9, model.text


def test_what_is_read_of_a_memory_is_handed_on() -> None:
    deep = rnnsym.stack(Model(MEMORY, sizes={"x": "m", "o": "l"}), 2)
    assert "W_q_2 @ o_1[t]" in deep.text
    right(deep)


def test_a_cell_goes_on_where_it_mixes_with_its_input_again() -> None:
    deep = rnnsym.stack(rnnsym.bidirectional(Model(MIXED, sizes={"x": "n"})), 2)
    assert "tanh(c_fw_1[t]) + (1 - f_fw_1[t]) * x[t]" in deep.text
    # What is added to the input is as wide as it.
    assert str(deep.shapes["c_fw_2"][0]) == "2*n"
    right(deep)


def test_fixed_parameters_stay_fixed_in_every_layer() -> None:
    cell = Model(RESERVOIR, sizes={"x": "m", "h": "n"}, fixed=("W", "U"))
    deep = rnnsym.stack(cell, 2)
    assert deep.fixed == ("W_1", "U_1", "W_2", "U_2")
    assert deep.parameters == ("lambda_1", "lambda_2", "V")
    assert rnnsym.bidirectional(cell).fixed == ("W_fw", "U_fw", "W_bw", "U_bw")
    right(deep)


def test_masks_are_told_from_inputs() -> None:
    cell = Model(CLOCKED, sizes={"x": "m", "h": "n"})
    assert "U_2 @ h_1[t]" in rnnsym.stack(cell, 2).text
    assert "present" in rnnsym.masked(cell).sequences
    assert rnnsym.task(cell, "one-to-many", "squared").sequences == ("mask", "target")


def test_a_number_has_a_read_out() -> None:
    cell = Model("s[t] = a * s[t-1] + dot(w, x[t])\nE[t] = (s[t] - d[t]) ** 2", sizes={"s": (), "a": ()})
    right(rnnsym.task(cell, "many-to-one"))


@pytest.mark.parametrize("loss", ["w[t] * cross_entropy(d[t], y[t])", "mask[t] * w[t] * cross_entropy(d[t], y[t])"])
def test_weights_and_masks_cancel_with_the_softmax(loss: str) -> None:
    text = f"y[t] = softmax(V @ x[t] + b)\nE[t] = {loss}"
    scalars = [name for name in ("w", "mask") if name in text]
    model = Model(text, sizes={"x": "m", "y": "k", **dict.fromkeys(scalars, ())})
    assert "⊘" not in str(rnnsym.derive(model))
    params, inputs, sizes = draw(model, 0, length=3, batch=2)
    params["b"][0] = -2000.0  # a probability that is zero in floating point
    _, gradients = rnnsym.generate(model, sizes).loss_and_grad(params, inputs)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


def test_a_mean_over_time_cancels_as_well() -> None:
    model = Model("y[t] = softmax(V @ x[t])\ne[t] = cross_entropy(d[t], y[t])\nE = mean(e[t])")
    assert "ō[t] = (1/T) (𝟏ᵀ d[t]) y[t] - (1/T) d[t]" in str(rnnsym.derive(model))


def test_masks_have_a_place_in_documents_with_parts() -> None:
    model = rnnsym.masked(rnnsym.stack(Model(CLOCKED.replace("mask", "m"), sizes={"x": "k", "h": "n"}), 2))
    assert "mask[t]" in rnnsym.derive(model).to_text("result")
