"""Mamba-2, one head.

The selective state space model with one decay a for the whole state of a head instead of one for each entry, which makes
it a linear attention: B are the keys, C the queries, and x the values. Step and decay are numbers that hang on the
input. Convolution, gate and normalisation of the block are left out; the loss is added: the squared error of the output.
"""

equations = """
B[t] = W_B @ x[t]
C[t] = W_C @ x[t]
Delta[t] = softplus(w_Delta.T @ x[t] + b_Delta)
a[t] = exp(-exp(A_log) * Delta[t])
h[t] = a[t] * h[t-1] + Delta[t] * x[t] @ B[t].T
y[t] = h[t] @ C[t] + D * x[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "p", "B": "n", "A_log": (), "D": ()}

symbols = {"A_log": r"A"}

sources = [
    {
        "key": "dao2024",
        "type": "inproceedings",
        "author": "Dao, Tri and Gu, Albert",
        "title": "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2405.21060",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/simple_gla/naive.py": (
        "same numbers with its keys B, queries C and values Delta x, to which D x is added"
    ),
}
