"""Equations as papers have them: rows, numbers among vectors, the number of the step, and functions of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rnnsym import Model, ModelError, generate
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, loss, relative_difference
from rnnsym.language.rows import with_columns

ROWS = """
q[t] = x[t] @ W_Q
k[t] = sigmoid(x[t] @ W_K)
v[t] = x[t] @ W_V
S[t] = gamma * S[t-1] + k[t].T @ v[t]
o[t] = q[t] @ S[t] + (q[t] @ (u * k[t]).T) @ v[t]
E[t] = squared_error(target[t], o[t])
"""
COLUMNS = """
q[t] = W_Q.T @ x[t]
k[t] = sigmoid(W_K.T @ x[t])
v[t] = W_V.T @ x[t]
S[t] = gamma * S[t-1] + k[t] @ v[t].T
o[t] = S[t].T @ q[t] + (q[t].T @ (u * k[t])) * v[t]
E[t] = squared_error(target[t], o[t])
"""
KALMAN = """
p[t] = F @ x[t-1]
Q[t] = F @ P[t-1] @ F.T + L @ L.T
K[t] = Q[t] @ H.T @ inv(H @ Q[t] @ H.T + diag(r ** 2))
x[t] = p[t] + K[t] @ (z[t] - H @ p[t])
P[t] = (I - K[t] @ H) @ Q[t]
E[t] = squared_error(target[t], x[t])
"""


def drawn(model: Model) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Data, and the loss of the kernel, whose gradients are right."""
    params, inputs, sizes = draw(model, 2, length=3, batch=2)
    found, gradients = generate(model, sizes).loss_and_grad(params, inputs)
    assert relative_difference(complex_step(model, params, inputs), gradients) < 1e-9
    return params, inputs, float(found)


def test_vectors_are_rows_where_weights_stand_on_the_right() -> None:
    sizes: Any = {"gamma": (), "x": "m", "q": "d", "v": "l"}
    rows, columns = Model(ROWS, sizes), Model(COLUMNS, sizes)
    assert rows.shapes == columns.shapes
    params, inputs, value = drawn(rows)
    assert value == pytest.approx(loss(columns, params, inputs), rel=1e-12)


def test_rows_are_seen_where_all_weights_stand_on_the_right() -> None:
    mixed = Model("h[t] = x[t] @ A\ng[t] = W @ x[t]\nE[t] = dot(h[t], h[t]) + dot(g[t], g[t])")
    assert with_columns(mixed.core) == (mixed.core, frozenset())


def test_what_defaults_do_not_fit_is_something_else() -> None:
    filtered = Model(KALMAN, {"x": "n", "z": "m"})
    assert [len(filtered.shapes[name]) for name in ("P", "K", "Q", "x")] == [2, 2, 2, 1]
    drawn(filtered)
    scaled = Model(
        "k[t] = W @ x[t]\nb[t] = sigmoid(w.T @ x[t])\nl[t] = k[t].T @ k[t]\na[t] = (1 - exp(-b[t] * l[t])) / l[t]\n"
        "S[t] = (I - a[t] * k[t] @ k[t].T) @ S[t-1] + a[t] * k[t] @ x[t].T\nE[t] = squared_error(d[t], S[t].T @ k[t])"
    )
    assert scaled.shapes["a"] == ()
    drawn(scaled)


def test_what_is_made_of_an_inner_product_may_be_a_number() -> None:
    """A rate that stands before a row, as in a delta rule with momentum, is no row itself."""
    model = Model(
        """
        k[t] = W_k @ x[t]
        v[t] = tanh(W_v @ x[t])
        alpha[t] = exp(-exp(A_log) * softplus(dot(w, x[t]) + b))
        M[t] = mu * M[t-1] + k[t] @ (alpha[t] * k[t].T @ S[t-1] - v[t].T)
        S[t] = alpha[t] * S[t-1] - beta * M[t]
        E[t] = squared_error(y[t], S[t].T @ k[t])
        """,
        sizes={"mu": (), "beta": ()},
    )
    assert model.shapes["alpha"] == model.shapes["A_log"] == ()
    assert model.shapes["S"] == (*model.shapes["k"], *model.shapes["v"])


def test_a_slip_stays_one() -> None:
    with pytest.raises(ModelError, match="a row and a column"):
        Model("h[t] = tanh(W @ h[t-1] + v.T)\nE[t] = dot(h[t], h[t])", {"v": "n"})


