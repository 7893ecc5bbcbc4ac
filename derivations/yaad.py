"""Yaad, with a linear memory.

A memory that learns while it reads: by the gradient of the squared error where that is small, and of the absolute
error, delta times the signs, where its norm is above the threshold delta, which hangs on the input. alpha is what is
kept and eta the rate. The memory is a matrix and its gates are numbers here, in the paper a network of two layers and
vectors; there is no code by its authors. The loss is added.
"""

equations = """
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
q[t] = W_Q @ x[t]
alpha[t] = sigmoid(w_alpha.T @ x[t])
eta[t] = sigmoid(w_eta.T @ x[t])
delta[t] = softplus(w_delta.T @ x[t])
e[t] = W[t-1] @ k[t] - v[t]
r[t] = norm(e[t])
g[t] = where(r[t] <= delta[t], e[t], delta[t] * sign(e[t]))
W[t] = alpha[t] * W[t-1] - eta[t] * g[t] @ k[t].T
y[t] = W[t] @ q[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l", "r": ()}

sources = [
    {
        "key": "behrouz2025miras",
        "type": "misc",
        "author": "Behrouz, Ali and Razaviyayn, Meisam and Zhong, Peilin and Mirrokni, Vahab",
        "title": "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online Optimization",
        "year": 2025,
        "url": "https://arxiv.org/abs/2504.13173",
    },
]

compared = {
    "aryateja2106/neural-memory-reproduction: MIRAS.context.md": (
        "same update, written out from the paper, with the signs (its third form); the code beside it takes a Huber loss "
        "of each element"
    ),
}
