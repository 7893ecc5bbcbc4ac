"""vec, which stacks the columns of a matrix, and Kronecker products with a row or between two columns."""

from __future__ import annotations

import pytest

import rnnsym

RNN = rnnsym.Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])", sizes={"h": "n", "x": "m"}, name="rnn"
)
RIGHT = [
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(W)} = h_{t-1}^\top \otimes \mathrm{diag}(1 - h_t^2)",
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(U)} = \mathrm{diag}(1 - h_t^2) (x_t^\top \otimes I_n)",
    r"\frac{dh_t}{d\,\mathrm{vec}(W)} = h_{t-1}^\top \otimes D_t + D_t W \frac{dh_{t-1}}{d\,\mathrm{vec}(W)}",
    r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t h_{t-1} \otimes \bar{a}_t",
    r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t \frac{2}{2} (h_{t-1} \otimes \bar{a}_t)",
    r"\mathrm{vec}\left(\frac{\partial E}{\partial U}\right) = \sum_t x_t \otimes \bar{a}_t",
    r"\mathrm{vec}\left(\frac{\partial E}{\partial U}\right) = \sum_t \mathrm{vec}(\bar{a}_t x_t^\top)",
    r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t \bar{h}_t^\top (h_{t-1}^\top \otimes \mathrm{diag}(1 - h_t^2))",
]
WRONG = [
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(W)} = h_t^\top \otimes \mathrm{diag}(1 - h_t^2)",
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(W)} = \mathrm{diag}(1 - h_t^2) \otimes h_{t-1}^\top",
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(W)} = h_{t-1} \otimes \mathrm{diag}(1 - h_t^2)",
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(U)} = \mathrm{diag}(1 - h_t^2) \otimes x_t^\top",
    r"\frac{\partial^+ h_t}{\partial \mathrm{vec}(W)} = W \otimes \mathrm{diag}(1 - h_t^2)",
    r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t \bar{a}_t \otimes h_{t-1}",
    r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t \bar{a}_t h_{t-1}^\top",
    r"\mathrm{vec}\left(\frac{\partial E}{\partial U}\right) = \sum_t \bar{a}_t \otimes x_t",
    r"\mathrm{vec}\left(\frac{\partial E}{\partial U}\right) = \sum_t \bar{a}_t x_t^\top",
    r"\mathrm{vec}\left(\frac{\partial E}{\partial W}\right) = \sum_t \mathrm{vec}(h_{t-1} \bar{a}_t^\top)",
]


@pytest.mark.parametrize("claim", RIGHT)
def test_right_ones_are_proved(claim: str) -> None:
    result = rnnsym.verify(RNN, claim, where=r"D_t = \mathrm{diag}(1 - h_t^2)")
    assert str(result.verdict) == "proved"
    assert "vec stacks columns" in result.assumed


@pytest.mark.parametrize("claim", WRONG)
def test_wrong_orders_and_layouts_are_told(claim: str) -> None:
    assert str(rnnsym.verify(RNN, claim).verdict) in ("refuted", "malformed")


def test_more_than_two_factors_beside_vec_are_not_guessed_at() -> None:
    claim = r"\frac{\partial E}{\partial \mathrm{vec}(W)} = \sum_t \frac{2}{2} \bar{a}_t \otimes h_{t-1}"
    with pytest.raises(rnnsym.RnnsymError, match="between two factors"):
        rnnsym.verify(RNN, claim)
