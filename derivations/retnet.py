"""Retention.

The recurrent form of retention: a matrix state decays by one number gamma, which the paper fixes for each head, and
collects outer products of keys and values. The rotation by position, the normalisation by group and the gate that
follow are left out. The loss is added: the squared error of the output.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
S[t] = gamma * S[t-1] + outer(k[t], v[t])
o[t] = S[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "S": ("d", "l"), "gamma": ()}

sources = [
    {
        "key": "sun2023",
        "type": "misc",
        "author": (
            "Sun, Yutao and Dong, Li and Huang, Shaohan and Ma, Shuming and Xia, Yuqing and Xue, Jilong and "
            "Wang, Jianyong and Wei, Furu"
        ),
        "title": "Retentive Network: A Successor to Transformer for Large Language Models",
        "year": 2023,
        "url": "https://arxiv.org/abs/2307.08621",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/simple_gla/naive.py": (
        "same numbers with a fixed decay; retention there also divides the query by the root of its size"
    ),
}
