"""Lipschitz recurrent network.

A linear part A and a nonlinear part with W, both built from a matrix M by weighing its symmetric and its antisymmetric
half and shifting the eigenvalues. That keeps the differential equation stable; it is taken in Euler steps of length
epsilon, which is stable as long as epsilon is small against the eigenvalues: beyond, states grow with every step, out of
single precision for parameters of a hundred. The output is linear, and the loss the squared error.
"""

equations = """
A = (1 - beta) * (M_A + M_A.T) + beta * (M_A - M_A.T) - gamma_A * I
W = (1 - beta) * (M_W + M_W.T) + beta * (M_W - M_W.T) - gamma_W * I
z[t] = W @ h[t-1] + U @ x[t] + b
h[t] = h[t-1] + epsilon * (A @ h[t-1]) + epsilon * tanh(z[t])
y[t] = D @ h[t]
E[t] = squared_error(target[t], y[t])
"""

family = "continuous time"

sizes = {"x": "m", "h": "n", "y": "k", "beta": (), "gamma_A": (), "gamma_W": (), "epsilon": ()}

sources = [
    {
        "key": "erichson2021",
        "type": "inproceedings",
        "author": (
            "Erichson, N. Benjamin and Azencot, Omri and Queiruga, Alejandro and Hodgkinson, Liam and Mahoney, "
            "Michael W."
        ),
        "title": "Lipschitz Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2021,
        "url": "https://arxiv.org/abs/2006.12070",
    },
]

compared = {
    "erichson/LipschitzRNN: models.py": (
        "same equations with rows for columns; it has one gamma for A and W, and a factor alpha before A, here one"
    ),
}
