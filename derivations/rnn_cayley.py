"""Orthogonal recurrent network by the scaled Cayley transform.

The recurrent matrix is made of a skew-symmetric one, A - A.T, so that it is orthogonal whatever A is; D holds fixed ones
and minus ones, which reach the orthogonal matrices that the transform alone cannot give. The rectifier modReLU shrinks
or cuts the size of a number and keeps its sign. The loss is the squared error of the output.
"""

equations = """
S = A - A.T
W = inv(I + S) @ (I - S) @ diag(D)
z[t] = U @ x[t] + W @ h[t-1]
h[t] = sign(z[t]) * relu(abs(z[t]) + b)
o[t] = V @ h[t] + c
E[t] = squared_error(target[t], o[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "o": "k"}

fixed = ("D",)

sources = [
    {
        "key": "helfrich2018",
        "type": "inproceedings",
        "author": "Helfrich, Kyle and Willmott, Devin and Ye, Qiang",
        "title": "Orthogonal Recurrent Neural Networks with Scaled Cayley Transform",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2018,
        "url": "https://arxiv.org/abs/1707.09520",
    },
]

compared = {
    "SpartinStuff/scoRNN: scoRNN.py": ("same equations; it keeps A skew by its updates, and has no read-out"),
}
