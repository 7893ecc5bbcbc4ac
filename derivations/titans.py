"""Titans' neural memory, with a linear memory.

A memory M that learns while it reads: each step takes the gradient of how badly it recalls the value of the key, with
momentum eta, rate theta, and a share alpha that is forgotten, all of which hang on the input. With a matrix as memory
the gradient is written out. The loss is added: the squared error of the output.
"""

equations = """
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
q[t] = W_Q @ x[t]
alpha[t] = sigmoid(w_alpha.T @ x[t])
eta[t] = sigmoid(w_eta.T @ x[t])
theta[t] = softplus(w_theta.T @ x[t])
S[t] = eta[t] * S[t-1] - theta[t] * 2 * (M[t-1] @ k[t] - v[t]) @ k[t].T
M[t] = (1 - alpha[t]) * M[t-1] + S[t]
y[t] = M[t] @ q[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l"}

symbols = {"M": r"\mathcal{M}"}

sources = [
    {
        "key": "behrouz2025",
        "type": "misc",
        "author": "Behrouz, Ali and Zhong, Peilin and Mirrokni, Vahab",
        "title": "Titans: Learning to Memorize at Test Time",
        "year": 2025,
        "url": "https://arxiv.org/abs/2501.00663",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/titans/naive.py": (
        "same equations of momentum and memory; the error that is learnt from goes through a layer normalisation there"
    ),
}
