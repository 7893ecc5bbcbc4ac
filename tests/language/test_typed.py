"""Cells typed as their papers have them, with hardly a declaration: they are read as they are meant."""

from __future__ import annotations

import pytest

import rnnsym

#: By name: the equations, the sizes that are declared, and how many axes some of the variables have.
CELLS: dict[str, tuple[str, dict[str, tuple[str, ...]], dict[str, int]]] = {
    "deltaproduct": (
        """
        q[t] = W_q @ x[t]
        k[t] = normalize(W_k @ x[t])
        l[t] = normalize(W_l @ x[t])
        v[t] = W_v @ x[t]
        u[t] = W_u @ x[t]
        beta[t] = 2 * sigmoid(w_beta.T @ x[t])
        gamma[t] = 2 * sigmoid(w_gamma.T @ x[t])
        R[t] = (I - beta[t] * k[t] @ k[t].T) @ S[t-1] + beta[t] * k[t] @ v[t].T
        S[t] = (I - gamma[t] * l[t] @ l[t].T) @ R[t] + gamma[t] * l[t] @ u[t].T
        o[t] = S[t].T @ q[t]
        E[t] = squared_error(target[t], o[t])
        """,
        {},
        {"S": 2, "beta": 0, "gamma": 0},
    ),
    "kda": (
        """
        q[t] = W_q @ x[t]
        k[t] = normalize(silu(W_k @ x[t]))
        v[t] = silu(W_v @ x[t])
        alpha[t] = exp(-exp(a) * softplus(W_2 @ (W_1 @ x[t]) + b))
        beta[t] = sigmoid(w_beta.T @ x[t])
        S[t] = (I - beta[t] * k[t] @ k[t].T) @ diag(alpha[t]) @ S[t-1] + beta[t] * k[t] @ v[t].T
        o[t] = S[t].T @ q[t]
        y[t] = W_o @ (sigmoid(W_g @ x[t]) * rms_norm(o[t]))
        E[t] = squared_error(target[t], y[t])
        """,
        {},
        {"S": 2, "beta": 0, "alpha": 1},
    ),
    "mlstm with its stabiliser": (
        """
        q[t] = W_q @ x[t] + b_q
        k[t] = (W_k @ x[t] + b_k) / sqrt(size(q[t]))
        v[t] = W_v @ x[t] + b_v
        li[t] = w_i.T @ x[t] + b_i
        lf[t] = log_sigmoid(w_f.T @ x[t] + b_f)
        m[t] = max(lf[t] + m[t-1], li[t])
        i[t] = exp(li[t] - m[t])
        f[t] = exp(lf[t] + m[t-1] - m[t])
        C[t] = f[t] * C[t-1] + i[t] * v[t] @ k[t].T
        n[t] = f[t] * n[t-1] + i[t] * k[t]
        h[t] = sigmoid(W_o @ x[t] + b_o) * (C[t] @ q[t]) / max(abs(n[t].T @ q[t]), exp(-m[t]))
        E[t] = squared_error(target[t], h[t])
        """,
        {},
        {"C": 2, "m": 0, "i": 0, "f": 0, "n": 1},
    ),
    "neural turing machine": (
        """
        k[t] = tanh(W_k @ h[t-1] + b_k)
        beta[t] = softplus(w_beta.T @ h[t-1] + b_beta)
        n[t] = sqrt(M[t-1] ** 2 @ ones() + 0.001)
        w[t] = softmax(beta[t] * (M[t-1] @ k[t]) / (n[t] * norm(k[t])))
        r[t] = M[t-1].T @ w[t]
        e[t] = sigmoid(W_e @ h[t-1] + b_e)
        a[t] = tanh(W_a @ h[t-1] + b_a)
        M[t] = M[t-1] * (1 - w[t] @ e[t].T) + w[t] @ a[t].T
        h[t] = tanh(W @ concat(h[t-1], x[t], r[t]) + b)
        E[t] = squared_error(target[t], h[t])
        """,
        {"M": ("N", "d")},
        {"M": 2, "beta": 0, "w": 1},
    ),
    "test-time training": (
        """
        k[t] = theta_K @ x[t]
        v[t] = theta_V @ x[t]
        q[t] = theta_Q @ x[t]
        eta[t] = sigmoid(theta_lr.T @ x[t])
        z[t] = W[t-1] @ k[t]
        a[t] = gelu(z[t])
        d[t] = V[t-1] @ a[t] - v[t]
        V[t] = V[t-1] - eta[t] * d[t] @ a[t].T
        s[t] = V[t-1].T @ d[t]
        W[t] = W[t-1] - eta[t] * (s[t] * step(z[t])) @ k[t].T
        o[t] = V[t] @ gelu(W[t] @ q[t])
        E[t] = squared_error(target[t], o[t])
        """,
        {},
        {"W": 2, "V": 2, "eta": 0, "a": 1},
    ),
    "forgetting attention": (
        """
        q[t] = W_q @ x[t]
        k[t] = W_k @ x[t]
        v[t] = W_v @ x[t]
        f[t] = log_sigmoid(w_f.T @ x[t] + b_f)
        K[t] = K[t-1] + position[t] @ k[t].T
        V[t] = V[t-1] + position[t] @ v[t].T
        D[t] = (D[t-1] + f[t]) * p[t-1]
        p[t] = p[t-1] + position[t]
        e[t] = p[t] * exp(K[t] @ q[t] + D[t])
        o[t] = V[t].T @ e[t] / sum(e[t])
        E[t] = squared_error(target[t], o[t])
        """,
        {},
        {"K": 2, "V": 2, "f": 0, "D": 1},
    ),
    "titans": (
        """
        q[t] = W_Q @ x[t]
        k[t] = normalize(W_K @ x[t])
        v[t] = W_V @ x[t]
        alpha[t] = sigmoid(w_alpha.T @ x[t])
        eta[t] = sigmoid(w_eta.T @ x[t])
        theta[t] = sigmoid(w_theta.T @ x[t])
        S[t] = eta[t] * S[t-1] - theta[t] * (M[t-1] @ k[t] - v[t]) @ k[t].T
        M[t] = (1 - alpha[t]) * M[t-1] + S[t]
        y[t] = M[t] @ q[t]
        E[t] = squared_error(target[t], y[t])
        """,
        {},
        {"S": 2, "M": 2, "alpha": 0, "theta": 0},
    ),
    "gru-d": (
        """
        gx[t] = exp(-max(0, w_x * delta[t] + b_x))
        gh[t] = exp(-max(0, W_h @ delta[t] + b_h))
        u[t] = m[t] * x[t] + (1 - m[t]) * (gx[t] * u[t-1] + (1 - gx[t]) * mean_x)
        p[t] = gh[t] * h[t-1]
        z[t] = sigmoid(W_z @ u[t] + U_z @ p[t] + V_z @ m[t] + b_z)
        r[t] = sigmoid(W_r @ u[t] + U_r @ p[t] + V_r @ m[t] + b_r)
        g[t] = tanh(W_g @ u[t] + U_g @ (r[t] * p[t]) + V_g @ m[t] + b_g)
        h[t] = (1 - z[t]) * p[t] + z[t] * g[t]
        E[t] = squared_error(target[t], h[t])
        """,
        {},
        {"W_h": 2, "mean_x": 1, "w_x": 1},
    ),
    "unitary": (
        """
        a[t] = W_re @ h[t-1] - W_im @ g[t-1] + V_re @ x[t]
        b[t] = W_re @ g[t-1] + W_im @ h[t-1] + V_im @ x[t]
        r[t] = sqrt(a[t] ** 2 + b[t] ** 2 + 0.00001)
        s[t] = relu(r[t] + c) / r[t]
        h[t] = s[t] * a[t]
        g[t] = s[t] * b[t]
        y[t] = U @ concat(h[t], g[t]) + d
        E[t] = squared_error(target[t], y[t])
        """,
        {},
        {"W_re": 2, "c": 1},
    ),
    "ordered neurons": (
        """
        f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
        i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1] + b_i)
        o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + b_o)
        g[t] = tanh(W_c @ x[t] + U_c @ h[t-1] + b_c)
        mf[t] = C @ softmax(W_mf @ x[t] + U_mf @ h[t-1] + b_mf)
        mi[t] = 1 - C @ softmax(W_mi @ x[t] + U_mi @ h[t-1] + b_mi)
        w[t] = mf[t] * mi[t]
        c[t] = (f[t] * w[t] + mf[t] - w[t]) * c[t-1] + (i[t] * w[t] + mi[t] - w[t]) * g[t]
        h[t] = o[t] * tanh(c[t])
        E[t] = squared_error(target[t], h[t])
        """,
        {},
        {"C": 2, "w": 1},
    ),
}
#: The gradients of these are checked as well; the others take longer.
CHECKED = ("titans",)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_read_as_it_is_meant(name: str) -> None:
    equations, sizes, ranks = CELLS[name]
    model = rnnsym.Model(equations, sizes=sizes)
    assert {variable: len(model.shapes[variable]) for variable in ranks} == ranks
    derivation = rnnsym.derive(model)
    assert set(model.parameters) <= {equation.variable.adjoint_of for equation in derivation.adjoints}


@pytest.mark.parametrize("name", CHECKED)
def test_its_gradients_are_right(name: str) -> None:
    equations, sizes, _ = CELLS[name]
    assert rnnsym.crosscheck(rnnsym.Model(equations, sizes=sizes), length=3).passed
