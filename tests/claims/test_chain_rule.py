r"""The chain rule as textbooks write it: prod(X, Z), numbers below a derivative, values put in, sets to sum over."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.verify.formulas.files import check_file
from rnnsym.verify.formulas.result import Result

LINEAR = Model("""
h[t] = W_hx @ x[t] + W_hh @ h[t-1]
o[t] = W_qh @ h[t]
l[t] = cross_entropy(y[t], softmax(o[t]))
L = mean(l[t])
""")
ECHO = Model("""
z[t] = W @ x[t-1] + W_in @ u[t]
x[t] = tanh(z[t])
y[t] = W_out @ x[t]
E[t] = squared_error(d[t], y[t])
""")
UNITS = Model("""
s[t] = W @ y[t-1] + V @ x[t-1]
y[t] = sigmoid(s[t])
J[t] = squared_error(d[t], y[t])
""")

PAGE = r"""
Differentiating the objective is easy:
$$\frac{\partial L}{\partial \mathbf{o}_t} =  \frac{\partial l (\mathbf{o}_t, y_t)}{T \cdot \partial \mathbf{o}_t} \in \mathbb{R}^q.$$
:eqlabel:`one`
$$
\frac{\partial L}{\partial \mathbf{W}_\textrm{qh}}
= \sum_{t=1}^T \textrm{prod}\left(\frac{\partial L}{\partial \mathbf{o}_t}, \frac{\partial \mathbf{o}_t}{\partial \mathbf{W}_\textrm{qh}}\right)
= \sum_{t=1}^T \frac{\partial L}{\partial \mathbf{o}_t} \mathbf{h}_t^\top,
$$
$$\frac{\partial L}{\partial \mathbf{h}_T} = \text{prod}\left(\frac{\partial L}{\partial \mathbf{o}_T}, \frac{\partial \mathbf{o}_T}{\partial \mathbf{h}_T} \right) = \mathbf{W}_\textrm{qh}^\top \frac{\partial L}{\partial \mathbf{o}_T}.$$
$$\frac{\partial L}{\partial \mathbf{h}_t} = \prod\left(\frac{\partial L}{\partial \mathbf{h}_{t+1}}, \frac{\partial \mathbf{h}_{t+1}}{\partial \mathbf{h}_t} \right) + \prod\left(\frac{\partial L}{\partial \mathbf{o}_t}, \frac{\partial \mathbf{o}_t}{\partial \mathbf{h}_t} \right) = \mathbf{W}_\textrm{hh}^\top \frac{\partial L}{\partial \mathbf{h}_{t+1}} + \mathbf{W}_\textrm{qh}^\top \frac{\partial L}{\partial \mathbf{o}_t}.$$
$$
\begin{aligned}
\frac{\partial L}{\partial \mathbf{W}_\textrm{hx}}
&= \sum_{t=1}^T \textrm{prod}\left(\frac{\partial L}{\partial \mathbf{h}_t}, \frac{\partial \mathbf{h}_t}{\partial \mathbf{W}_\textrm{hx}}\right)
= \sum_{t=1}^T \frac{\partial L}{\partial \mathbf{h}_t} \mathbf{x}_t^\top,\\
\frac{\partial L}{\partial \mathbf{W}_\textrm{hh}}
&= \sum_{t=1}^T \textrm{prod}\left(\frac{\partial L}{\partial \mathbf{h}_t}, \frac{\partial \mathbf{h}_t}{\partial \mathbf{W}_\textrm{hh}}\right)
= \sum_{t=1}^T \frac{\partial L}{\partial \mathbf{h}_t} \mathbf{h}_{t-1}^\top,
\end{aligned}
$$
"""
ECHO_PAGE = r"""
\epsilon_j(n) = y_j(n) - d_j(n)
\delta_i(T) = \left[ \sum_{j=1}^{L} \epsilon_j(T) w^{out}_{ji} \right] \left. \frac{\partial f(u)}{\partial u} \right|_{u = z_i(T)}
\delta_i(n) = \left[ \sum_{j=1}^{N} \delta_j(n+1) w_{ji} + \sum_{j=1}^{L} \epsilon_j(n) w^{out}_{ji} \right] \frac{d f(u)}{d u} \Big|_{u=z_i(n)}
\frac{\partial E}{\partial w_{ij}} = \sum_{n=1}^{T} \delta_i(n) x_j(n-1)
\frac{\partial E}{\partial w^{out}_{ij}} = \sum_{n=1}^{T} \epsilon_i(n) x_j(n)"""
UNITS_PAGE = r"""
e_k(t) = y_k(t) - d_k(t)
\epsilon_k(\tau) = e_k(\tau) + \sum_{l \in U} w_{lk} \delta_l(\tau+1)
\delta_k(\tau) = f_k'(s_k(\tau)) \epsilon_k(\tau)
\frac{\partial J}{\partial w_{ij}} = \sum_{\tau=1}^{T} \delta_i(\tau) y_j(\tau-1)"""
SENSITIVITIES = r"""
p_{ij}^k(t) = \frac{\partial y_k(t)}{\partial w_{ij}}
p_{ij}^k(t+1) = f_k'(s_k(t+1)) \left[ \sum_{l \in U} w_{kl} p_{ij}^l(t) + \delta_{ik} y_j(t) \right]"""


