"""Attention with bounded memory, one head, the memory written by an exponential (ABC).

A fixed number of slots holds averages of keys and values: how much a token counts in a slot is an exponential of its own
score, and z holds their sums. A query attends to the slots. The loss is added: the squared error of the output.
"""

equations = """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
phi[t] = exp(W_phi @ x[t])
z[t] = z[t-1] + phi[t]
K[t] = K[t-1] + phi[t] @ k[t].T
V[t] = V[t-1] + phi[t] @ v[t].T
o[t] = V[t].T @ (softmax(K[t] @ q[t] / z[t]) / z[t])
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l", "z": "n"}

symbols = {"phi": r"\phi", "K": r"\tilde{K}", "V": r"\tilde{V}"}

sources = [
    {
        "key": "peng2022",
        "type": "inproceedings",
        "author": "Peng, Hao and Kasai, Jungo and Pappas, Nikolaos and Yogatama, Dani and Wu, Zhaofeng and Kong, Lingpeng and Schwartz, Roy and Smith, Noah A.",
        "title": "ABC: Attention with Bounded-memory Control",
        "booktitle": "Annual Meeting of the Association for Computational Linguistics (ACL)",
        "year": 2022,
        "url": "https://arxiv.org/abs/2110.02488",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/abc/naive.py": (
        "same equations; it scales the query, and takes the largest score off before the exponential"
    ),
}