def test_numbers_are_elements_of_a_concatenation_and_parts() -> None:
    model = Model(
        "u[t], a[t] = split(W @ concat(1, s[t], h[t-1]))\nh[t] = sigmoid(a[t]) * tanh(u[t])\nE[t] = squared_error(d[t], h[t])",
        {"a": (), "s": (), "h": "n"},
    )
    assert list(map(str, model.shapes["W"])) == ["n + 1", "n + 2"]
    params, inputs, value = drawn(model)
    h, total = inputs["h[0]"], 0.0
    for s, d in zip(inputs["s"], inputs["d"], strict=True):
        both = np.concatenate([np.ones((2, 1)), s[:, None], h], axis=1) @ params["W"].T
        h = np.tanh(both[:, :-1]) / (1 + np.exp(-both[:, -1:]))
        total += ((d - h) ** 2).sum() / 2
    assert value == pytest.approx(total, rel=1e-12)


def test_the_number_of_the_step_and_the_length_are_numbers() -> None:
    model = Model("h[t] = h[t-1] - A @ h[t-1] / t + cos(2 * pi * f * t / T) * x[t]\nE = sum(t * dot(h[t], h[t])) / T")
    params, inputs, value = drawn(model)
    h, total = inputs["h[0]"], 0.0
    for step, x in enumerate(inputs["x"], start=1):
        h = h - h @ params["A"].T / step + np.cos(2 * math.pi * params["f"] * step / 3) * x
        total += step * (h**2).sum() / 3
    assert value == pytest.approx(total, rel=1e-12)
    with pytest.raises(ModelError, match="t is a number where"):
        Model("h[0] = a * t\nh[t] = h[t-1]\nE[t] = dot(h[t], h[t])")


def test_functions_of_matrices() -> None:
    model = Model(
        "M[t] = M[t-1] + outer(p[t], x[t])\nA[t] = softmax((M[t] @ W_q) @ (M[t] @ W_k).T)\nR[t] = A[t] @ M[t]\n"
        "c[t] = softmax(R[t] @ v)\nE[t] = dot(c[t], d[t]) + max(c[t]) - min(R[t] @ v) + norm(R[t])"
    )
    params, inputs, value = drawn(model)
    M, total = inputs["M[0]"], 0.0
    for p, x, d in zip(inputs["p"], inputs["x"], inputs["d"], strict=True):
        M = M + p[:, :, None] * x[:, None, :]
        weights = np.exp((M @ params["W_q"]) @ (M @ params["W_k"]).transpose(0, 2, 1))
        R = weights / weights.sum(axis=-1, keepdims=True) @ M
        c = np.exp(R @ params["v"])
        c = c / c.sum(axis=-1, keepdims=True)
        least = (R @ params["v"]).min(axis=-1)
        total += ((c * d).sum(axis=-1) + c.max(axis=-1) - least + np.sqrt((R**2).sum(axis=(1, 2)))).sum()
    assert value == pytest.approx(total, rel=1e-12)


def test_tensors_of_three_vectors_and_of_parameters() -> None:
    model = Model(
        "u[t] = bilinear(F[t-1], k[t], x[t])\nF[t] = F[t-1] + outer(v[t] - u[t], k[t], x[t])\n"
        "E[t] = squared_error(d[t], tanh(G @ k[t]) @ x[t] + bilinear(F[t], k[t], x[t]))",
        {"G": ("n", "m", "l")},
    )
    assert len(model.shapes["F"]) == 3
    drawn(model)


def test_the_diagonal_of_an_identity_counts_once_for_each_row() -> None:
    model = Model("S[t] = I + outer(x[t], x[t])\nE[t] = sum(S[t])")
    x = np.arange(6.0).reshape(2, 1, 3)
    loss, gradients = generate(model).loss_and_grad({}, {"x": x})
    assert loss == pytest.approx(sum(3 + row.sum() ** 2 for row in x))
    assert np.allclose(gradients["x"], 2 * x.sum(axis=-1, keepdims=True))


def test_a_variable_of_which_only_the_size_is_asked_is_an_input() -> None:
    model = Model("h[t] = tanh(W @ h[t-1]) / size(v[t])\nE[t] = squared_error(d[t], h[t])")
    assert "v" in model.sequences
    kernel = generate(model, sizes={"n_h": 2})
    arrays = {"v": np.zeros((3, 1, 5)), "d": np.ones((3, 1, 2)), "h[0]": np.ones((1, 2))}
    assert np.allclose(kernel.forward({"W": np.eye(2)}, arrays)[1]["h"][1], np.tanh(1) / 5)


def test_a_size_is_no_value() -> None:
    model = Model("x[t] = tanh(W @ x[t-1]) / size(x[t])\nE[t] = squared_error(d[t], x[t])")
    drawn(model)


def test_a_vector_divided_by_a_number_that_is_made_of_it() -> None:
    model = Model("s[t] = 1 + dot(x[t], x[t])\nh[t] = tanh(u * h[t-1] + x[t] / s[t])\nE[t] = squared_error(d[t], h[t])")
    assert [len(model.shapes[name]) for name in "sxuh"] == [0, 1, 1, 1]
