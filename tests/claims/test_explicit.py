"""Jacobians of two units, told element by element."""

from __future__ import annotations

import pytest

import rnnsym

MODEL = rnnsym.Model(
    "a[t] = W @ h[t-1] + U @ x[t]\nh[t] = tanh(a[t])\no[t] = V @ h[t]\np[t] = softmax(o[t])\n"
    "E[t] = cross_entropy(y[t], p[t])",
    sizes={"x": "m", "h": "n", "o": "k"},
    name="softmax rnn",
)


def two(over: str, under: str, *cells: str) -> str:
    (a, b, c, d) = cells
    matrix = rf"\begin{{bmatrix}} {a} & {b} \\ {c} & {d} \end{{bmatrix}}"
    return rf"\frac{{\partial {over}}}{{\partial {under}}} = {matrix}"


def slope(row: int, column: int) -> str:
    return rf"(1 - h_{{t,{row}}}^2) W_{{{row}{column}}}"


STEP = ("h_t", "h_{t-1}")
SOFTMAX = ("p_t", "o_t")
DIAGONAL = [rf"p_{{t,{i}}}(1 - p_{{t,{i}}})" for i in (1, 2)]
BESIDE = ["-p_{t,1} p_{t,2}", "-p_{t,2} p_{t,1}"]
RIGHT = [
    two(*STEP, slope(1, 1), slope(1, 2), slope(2, 1), slope(2, 2)),
    two(*SOFTMAX, DIAGONAL[0], *BESIDE, DIAGONAL[1]),
    two("h_t", "a_t", "1 - h_{t,1}^2", "0", "0", "1 - h_{t,2}^2"),
]
WRONG = {
    two(*STEP, slope(1, 1), "(1 - h_{t,1}^2) W_{21}", "(1 - h_{t,2}^2) W_{12}", slope(2, 2)): 2,
    two(*SOFTMAX, DIAGONAL[0], "p_{t,1} p_{t,2}", BESIDE[1], DIAGONAL[1]): 1,
    two(*SOFTMAX, DIAGONAL[0], *BESIDE, "p_{t,2}"): 1,
    two("h_t", "a_t", "1 - h_{t,1}^2", "1", "0", "1 - h_{t,2}^2"): 1,
}


@pytest.mark.parametrize("claim", RIGHT)
def test_right(claim: str) -> None:
    result = rnnsym.verify(MODEL, claim)
    assert str(result.verdict) in ("proved", "supported")
    assert "the matrix in line 1 is judged element by element" in result.assumed


@pytest.mark.parametrize("claim", WRONG)
def test_wrong_elements_alone_are_blamed(claim: str) -> None:
    result = rnnsym.verify(MODEL, claim, layout="numerator")
    assert str(result.verdict) == "refuted"
    assert sum(str(equation.verdict) == "refuted" for equation in result.equations) == WRONG[claim]


def test_sums_over_two_units_are_not_judged_as_if_they_were_all() -> None:
    claim = two("h_t", "h_{t-2}", "W_{11} W_{11} + W_{12} W_{21}", "1", "0", "1")
    assert str(rnnsym.verify(MODEL, claim).verdict) == "malformed"
