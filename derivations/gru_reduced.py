"""Gated recurrent unit with gates that see the state only.

The first of three reductions by Dey and Salem: both gates hang on the state before and a bias, and no more on the
input. The rest is a gated recurrent unit in which z lets the new in. The loss is added: the squared error of the
state.
"""

equations = """
z[t] = sigmoid(U_z @ h[t-1] + b_z)
r[t] = sigmoid(U_r @ h[t-1] + b_r)
g[t] = tanh(W_h @ x[t] + U_h @ (r[t] * h[t-1]) + b_h)
h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "dey2017",
        "type": "inproceedings",
        "author": "Dey, Rahul and Salem, Fathi M.",
        "title": "Gate-Variants of Gated Recurrent Unit (GRU) Neural Networks",
        "booktitle": "IEEE International Midwest Symposium on Circuits and Systems (MWSCAS)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1701.05923",
    },
]

compared = {
    "abhaskumarsinha/GRU-varients: CustomGRU.py": (
        "same update gate, candidate and state (GRU1); its reset gate reads the input in place of the state, "
        "against the paper, and its biases are matrices"
    ),
}
