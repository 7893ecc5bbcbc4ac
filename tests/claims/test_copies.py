"""Copies of parameters for each step, \\nabla_{W^{(t)}} E: what one step adds to a gradient."""

from __future__ import annotations

import pytest

import rnnsym

RNN = rnnsym.load("rnn")
LSTM = rnnsym.load("lstm")

RIGHT = [
    (RNN, r"\nabla_W E = \sum_t \nabla_{W^{(t)}} E"),
    (RNN, r"\frac{\partial E}{\partial b^{(t)}} = \frac{\partial E}{\partial h_t} \odot (1 - h_t^2)"),
    (RNN, r"\frac{\partial E}{\partial W_t} = (\bar{h}_t \odot (1 - h_t^2)) h_{t-1}^\top"),
    (RNN, r"\nabla_{W^{(t-1)}} E = (\bar{h}_{t-1} \odot (1 - h_{t-1}^2)) h_{t-2}^\top \qquad t = 2, \dots, T"),
    (
        RNN,
        r"\nabla_W E = \sum_t \sum_i (\nabla_{h^{(t)}} E)_i \nabla_{W^{(t)}} h_i^{(t)}",
    ),
    (
        RNN,
        (
            r"\sum_t \sum_i \frac{\partial E}{\partial h_i^{(t)}} \nabla_{W^{(t)}} h_i^{(t)}"
            r" = \sum_t \mathrm{diag}(1 - (h^{(t)})^2) (\nabla_{h^{(t)}} E) {h^{(t-1)}}^\top"
        ),
    ),
    (RNN, r"\nabla_b E = \sum_t \left(\frac{\partial h^{(t)}}{\partial b^{(t)}}\right)^\top \nabla_{h^{(t)}} E"),
    (LSTM, r"\nabla_{W_f^{(t)}} E = (\bar{c}_t \odot c_{t-1} \odot f_t \odot (1 - f_t)) h_{t-1}^\top"),
    (LSTM, r"\frac{\partial E}{\partial b_o^{(t)}} = \bar{h}_t \odot \tanh(c_t) \odot o_t \odot (1 - o_t)"),
]
WRONG = [
    (RNN, r"\nabla_W E = \nabla_{W^{(t)}} E"),
    (RNN, r"\nabla_W E = \sum_{t=1}^{T-1} \nabla_{W^{(t)}} E"),
    (RNN, r"\nabla_{W^{(t)}} E = (\bar{h}_t \odot (1 - h_t^2)) h_t^\top"),
    (RNN, r"\nabla_{W^{(t)}} E = \sum_{k=1}^t (\bar{h}_k \odot (1 - h_k^2)) h_{k-1}^\top"),
    (RNN, r"\nabla_b E = \sum_t \left(\frac{\partial h^{(t)}}{\partial b^{(t-1)}}\right)^\top \nabla_{h^{(t)}} E"),
    (RNN, r"\nabla_W E = \sum_t \sum_i \left(\frac{\partial E}{\partial h_i^{(t)}}\right) \nabla_W h_i^{(t)}"),
    (
        RNN,
        r"\nabla_W E = \sum_t \sum_i \left(\frac{\partial E}{\partial h_i^{(t-1)}}\right) \nabla_{W^{(t)}} h_i^{(t)}",
    ),
    (LSTM, r"\nabla_{W_f^{(t)}} E = (\bar{c}_t \odot c_{t-1} \odot f_t \odot (1 - i_t)) h_{t-1}^\top"),
]


@pytest.mark.parametrize(("model", "claim"), RIGHT)
def test_right_ones_hold(model: rnnsym.Model, claim: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) in ("proved", "supported")
    if "^{(t" in claim:
        assert "is a copy of" in str(result)


@pytest.mark.parametrize(("model", "claim"), WRONG)
def test_wrong_ones_are_refuted(model: rnnsym.Model, claim: str) -> None:
    assert str(rnnsym.verify(model, claim).verdict) == "refuted"


def test_a_last_step_that_stands_beside_every_step_is_the_last() -> None:
    claim = r"""
    \nabla_{h^{(\tau)}} E = V^\top \nabla_{o^{(\tau)}} E
    \nabla_{h^{(t)}} E = W^\top \mathrm{diag}(1 - (h^{(t+1)})^2) \nabla_{h^{(t+1)}} E + V^\top \nabla_{o^{(t)}} E
    \nabla_{o^{(t)}} E = \left(\frac{\partial y_t}{\partial o_t}\right)^\top \frac{\partial E}{\partial y_t}
    """
    result = rnnsym.verify(RNN, claim, where="o_t = V h_t + c")
    assert "tau is the last step T" in result.assumed
    assert str(result.verdict) in ("proved", "supported")
    assert (
        str(rnnsym.verify(RNN, claim.replace("{(t+1)})^2", "{(t)})^2"), where="o_t = V h_t + c").verdict) == "refuted"
    )
