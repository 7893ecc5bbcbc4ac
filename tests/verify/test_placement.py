"""Slips of place: outside of a matrix product for inside, one step for all steps, one path for all, the wrong element."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")
LAST = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\ny = V @ h[T]\nE = squared_error(d, y)", inputs=("d",))
LINEAR = Model("S[t] = S[t-1] + v[t] @ k[t].T\no[t] = S[t] @ q[t]\nE[t] = squared_error(y[t], o[t])")
SOFT = Model("a[t] = tanh(W @ a[t-1] + U @ x[t])\np[t] = softmax(V @ a[t])\nE[t] = squared_error(y[t], p[t])")
CROSS = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\no[t] = V @ h[t]\nE[t] = cross_entropy(d[t], softmax(o[t]))")
CELL = Model("""
f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t])
g[t] = tanh(W_g @ h[t-1] + U_g @ x[t])
c[t] = f[t] * c[t-1] + g[t]
h[t] = tanh(c[t])
E[t] = squared_error(y[t], h[t])
""")
RESET = Model("""
r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t])
h[t] = tanh(W @ (r[t] * h[t-1]) + U @ x[t])
E[t] = squared_error(y[t], h[t])
""")
DEEP = Model(
    "z_1 = W_1 @ x\na_1 = sigmoid(z_1)\nz_2 = W_2 @ a_1\na_2 = sigmoid(z_2)\nC = squared_error(y, a_2)",
    inputs=("x", "y"),
)
SLOW = pytest.mark.slow
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"
BACK = r"""
\delta_t = (1 - h_t^2) \odot \bar h_t
\bar h_t = h_t - y_t + r_{t+1} \odot W^\top \delta_{t+1} + W_r^\top \gamma_{t+1}
\gamma_t = W^\top \delta_t \odot h_{t-1} \odot r_t \odot (1 - r_t)"""
NEGATED = r"""
\bar h_t = h_t - y_t + W^\top da_{t+1}
da_t = - (1 - h_t^2) \odot \bar h_t
\frac{\partial E}{\partial W} = \sum_t da_t h_{t-1}^\top
\frac{\partial E}{\partial U} = \sum_t da_t x_t^\top"""


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        pytest.param(RESET, BACK.replace(r"r_{t+1} \odot W^\top \delta_{t+1}", r"W^\top (r_{t+1} \odot \delta_{t+1})"),
         "The factor r[t+1] stands inside of the matrix product, where r[t+1] ⊙ Wᵀ δ[t+1] is needed", marks=SLOW),
        (RNN, r"\bar h_t = h_t - y_t + (1 - h_{t+1}^2) \odot W^\top \bar h_{t+1}",
         "stands outside of the matrix product, where Wᵀ ((1 - h[t+1]²) ⊙ h̄[t+1]) is needed"),
        (LAST, r"\frac{\partial E}{\partial U} = \bar a_T x_T^\top", "the sum over t is missing, as every step contributes"),
        (LAST, r"\frac{\partial E}{\partial V} = \sum_t (y - d) h_t^\top", "t = T alone counts"),
        (LINEAR, r"\frac{\partial E}{\partial v_t} = \sum_{s=1}^{t} (q_s^\top k_t) (o_s - y_s)",
         "The sum over s runs over 1, ..., t, where it has to run over t, ..., T"),
        (SOFT, r"\bar a_t = V^\top (p_t \odot (1 - p_t) \odot (p_t - y_t)) + W^\top ((1 - a_{t+1}^2) \odot \bar a_{t+1})",
         "The derivative of the softmax is taken element by element"),
        (CELL, r"\frac{d c_t}{d c_{t-1}} = \operatorname{diag}(f_t)",
         "is the immediate one here, where the total one is needed: the paths through other values are missing: h[t-1]"),
        (CELL, r"\frac{d c_t}{d c_k} = \prod_{j=k+1}^{t} \operatorname{diag}(f_j)", "is the product of the immediate ones here"),
        (LAST, r"\frac{\partial E}{\partial h_{t-1}} = W^\top (\bar h_t - h_{t-1} \odot h_{t-1} \odot \bar h_t)",
         "h[t-1] stands where h[t] is needed, each time"),
        (RNN, NEGATED, "The sign of the right side is wrong"),
        pytest.param(CROSS, r"\bar h_t = V^\top (\operatorname{softmax}(o_t) - d_t) + W^\top ((1 - h_{t+1}) \odot \bar h_{t+1})", "1 - h[t+1]²", marks=SLOW),
        (RNN, DELTA + r"\frac{\partial E}{\partial W_{12}} = \sum_t \delta_{t,1} h_{t-1,1}", "The index 1 of h_{t-1,1} has to be 2"),
        (RNN, r"""\frac{\partial h_k(t)}{\partial w_{ij}} = (1 - h_k(t)^2) [\sum_l w_{kl} \frac{\partial h_l(t-1)}{\partial w_{ij}}
         + \delta_{jk} h_j(t-1)]""".replace("\n", ""), r"The index j of \delta_{jk} has to be i"),
    ],
)  # fmt: skip
def test_what_stands_at_a_wrong_place_is_named(model: Model, claim: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "refuted", str(result)
    (diagnosis,) = result.diagnoses
    assert any(said in one.sentence for one in diagnosis.explanations), str(result)
    assert diagnosis.changes == 1


def test_the_number_of_a_layer_is_named() -> None:
    claim = r"""
        \delta^2 = (a^2 - y) \odot \sigma'(z^2)
        \frac{\partial C}{\partial W^2_{jk}} = a^2_k \delta^2_j"""
    assert "The index 2 of a^2_k has to be 1" in str(rnnsym.verify(DEEP, claim))


def test_the_paths_that_are_missing_are_put_in() -> None:
    (diagnosis,) = rnnsym.verify(CELL, r"\frac{d c_t}{d c_{t-1}} = \operatorname{diag}(f_t)").diagnoses
    assert "diag(f[t]) + ∂⁺c[t]/∂h[t-1] dh[t-1]/dc[t-1]" in diagnosis.explanations[0].corrected_text
    assert str(rnnsym.verify(CELL, diagnosis.explanations[0].corrected).verdict) in ("proved", "supported")
