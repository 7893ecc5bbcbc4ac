"""DeltaNet.

A matrix state maps keys to values and is corrected by the delta rule: what it says of the key is compared with the
value, and the difference is written at the rate beta. Keys are made of length one. The loss is added: the squared
error of the output.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = normalize(W_K @ x[t])
v[t] = W_V @ x[t]
beta[t] = sigmoid(dot(w_beta, x[t]))
S[t] = S[t-1] + outer(beta[t] * (v[t] - S[t-1] @ k[t]), k[t])
o[t] = S[t] @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "S": ("l", "d")}

sources = [
    {
        "key": "schlag2021",
        "type": "inproceedings",
        "author": "Schlag, Imanol and Irie, Kazuki and Schmidhuber, Jürgen",
        "title": "Linear Transformers Are Secretly Fast Weight Programmers",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2021,
        "url": "https://arxiv.org/abs/2102.11174",
    },
    {
        "key": "yang2024delta",
        "type": "inproceedings",
        "author": "Yang, Songlin and Wang, Bailin and Zhang, Yu and Shen, Yikang and Kim, Yoon",
        "title": "Parallelizing Linear Transformers with the Delta Rule over Sequence Length",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2406.06484",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/delta_rule/naive.py": (
        "same numbers; it divides the query by the root of its size"
    ),
}
