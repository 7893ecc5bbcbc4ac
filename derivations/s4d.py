"""Diagonal state space model (S4D).

A linear differential equation with a diagonal complex matrix for one channel of input, made discrete by a zero-order
hold with step Delta, and written as pairs of reals. The real parts of the eigenvalues are minus an exponential, so
that all are stable. B is one, as may be chosen, and the output is twice the real part of C x; the loss is added.
"""

equations = """
a = -exp(alpha)
p = exp(Delta * a) * cos(Delta * omega)
q = exp(Delta * a) * sin(Delta * omega)
g = ((p - 1) * a + q * omega) / (a * a + omega * omega)
k = (q * a - (p - 1) * omega) / (a * a + omega * omega)
x[t] = p * x[t-1] - q * s[t-1] + g * u[t]
s[t] = p * s[t-1] + q * x[t-1] + k * u[t]
y[t] = 2 * dot(c, x[t]) - 2 * dot(d, s[t]) + D * u[t]
E[t] = squared_error(target[t], y[t])
"""

family = "linear"

sizes = {"u": (), "x": "n", "y": (), "Delta": (), "D": (), "target": ()}

symbols = {
    "a": r"A^{re}",
    "omega": r"A^{im}",
    "p": r"\bar{A}^{re}",
    "q": r"\bar{A}^{im}",
    "g": r"\bar{B}^{re}",
    "k": r"\bar{B}^{im}",
    "x": r"x^{re}",
    "s": r"x^{im}",
    "c": r"C^{re}",
    "d": r"C^{im}",
}

sources = [
    {
        "key": "gu2022",
        "type": "inproceedings",
        "author": "Gu, Albert and Goel, Karan and Gupta, Ankit and Ré, Christopher",
        "title": "On the Parameterization and Initialization of Diagonal State Space Models",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2022,
        "url": "https://arxiv.org/abs/2206.11893",
    },
]

compared = {
    "state-spaces/s4: models/s4/s4d.py": (
        "same equations as a recurrence, where it computes a convolution; its Delta is the exponential of a "
        "trained number"
    ),
}
