"""UnICORNN.

Undamped oscillators, each coupled to itself alone, in a step that keeps the volume of the state space: gradients neither
vanish nor explode. Each has a step of its own, learned through c. One layer; the loss is the squared error of the
output.
"""

equations = """
z[t] = z[t-1] - Delta * sigmoid(c) * (tanh(w * y[t-1] + V @ u[t] + b) + alpha * y[t-1])
y[t] = y[t-1] + Delta * sigmoid(c) * z[t]
o[t] = Q @ y[t]
E[t] = squared_error(target[t], o[t])
"""

family = "continuous time"

sizes = {"u": "m", "y": "n", "o": "k", "Delta": (), "alpha": ()}

fixed = ("Delta", "alpha")

symbols = {"Delta": r"\Delta t"}

sources = [
    {
        "key": "rusch2021u",
        "type": "inproceedings",
        "author": "Rusch, T. Konstantin and Mishra, Siddhartha",
        "title": "UnICORNN: A recurrent model for learning very long time dependencies",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2021,
        "url": "https://arxiv.org/abs/2103.05487",
    },
]

compared = {
    "tk-rusch/unicornn: health_care/network.py": ("same equations for a layer"),
}
