"""Minimal gated unit, reduction 2.

The minimal gated unit with a gate that hangs on the state before alone. It is the second of three reductions by Heck
and Salem. The loss is added: the squared error of the state.
"""

equations = """
f[t] = sigmoid(U_f @ h[t-1])
g[t] = tanh(W_h @ x[t] + U_h @ (f[t] * h[t-1]) + b_h)
h[t] = (1 - f[t]) * h[t-1] + f[t] * g[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "heck2017",
        "type": "inproceedings",
        "author": "Heck, Joel C. and Salem, Fathi M.",
        "title": "Simplified Minimal Gated Unit Variations for Recurrent Neural Networks",
        "booktitle": "IEEE International Midwest Symposium on Circuits and Systems (MWSCAS)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1701.03452",
    },
]

compared = {
    "jpeg729/pytorch_bits: nn/mgu.py": (
        "same gate (MGU2 there, without its bias); it resets after the product, the paper before"
    ),
}
