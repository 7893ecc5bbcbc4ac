"""Gated DeltaNet.

DeltaNet with a number alpha that lets the whole state decay before it is corrected, so that memory can be cleared as
well as edited. Decay and rate are logistic functions of the input here; the paper takes the decay from Mamba2. The
loss is added: the squared error of the output.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = normalize(W_K @ x[t])
v[t] = W_V @ x[t]
alpha[t] = sigmoid(dot(w_alpha, x[t]))
beta[t] = sigmoid(dot(w_beta, x[t]))
S[t] = alpha[t] * S[t-1] + outer(beta[t] * (v[t] - alpha[t] * (S[t-1] @ k[t])), k[t])
o[t] = S[t] @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "S": ("l", "d")}

sources = [
    {
        "key": "yang2025",
        "type": "inproceedings",
        "author": "Yang, Songlin and Kautz, Jan and Hatamizadeh, Ali",
        "title": "Gated Delta Networks: Improving Mamba2 with Delta Rule",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2025,
        "url": "https://arxiv.org/abs/2412.06464",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/gated_delta_rule/naive.py": (
        "same numbers; it divides the query by the root of its size"
    ),
}
