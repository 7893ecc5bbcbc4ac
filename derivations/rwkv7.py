"""RWKV-7 time mixing, one head.

A generalised delta rule: the matrix state decays at a rate w of each channel's own, and what it says of the direction
kappa is taken away at the rate a of each channel before the new pair is written. Token shift, the low-rank maps and the
bonus for the present step are left out. The loss is added: the squared error of the output.
"""

equations = """
r[t] = W_r @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
w[t] = exp(-exp(-0.5) * sigmoid(W_w @ x[t] + b_w))
a[t] = sigmoid(W_a @ x[t] + b_a)
kappa[t] = normalize(xi * k[t])
S[t] = S[t-1] @ (diag(w[t]) - kappa[t] @ (a[t] * kappa[t]).T) + v[t] @ (k[t] * (1 + (a[t] - 1) * alpha)).T
p[t] = S[t] @ r[t]
E[t] = squared_error(target[t], p[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l"}

symbols = {"kappa": r"\hat{\kappa}"}

sources = [
    {
        "key": "peng2025",
        "type": "misc",
        "author": "Peng, Bo and Zhang, Ruichong and Goldstein, Daniel and Alcaide, Eric and others",
        "title": "RWKV-7 ``Goose'' with Expressive Dynamic State Evolution",
        "year": 2025,
        "url": "https://arxiv.org/abs/2503.14456",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/generalized_delta_rule/dplr/naive.py": (
        "same numbers with alpha = -kappa and beta = a kappa; it divides the query by the root of its size"
    ),
}
