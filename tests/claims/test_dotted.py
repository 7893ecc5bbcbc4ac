"""Matrices told by their corners, with dots between them."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym.claims.written import ClaimError

RNN = rnnsym.Model(
    "a[t] = W @ h[t-1] + U @ x[t] + b\nh[t] = tanh(a[t])\nE[t] = squared_error(y[t], h[t])",
    sizes={"x": "m", "h": "n"},
    name="rnn",
)
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"


def matrix(first: str, right: str, below: str, corner: str, middle: str = "") -> str:
    return (
        rf"\begin{{bmatrix}} {first} & \cdots & {right} \\ \vdots & {middle or chr(92) + 'ddots'} & \vdots \\ "
        rf"{below} & \cdots & {corner} \end{{bmatrix}}"
    )


def partial(over: str, under: str) -> str:
    return rf"\frac{{\partial h_{{t,{over}}}}}{{\partial h_{{t-1,{under}}}}}"


JACOBIAN = matrix(partial("1", "1"), partial("1", "n"), partial("n", "1"), partial("n", "n"))
TURNED = matrix(partial("1", "1"), partial("n", "1"), partial("1", "n"), partial("n", "n"))
LEFT = r"\frac{\partial h_t}{\partial h_{t-1}} = "
WHOLE = matrix("W_{11}", "W_{1n}", "W_{n1}", "W_{nn}")
SLOPES = r"\begin{bmatrix} 1 - h_{t,1}^2 & & \\ & \ddots & \\ & & 1 - h_{t,n}^2 \end{bmatrix}"
ZEROS = r"\begin{pmatrix} 1 - h_{t,1}^2 & \cdots & 0 \\ \vdots & \ddots & \vdots \\ 0 & \cdots & 1 - h_{t,n}^2 \end{pmatrix}"
COLUMN = r"\begin{bmatrix} h_{t,1} - y_{t,1} \\ h_{t,2} - y_{t,2} \\ \vdots \\ h_{t,n} - y_{t,n} \end{bmatrix}"
ROW = r"\begin{bmatrix} h_{t,1} - y_{t,1} & \cdots & h_{t,n} - y_{t,n} \end{bmatrix}"
PROVED = [
    LEFT + JACOBIAN + r" = \mathrm{diag}(1 - h_t^2) W",
    LEFT + SLOPES + " " + WHOLE,
    r"\frac{\partial h_t}{\partial a_t} = " + ZEROS,
    r"\frac{\partial E_t}{\partial h_t} = " + COLUMN,
    r"\frac{\partial E_t}{\partial h_t} = " + ROW + r"^\top",
    DELTA
    + r"\frac{\partial E}{\partial U} = "
    + matrix(*(rf"\sum_t \delta_{{t,{i}}} x_{{t,{j}}}" for i, j in ("11", "1m", "n1", "nm"))),
]
WRONG = [
    LEFT + JACOBIAN + r" = W \mathrm{diag}(1 - h_t^2)",
    LEFT + WHOLE + " " + SLOPES,
    LEFT + SLOPES + " " + matrix("W_{11}", "W_{n1}", "W_{1n}", "W_{nn}"),
    r"\frac{\partial h_t}{\partial a_t} = " + ZEROS.replace("^2", ""),
    r"\frac{\partial E_t}{\partial h_t} = " + COLUMN.replace("h_{t,", "y_{t,"),
    DELTA
    + r"\frac{\partial E}{\partial W} = "
    + matrix(*(rf"\sum_t \delta_{{t,{i}}} h_{{t,{j}}}" for i, j in ("11", "1n", "n1", "nn"))),
]


@pytest.mark.parametrize("claim", PROVED)
def test_right(claim: str) -> None:
    assert str(rnnsym.verify(RNN, claim).verdict) == "proved"


@pytest.mark.parametrize("claim", WRONG)
def test_wrong(claim: str) -> None:
    assert str(rnnsym.verify(RNN, claim, layout="numerator").verdict) in ("refuted", "malformed")


def test_the_matrix_of_partial_derivatives_has_a_layout() -> None:
    assert str(rnnsym.verify(RNN, LEFT + TURNED, layout="numerator").verdict) == "conditional"


@pytest.mark.parametrize(
    "array",
    [
        matrix("W_{11}", "W_{1n}", "W_{n1}", "W_{n1}"),
        matrix("W_{11}", "U_{1n}", "W_{n1}", "W_{nn}"),
        r"\begin{bmatrix} h_{t,1} \\ y_{t,2} \\ \vdots \\ h_{t,n} \end{bmatrix}",
        r"\begin{bmatrix} W_{11} & W_{12} & \cdots & W_{1n} \\ W_{21} & W_{12} & \cdots & W_{2n} \\ \vdots & \vdots & & \vdots \\ W_{n1} & W_{n2} & \cdots & W_{nn} \end{bmatrix}",
    ],
)
def test_elements_without_a_pattern(array: str) -> None:
    with pytest.raises(ClaimError, match="follow no one pattern"):
        rnnsym.verify(RNN, LEFT + array)
