"""Causal linear attention.

Attention without softmax is a recurrent network with a matrix as state: S collects the outer products of keys and
values, z the keys, and a query reads from both. The feature map phi is elu + 1, which is positive. The loss is added:
the squared error of the output.
"""

equations = """
q[t] = elu(W_Q @ x[t]) + 1
k[t] = elu(W_K @ x[t]) + 1
v[t] = W_V @ x[t]
S[t] = S[t-1] + outer(k[t], v[t])
z[t] = z[t-1] + k[t]
y[t] = S[t].T @ q[t] / dot(q[t], z[t])
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "S": ("d", "l")}

symbols = {"q": r"\phi^{q}", "k": r"\phi^{k}"}

sources = [
    {
        "key": "katharopoulos2020",
        "type": "inproceedings",
        "author": "Katharopoulos, Angelos and Vyas, Apoorv and Pappas, Nikolaos and Fleuret, François",
        "title": "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2020,
        "url": "https://arxiv.org/abs/2006.16236",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/linear_attn/naive.py": "same numbers, with normalize = True",
}
