"""RWKV-6 time mixing, one head.

A linear attention whose state decays at a rate of each channel's own, which hangs on the input through two small
matrices; the present step counts with a bonus u. Token shift, normalisation and gate are left out. The loss is added:
the squared error of the output.
"""

equations = """
r[t] = W_r @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
w[t] = exp(-exp(lambda_ + tanh(x[t] @ A) @ B))
o[t] = r[t].T @ (diag(u) @ k[t] @ v[t].T + S[t-1])
S[t] = diag(w[t]) @ S[t-1] + k[t] @ v[t].T
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l", "A": ("m", "r")}

symbols = {"lambda_": r"\lambda"}

sources = [
    {
        "key": "peng2024",
        "type": "misc",
        "author": "Peng, Bo and Goldstein, Daniel and Anthony, Quentin and Albalak, Alon and others",
        "title": "Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence",
        "year": 2024,
        "url": "https://arxiv.org/abs/2404.05892",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/rwkv6/recurrent_naive.py": (
        "same equations; it scales the receptance, and is handed the logarithm of the decay"
    ),
}
