"""Legendre memory unit.

A linear memory m keeps the recent past of one signal u as coefficients of Legendre polynomials; its matrices A and B
follow from a differential equation and are not learned. A nonlinear state h reads the memory and helps to write the
signal. Matrices are those of the discretised system; the loss is added.
"""

equations = """
u[t] = dot(e_x, x[t]) + dot(e_h, h[t-1]) + dot(e_m, m[t-1])
m[t] = A @ m[t-1] + B * u[t]
h[t] = tanh(W_x @ x[t] + W_h @ h[t-1] + W_m @ m[t])
E[t] = squared_error(target[t], h[t])
"""

family = "continuous time"

sizes = {"x": "l", "m": "d", "h": "n"}

fixed = ("A", "B")

symbols = {"A": r"\bar{A}", "B": r"\bar{B}"}

sources = [
    {
        "key": "voelker2019",
        "type": "inproceedings",
        "author": "Voelker, Aaron R. and Kajić, Ivana and Eliasmith, Chris",
        "title": "Legendre Memory Units: Continuous-Time Representation in Recurrent Neural Networks",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2019,
    },
]

compared = {
    "nengo/keras-lmu: lmu/lmu.py": "same equations; it keeps A less the identity",
}
