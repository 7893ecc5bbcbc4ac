"""Damped linear oscillatory state-space model (D-LinOSS).

Harmonic oscillators, driven by the input, lose energy at a rate of each one's own, G: how long a memory lasts is learned
apart from its frequency. The damping is taken implicitly, so that the step is stable. The loss is added: the squared
error of the output.
"""

equations = """
z[t] = (z[t-1] + Delta * (B @ u[t] - A * x[t-1])) / (1 + Delta * G)
x[t] = x[t-1] + Delta * z[t]
y[t] = C @ x[t] + D * u[t]
E[t] = squared_error(target[t], y[t])
"""

family = "linear"

sizes = {"u": "m", "x": "n"}

symbols = {"Delta": r"\Delta t"}

sources = [
    {
        "key": "boyer2025",
        "type": "misc",
        "author": "Boyer, Jared and Rusch, T. Konstantin and Rus, Daniela",
        "title": "Learning to Dissipate Energy in Oscillatory State-Space Models",
        "year": 2025,
        "url": "https://arxiv.org/abs/2505.12171",
    },
]

compared = {
    "jaredbmit/damped-linoss: src/damped_linoss/models/LinOSS.py": (
        "same equations of the first scheme; B and C are complex there, and the rest is kept within bounds"
    ),
}
