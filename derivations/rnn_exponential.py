"""Orthogonal recurrent network by the exponential of a matrix.

The recurrent matrix is the exponential of a skew-symmetric one, A - A.T, so that it is orthogonal whatever A is. The
rectifier modReLU shrinks or cuts the size of a number and keeps its sign. The loss is the squared error of the output.
"""

equations = """
B = expm(A - A.T)
z[t] = B @ h[t-1] + U @ x[t]
h[t] = sign(z[t]) * relu(abs(z[t]) + b)
o[t] = V @ h[t] + c
E[t] = squared_error(target[t], o[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "o": "k"}

sources = [
    {
        "key": "lezcano2019",
        "type": "inproceedings",
        "author": "Lezcano-Casado, Mario and Martínez-Rubio, David",
        "title": "Cheap Orthogonal Constraints in Neural Networks: A Simple Parametrization of the Orthogonal and Unitary Group",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2019,
        "url": "https://arxiv.org/abs/1901.08428",
    },
]
