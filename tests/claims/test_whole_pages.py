r"""Whole pages as their authors wrote them, right and with one slip: every other line stays right."""

from __future__ import annotations

import contextlib

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.claims.match import read
from rnnsym.verify.formulas.vocabulary import printed_result

PEEPHOLES = Model("""
zbar[t] = W_z @ x[t] + R_z @ y[t-1] + b_z
z[t] = tanh(zbar[t])
ibar[t] = W_i @ x[t] + R_i @ y[t-1] + p_i * c[t-1] + b_i
i[t] = sigmoid(ibar[t])
fbar[t] = W_f @ x[t] + R_f @ y[t-1] + p_f * c[t-1] + b_f
f[t] = sigmoid(fbar[t])
c[t] = z[t] * i[t] + c[t-1] * f[t]
obar[t] = W_o @ x[t] + R_o @ y[t-1] + p_o * c[t] + b_o
o[t] = sigmoid(obar[t])
y[t] = tanh(c[t]) * o[t]
E[t] = squared_error(d[t], y[t])
""")
PEEPHOLES_WHERE = "h = \\tanh\ng = \\tanh\n\\Delta^t = y^t - d^t"
PEEPHOLES_PAGE = r"""
\begin{align}
\mathbf{\delta y}^t &= \Delta^t + \mathbf{R}_z^T \mathbf{\delta z}^{t+1} + \mathbf{R}_i^T \mathbf{\delta i}^{t+1} + \mathbf{R}_f^T \mathbf{\delta f}^{t+1} + \mathbf{R}_o^T \mathbf{\delta o}^{t+1} \\
\mathbf{\delta o}^t &= \mathbf{\delta y}^t \odot h(\mathbf{c}^t) \odot \sigma'(\bar{\mathbf{o}}^t) \\
\mathbf{\delta c}^t &= \mathbf{\delta y}^t \odot \mathbf{o}^t \odot h'(\mathbf{c}^t) + \mathbf{p}_o \odot \mathbf{\delta o}^t + \mathbf{p}_i \odot \mathbf{\delta i}^{t+1} + \mathbf{p}_f \odot \mathbf{\delta f}^{t+1} + \mathbf{\delta c}^{t+1} \odot \mathbf{f}^{t+1} \\
\mathbf{\delta f}^t &= \mathbf{\delta c}^t \odot \mathbf{c}^{t-1} \odot \sigma'(\bar{\mathbf{f}}^t) \\
\mathbf{\delta i}^t &= \mathbf{\delta c}^t \odot \mathbf{z}^t \odot \sigma'(\bar{\mathbf{i}}^t) \\
\mathbf{\delta z}^t &= \mathbf{\delta c}^t \odot \mathbf{i}^t \odot g'(\bar{\mathbf{z}}^t)
\end{align}
\begin{align*}
\delta \mathbf{W}_\star &= \sum_{t=0}^{T} \langle \mathbf{\delta \star}^t, \mathbf{x}^t \rangle & \delta \mathbf{p}_i &= \sum_{t=0}^{T-1} \mathbf{c}^t \odot \mathbf{\delta i}^{t+1} \\
\delta \mathbf{R}_\star &= \sum_{t=0}^{T-1} \langle \mathbf{\delta \star}^{t+1}, \mathbf{y}^t \rangle & \delta \mathbf{p}_f &= \sum_{t=0}^{T-1} \mathbf{c}^t \odot \mathbf{\delta f}^{t+1} \\
\delta \mathbf{b}_\star &= \sum_{t=0}^{T} \mathbf{\delta \star}^t & \delta \mathbf{p}_o &= \sum_{t=0}^{T} \mathbf{c}^t \odot \mathbf{\delta o}^t
\end{align*}"""
ORDERED = Model("""
net[t] = W @ x[t-1] + V @ u[t]
x[t] = sigmoid(net[t])
E[t] = squared_error(Y[t], x[t])
""")
ORDERED_PAGE = r"""
\frac{\partial^+ E}{\partial x_i(t)} = (x_i(t) - Y_i(t)) + \sum_j W_{ji} \frac{\partial^+ E}{\partial net_j(t+1)}
\frac{\partial^+ E}{\partial net_i(t)} = s'(net_i(t)) \frac{\partial^+ E}{\partial x_i(t)}
\frac{\partial^+ E}{\partial W_{ij}} = \sum_{t=1}^{T} \frac{\partial^+ E}{\partial net_i(t)} x_j(t-1)"""
BOTH_WAYS = Model(
    """
    hf[t] = tanh(W_f @ hf[t-1] + U_f @ x[t])
    hb[t] = tanh(W_b @ hb[t+1] + U_b @ x[t])
    o[t] = V_f @ hf[t] + V_b @ hb[t]
    E[t] = squared_error(ystar[t], o[t])
    """,
    symbols={"hf": r"\overrightarrow{h}", "hb": r"\overleftarrow{h}"},
)
BOTH_WAYS_PAGE = r"""
\delta^o_t = o_t - y^*_t
\overrightarrow{\delta}_t = (1 - \overrightarrow{h}_t^2) \odot (V_f^\top \delta^o_t + W_f^\top \overrightarrow{\delta}_{t+1})
\overleftarrow{\delta}_t = (1 - \overleftarrow{h}_t^2) \odot (V_b^\top \delta^o_t + W_b^\top \overleftarrow{\delta}_{t-1})
\frac{\partial E}{\partial W_f} = \sum_{t=1}^T \overrightarrow{\delta}_t \overrightarrow{h}_{t-1}^\top
\frac{\partial E}{\partial W_b} = \sum_{t=1}^T \overleftarrow{\delta}_t \overleftarrow{h}_{t+1}^\top"""
CELL = Model(
    """
    net_f[t] = W_fh @ h[t-1] + W_fx @ x[t] + b_f
    net_i[t] = W_ih @ h[t-1] + W_ix @ x[t] + b_i
    net_c[t] = W_ch @ h[t-1] + W_cx @ x[t] + b_c
    net_o[t] = W_oh @ h[t-1] + W_ox @ x[t] + b_o
    f[t] = sigmoid(net_f[t])
    i[t] = sigmoid(net_i[t])
    ctilde[t] = tanh(net_c[t])
    o[t] = sigmoid(net_o[t])
    c[t] = f[t] * c[t-1] + i[t] * ctilde[t]
    h[t] = o[t] * tanh(c[t])
    E = squared_error(y, h[T])
    """,
    inputs=("y",),
)
CELL_PAGE = r"""
\delta_T = h_T - y
\delta_{o,t} = \delta_t \circ \tanh(\mathbf{c}_t) \circ \mathbf{o}_t \circ (1 - \mathbf{o}_t)
\delta_{f,t} = \delta_t \circ \mathbf{o}_t \circ (1 - \tanh(\mathbf{c}_t)^2) \circ \mathbf{c}_{t-1} \circ \mathbf{f}_t \circ (1 - \mathbf{f}_t)
\delta_{i,t} = \delta_t \circ \mathbf{o}_t \circ (1 - \tanh(\mathbf{c}_t)^2) \circ \tilde{\mathbf{c}}_t \circ \mathbf{i}_t \circ (1 - \mathbf{i}_t)
\delta_{\tilde{c},t} = \delta_t \circ \mathbf{o}_t \circ (1 - \tanh(\mathbf{c}_t)^2) \circ \mathbf{i}_t \circ (1 - \tilde{\mathbf{c}}_t^2)
\delta_{t-1} = W_{oh}^T \delta_{o,t} + W_{fh}^T \delta_{f,t} + W_{ih}^T \delta_{i,t} + W_{ch}^T \delta_{\tilde{c},t}"""
CHARACTERS = Model("""
h[t] = tanh(W_xh @ x[t] + W_hh @ h[t-1] + b_h)
y[t] = W_hy @ h[t] + b_y
p[t] = softmax(y[t])
L[t] = cross_entropy(target[t], p[t])
""")
CHARACTERS_LOOP = """
dy[t] = p[t] - target[t]
dW_hy += dy[t] @ h[t].T
db_y += dy[t]
dh[t] = W_hy.T @ dy[t] + dhnext[t]
dhraw[t] = (1 - h[t]**2) * dh[t]
dW_hh += dhraw[t] @ h[t-1].T
dhnext[t-1] = W_hh.T @ dhraw[t]"""
RESET = Model("""
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1])
htilde[t] = tanh(W_h @ x[t] + U_h @ (r[t] * h[t-1]))
h[t] = z[t] * h[t-1] + (1 - z[t]) * htilde[t]
L[t] = squared_error(y[t], h[t])
""")
RESET_PAGE = r"""
\delta_{t-1} = (h_{t-1} - y_{t-1}) + \delta_t \odot z_t
  + U_z^T \left( \delta_t \odot (h_{t-1} - \tilde{h}_t) \odot z_t \odot (1 - z_t) \right)
  + r_t \odot U_h^T \left( \delta_t \odot (1 - z_t) \odot (1 - \tilde{h}_t^2) \right)"""

