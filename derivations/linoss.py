"""Linear oscillatory state-space model, implicit.

Uncoupled oscillators with stiffness A, driven by the input: y is where they are and z how fast they move, and a step of
length Delta is the implicit Euler scheme, which is stable for every A above zero. What follows a layer in the paper is
left out; the loss is the squared error of the output.
"""

equations = """
A = relu(A_hat)
S = 1 / (1 + Delta ** 2 * A)
z[t] = S * (z[t-1] - Delta * A * y[t-1] + Delta * (B @ u[t]))
y[t] = y[t-1] + Delta * z[t]
x[t] = C @ y[t] + D * u[t]
E[t] = squared_error(target[t], x[t])
"""

family = "linear"

sizes = {"u": "p", "y": "n", "x": "p", "Delta": ()}

fixed = ("Delta",)

symbols = {"A_hat": r"\hat{A}", "Delta": r"\Delta t"}

sources = [
    {
        "key": "rusch2025",
        "type": "inproceedings",
        "author": "Rusch, T. Konstantin and Rus, Daniela",
        "title": "Oscillatory State-Space Models",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2025,
        "url": "https://arxiv.org/abs/2410.03943",
    },
]

compared = {
    "jaredbmit/damped-linoss: src/damped_linoss/models/LinOSS.py": (
        "same equations, as one matrix of both states; B and C are complex, and the step goes through a sigmoid"
    ),
}
