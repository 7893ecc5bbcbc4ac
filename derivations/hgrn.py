"""Hierarchically gated recurrent network.

A linear recurrence with a forget gate that hangs on the input and has a lower bound gamma, so that upper layers forget
slowly; the bounds of all layers are learned together in the paper, here gamma is a parameter between 0 and 1. The real
form of its successors is given, without the phase of the first paper. The output is gated and normalised; the loss is
added.
"""

equations = """
f[t] = gamma + (1 - gamma) * sigmoid(W_f @ x[t] + b_f)
c[t] = silu(W_c @ x[t] + b_c)
h[t] = f[t] * h[t-1] + (1 - f[t]) * c[t]
g[t] = sigmoid(W_g @ x[t] + b_g)
o[t] = W_o @ (g[t] * rms_norm(h[t])) + b_o
E[t] = squared_error(target[t], o[t])
"""

family = "linear"

sizes = {"x": "m", "h": "n", "o": "m"}

sources = [
    {
        "key": "qin2023",
        "type": "inproceedings",
        "author": "Qin, Zhen and Yang, Songlin and Zhong, Yiran",
        "title": "Hierarchically Gated Recurrent Neural Network for Sequence Modeling",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2023,
        "url": "https://arxiv.org/abs/2311.04823",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/layers/hgrn.py": (
        "same recurrence and lower bound; its output gate has another nonlinearity"
    ),
}
