"""Minimal gated unit, reduction 3.

The minimal gated unit with a gate that hangs on a bias alone, so that it is the same at every step. It is the third of
three reductions by Heck and Salem. The loss is added: the squared error of the state.
"""

equations = """
f = sigmoid(b_f)
g[t] = tanh(W_h @ x[t] + U_h @ (f * h[t-1]) + b_h)
h[t] = (1 - f) * h[t-1] + f * g[t]
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
    "abhaskumarsinha/GRU-varients: CustomGRU.py": (
        "a relative, GRU3: its two gates are made of biases alone, as the one gate here"
    ),
}
