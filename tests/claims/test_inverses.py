"""Inverses of matrices in claims, and the softmax of each row: what is right is proved, and what is wrong refuted."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

INVERSE = Model("h[t] = inv(W) @ h[t-1] + U @ x[t]\nE[t] = squared_error(y[t], h[t])", sizes={"h": "n", "x": "m"})
SOLVED = Model(
    "q[t] = solve(W, h[t-1])\nh[t] = tanh(q[t] + U @ x[t])\nE[t] = squared_error(y[t], h[t])",
    sizes={"h": "n", "x": "m"},
)
RESOLVENT = Model(
    "h[t] = inv(diag(c) - A) @ h[t-1] + U @ x[t]\nE[t] = squared_error(y[t], h[t])",
    sizes={"h": "n", "x": "m", "A": ("n", "n")},
)
LINEAR = Model("h[t] = W @ h[t-1] + U @ x[t]\nE[t] = squared_error(y[t], h[t])", sizes={"h": "n", "x": "m"})
ROWS = Model("P = softmax(Q @ K.T)\nY = P @ V\nE = sum(G * Y)", sizes=dict.fromkeys("QKVG", ("k", "k")), inputs=("G",))
DELTA = r"\delta_t = h_t - y_t + W^{-\top} \delta_{t+1}" + "\n"
BELOW = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^{-\top} \delta_{t+1})" + "\n"
RES = r"(\mathrm{diag}(c) - A)^{-1}"
PROVED = [
    (INVERSE, r"\frac{\partial h_t}{\partial h_{t-1}} = W^{-1}"),
    (INVERSE, DELTA + r"\frac{\partial E}{\partial W} = -\sum_t W^{-\top} \delta_t h_{t-1}^\top W^{-\top}"),
    (
        INVERSE,
        DELTA.replace(r"W^{-\top}", r"(W^\top)^{-1}") + r"\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top",
    ),
    (INVERSE, DELTA.replace(r"W^{-\top}", r"(W^{-1})^T") + r"\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top"),
    (INVERSE, r"\frac{\partial h_t}{\partial h_k} = W^{-(t-k)}"),
    (INVERSE, r"\frac{\partial h_t}{\partial h_k} = W^{k-t}"),
    (LINEAR, r"\frac{\partial h_t}{\partial h_k} = W^{-(k-t)}"),
    (SOLVED, BELOW + r"\frac{\partial E}{\partial W} = -\sum_t W^{-\top} \delta_t q_t^\top"),
    (RESOLVENT, rf"\frac{{\partial h_t}}{{\partial h_{{t-1}}}} = {RES}"),
    (RESOLVENT, rf"\mathrm{{d}} h_t = {RES} \mathrm{{d}}A {RES} h_{{t-1}}"),
    (ROWS, r"P = \mathrm{softmax}(Q K^\top)"),
    (ROWS, r"\frac{\partial E}{\partial V} = \mathrm{softmax}(Q K^\top)^\top G"),
]
SUPPORTED = [
    (INVERSE, r"W W^{-1} = I_n"),
    (ROWS, r"(Q K)^{-1} = K^{-1} Q^{-1}"),
    (INVERSE, r"\frac{\partial h_t}{\partial h_{t-2}} = W^{-2}"),
]
WRONG = [
    (INVERSE, r"\frac{\partial h_t}{\partial h_{t-1}} = W"),
    (ROWS, r"(Q K)^{-1} = Q^{-1} K^{-1}"),
    (ROWS, r"(Q + K)^{-1} = Q^{-1} + K^{-1}"),
    (INVERSE, DELTA + r"\frac{\partial E}{\partial W} = \sum_t W^{-\top} \delta_t h_{t-1}^\top W^{-\top}"),
    (INVERSE, DELTA + r"\frac{\partial E}{\partial W} = -\sum_t W^{-1} \delta_t h_{t-1}^\top W^{-\top}"),
    (INVERSE, DELTA.replace(r"-\top", "-1") + r"\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top"),
    (INVERSE, r"\frac{\partial h_t}{\partial h_k} = W^{t-k}"),
    (INVERSE, r"\frac{\partial h_t}{\partial h_{t-2}} = W^{-1} W^{-\top}"),
    (LINEAR, r"\frac{\partial h_t}{\partial h_k} = W^{k-t}"),
    (SOLVED, BELOW + r"\frac{\partial E}{\partial W} = -\sum_t W^{-\top} \delta_t h_{t-1}^\top"),
    (RESOLVENT, r"\frac{\partial h_t}{\partial h_{t-1}} = (\mathrm{diag}(c) + A)^{-1}"),
    (RESOLVENT, rf"\mathrm{{d}} h_t = -{RES} \mathrm{{d}}A {RES} h_{{t-1}}"),
    (ROWS, r"P = \mathrm{softmax}(K Q^\top)"),
    (ROWS, r"P = \mathrm{softmax}(K Q^\top)^\top"),
    (ROWS, r"\frac{\partial E}{\partial V} = \mathrm{softmax}(Q K^\top) G"),
]


@pytest.mark.parametrize(("model", "claim"), PROVED)
def test_right(model: Model, claim: str) -> None:
    assert str(rnnsym.verify(model, claim).verdict) == "proved"


@pytest.mark.parametrize(("model", "claim"), SUPPORTED)
def test_right_in_numbers(model: Model, claim: str) -> None:
    assert str(rnnsym.verify(model, claim).verdict) in ("proved", "supported")


@pytest.mark.parametrize(("model", "claim"), WRONG)
def test_wrong(model: Model, claim: str) -> None:
    result = rnnsym.verify(model, claim)
    assert str(result.verdict) == "refuted"
    assert "{x}" not in str(result)


def test_the_inverse_in_a_diagnosis() -> None:
    claim = DELTA.replace(r"-\top", "-1") + r"\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top"
    assert "δ[t] = h[t] - y[t] + (W⁻¹)ᵀ δ[t+1]" in str(rnnsym.verify(INVERSE, claim))
