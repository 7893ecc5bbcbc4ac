"""Long expressive memory.

Two states with time steps of their own, which are learned from state and input, so that many time scales can be kept.
Delta_1 and Delta_2 are those steps, never longer than Delta. The equations are those of the paper, and the loss is
added.
"""

equations = """
Delta_1[t] = Delta * sigmoid(W_1 @ y[t-1] + V_1 @ u[t] + b_1)
Delta_2[t] = Delta * sigmoid(W_2 @ y[t-1] + V_2 @ u[t] + b_2)
z[t] = (1 - Delta_1[t]) * z[t-1] + Delta_1[t] * tanh(W_z @ y[t-1] + V_z @ u[t] + b_z)
y[t] = (1 - Delta_2[t]) * y[t-1] + Delta_2[t] * tanh(W_y @ z[t] + V_y @ u[t] + b_y)
E[t] = squared_error(target[t], y[t])
"""

family = "continuous time"

sizes = {"u": "m", "y": "n", "z": "n", "Delta": ()}

symbols = {"Delta": r"\Delta t"}

sources = [
    {
        "key": "rusch2022",
        "type": "inproceedings",
        "author": "Rusch, T. Konstantin and Mishra, Siddhartha and Erichson, N. Benjamin and Mahoney, Michael W.",
        "title": "Long Expressive Memory for Sequence Modeling",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2022,
        "url": "https://arxiv.org/abs/2110.04744",
    },
]

compared = {
    "tk-rusch/LEM: sMNIST/network.py": "same equations",
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/lem_cell.py": (
        "another variant: it reads the slow state before, where paper and first code read the new one"
    ),
}
