r"""Notation as papers, lecture notes and blogs have it: times as arguments and in angles, boxes, cases, names for derivatives."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.claims.brief import shown
from rnnsym.claims.match import read

NET = Model("""
net[t] = W @ y[t-1] + V @ x[t]
y[t] = sigmoid(net[t])
E[t] = squared_error(d[t], y[t])
""")
RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")
ROWS = Model("h[t] = tanh(x[t] @ U + h[t-1] @ W)\no[t] = h[t] @ V\nE[t] = squared_error(y[t], o[t])")
LAYERS = Model("""
h1[t] = tanh(W1 @ h1[t-1] + U1 @ x[t])
h2[t] = tanh(W2 @ h2[t-1] + U2 @ h1[t])
E[t] = squared_error(y[t], h2[t])
""")
SOFTMAX = Model("z = W @ h\np = softmax(z)\nL = cross_entropy(y, p)", inputs=("h", "y"))
GRU = Model("""
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1])
r[t] = sigmoid(W_r @ x[t] + U_r @ h[t-1])
g[t] = tanh(W_h @ x[t] + U_h @ (r[t] * h[t-1]))
h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]
L[t] = squared_error(y[t], h[t])
""")
LSTM = Model("""
i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t])
f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t])
o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t])
g[t] = tanh(W_g @ h[t-1] + U_g @ x[t])
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * tanh(c[t])
E[t] = squared_error(y[t], h[t])
""")
LAST = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\ny = V @ h[T]\nL = squared_error(d, y)", inputs=("d",))

RIGHT = {
    "times as arguments": (NET, r"""
        \vartheta_k(T) = f_k'(\mathrm{net}_k(T)) \, (y_k(T) - d_k(T))
        \vartheta_j(t) = f_j'(\mathrm{net}_j(t)) \left( y_j(t) - d_j(t) + \sum_i w_{ij}\, \vartheta_i(t+1) \right), \quad t < T
        \frac{\partial E}{\partial w_{ij}} = \sum_{t=1}^{T} \vartheta_i(t)\, y_j(t-1)"""),
    "sensitivities of elements": (NET, r"""
        \frac{\partial y_k(t)}{\partial w_{ij}}
          = f'(net_k(t)) \left[ \sum_l w_{kl} \frac{\partial y_l(t-1)}{\partial w_{ij}} + \delta_{ik} y_j(t-1) \right]"""),
    "cases over elements": (SOFTMAX, r"""
        \frac{\partial p_i}{\partial z_j} = \begin{cases} p_i (1 - p_i) & i = j \\ -p_i p_j & i \neq j \end{cases}"""),
    "an indicator of elements": (SOFTMAX, r"\frac{\partial p_i}{\partial z_j} = p_i (\mathbf{1}[i = j] - p_j)"),
    "dots of a program": (RNN, r"""
        \delta_t = (1 - h_t .^2) .* (h_t - y_t + W' \delta_{t+1})
        \frac{dE}{dW} = \sum_{t=1}^{T} \delta_t h_{t-1}'"""),
    "a box": (RNN, r"\boxed{\;\frac{\partial h_t}{\partial h_{t-1}} = \underbrace{\mathrm{diag}(1 - h_t \circ h_t)}_{\text{slopes}} W\;}"),
    "a letter with a prime": (RNN, r"""
        \frac{\partial E}{\partial h_{\tau}}
          = \sum_{t=\tau}^{T} \left( \prod_{t'=\tau+1}^{t} W^\top \operatorname{diag}(1 - h_{t'}^2) \right) (h_t - y_t)"""),
    "a star for the matrix product": (ROWS, r"""
        \delta_t = (o_t - y_t) * V^T + \epsilon_{t+1} * W^T
        \epsilon_t = \delta_t \cdot (1 - h_t^2)
        \frac{\partial E}{\partial W} = \sum_t h_{t-1}^T * \epsilon_t"""),
    "layers above": (LAYERS, r"""
        \delta_t^{(2)} = (1 - h_t^{(2)} \odot h_t^{(2)}) \odot (h_t^{(2)} - y_t + W^{(2)\top} \delta_{t+1}^{(2)})
        \delta_t^{(1)} = (1 - h_t^{(1)} \odot h_t^{(1)}) \odot (U^{(2)\top} \delta_t^{(2)} + W^{(1)\top} \delta_{t+1}^{(1)})
        \frac{\partial E}{\partial U^{(2)}} = \sum_t \delta_t^{(2)} (h_t^{(1)})^\top"""),
    "a derivative with a name": (GRU, r"""
        \delta^{h}_t = \frac{\partial L}{\partial h_t}
        \delta^{g}_t = \delta^h_t \circ (1 - z_t) \circ (1 - g_t^2)
        \delta^{z}_t = \delta^h_t \circ (h_{t-1} - g_t) \circ z_t \circ (1 - z_t)
        \delta^{r}_t = (U_h^T \delta^{g}_t) \circ h_{t-1} \circ r_t \circ (1 - r_t)
        \delta^{h}_{t-1} = (h_{t-1} - y_{t-1}) + \delta^{h}_t \circ z_t
          + U_z^T \delta^{z}_t + U_r^T \delta^{r}_t + U_h^T \delta^{g}_t \circ r_t"""),
    "two names of one thing": (LAST, r"""
        \bigtriangleup V = \frac{\partial L}{\partial V} = (y - d) \otimes h_T"""),
    "times in angles": (LSTM, r"""
        dc^{\langle t \rangle} = \frac{\partial E}{\partial h^{<t>}} * o^{<t>} * (1 - \tanh^2(c^{<t>})) + dc^{<t+1>} * f^{<t+1>}
        dW_f = \sum_t (dc^{<t>} * c^{<t-1>} * f^{<t>} * (1 - f^{<t>})) (h^{<t-1>})^T"""),
}  # fmt: skip


