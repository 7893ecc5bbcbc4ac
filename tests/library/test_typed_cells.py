"""Cells like those of recent papers that are in no file of the library, typed without a declaration: they go all the way.

What is tested is that such equations are read; not each of them was held against its paper.
"""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym import Model

CELLS = {
    # Gated DeltaNet-2, arXiv:2605.22791.
    "gdn2": """
q[t] = normalize(silu(W_q @ x[t]))
k[t] = normalize(silu(W_k @ x[t]))
v[t] = silu(W_v @ x[t])
b[t] = sigmoid(W_b @ x[t])
w[t] = sigmoid(W_w @ x[t])
alpha[t] = exp(-exp(A_log) * softplus(W_alpha @ x[t] + dt_bias))
S[t] = (I - k[t] @ (b[t] * k[t]).T) @ diag(alpha[t]) @ S[t-1] + k[t] @ (w[t] * v[t]).T
o[t] = S[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
""",
    # Momentum DeltaNet, arXiv:2605.05838.
    "momentum_deltanet": """
q[t] = normalize(W_q @ x[t])
k[t] = normalize(W_k @ x[t])
v[t] = silu(W_v @ x[t])
mu[t] = exp(-exp(mu_log) * softplus(dot(w_mu, x[t]) + b_mu))
alpha[t] = exp(-exp(A_log) * softplus(dot(w_alpha, x[t]) + b_alpha))
beta[t] = sigmoid(dot(w_beta, x[t]))
eta[t] = 1 + tanh(dot(w_eta, x[t]))
R[t] = k[t] @ (alpha[t] * k[t].T @ S[t-1] - v[t].T)
M[t] = mu[t] * M[t-1] + eta[t] * R[t]
S[t] = alpha[t] * S[t-1] - beta[t] * M[t]
o[t] = S[t].T @ q[t] / sqrt(size(q[t]))
L[t] = squared_error(y[t], o[t])
""",
    # Higher-order linear attention, second order, masked and normalised, arXiv:2510.27258.
    "hla": """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
G[t] = G[t-1] + k[t] @ (k[t].T @ C[t-1])
h[t] = h[t-1] + k[t] * (k[t].T @ m[t-1])
S[t] = S[t-1] + k[t] @ k[t].T
C[t] = C[t-1] + q[t] @ v[t].T
m[t] = m[t-1] + q[t]
o[t] = q[t].T @ (S[t] @ C[t] - G[t]) / (q[t].T @ (S[t] @ m[t] - h[t]) + epsilon)
E[t] = squared_error(target[t], o[t])
""",
    # M2RNN, arXiv:2603.14360.
    "m2rnn": """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
f[t] = exp(-softplus(w_f.T @ x[t] + b_f) * exp(A_log))
Z[t] = tanh(H[t-1] @ W + k[t] @ v[t].T)
H[t] = f[t] * H[t-1] + (1 - f[t]) * Z[t]
y[t] = H[t].T @ q[t] + D * v[t]
E[t] = cross_entropy(target[t], softmax(W_o @ y[t]))
""",
    # Rodimus, the selection of its memory.
    "rodimus": """
g[t] = softplus(W_g @ x[t] + b_g)
tau[t] = sigmoid(W_tau @ x[t] + b_tau)
alpha[t] = exp(-g[t] * tau[t])
alpha_hat[t] = g[t] ** tau[t]
beta[t] = sigmoid(W_2 @ (W_1 @ x[t]) + b_beta)
k[t] = normalize(W_k @ x[t]) * alpha_hat[t]
q[t] = W_q @ x[t]
S[t] = diag(alpha[t]) @ S[t-1] + k[t] @ (beta[t] * x[t]).T
o[t] = S[t].T @ q[t] + d * x[t]
E[t] = squared_error(target[t], o[t])
""",
    # Moneta with p = 3 and q = 4 and a linear memory, arXiv:2504.13173.
    "moneta": """
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
q[t] = W_Q @ x[t]
alpha[t] = sigmoid(w_alpha.T @ x[t])
eta[t] = sigmoid(w_eta.T @ x[t])
e[t] = W[t-1] @ k[t] - v[t]
A[t] = alpha[t] * A[t-1] - eta[t] * 3 * (sign(e[t]) * abs(e[t]) ** 2) @ k[t].T
W[t] = A[t] / sqrt(sum(A[t] ** 4))
y[t] = W[t] @ q[t]
E[t] = squared_error(target[t], y[t])
""",
    # A linear recurrent unit of second order, arXiv:2602.12021.
    "hlru": """
v[t] = W_v @ x[t]
g_0[t] = exp(W_0 @ x[t] + b_0)
g_1[t] = exp(W_1 @ x[t] + b_1)
g_2[t] = exp(W_2 @ x[t] + b_2)
n[t] = g_0[t] + g_1[t] + g_2[t]
h[t] = g_1[t] / n[t] * h[t-1] + g_2[t] / n[t] * h[t-2] + g_0[t] / n[t] * v[t]
E[t] = squared_error(target[t], C @ h[t])
""",
    # Fusion recurrent network, two rounds.
    "frnn": """
x_0[t] = sigmoid(F_x @ h[t-1]) * x[t]
h_0[t] = sigmoid(F_h @ x_0[t]) * h[t-1]
x_1[t] = sigmoid(F_x @ h_0[t]) * x_0[t]
h_1[t] = sigmoid(F_h @ x_1[t]) * h_0[t]
h[t] = tanh(W_x @ x_1[t] + W_h @ h_1[t] + b)
E[t] = squared_error(target[t], h[t])
""",
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_that_was_only_typed(name: str) -> None:
    model = Model(CELLS[name], name=name)
    derivation = rnnsym.derive(model)
    assert derivation.replay() == derivation.adjoints
    assert all(len(text) > 100 for text in (derivation.to_text("result"), derivation.to_latex("result")))
    assert "Workspace" in rnnsym.generate(model).source  # many steps at once
    report = rnnsym.crosscheck(model, length=3)
    assert report.passed, str(report)
    exact = [place for place, allowed in enumerate(report.tolerances) if allowed <= 1e-9]
    assert max(row.errors[place] for row in report.rows for place in exact) < 1e-9
