"""Decoders that attend to the states of an encoder: the outputs of all its steps become the decoder's memory."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym.errors import ModelError


def softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x)
    return np.asarray(weights / weights.sum())


def test_a_decoder_attends_to_what_an_encoder_computed() -> None:
    """Against plain NumPy, with a memory of three places where five steps run: the last two are padding."""
    model = rnnsym.load('encoder_decoder(rnn, attention_dot, memory="H")')
    kernel = rnnsym.generate(model)
    sizes = {"n_enc": 3, "m_enc": 2, "m_dec": 2, "S_dec": 3, "l_dec": 2, "k_dec": 4}
    params = kernel.init(1, **sizes)
    rng = np.random.default_rng(2)
    steps, places = 5, 3
    inputs = {key: rng.normal(size=(steps, 1, 2)) for key in ("x_enc", "x_dec")}
    inputs |= {"position": np.eye(steps)[:, None, :places], "target": rng.uniform(size=(steps, 1, 4))}
    inputs["h_enc[0]"] = rng.normal(size=(1, 3))
    loss, _ = kernel.loss_and_grad(params, inputs)

    h, states = inputs["h_enc[0]"][0], []
    for x in inputs["x_enc"][:, 0]:
        h = np.tanh(params["W_enc"] @ h + params["U_enc"] @ x + params["b_enc"])
        states.append(h)
    memory, s, expected = np.array(states[:places]), h, 0.0
    for x, target in zip(inputs["x_dec"][:, 0], inputs["target"][:, 0], strict=True):
        s = np.tanh(params["W_s_dec"] @ s + params["U_dec"] @ x + params["b_dec"])
        context = softmax(memory @ s) @ memory
        g = np.tanh(params["W_c_dec"] @ np.concatenate([context, s]))
        expected -= target @ np.log(softmax(params["V_dec"] @ g))
    assert loss == pytest.approx(expected, rel=1e-12)


def test_states_as_rows() -> None:
    decoder = rnnsym.Model(
        "s[t] = tanh(W @ s[t-1] + C @ (M.T @ softmax(M @ s[t-1])))\nE[t] = squared_error(d[t], s[t])",
        sizes={"s": "n", "M": ("S", "n")},
        inputs=("M",),
    )
    model = rnnsym.encoder_decoder(rnnsym.load("rnn"), decoder, memory="M.T")
    assert "M_dec = sum_time(outer(position[t], h_enc[t]))" in model.text
    assert "M_dec" not in model.inputs
    assert rnnsym.crosscheck(model).passed


@pytest.mark.slow
def test_an_encoder_of_both_directions_and_additive_attention() -> None:
    model = rnnsym.load('encoder_decoder(bidirectional(gru), attention_additive, memory="H", project=True)')
    assert model.shapes["H_dec"][0] == 2 * model.shapes["h_fw_enc"][0]
    derivation = rnnsym.derive(model)
    assert derivation.replay() == derivation.adjoints
    assert rnnsym.crosscheck(model).passed


@pytest.mark.parametrize("memory", ["H", "c", "W"])
def test_a_memory_is_a_matrix_that_is_handed_in(memory: str) -> None:
    with pytest.raises(ModelError, match=f"there has to be a matrix '{memory}' among the decoder's inputs"):
        rnnsym.encoder_decoder(rnnsym.load("rnn"), rnnsym.load("rnn"), memory=memory)
