"""Recurrent network of rectifiers started at the identity (IRNN).

A network of rectified linear units whose recurrent matrix starts at the identity and whose biases start at zero, so
that a state is kept until something is learned. The starting point is no equation: it is what a training program sets.
As in the paper's adding problem, one linear output is read at the end, with the squared error.
"""

equations = """
h[t] = relu(W @ h[t-1] + V @ x[t] + b)
y = U @ h[T] + c
E = squared_error(target, y)
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

inputs = ("target",)

sources = [
    {
        "key": "le2015",
        "type": "misc",
        "author": "Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.",
        "title": "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
        "year": 2015,
        "url": "https://arxiv.org/abs/1504.00941",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers, with nonlinearity = relu",
}
