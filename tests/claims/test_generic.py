"""Equations said of every layer or every gate, and of systems of equations held together by a brace."""

from __future__ import annotations

import pytest

import rnnsym

DEEP = rnnsym.load("feedforward_deep")
LSTM = rnnsym.load("lstm")
RNN = rnnsym.Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")
STACK = rnnsym.Model("""
    h_1[t] = tanh(W_1 @ h_1[t-1] + U_1 @ x[t])
    h_2[t] = tanh(W_2 @ h_2[t-1] + U_2 @ h_1[t])
    h_3[t] = tanh(W_3 @ h_3[t-1] + U_3 @ h_2[t])
    E[t] = squared_error(y[t], h_3[t])
""")
NIELSEN = r"""
\delta^L = \nabla_a C \odot \sigma'(z^L)
\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)
\frac{\partial C}{\partial b^l_j} = \delta^l_j
\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j
"""
STACKED = r"""
\delta_t^{(3)} = (1 - (h_t^{(3)})^2) \odot (h_t^{(3)} - y_t + (W^{(3)})^\top \delta_{t+1}^{(3)})
\delta_t^{(l)} = (1 - (h_t^{(l)})^2) \odot ((W^{(l)})^\top \delta_{t+1}^{(l)} + (U^{(l+1)})^\top \delta_t^{(l+1)})
\frac{\partial E}{\partial W^{(l)}} = \sum_t \delta_t^{(l)} (h_{t-1}^{(l)})^\top
"""
GATES = r"""
\delta o_t = \bar{h}_t \odot \tanh(c_t) \odot o_t \odot (1 - o_t)
\delta f_t = \bar{c}_t \odot c_{t-1} \odot f_t \odot (1 - f_t)
\frac{\partial E}{\partial W_\star} = \sum_t \langle \delta\star_t, h_{t-1} \rangle \quad \star \in \{o, f\}
\frac{\partial E}{\partial b_\star} = \sum_t \delta\star_t
"""


def verdict(model: rnnsym.Model, claim: str) -> str:
    return str(rnnsym.verify(model, claim).verdict)


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        (DEEP, NIELSEN, "line 3 is said of l = 1, 2, 3"),
        (DEEP, NIELSEN.replace("^l", r"^{(\ell)}").replace("^{l", r"^{\ell"), "line 5 is said of l = 2, 3, 4"),
        (STACK, STACKED, "line 3 is said of l = 1, 2"),
        (LSTM, GATES, "line 4 is said of ⋆ = f, o"),
    ],
)
def test_what_is_said_of_each_is_proved_of_each(model: rnnsym.Model, claim: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "proved"
    assert said in result.assumed


@pytest.mark.parametrize(
    ("model", "claim", "old", "new"),
    [
        (DEEP, NIELSEN, r"(w^{l+1})^T", r"(w^{l})^T"),
        (DEEP, NIELSEN, r"\sigma'(z^l)", r"\sigma'(a^l)"),
        (DEEP, NIELSEN, r"\sigma'(z^L)", r"\sigma'(a^L)"),
        (DEEP, NIELSEN, r"\sigma'(z^l)", r"\sigma'(z^{l+1})"),
        (DEEP, NIELSEN, "a^{l-1}_k", "a^{l}_k"),
        (DEEP, NIELSEN, "a^{l-1}_k", "z^{l-1}_k"),
        (STACK, STACKED, r"\delta_{t+1}^{(l)} +", r"\delta_{t}^{(l)} +"),
        (STACK, STACKED, r"(h_{t-1}^{(l)})", r"(h_{t}^{(l)})"),
        (STACK, STACKED, r"\delta_t^{(l+1)}", r"\delta_{t+1}^{(l+1)}"),
        (LSTM, GATES, "h_{t-1} ", "h_t "),
        (LSTM, GATES, r"b_\star} = \sum_t", r"b_\star} = \sum_{t=1}^{T-1}"),
    ],
)
def test_a_slip_is_never_proved(model: rnnsym.Model, claim: str, old: str, new: str) -> None:
    assert old in claim
    assert verdict(model, claim.replace(old, new)) in ("refuted", "malformed")


def test_a_range_of_layers_is_kept() -> None:
    told = NIELSEN.replace(r"\sigma'(z^l)", r"\sigma'(z^l) \quad l = L-1, \dots, 2")
    with pytest.raises(rnnsym.RnnsymError, match="delta"):  # of the first layer nothing is said then
        rnnsym.verify(DEEP, told)


ROWS = (r"\delta_t = \bar{h}_t \odot (1 - h_t^2)", r"\frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top")
SYSTEMS = [
    r"\begin{cases} %s \\ %s \end{cases}",
    r"\left\{ \begin{aligned} %s \\ %s \end{aligned} \right.",
    r"\left\{ \begin{array}{l} %s \\ %s \end{array} \right.",
    r"\left\lbrace\begin{matrix} %s \\ %s \end{matrix}\right.",
    r"\begin{array}{rcl} %s \\ %s \end{array}",
]


@pytest.mark.parametrize("system", SYSTEMS)
def test_equations_under_one_brace(system: str) -> None:
    assert verdict(RNN, system % ROWS) == "proved"
    assert verdict(RNN, system % (ROWS[0], ROWS[1].replace("t-1", "t"))) == "refuted"
    assert verdict(RNN, system % (ROWS[0].replace("h_t^2", "h_{t-1}^2"), ROWS[1])) == "refuted"


def test_cases_drawn_as_a_table() -> None:
    claim = r"""\delta_t = \left\{\begin{array}{ll}
        (1 - h_t^2) \odot (h_t - y_t) & t = T \\
        (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1}) & t < T
        \end{array}\right.
        \frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top"""
    assert verdict(RNN, claim) == "proved"
    assert verdict(RNN, claim.replace("W^\\top", "W")) == "refuted"
    assert verdict(RNN, claim.replace("(h_t - y_t) &", "(h_t + y_t) &")) == "refuted"


def test_angles_are_an_inner_product_beside_a_number() -> None:
    model = rnnsym.Model("a[t] = dot(w, x[t])\nE[t] = squared_error(y[t], a[t])", {"y": ()})
    result = rnnsym.verify(model, r"\frac{\partial E}{\partial a_t} = \langle w, x_t \rangle - y_t")
    assert str(result.verdict) == "proved"
    assert "the angles in line 1 are an inner product" in result.assumed