def page(tmp_path: Path, text: str) -> Result:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return check_file(LINEAR, str(path))


def test_a_page_with_an_operator_for_the_chain_rule_holds(tmp_path: Path) -> None:
    result = page(tmp_path, PAGE)
    assert result.holds, str(result)
    assert len(result.equations) == 11


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"{T \cdot \partial", r"{\partial"),
        (r"\mathbf{h}_t^\top,", r"\mathbf{h}_{t-1}^\top,"),
        (r"\prod\left(\frac{\partial L}{\partial \mathbf{h}_{t+1}}", r"\prod\left(\frac{\partial L}{\partial \mathbf{h}_{t}}"),
        (r"\mathbf{h}_{t-1}^\top,", r"\mathbf{h}_{t}^\top,"),
        (r"\mathbf{W}_\textrm{hh}^\top \frac{\partial L}{\partial \mathbf{h}_{t+1}}",
         r"\mathbf{W}_\textrm{hh} \frac{\partial L}{\partial \mathbf{h}_{t+1}}"),
    ],
)  # fmt: skip
def test_a_wrong_line_of_it_is_refuted_and_the_others_stay(tmp_path: Path, old: str, new: str) -> None:
    assert old in PAGE
    result = page(tmp_path, PAGE.replace(old, new, 1))
    wrong = [row for row in result.equations if str(row.verdict) == "refuted"]
    assert str(result.verdict) == "refuted", str(result)
    assert 1 <= len(wrong) <= 2


@pytest.mark.parametrize(
    ("model", "claim", "where"), [(ECHO, ECHO_PAGE, r"f = \tanh"), (UNITS, UNITS_PAGE, r"f = \sigma")]
)
def test_elements_with_their_time_in_brackets_are_proved(model: Model, claim: str, where: str) -> None:
    result = rnnsym.verify(model, claim, where=where)
    assert str(result.verdict) == "proved", str(result)


@pytest.mark.parametrize(
    ("model", "claim", "old", "new"),
    [
        (ECHO, ECHO_PAGE, "{u = z_i(T)}", "{u = x_i(T)}"),
        (ECHO, ECHO_PAGE, "{u=z_i(n)}", "{u=z_i(n+1)}"),
        (ECHO, ECHO_PAGE, "{d u} \\Big", "{d u} 2 \\Big"),
        (ECHO, ECHO_PAGE, r"\delta_j(n+1) w_{ji}", r"\delta_j(n+1) w_{ij}"),
        (ECHO, ECHO_PAGE, "x_j(n-1)", "x_j(n)"),
        (UNITS, UNITS_PAGE, "w_{lk}", "w_{kl}"),
        (UNITS, UNITS_PAGE, r"\delta_l(\tau+1)", r"\delta_l(\tau)"),
        (UNITS, UNITS_PAGE, r"\sum_{l \in U} w_{lk} \delta_l", r"w_{kk} \delta_k"),
        (UNITS, UNITS_PAGE, r"y_j(\tau-1)", r"y_j(\tau)"),
        (UNITS, SENSITIVITIES, r"\delta_{ik} y_j", r"\delta_{jk} y_i"),
        (UNITS, SENSITIVITIES, r"\delta_{ik} y_j(t)", r"\delta_{ik} y_j(t+1)"),
        (UNITS, SENSITIVITIES, "w_{kl}", "w_{lk}"),
    ],
)
def test_wrong_ones_do_not_hold(model: Model, claim: str, old: str, new: str) -> None:
    assert old in claim
    f = r"f = \tanh" if model is ECHO else r"f = \sigma"
    with contextlib.suppress(rnnsym.RnnsymError):
        assert not rnnsym.verify(model, claim.replace(old, new, 1), where=f).holds


def test_sensitivities_over_a_set_of_units_hold() -> None:
    assert rnnsym.verify(UNITS, SENSITIVITIES, where=r"f = \sigma").holds


@pytest.mark.parametrize(
    "claim",
    [
        r"L(x_1, \ldots, x_T, y_1, \ldots, y_T, W_{hh}, W_{qh}) = \frac{1}{T} \sum_{t=1}^T l(y_t, o_t)",
        r"\frac{\partial L}{\partial \textit{o}_t} = \frac{1}{T} \frac{\partial l(y_t, o_t)}{\partial \textbf{o}_t}",
    ],
)
def test_losses_have_arguments(claim: str) -> None:
    assert rnnsym.verify(LINEAR, claim).holds
    assert not rnnsym.verify(LINEAR, claim.replace(r"\frac{1}{T}", r"\frac{2}{T}")).holds
    with pytest.raises(rnnsym.RnnsymError):
        rnnsym.verify(LINEAR, claim.replace(r"\frac{1}{T}", r"\frac{1}{T}(1, 2)"))