GATES = Model("""
i[t] = sigmoid(W_xi @ x[t] + W_hi @ h[t-1])
f[t] = sigmoid(W_xf @ x[t] + W_hf @ h[t-1])
o[t] = sigmoid(W_xo @ x[t] + W_ho @ h[t-1])
g[t] = tanh(W_xc @ x[t] + W_hc @ h[t-1])
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * tanh(c[t])
E[t] = squared_error(y[t], h[t])
""")
GATES_PAGE = r"""
\begin{align}
\partial o_t &= \tanh(c_t) \circ \partial h_t & \partial c_t &= (1 - \tanh(c_t)^2) \circ o_t \circ \partial h_t \\
\partial f_t &= c_{t-1} \circ \partial c_t & \partial c_{t-1} &\mathrel{+}= f_t \circ \partial c_t \\
\partial i_t &= g_t \circ \partial c_t & \partial g_t &= i_t \circ \partial c_t
\end{align}
\partial W_{ho} = \sum_t (o_t \circ (1-o_t) \circ \partial o_t) h_{t-1}^T"""

RIGHT = {
    "gates": (GATES, GATES_PAGE, "", "proved"),
    "peepholes": (PEEPHOLES, PEEPHOLES_PAGE, PEEPHOLES_WHERE, "proved"),
    "ordered": (ORDERED, ORDERED_PAGE, r"s = \sigma", "proved"),
    "ordered beside plain": (ORDERED, ORDERED_PAGE.replace("(x_i(t) - Y_i(t))", r"\frac{\partial E}{\partial x_i(t)}"),
                             r"s = \sigma", "supported"),
    "both ways": (BOTH_WAYS, BOTH_WAYS_PAGE, "", "proved"),
    "characters": (CHARACTERS, CHARACTERS_LOOP, "", "conditional"),
}  # fmt: skip
WRONG = [
    ("gates", r"f_t \circ \partial c_t", r"f_{t+1} \circ \partial c_t", 1),
    ("gates", r"\partial i_t &= g_t", r"\partial i_t &= i_t", 1),
    ("gates", r"c_{t-1} \circ \partial c_t &", r"c_t \circ \partial c_t &", 1),
    ("gates", r"h_{t-1}^T", r"h_t^T", 1),
    ("gates", r"\tanh(c_t) \circ \partial h_t", r"c_t \circ \partial h_t", 1),
    ("peepholes", r"\mathbf{p}_o \odot \mathbf{\delta o}^t", r"\mathbf{p}_o \odot \mathbf{\delta o}^{t+1}", 1),
    ("peepholes", r"\mathbf{c}^{t-1} \odot", r"\mathbf{c}^{t} \odot", 1),
    ("peepholes", r"h(\mathbf{c}^t)", r"h'(\mathbf{c}^t)", 1),
    ("peepholes", r"& \delta \mathbf{p}_i &= \sum_{t=0}^{T-1} \mathbf{c}^t", r"& \delta \mathbf{p}_i &= \sum_{t=0}^{T-1} \mathbf{c}^{t+1}", 1),
    ("peepholes", r"\mathbf{R}_o^T", r"\mathbf{R}_o", 1),
    ("ordered", "W_{ji}", "W_{ij}", 1),
    ("ordered", "x_j(t-1)", "x_j(t)", 1),
    ("ordered", "net_j(t+1)", "net_j(t)", 1),
    ("ordered", "s'(net_i(t))", "s'(net_i(t+1))", 1),
    ("ordered", "(x_i(t) - Y_i(t)) +", "", 1),
    ("ordered beside plain", r"\sum_j W_{ji}", r"2 \sum_j W_{ji}", 1),
    ("both ways", r"\overleftarrow{\delta}_{t-1}", r"\overleftarrow{\delta}_{t+1}", 1),
    ("both ways", r"\overleftarrow{h}_{t+1}", r"\overleftarrow{h}_{t-1}", 1),
    ("both ways", r"\overrightarrow{\delta}_{t+1}", r"\overrightarrow{\delta}_{t-1}", 1),
    ("both ways", "V_b^\\top", "V_b", 1),
    ("both ways", "y^*_t", "y^*_{t-1}", 1),
    ("characters", "h[t-1].T", "h[t].T", 1),
    ("characters", "dW_hy += dy[t] @ h[t].T", "dW_hy = dy[T] @ h[T].T", 1),
    ("characters", "dhnext[t-1] = W_hh.T", "dhnext[t-1] = W_hh", 1),
    ("characters", "+ dhnext[t]", "", 1),
    ("characters", "(1 - h[t]**2)", "(1 - h[t])", 1),
]  # fmt: skip


