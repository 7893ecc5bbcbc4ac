"""Every form of the language in a small model: derived, printed, read back, generated, and checked to 30 digits."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import rnnsym
from rnnsym import Model, derive
from rnnsym.checks.data import draw
from rnnsym.notation.style import Notation
from rnnsym.testing import Problem

from .elements import element_difference
from .reading import difference

LOSS = "\nE[t] = squared_error(d[t], y[t])"
#: Text, and what `Model` is told besides; a loss is added.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "slices out of order, and one over another": (
        """
a[t] = W @ h[t-1] + U @ x[t]
h[t] = tanh(a[t][n : n + m])
y[t] = V @ concat(a[t][n + m :], a[t][:n], h[t]) + B @ a[t][: n + m]
""",
        {"sizes": {"h": "m"}},
    ),
    "a concatenation with a part that a number reaches across": (
        """
z[t] = sigmoid(W @ x[t] + V @ h[t-1])
h[t] = tanh(U @ concat(x[t], 1 - z[t]))
y[t] = h[t]
""",
        {"sizes": {"x": "m", "z": "n"}},
    ),
    "fast weights": (
        """
S[t] = S[t-1] + outer(v[t], k[t])
y[t] = S[t] @ q[t]
v[t] = W_v @ x[t]
k[t] = W_k @ x[t]
q[t] = W_q @ x[t]
""",
        {"sizes": {"S": ("n", "m")}},
    ),
    "outer by @.T": (
        """
S[t] = S[t-1] + v[t] @ k[t].T
y[t] = S[t] @ q[t]
v[t] = W_v @ x[t]
k[t] = W_k @ x[t]
q[t] = W_q @ x[t]
""",
        {},
    ),
    "gla diag": (
        """
S[t] = diag(a[t]) @ S[t-1] + k[t] @ v[t].T
a[t] = sigmoid(W_a @ x[t])
y[t] = S[t].T @ q[t]
v[t] = W_v @ x[t]
k[t] = W_k @ x[t]
q[t] = W_q @ x[t]
""",
        {},
    ),
    "deltanet": (
        """
S[t] = S[t-1] @ (I - g[t] * k[t] @ k[t].T) + g[t] * v[t] @ k[t].T
g[t] = sigmoid(w @ x[t])
y[t] = S[t] @ q[t]
v[t] = W_v @ x[t]
k[t] = W_k @ x[t]
q[t] = W_q @ x[t]
""",
        {"sizes": {"g": ()}},
    ),
    "deltanet T": (
        """
S[t] = S[t-1] @ (I - g[t] * k[t] @ k[t].T) + g[t] * v[t] @ k[t].T
g[t] = sigmoid(w.T @ x[t])
y[t] = S[t] @ q[t]
v[t] = W_v @ x[t]
k[t] = normalize(W_k @ x[t])
q[t] = W_q @ x[t]
""",
        {},
    ),
    "mlstm": (
        """
q[t] = W_q @ x[t] + b_q
k[t] = W_k @ x[t] / sqrt(size(x[t])) + b_k
v[t] = W_v @ x[t] + b_v
i[t] = exp(w_i.T @ x[t] + b_i)
f[t] = sigmoid(w_f.T @ x[t] + b_f)
o[t] = sigmoid(W_o @ x[t] + b_o)
C[t] = f[t] * C[t-1] + i[t] * v[t] @ k[t].T
n[t] = f[t] * n[t-1] + i[t] * k[t]
y[t] = o[t] * (C[t] @ q[t]) / max(abs(n[t].T @ q[t]), 1)
""",
        {"sizes": {"i": (), "f": ()}},
    ),
    "stabiliser": (
        """
m[t] = max(log(f[t]) + m[t-1], log(i[t]))
f[t] = sigmoid(W_f @ x[t])
i[t] = exp(W_i @ x[t])
y[t] = exp(log(i[t]) - m[t]) * x[t]
""",
        {},
    ),
    "stop": (
        """
h[t] = tanh(W @ h[t-1] + U @ stop_gradient(x[t]))
y[t] = h[t] - stop_gradient(h[t-1])
""",
        {},
    ),
    "layernorm": (
        """
h[t] = tanh(layer_norm(W @ h[t-1] + U @ x[t], g, b))
y[t] = V @ h[t]
""",
        {},
    ),
    "mean var": (
        """
h[t] = tanh(W @ h[t-1] + x[t])
y[t] = (h[t] - mean(h[t])) / sqrt(var(h[t]) + 0.1)
""",
        {},
    ),
    "acts": (
        """
h[t] = swish(W @ h[t-1]) + erf(x[t]) + hard_sigmoid(x[t]) + gelu_erf(x[t]) + gelu(x[t])
y[t] = h[t]
""",
        {},
    ),
    "power": (
        """
h[t] = tanh(W @ h[t-1] + x[t])
y[t] = sigmoid(h[t]) ** (c * r[t])
r[t] = sigmoid(U @ x[t])
""",
        {"sizes": {"c": ()}},
    ),
    "constants": (
        """
c = 0.5
h[t] = (1 - c) * h[t-1] + c * tanh(W @ h[t-1] + x[t])
y[t] = V @ h[t]
""",
        {},
    ),
    "fixed": (
        """
