"""Leaky integrate-and-fire network with surrogate gradients.

A network of spiking neurons: the potential V leaks, adds up what comes in, and is lowered by the threshold after a
spike, which is a step function of it. Forwards S is that step; for gradients it counts as the arctangent g, which
stop_gradient says. The output leaks too, and the loss is its squared error.
"""

equations = """
V[t] = beta * V[t-1] + W @ x[t] + R @ S[t-1] - theta * stop_gradient(S[t-1])
g[t] = arctan(pi * (V[t] - theta)) / pi
S[t] = g[t] + stop_gradient(step(V[t] - theta) - g[t])
y[t] = kappa * y[t-1] + U @ S[t]
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "V": "n", "y": "k", "beta": (), "kappa": (), "theta": ()}

sources = [
    {
        "key": "neftci2019",
        "type": "article",
        "author": "Neftci, Emre O. and Mostafa, Hesham and Zenke, Friedemann",
        "title": "Surrogate Gradient Learning in Spiking Neural Networks",
        "journal": "IEEE Signal Processing Magazine",
        "volume": 36,
        "number": 6,
        "pages": "51--63",
        "year": 2019,
        "doi": "10.1109/MSP.2019.2931595",
    },
]

compared = {
    "jeshraghian/snntorch: snntorch/_neurons/leaky.py": (
        "same equations, reset by subtraction, for a layer that gets its input from outside"
    ),
}
