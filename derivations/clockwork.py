"""Clockwork network.

The hidden layer is split into modules with periods, and a module is computed only at steps that its period divides. A
mask, given with the input, has a one for every unit that runs at step t. Modules see only those that are as slow or
slower, so that W_H is block-triangular: M is a fixed matrix of ones and zeros. The loss is the squared error of the
output.
"""

equations = """
h[t] = mask[t] * tanh((M * W_H) @ h[t-1] + W_I @ x[t]) + (1 - mask[t]) * h[t-1]
y[t] = tanh(W_O @ h[t])
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k", "M": ("n", "n")}

fixed = ("M",)

symbols = {"mask": r"m"}

sources = [
    {
        "key": "koutnik2014",
        "type": "inproceedings",
        "author": "Koutník, Jan and Greff, Klaus and Gomez, Faustino and Schmidhuber, Jürgen",
        "title": "A Clockwork RNN",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "pages": "1863--1871",
        "year": 2014,
        "url": "https://arxiv.org/abs/1402.3511",
    },
]

compared = {
    "ToruOwO/clockwork-rnn-pytorch: model.py": (
        "same recurrence, with periods that are powers of two, with biases and a linear output"
    ),
}
