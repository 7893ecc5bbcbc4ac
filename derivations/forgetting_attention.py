"""Forgetting attention, one head.

Softmax attention of each step to all steps so far, with a forget gate: d holds, for every step of the past, the sum
of the logarithms of the gates since then, and lowers its score. Keys and values are the rows of K and V; position has
its one where the step is kept, m says which rows are filled. The loss is added.
"""

equations = """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
f[t] = log_sigmoid(w_f.T @ x[t] + b_f)
K[t] = K[t-1] + outer(position[t], k[t])
V[t] = V[t-1] + outer(position[t], v[t])
d[t] = d[t-1] + f[t] * m[t-1]
m[t] = m[t-1] + position[t]
a[t] = softmax(where(m[t] > 0, K[t] @ q[t] / sqrt(size(q[t])) + d[t], -1000))
o[t] = V[t].T @ a[t]
E[t] = squared_error(target[t], o[t])
"""

family = "attention"

sizes = {"x": "m", "k": "d", "v": "l", "position": "S", "b_f": ()}

symbols = {"position": r"e", "f": r"\log f"}

sources = [
    {
        "key": "lin2025",
        "type": "inproceedings",
        "author": "Lin, Zhixuan and Nikishin, Evgenii and He, Xu Owen and Courville, Aaron",
        "title": "Forgetting Transformer: Softmax Attention with a Forget Gate",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2025,
        "url": "https://arxiv.org/abs/2503.02130",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/forgetting_attn/naive.py": (
        "same equations, for all steps at once; the gates come as logarithms"
    ),
}
