"""Kimi delta attention, one head.

The gated delta rule with a decay of each channel's own: the memory first decays, then what it says of the key is moved
towards the value, beta of the way. The decay is made by two small matrices. Short convolutions, normalisation and gate of
the output are left out. The loss is added: the squared error of the output.
"""

equations = """
q[t] = normalize(silu(W_q @ x[t]))
k[t] = normalize(silu(W_k @ x[t]))
v[t] = silu(W_v @ x[t])
alpha[t] = exp(-exp(A_log) * softplus(W_up @ (W_down @ x[t]) + b_alpha))
beta[t] = sigmoid(w_beta.T @ x[t])
S[t] = (I - beta[t] * k[t] @ k[t].T) @ diag(alpha[t]) @ S[t-1] + beta[t] * k[t] @ v[t].T
o[t] = S[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l", "W_down": ("r", "m"), "A_log": ()}

symbols = {"W_up": r"W_\alpha^\uparrow", "W_down": r"W_\alpha^\downarrow", "A_log": r"A"}

sources = [
    {
        "key": "kimi2025",
        "type": "misc",
        "author": "{Kimi Team}",
        "title": "Kimi Linear: An Expressive, Efficient Attention Architecture",
        "year": 2025,
        "url": "https://arxiv.org/abs/2510.26692",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/layers/kda.py": (
        "same equations; it divides the query by the root of its size"
    ),
}
