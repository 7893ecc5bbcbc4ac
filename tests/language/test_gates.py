"""Gates that are numbers and multiply matrices: what the equations say is enough."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

STATE = "\nS[t] = a[t] * S[t-1] + v[t] @ k[t].T\no[t] = S[t] @ (W_q @ x[t])\nE[t] = squared_error(target[t], o[t])"
WRITTEN = "v[t] = W_v @ x[t]\nk[t] = W_k @ x[t]\n"


@pytest.mark.parametrize(
    "gate",
    [
        "a[t] = sigmoid(w.T @ x[t])",
        "a[t] = sigmoid(w.T @ x[t] + b)",
        "a[t] = sigmoid(dot(w, x[t]) + b)",
        "a[t] = exp(-softplus(b + w.T @ x[t]))",
        "z[t] = w.T @ x[t] + b\na[t] = sigmoid(z[t])",
        "a[t] = sigmoid(w.T @ (x[t] * u))",
    ],
)
@pytest.mark.parametrize("sizes", [{}, {"x": "m", "k": "d", "v": "l"}])
def test_a_gate_made_of_an_inner_product_is_a_number(gate: str, sizes: dict[str, str]) -> None:
    model = rnnsym.Model(WRITTEN + gate + STATE, sizes=sizes)
    assert model.shapes["a"] == ()
    assert model.shapes["w"] == model.shapes["x"]
    assert model.shapes.get("b", ()) == ()
    assert len(model.shapes["S"]) == 2


def test_a_capital_letter_is_a_matrix() -> None:
    model = rnnsym.Model("h[t] = tanh(W.T @ x[t])\nE[t] = squared_error(target[t], h[t])", sizes={"x": "m", "h": "n"})
    assert [str(size) for size in model.shapes["W"]] == ["m", "n"]


def test_what_is_declared_counts() -> None:
    text = "h[t] = tanh(w.T @ x[t])\nE[t] = squared_error(target[t], h[t])"
    model = rnnsym.Model(text, sizes={"x": "m", "w": ("m", "n"), "h": "n"})
    assert len(model.shapes["w"]) == 2


def test_a_bias_that_stands_elsewhere_too_is_no_number() -> None:
    text = "h[t] = tanh(W @ x[t] + dot(w, x[t]) + b)\ng[t] = h[t] * b\nE[t] = squared_error(target[t], g[t])"
    assert len(rnnsym.Model(text, sizes={"x": "m", "h": "n"}).shapes["b"]) == 1


def test_an_inner_product_is_added_to_every_element() -> None:
    text = "h[t] = tanh(W @ h[t-1] + w.T @ x[t])\nE[t] = squared_error(target[t], h[t])"
    model = rnnsym.Model(text, sizes={"x": "m", "h": "n", "w": "m"})
    assert rnnsym.crosscheck(model, length=3).passed
    same = rnnsym.Model(text.replace("w.T @ x[t]", "dot(w, x[t])"), sizes={"x": "m", "h": "n"})
    assert rnnsym.derive(model).to_text("result") == rnnsym.derive(same).to_text("result")


def test_a_state_that_is_made_of_numbers_is_one() -> None:
    text = (
        WRITTEN + "l[t] = w.T @ x[t] + b\ng[t] = log_sigmoid(u.T @ x[t])\nm[t] = max(g[t] + m[t-1], l[t])\n"
        "a[t] = exp(g[t] + m[t-1] - m[t])" + STATE
    )
    shapes = rnnsym.Model(text).shapes
    assert [shapes[name] for name in "lgma"] == [()] * 4
    assert len(shapes["S"]) == 2


def test_a_number_alone_does_not_make_a_state_a_number() -> None:
    text = "h[t] = alpha * h[t-1]\nE[t] = squared_error(target[t], h[t])"
    assert len(rnnsym.Model(text, sizes={"alpha": ()}).shapes["h"]) == 1


def test_the_size_of_a_part_is_named_after_the_part() -> None:
    model = Model(
        "v[t] = concat(h[t-1], x[t])\nh[t] = tanh(W @ v[t])\ny[t] = V.T @ R @ h[t]\nE[t] = squared_error(d[t], y[t])"
    )
    assert {name: str(model.shapes[name]) for name in ("v", "h", "x", "R", "y")} == {
        "v": "(n_h + n_x,)",
        "h": "(n_h,)",
        "x": "(n_x,)",
        "R": "(n_V, n_h)",
        "y": "(n_y,)",
    }
