"""Longhorn.

A state space model whose step solves a small regression: each channel of the state is moved so that it says the input of
the key, and no further from where it was than beta allows. Delta is the step that comes out, with the diagonal of the
exact solution. The block around it is left out; the loss is added: the squared error of the output.
"""

equations = """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
beta[t] = sigmoid(W_beta @ x[t] + b_beta)
Delta[t] = beta[t] / (1 + beta[t] * (k[t].T @ k[t]))
S[t] = (1 - Delta[t] @ (k[t] ** 2).T) * S[t-1] + (Delta[t] * x[t]) @ k[t].T
o[t] = S[t] @ q[t] + D * x[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "p", "k": "d"}

sources = [
    {
        "key": "liu2024",
        "type": "misc",
        "author": "Liu, Bo and Wang, Rui and Wu, Lemeng and Feng, Yihao and Stone, Peter and Liu, Qiang",
        "title": "Longhorn: State Space Models are Amortized Online Learners",
        "year": 2024,
        "url": "https://arxiv.org/abs/2407.14207",
    },
]

compared = {
    "Cranial-XIX/longhorn: models/longhorn.py": (
        "same equations; its beta is made by a product of two smaller matrices"
    ),
}