@pytest.mark.parametrize("habit", RIGHT)
def test_right_formulas_are_proved(habit: str) -> None:
    model, claim = RIGHT[habit]
    rows = "rows" if model is ROWS else "columns"
    result = rnnsym.verify(model, claim, where=r"f = \sigma" if model is NET else "", convention=rows)
    assert str(result.verdict) == "proved", str(result)


@pytest.mark.parametrize(
    ("habit", "old", "new", "said"),
    [
        ("times as arguments", "w_{ij}\\, \\v", "w_{ji}\\, \\v", "transposed"),
        ("cases over elements", "-p_i p_j", "p_i p_j", ""),
        ("dots of a program", "W'", "W", "transposed"),
        ("layers above", r"(h_t^{(1)})^\top", r"(h_{t-1}^{(1)})^\top", "h1[t]"),
        ("two names of one thing", "(y - d)", "(y + d)", ""),
    ],
)
def test_wrong_ones_are_refuted(habit: str, old: str, new: str, said: str) -> None:
    model, claim = RIGHT[habit]
    before, found, after = claim.rpartition(old)
    assert found
    result = rnnsym.verify(model, before + new + after, where=r"f = \sigma" if model is NET else "")
    assert str(result.verdict) == "refuted", str(result)
    assert said in str(result)


def test_a_definition_of_which_nothing_is_said_is_not_passed_over() -> None:
    model, claim = RIGHT["layers above"]
    assert "was not checked" not in str(rnnsym.verify(model, claim))
    wrong = claim.replace(r"U^{(2)\top} \delta_t", r"U^{(2)\top} \delta_{t+1}")
    assert "line 3 was not checked: delta^(1) is no derivative" in str(rnnsym.verify(model, wrong))


def test_theta_is_each_parameter() -> None:
    claim = r"""
        \frac{\partial \mathcal{E}}{\partial \theta} = \sum_{1 \leq t \leq T} \frac{\partial \mathcal{E}_t}{\partial \theta}
        \frac{\partial \mathcal{E}_t}{\partial \theta} = \sum_{k=1}^{t}
          \frac{\partial \mathcal{E}_t}{\partial h_t} \frac{\partial h_t}{\partial h_k} \frac{\partial^{+} h_k}{\partial \theta}"""
    result = rnnsym.verify(RNN, claim)
    assert str(result.verdict) in ("proved", "supported")
    assert "theta is each of W, U" in str(result)


def test_a_sequence_is_defined_once() -> None:
    said = r"\delta_t = \frac{\partial E}{\partial h_t} = (h_t - y_t) + W^\top ((1 - h_{t+1}^2) \odot \delta_{t+1})"
    claim = read(said, RNN)
    assert [shown(equation.left) for equation in claim.equations] == ["delta[t]", "dE/dh[t]"]
    assert str(rnnsym.verify(RNN, said).verdict) == "proved"
    assert str(rnnsym.verify(RNN, said.replace("- y_t", "+ y_t")).verdict) == "refuted"


def test_a_recursion_after_a_definition_is_a_claim() -> None:
    first = r"\delta_{t} = (1-h_t^2) \odot (h_t - y_t + W^T \delta_{t+1})"
    second = r"\delta_{t-1} = (1-h_{t-1}^2) \odot (h_{t-1} - y_{t-1} + W^T \delta_t)"
    assert str(rnnsym.verify(RNN, first + "\n" + second).verdict) in ("proved", "supported")
    wrong = str(rnnsym.verify(RNN, first + "\n" + second.replace("W^T", "W")))
    assert "1 of 2 equations is wrong" in wrong
    assert "W must be transposed here" in wrong


def test_what_is_said_of_the_step_before_ends_with_the_last_step() -> None:
    said = r"\frac{\partial L}{\partial h_{t-1}} = W^T \left( (1 - h_t^2) \odot \frac{\partial L}{\partial h_t} \right)"
    assert str(rnnsym.verify(LAST, said).verdict) in ("proved", "supported")
    assert str(rnnsym.verify(LAST, said.replace("h_t^2", "h_{t-1}^2")).verdict) == "refuted"


def test_formulas_in_a_sentence_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(
        r"With $\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^T \delta_{t+1})$ we have "
        r"$\frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^T$, and for $U$: "
        r"$\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^T$."
    )
    assert str(rnnsym.verify(RNN, path).verdict) == "proved"