@pytest.mark.parametrize("page", RIGHT)
def test_right_pages_hold(page: str) -> None:
    model, claim, where, verdict = RIGHT[page]
    result = rnnsym.verify(model, claim, where=where)
    assert str(result.verdict) == verdict, str(result)


@pytest.mark.parametrize(("page", "old", "new", "wrong"), WRONG)
def test_one_slip_is_one_wrong_line(page: str, old: str, new: str, wrong: int) -> None:
    model, claim, where, _ = RIGHT[page]
    assert old in claim
    with contextlib.suppress(rnnsym.RnnsymError):
        result = rnnsym.verify(model, claim.replace(old, new, 1), where=where)
        assert not result.holds
        assert sum(str(row.verdict) == "refuted" for row in result.equations) in (0, wrong), str(result)


def test_plus_of_the_loss_is_told_to_be_that_of_ordered_derivatives() -> None:
    model, claim, where, _ = RIGHT["ordered"]
    assert "ordered derivative of Werbos" in str(rnnsym.verify(model, claim, where=where))


def test_one_path_in_place_of_an_adjoint_is_named_and_the_lines_beside_it_stay() -> None:
    result = rnnsym.verify(CELL, CELL_PAGE)
    assert {row.line for row in result.equations if str(row.verdict) == "refuted"} == {4, 5, 6}
    for diagnosis in result.diagnoses:
        assert "the path from c[t] to c[t+1] through f[t+1] is missing" in diagnosis.explanations[0].sentence


def test_a_missing_path_is_named_where_names_have_a_tilde() -> None:
    result = rnnsym.verify(RESET, RESET_PAGE)
    assert "the path from h[t-1] to a_r[t] through U_r" in str(result)


@pytest.mark.parametrize("model", [RESET, CELL, PEEPHOLES, BOTH_WAYS])
def test_what_diagnoses_take_the_truth_from_can_be_read(model: Model) -> None:
    assert read(printed_result(model, "columns"), model, format="text").equations