h[t] = tanh(W @ h[t-1] + U @ x[t])
y[t] = V @ h[t]
""",
        {"fixed": ("W", "U")},
    ),
    "split": (
        """
i[t], f[t], o[t], g[t] = split(W @ h[t-1] + U @ x[t] + b)
c[t] = sigmoid(f[t]) * c[t-1] + sigmoid(i[t]) * tanh(g[t])
h[t] = sigmoid(o[t]) * tanh(c[t])
y[t] = V @ h[t]
""",
        {"sizes": {"h": "n"}},
    ),
    "split2": (
        """
p[t], q[t] = split(h[t-1])
p[1]=U_2 @ z[1]
h[t] = concat(tanh(A @ p[t] + U @ x[t]), q[t] + B @ p[t] ) + h[t-2]
y[t] = V @ h[t]
""",
        {"sizes": {"p": "n", "q": "m"}},
    ),
    "slice2": (
        """
h[t] = tanh(W @ h[t-1] + U @ x[t])
y[t] = V @ h[t-1][:k]+V_2 @ h[t][k:]
""",
        {"sizes": {"V": ("o", "k")}},
    ),
    "second order": (
        """
h[t] = sigmoid(bilinear(W, h[t-1], x[t]) + b)
y[t] = V @ h[t]
""",
        {},
    ),
    "lru": (
        """
u[t] = g_r * u[t-1] - g_i * z[t-1] + B_r @ x[t]
z[t] = g_r * z[t-1] + g_i * u[t-1] + B_i @ x[t]
y[t] = C_r @ u[t] - C_i @ z[t] + D * x[t]
g_r = exp(-exp(a)) * cos(exp(b))
g_i = exp(-exp(a)) * sin(exp(b))
""",
        {"sizes": {"u": "n"}},
    ),
    "mamba diag": (
        """
h[t] = exp(diag(s[t]) @ A) * h[t-1] + outer(s[t] * x[t], B[t])
s[t] = softplus(W_d @ x[t] + b_d)
B[t] = W_B @ x[t]
C[t] = W_C @ x[t]
y[t] = h[t] @ C[t] + D * x[t]
""",
        {"sizes": {"h": ("d", "n"), "A": ("d", "n")}},
    ),
    "rwkv": (
        """
a[t] = exp(-w) * a[t-1] + exp(k[t]) * v[t]
b[t] = exp(-w) * b[t-1] + exp(k[t])
y[t] = (a[t-1] + exp(u + k[t]) * v[t]) / (b[t-1] + exp(u + k[t]))
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
""",
        {},
    ),
    "rwkv safe": (
        """
p[t] = max(p[t-1] - w, k[t])
a[t] = exp(p[t-1] - w - p[t]) * a[t-1] + exp(k[t] - p[t]) * v[t]
b[t] = exp(p[t-1] - w - p[t]) * b[t-1] + exp(k[t] - p[t])
r[t] = max(p[t-1], u + k[t])
y[t] = (exp(p[t-1] - r[t]) * a[t-1] + exp(u + k[t] - r[t]) * v[t]) / (exp(p[t-1] - r[t]) * b[t-1] + exp(u + k[t] - r[t]))
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
""",
        {},
    ),
    "antisym": (
        """
h[t] = h[t-1] + g * tanh((W - W.T - c * I) @ h[t-1] + V @ x[t] + b)
y[t] = h[t]
""",
        {"sizes": {"g": (), "c": ()}},
    ),
    "cosine": (
        """
h[t] = tanh(W @ h[t-1] + x[t])
y[t] = cosine(h[t], u) * h[t]
""",
        {},
    ),
    "dot T": (
        """
h[t] = tanh(W @ h[t-1] + x[t])
y[t] = (h[t].T @ u) * h[t]
""",
        {"sizes": {"u": "n"}},
    ),
    "householder": (
        """
h[t] = tanh((I - 2 * outer(v, v) / dot(v, v)) @ h[t-1] + x[t])
y[t] = h[t]
""",
        {},
    ),
}


@cache
def model_of(name: str) -> Model:
    text, options = FORMS[name]
    return Model(text + LOSS, name=name, **options)


@pytest.mark.parametrize("name", FORMS)
def test_all_routes_agree(name: str) -> None:
    report = rnnsym.crosscheck(model_of(name), length=3)
    assert report.passed, str(report)


def problem_of(name: str) -> Problem:
    model = model_of(name)
    params, inputs, sizes = draw(model, 7, length=3, batch=2)
    return Problem(model, params, inputs, sizes, 3, 2)


#: A tensor has no matrix form; zeros in a sum of stacks have no size of their own.
MATRICES = [name for name in FORMS if name not in ("second order", "slices out of order, and one over another")]


@pytest.mark.parametrize("name", MATRICES)
def test_the_text_computes_the_kernels_gradients(name: str) -> None:
    problem = problem_of(name)
    derivation = derive(problem.model)
    assert difference(problem, derivation.to_text("result")) < 1e-9
    assert difference(problem, derivation.unroll(3).to_text()) < 1e-9


@pytest.mark.parametrize("name", FORMS)
def test_index_notation_computes_the_kernels_gradients(name: str) -> None:
    problem = problem_of(name)
    text = derive(problem.model).to_text("result", notation=Notation(indices=True))
    assert element_difference(problem, text) < 1e-9
