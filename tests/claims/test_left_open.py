r"""What authors leave open: numbers of elements, recursions that end, time counted backwards, vectors side by side."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(y[t], h[t])")
LAST = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nyhat = softmax(V @ h[T])\nL = cross_entropy(y, yhat)")
LINEAR = Model("h[t] = W @ h[t-1] + U @ x[t]\nE[t] = squared_error(y[t], h[t])")
SOFTMAX = Model("z = W @ h\np = softmax(z)\nL = cross_entropy(y, p)", inputs=("h", "y"))
MIXED = Model("""
z[t] = sigmoid(W_z @ x[t])
g[t] = W_h @ x[t]
h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]
E[t] = squared_error(y[t], h[t])
""")
RESET = Model("""
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1])
q[t] = U_n @ h[t-1] + b_q
h[t] = tanh(W_n @ x[t] + r[t] * q[t])
E[t] = squared_error(y[t], h[t])
""")
GATE = Model("""
f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t])
k[t] = tanh(W_h @ (f[t] * h[t-1]) + U_h @ x[t])
h[t] = (1 - f[t]) * h[t-1] + f[t] * k[t]
E[t] = squared_error(y[t], h[t])
""")
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"
ENDING = r"""
\frac{\partial L}{\partial h_T} = V^\top (\hat{y} - y)
\frac{\partial L}{\partial h_t} = W^\top \left( \frac{\partial L}{\partial h_{t+1}} \odot (1 - h_{t+1}^2) \right)"""
FORGET = r"""
\delta^h_t = h_t - y_t + \delta^h_{t+1} \odot (1 - f_{t+1}) + W_f^\top \delta^f_{t+1} + f_{t+1} \odot W_h^\top \delta^k_{t+1}
\delta^k_t = \delta^h_t \odot f_t \odot (1 - k_t^2)
\delta^f_t = (\delta^h_t \odot (k_t - h_{t-1}) + W_h^\top \delta^k_t \odot h_{t-1}) \odot f_t \odot (1 - f_t)
\frac{\partial E}{\partial W_f} = \sum_t \delta^f_t h_{t-1}^T"""

FIRST = r"""
\delta_1^{(t)} = (1 - (h_1^{(t)})^2) (h_1^{(t)} - y_1^{(t)} + \sum_j W_{j1} \delta_j^{(t+1)})
\frac{\partial E}{\partial b_1} = \sum_t \delta_1^{(t)}"""
BACKWARDS = r"""
\delta_{T-k} = (1 - h_{T-k}^2) \odot (h_{T-k} - y_{T-k} + W^\top \delta_{T-k+1})
\frac{\partial E}{\partial W} = \sum_{k=0}^{T-1} \delta_{T-k} h_{T-k-1}^\top"""
NEGATIVE = r"""
\delta_t = -\frac{\partial E}{\partial h_t}
\delta_t = y_t - h_t + W^\top ((1 - h_{t+1}^2) \odot \delta_{t+1})"""
CASES = r"""
\delta_t = \begin{cases} (1 - h_T^2) \odot (h_T - y_T) & t = T \\
  (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1}) & \text{if } 1 \le t < T \end{cases}
\nabla_b E = \sum_t \delta_t"""
PATHS = r"""\nabla_{W_h} E
  = \sum_{t=1}^T \sum_{k=1}^t \left( (h_t - y_t) \odot \prod_{j=k+1}^t (1 - z_j) \odot z_k \right) x_k^\top"""
INNER = r"""\frac{\partial E}{\partial r_t}
  = \frac{\partial E}{\partial h_t} \odot (1 - h_t^2) \odot (U_n h_{t-1} + b_q)"""
COSTATE = r"""
\lambda_t = -(h_t - y_t) - W^\top ((1 - h_{t+1}^2) \odot \lambda_{t+1})
\nabla_b E = -\sum_t (1 - h_t^2) \odot \lambda_t"""


@pytest.mark.parametrize(
    ("model", "claim", "verdict"),
    [
        (RNN, DELTA + r"\frac{\partial E}{\partial W_{12}} = \sum_t \delta_{t,1} h_{t-1,2}", "proved"),
        (RNN, DELTA + r"\frac{\partial E}{\partial U_{11}} = \sum_t \delta_{t,1} x_{t,1}", "proved"),
        (RNN, FIRST, "proved"),
        (SOFTMAX, r"\frac{\partial p_1}{\partial z_2} = -p_1 p_2", "supported"),
        (LAST, ENDING, "conditional"),
        (LAST, ENDING.split("\n")[2], "conditional"),
        (RNN, BACKWARDS, "proved"),
        (RNN, NEGATIVE, "proved"),
        (RNN, CASES, "proved"),
        (RNN, r"\frac{\partial E}{\partial b} = \sum_t (1 - h_t) (1 + h_t) \frac{\partial E}{\partial h_t}", "conditional"),
        (LINEAR, r"\frac{\partial h_t}{\partial h_k} = W^{t-k}", "proved"),
        (MIXED, r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(1 - z_j)", "proved"),
        (MIXED, r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} (1 - z_j)", "proved"),
        (MIXED, PATHS, "supported"),
        (RESET, INNER, "proved"),
        (GATE, FORGET, "proved"),
    ],
)  # fmt: skip
def test_right_ones_hold(model: Model, claim: str, verdict: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == verdict, str(result)


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        (RNN, DELTA + r"\frac{\partial E}{\partial W_{12}} = \sum_t \delta_{t,2} h_{t-1,1}", "transposed"),
        (SOFTMAX, r"\frac{\partial p_1}{\partial z_2} = p_1 p_2", ""),
        (LAST, ENDING.replace(r"W^\top", "W"), "W must be transposed here"),
        (LAST, ENDING.split("\n")[2].replace(r"h_{t+1}^2", r"h_t^2"), "h[t] stands where h[t+1] is needed"),
        (RNN, COSTATE, "sign"),
        (GATE, FORGET.replace(r" + W_h^\top \delta^k_t \odot h_{t-1}", ""), "(h[t-1] ⊙ W_hᵀ δ^k[t]) is missing"),
        (MIXED, r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k}^{t} (1 - z_j)", "begins at k"),
    ],
)  # fmt: skip
def test_wrong_ones_are_refuted(model: Model, claim: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "refuted", str(result)
    assert said in str(result)


def test_a_number_beside_a_letter_that_counts_is_a_time() -> None:
    claim = r"\frac{\partial E}{\partial h_{0,k}} = \sum_j W_{jk} (1 - h_{1,j}^2) \frac{\partial E}{\partial h_{1,j}}"
    assert str(rnnsym.verify(RNN, claim).verdict) == "proved"
