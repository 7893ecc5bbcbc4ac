r"""Claims as algorithms have them: updates, what is added up in a loop, calls of a library, commands of the author."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.claims.latex import lexemes
from rnnsym.claims.written import ClaimError

RNN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(y[t], h[t])")
LSTM = Model("""
i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1])
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1])
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1])
g[t] = tanh(W_g @ x[t] + U_g @ h[t-1])
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * tanh(c[t])
E[t] = squared_error(y[t], h[t])
""")
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"
TEXT = "dz[t] = (1 - h[t]**2) * (h[t] - y[t] + W.T @ dz[t+1])\n"
PARTS = r"""
\delta h_t = \frac{\partial E}{\partial h_t}
\delta c_t \mathrel{+}= \delta h_t \odot o_t \odot (1 - \tanh^2(c_t))
\delta c_{t-1} \mathrel{+}= \delta c_t \odot f_t
\frac{\partial E}{\partial U_f} \mathrel{+}= (\delta c_t \odot c_{t-1} \odot f_t \odot (1 - f_t)) h_{t-1}^\top"""


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        (RNN, DELTA + r"W \leftarrow W - \eta \sum_t \delta_t h_{t-1}^\top"),
        (RNN, DELTA + r"W^{new} = W^{old} - \alpha \sum_t \delta_t h_{t-1}^T"),
        (RNN, DELTA + r"\Delta w_{ij} = -\eta \sum_t \delta_{t,i} h_{t-1,j}"),
        (RNN, DELTA + r"\frac{\partial E}{\partial W} += \delta_t h_{t-1}^\top"),
        (RNN, TEXT + "dW = 0\ndW += np.outer(dz[t], h[t-1])\nb.grad += dz[t]\nU -= lr * sum(dz[t] @ x[t].T)"),
        (RNN, TEXT + "dW += np.dot(dz[t], h[t-1].T)"),
        (LSTM, PARTS),
        (RNN, r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}\def\T{^\top}" + "\n" + DELTA
         + r"\pd{E}{W} = \sum_t \delta_t h_{t-1}\T"),
        (RNN, DELTA + r"\partial_W E \overset{\text{(a)}}{=} \mathop{\sum}_{t=1}^{T} \delta_t h_{t-1}^\top"),
        (RNN, "δₜ = (1 − hₜ²) ⊙ (hₜ − yₜ + Wᵀ δₜ₊₁)\n∂E/∂W = Σₜ δₜ hₜ₋₁ᵀ"),
    ],
)  # fmt: skip
def test_right_ones_are_proved(model: Model, claim: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "proved", str(result)


@pytest.mark.parametrize(
    ("model", "claim", "said"),
    [
        (RNN, DELTA + r"W \leftarrow W + \eta \sum_t \delta_t h_{t-1}^\top", "sign"),
        (RNN, TEXT + "dW += np.outer(dz[t], h[t])", "h[t] stands where h[t-1] is needed"),
        (LSTM, PARTS.replace(r"\delta c_t \odot f_t", r"\delta c_t \odot f_{t-1}"), "f[t] stands where f[t+1]"),
    ],
)
def test_wrong_ones_are_refuted(model: Model, claim: str, said: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "refuted", str(result)
    assert said in str(result)


def test_commands_of_a_preamble_are_known(tmp_path: Path) -> None:
    path = tmp_path / "notes.tex"
    path.write_text(
        r"""\newcommand{\bd}{\boldsymbol{\delta}}
\begin{document}
\begin{align}
\bd_t &= (1 - h_t^2) \odot (h_t - y_t + W^\top \bd_{t+1}) \\
\nabla_W E &= \sum_t \bd_t h_{t-1}^\top
\end{align}
\end{document}"""
    )
    assert str(rnnsym.verify(RNN, path).verdict) == "proved"


def test_a_document_as_text_is_told_to_be_a_file() -> None:
    for text in (r"\documentclass{article} E = 1", r"\begin{document} E = 1 \end{document}", r"\section{A} E = 1"):
        with pytest.raises(ClaimError, match="a path"):
            rnnsym.verify(RNN, text)


def test_commands_that_expand_for_ever_are_refused() -> None:
    with pytest.raises(ClaimError, match="expands too far"):
        lexemes(r"\def\a{\a \a} \a = 1")
    doubling = "".join(rf"\def\{chr(97 + n)}z{{\{chr(98 + n)}z \{chr(98 + n)}z}}" for n in range(12))
    with pytest.raises(ClaimError, match="expands too far"):
        lexemes(r"\def\mz{x}" + doubling + r"\az = 1")
