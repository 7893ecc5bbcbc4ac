r"""Conventions of print: how far a sum reaches, tau for the last step, e^x, words without \mathrm, labels, steps one by one."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")
OUTPUT = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\no[t] = V @ h[t] + c\nL[t] = cross_entropy(d[t], softmax(o[t]))")
GRU = Model("""
z[t] = sigmoid(W_z @ concat(h[t-1], x[t]))
n[t] = tanh(W @ concat(r[t] * h[t-1], x[t]))
r[t] = sigmoid(W_r @ concat(h[t-1], x[t]))
h[t] = (1 - z[t]) * h[t-1] + z[t] * n[t]
E[t] = squared_error(y[t], h[t])
""")
SPACE = Model(
    "h[t] = exp(A * Delta[t]) * h[t-1] + Delta[t] * B * x[t]\ny[t] = dot(C, h[t])\nL[t] = squared_error(d[t], y[t])",
    sizes={"x": (), "Delta": (), "A": "n", "B": "n", "C": "n", "y": (), "d": ()},
)
INDEPENDENT = Model("h[t] = relu(W @ x[t] + u * h[t-1])\nJ = squared_error(d, h[T])", inputs=("d",))
LAST = Model("h[t] = relu(W @ h[t-1] + U @ x[t])\ny = V @ h[T]\nJ = squared_error(d, y)", inputs=("d",))

DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"
STEPS = r"""
\frac{\partial E}{\partial W} = \delta_1 h_0^\top + \delta_2 h_1^\top + \delta_3 h_2^\top
\delta_3 = (1 - h_3^2) \odot (h_3 - y_3)
\delta_2 = (1 - h_2^2) \odot (h_2 - y_2 + W^\top \delta_3)
\delta_1 = (1 - h_1^2) \odot (h_1 - y_1 + W^\top \delta_2)"""
WORDS = r"""
\frac{\partial L}{\partial o_t} = \operatorname{softmax}(o_t) - d_t
dh_t = V^T do_t + W^T dhraw_{t+1}
dhraw_t = (1 - h_t * h_t) * dh_t
\frac{\partial L}{\partial W} = \sum_t dhraw_t h_{t-1}^T"""
LABELS = r"""
\delta_t = \frac{\partial E}{\partial h_t}
\delta_{n,t} = \delta_t \circ z_t \circ (1 - n_t^2)
\frac{\partial E}{\partial W} = \sum_{t=1}^T \delta_{n,t} [r_t \circ h_{t-1}, x_t]^T"""
STATE = r"""
\frac{\partial L}{\partial h_t} = C (y_t - d_t) + e^{A \Delta_{t+1}} \odot \frac{\partial L}{\partial h_{t+1}}
\frac{\partial L}{\partial A} = \sum_{t=1}^{T} \Delta_t e^{A \Delta_t} \odot h_{t-1} \odot \frac{\partial L}{\partial h_t}"""
GATED = r"\frac{\partial J}{\partial h_t} = u^{T-t} \odot \prod_{k=t+1}^{T} \mathbf{1}[h_k > 0] \odot (h_T - d)"
PATH = r"\frac{\partial J}{\partial h_t} = \prod_{j=t+1}^{T} W^\top \operatorname{diag}(\mathbf{1}[h_j > 0]) V^\top (y - d)"


@pytest.mark.parametrize(
    ("model", "claim", "verdict", "said"),
    [
        (OUTPUT, r"\nabla_c L = \sum_t \operatorname{softmax}(o_t) - d_t", "conditional", "reaches over all that has its index"),
        (RNN, DELTA + r"\frac{\partial E}{\partial W} = \sum_{t=1}^{\tau} \delta_t h_{t-1}^T", "proved", "tau is the last step T"),
        (RNN, r"\frac{\partial E}{\partial h_\tau} = \sum_{t=\tau}^T \frac{\partial E_t}{\partial h_\tau}", "proved", ""),
        (RNN, STEPS, "conditional", "T = 3"),
        (RNN, "T = 3" + STEPS, "supported", "T = 3"),
        (RNN, "h_0 = 0\n" + r"\nabla_W E = \sum_{t=2}^{T} ((1 - h_t^2) \odot \bar h_t) h_{t-1}^T", "supported", ""),
        (OUTPUT, WORDS, "conditional", "sum to one"),
        pytest.param(GRU, LABELS, "proved", "", marks=pytest.mark.slow),
        (SPACE, STATE, "proved", ""),
        (INDEPENDENT, GATED, "supported", ""),
        (LAST, PATH, "proved", ""),
        (RNN, r"\delta_t^T = (h_t - y_t)^T + ((1 - h_{t+1}^2) \odot \delta_{t+1})^T W", "proved", ""),
    ],
)  # fmt: skip
def test_right_ones_hold(model: Model, claim: str, verdict: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == verdict, str(result)
    assert said in str(result)


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        (RNN, STEPS.replace(r"W^\top \delta_3", r"W \delta_3"), "W must be transposed here"),
        (RNN, STEPS.replace(r"\delta_2 h_1^\top", r"\delta_2 h_2^\top"), "h[2] stands where h[1] is needed"),
        (RNN, r"\frac{\partial E}{\partial h_3} = h_3 - y_3", "is missing"),
        (GRU, LABELS.replace(r"r_t \circ h", "h"), "lacks the factor r[t]"),
        (SPACE, STATE.replace(r"\Delta_t e", "e"), "lacks the factor Δ[t]"),
        (INDEPENDENT, GATED.replace("T-t", "T-t-1"), "The power of u is off by one"),
        (LAST, PATH.replace("V^", "V^").replace("h_j", "h_{j-1}"), "h[j-1] stands where h[j] is needed"),
    ],
)
def test_wrong_ones_are_refuted(model: Model, claim: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "refuted", str(result)
    assert said in str(result)


def test_a_first_state_that_is_written_is_not_taken_for_zero() -> None:
    claim = r"""
        \frac{\partial E_2}{\partial W} = \delta_2 h_1^\top + (W^\top \delta_2) h_0^\top
        \delta_2 = (1 - h_2^2) \odot (h_2 - y_2)"""
    result = rnnsym.verify(RNN, claim)
    assert str(result.verdict) == "refuted"
    assert "lacks the activation's derivative 1 - h[1]²" in str(result)
