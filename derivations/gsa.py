"""Gated slot attention.

A memory of a few slots, each with a key and a value: rows of K and V. A gate alpha for each slot says how much of it is
kept, and the rest is filled with the new key and value. A query is compared with the keys of all slots and a softmax
weighs their values. The gate is damped by a root, as in gated linear attention; the loss is added.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
alpha[t] = sigmoid(W_alpha @ x[t]) ** (1/8)
K[t] = diag(alpha[t]) @ K[t-1] + (1 - alpha[t]) @ k[t].T
V[t] = diag(alpha[t]) @ V[t-1] + (1 - alpha[t]) @ v[t].T
o[t] = V[t].T @ softmax(K[t] @ q[t])
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "alpha": "s"}

sources = [
    {
        "key": "zhang2024",
        "type": "inproceedings",
        "author": "Zhang, Yu and Yang, Songlin and Zhu, Ruijie and Zhang, Yue and Cui, Leyang and Wang, Yiqiao and Wang, Bolun and Shi, Freda and Wang, Bailin and Bi, Wei and Zhou, Peng and Fu, Guohong",
        "title": "Gated Slot Attention for Efficient Linear-Time Sequence Modeling",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2409.07146",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/gsa/naive.py": (
        "same numbers; it divides the query by the root of its size"
    ),
}
