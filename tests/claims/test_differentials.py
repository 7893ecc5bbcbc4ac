"""Traces, differentials and Kronecker products: what is right is proved, and what is wrong refuted."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.claims.written import ClaimError

RNN = Model(
    "a[t] = W @ h[t-1] + U @ x[t] + b\nh[t] = tanh(a[t])\nE[t] = squared_error(y[t], h[t])",
    sizes={"x": "m", "h": "n"},
    name="rnn",
)
PRODUCT = Model(
    "Y = A @ X @ B\nE = sum(G * Y)",
    sizes={"A": ("p", "n"), "X": ("n", "m"), "B": ("m", "k"), "G": ("p", "k")},
    inputs=("G",),
    name="product",
)
SQUARE = Model(
    "Y = A @ X @ B\nE = sum(G * Y)",
    sizes=dict.fromkeys("AXBG", ("n", "n")),
    inputs=("G",),
    name="square product",
)
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"
INPUTS = r" + \mathrm{d}U \, x_t + U \, \mathrm{d}x_t + \mathrm{d}b"
PROVED = [
    (PRODUCT, r"E = \operatorname{tr}(G^\top A X B)"),
    (PRODUCT, r"E = \mathrm{Tr}(Y G^\top)"),
    (RNN, r"E_t = \frac12 \operatorname{tr}((h_t - y_t)(h_t - y_t)^\top)"),
    (PRODUCT, r"\mathrm{d}E = \mathrm{tr}(G^\top A \, \mathrm{d}X \, B)"),
    (PRODUCT, r"dE = \mathrm{tr}(B G^\top A \, dX) \Rightarrow \frac{\partial E}{\partial X} = A^\top G B^\top"),
    (PRODUCT, r"dE = \mathrm{tr}(G^\top \, dA \, X B + G^\top A \, dX \, B) + \mathrm{tr}(G^\top A X \, dB)"),
    (PRODUCT, r"\mathrm{vec}(Y) = (B^\top \otimes A) \mathrm{vec}(X)"),
    (PRODUCT, r"\mathrm{vec}(\frac{\partial E}{\partial X}) = (B \otimes A^\top) \mathrm{vec}(G)"),
    (SQUARE, r"\mathrm{vec}(Y) = (B^\top \otimes A) \mathrm{vec}(X)"),
    (RNN, DELTA + r"\mathrm{vec}(\frac{\partial E}{\partial W}) = \sum_t (h_{t-1} \otimes I_n) \delta_t"),
    (RNN, r"\frac{\partial^+ a_t}{\partial \mathrm{vec}(W)} = h_{t-1}^\top \otimes I"),
    (RNN, DELTA + r"dE = \operatorname{tr}\left( \left( \sum_t \delta_t h_{t-1}^\top \right)^\top dW \right)"),
    (RNN, DELTA + r"dE = \sum_t \operatorname{tr}(\delta_t h_{t-1}^\top dW^\top)"),
    (RNN, DELTA + r"\mathrm{d}L = \sum_t \left( \delta_t^\top \mathrm{d}W h_{t-1} + \delta_t^\top \mathrm{d}b \right)"),
    (RNN, DELTA + r"dE = \left\langle \sum_t \delta_t h_{t-1}^\top, dW \right\rangle"),
    (RNN, r"\mathrm{d} E_t = -(y_t - h_t)^\top \mathrm{d} h_t"),
    (RNN, r"\mathrm{d} h_t = (1 - h_t^2) \odot \mathrm{d} a_t"),
    (RNN, r"\mathrm{d} h_t = \mathrm{diag}(1 - h_t^2) W \, \mathrm{d} h_{t-1}"),
    (RNN, r"\mathrm{d} a_t = \mathrm{d}W\, h_{t-1} + W \, \mathrm{d}h_{t-1}" + INPUTS),
    (RNN, r"\mathrm{d} h_t = (1 - h_t^2) \odot W \mathrm{d} h_{t-1}"),
    (SQUARE, r"dE = \frac12 \mathrm{tr}(G^\top A \, dX \, B) + \frac12 \mathrm{tr}(dX^\top A^\top G B^\top)"),
    (SQUARE, r"\mathrm{vec}(Y) = (B^\top \otimes A X) \mathrm{vec}(I_n)"),
    (RNN, DELTA + r"dW = \sum_t \delta_t h_{t-1}^\top"),  # a name, as code has it
    (RNN, "da_t = (1-h_t^2) \\odot dh_t\ndW = \\sum_t da_t h_{t-1}^\\top"),
]
WRONG = [
    (PRODUCT, r"E = \operatorname{tr}(G A X B)"),
    (SQUARE, r"E = \operatorname{tr}(G A X B)"),
    (PRODUCT, r"dE = \mathrm{tr}(2 B G^\top A \, dX)"),
    (PRODUCT, r"dE = \mathrm{tr}(G^\top dX)"),
    (SQUARE, r"dE = \mathrm{tr}(B G^\top A \, dX^\top)"),
    (SQUARE, r"dE = \mathrm{tr}(A G^\top B \, dX)"),
    (SQUARE, r"dE = \mathrm{tr}(G^\top A \, dX \, B) + \mathrm{tr}(G^\top A \, dX \, B)"),  # twice the gradient
    (SQUARE, r"dE = \mathrm{tr}(G^\top A \, dX B) = \mathrm{tr}(G^\top A B \, dX)"),
    (SQUARE, r"\operatorname{tr}(A X B) = \operatorname{tr}(A B X)"),
    (SQUARE, r"\mathrm{vec}(Y) = (B^\top \otimes A) X"),
    (SQUARE, r"\mathrm{vec}(Y) = (B^\top \otimes A) \mathrm{vec}(X^\top)"),
    (RNN, r"\mathrm{d} h_t = 2 (1 - h_t^2) \odot \mathrm{d} a_t"),
    (RNN, r"\mathrm{d} E_t = (h_t - y_t) \odot \mathrm{d} h_t"),
    (PRODUCT, r"\mathrm{vec}(Y) = (A \otimes B^\top) \mathrm{vec}(X)"),
    (SQUARE, r"\mathrm{vec}(Y) = (A \otimes B^\top) \mathrm{vec}(X)"),
    (SQUARE, r"\mathrm{vec}(Y) = (B \otimes A) \mathrm{vec}(X)"),
    (RNN, DELTA + r"\mathrm{vec}(\frac{\partial E}{\partial W}) = \sum_t (I_n \otimes h_{t-1}) \delta_t"),
    (RNN, DELTA + r"\mathrm{vec}(\frac{\partial E}{\partial W}) = \sum_t (h_t \otimes I_n) \delta_t"),
    (RNN, DELTA + r"dE = \sum_t \operatorname{tr}(\delta_t h_{t-1}^\top dW)"),
    (RNN, DELTA + r"dE = \left\langle \sum_t \delta_t h_t^\top, dW \right\rangle"),
    (RNN, DELTA + r"\mathrm{d}L = \sum_t \left( \delta_t^\top \mathrm{d}W h_{t-1} + h_t^\top \mathrm{d}b \right)"),
    (RNN, r"\mathrm{d} E_t = (y_t - h_t)^\top \mathrm{d} h_t"),
    (RNN, r"\mathrm{d} h_t = (1 - h_t) \odot \mathrm{d} a_t"),
    (RNN, r"\mathrm{d} h_t = W^\top \mathrm{diag}(1 - h_t^2) \, \mathrm{d} h_{t-1}"),  # in no layout
    (RNN, r"\mathrm{d} a_t = \mathrm{d}W\, h_{t-1} + W^\top \, \mathrm{d}h_{t-1}" + INPUTS),
    (RNN, r"\mathrm{d} a_t = \mathrm{d}W\, h_t + W \, \mathrm{d}h_{t-1}"),
]


@pytest.mark.parametrize(("model", "claim"), PROVED)
def test_right(model: Model, claim: str) -> None:
    assert str(rnnsym.verify(model, claim).verdict) == "proved"


@pytest.mark.parametrize(("model", "claim"), WRONG)
def test_wrong(model: Model, claim: str) -> None:
    assert str(rnnsym.verify(model, claim).verdict) in ("refuted", "malformed")


def test_what_is_held_fixed_is_said() -> None:
    result = rnnsym.verify(PRODUCT, r"dE = \mathrm{tr}(B G^\top A \, dX)")
    assert any("what has no d there is held fixed" in said for said in result.assumed)


def test_a_trace_is_told_as_one() -> None:
    result = rnnsym.verify(RNN, r"E_t = \operatorname{tr}((h_t - y_t)(h_t - y_t)^\top)")
    assert str(result.verdict) == "refuted"
    assert "tr(" in str(result)


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        (RNN, r"dE = \sum_t (h_t - y_t)^\top dh_t"),  # each dh_t has a share of the earlier ones
        (RNN, r"\mathrm{d} h_t = (1 - h_t^2) \odot (W \mathrm{d} h_{t-1} + U \mathrm{d} x_t)"),
        (SQUARE, r"dE = \mathrm{tr}(G^\top A dX dB)"),
        (SQUARE, r"dE = \mathrm{tr}(G^\top dA X B) \mathrm{tr}(A)"),
    ],
)
def test_what_is_not_read(model: Model, claim: str) -> None:
    with pytest.raises(ClaimError, match="this differential is not read"):
        rnnsym.verify(model, claim)
