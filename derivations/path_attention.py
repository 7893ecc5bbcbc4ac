"""Attention with positions by accumulated Householder products (PaTH), one head.

Softmax attention to all steps so far, whose keys are moved on at every step by a matrix made of the input, the
identity less a product of w with itself; where beta is 2 it is a reflection. The score of an earlier step so has the
product of all matrices since then in it. Keys and values are the rows of K and V, position has its one where the step
is kept, m says which rows are filled. The loss is added.
"""

equations = """
q[t] = W_q @ x[t]
k[t] = W_k @ x[t]
v[t] = W_v @ x[t]
w[t] = normalize(W_w @ x[t])
beta[t] = 2 * sigmoid(u.T @ x[t] + b)
K[t] = K[t-1] @ (I - beta[t] * w[t] @ w[t].T) + outer(position[t], k[t])
V[t] = V[t-1] + outer(position[t], v[t])
m[t] = m[t-1] + position[t]
a[t] = softmax(where(m[t] > 0, K[t] @ q[t] / sqrt(size(q[t])), -1000))
o[t] = V[t].T @ a[t]
E[t] = squared_error(target[t], o[t])
"""

family = "attention"

sizes = {"x": "m", "k": "d", "v": "l", "position": "S", "b": ()}

symbols = {"position": r"e"}

sources = [
    {
        "key": "yang2025path",
        "type": "inproceedings",
        "author": (
            "Yang, Songlin and Shen, Yikang and Wen, Kaiyue and Tan, Shawn and Mishra, Mayank and Ren, Liliang and "
            "Panda, Rameswar and Kim, Yoon"
        ),
        "title": "PaTH Attention: Position Encoding via Accumulating Householder Transformations",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2025,
        "url": "https://arxiv.org/abs/2505.16381",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/layers/path_attn.py": (
        "same equations where it decodes step by step; its w is a product of two smaller matrices and a short convolution"
    ),
}
