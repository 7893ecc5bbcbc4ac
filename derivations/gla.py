"""Gated linear attention.

Each row of a matrix state decays at a rate of its own, which hangs on the input: alpha is a vector of numbers between
0 and 1, close to one because a root is taken. The gate of the output and its normalisation are left out. The loss is
added: the squared error of the output.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
alpha[t] = sigmoid(W_alpha2 @ (W_alpha1 @ x[t]) + b_alpha) ** (1/16)
S[t] = diag(alpha[t]) @ S[t-1] + outer(k[t], v[t])
o[t] = S[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "S": ("d", "l"), "W_alpha1": ("r", "m")}

symbols = {"W_alpha1": r"W_\alpha^1", "W_alpha2": r"W_\alpha^2"}

sources = [
    {
        "key": "yang2024gla",
        "type": "inproceedings",
        "author": "Yang, Songlin and Wang, Bailin and Shen, Yikang and Panda, Rameswar and Kim, Yoon",
        "title": "Gated Linear Attention Transformers with Hardware-Efficient Training",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2312.06635",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/gla/naive.py": (
        "same numbers; it divides the query by the root of its size"
    ),
}
