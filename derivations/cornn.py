"""Coupled oscillatory recurrent network (coRNN).

A network of driven and damped oscillators: y are their places, z their velocities, gamma the frequencies and epsilon
the damping. The equation of second order is taken in steps of length Delta, first the velocity and then, with the new
velocity, the place. It is the explicit version, and the loss is added.
"""

equations = """
z[t] = z[t-1] + Delta * (tanh(W @ y[t-1] + Omega @ z[t-1] + V @ u[t] + b) - gamma * y[t-1] - epsilon * z[t-1])
y[t] = y[t-1] + Delta * z[t]
E[t] = squared_error(target[t], y[t])
"""

family = "continuous time"

sizes = {"u": "m", "y": "n", "Delta": (), "gamma": (), "epsilon": ()}

symbols = {"Omega": r"\mathcal{W}", "Delta": r"\Delta t"}

sources = [
    {
        "key": "rusch2021",
        "type": "inproceedings",
        "author": "Rusch, T. Konstantin and Mishra, Siddhartha",
        "title": (
            "Coupled Oscillatory Recurrent Neural Network (coRNN): An Accurate and (Gradient) Stable "
            "Architecture for Learning Long Time Dependencies"
        ),
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2021,
        "url": "https://arxiv.org/abs/2010.00951",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/cornn_cell.py": "same numbers",
    "tk-rusch/coRNN: sMNIST/network.py": "same equations",
}
