"""Gated unit with a weighted delay (tau-GRU), three steps.

A gated unit with a second candidate z, made of the state some steps earlier; a says how much of it comes in, beside
the candidate u of now. The delay is a number of steps, three here. The loss is added: the squared error of the state.
"""

equations = """
u[t] = tanh(W_1 @ h[t-1] + U_1 @ x[t])
z[t] = tanh(W_2 @ h[t-3] + U_2 @ x[t])
g[t] = sigmoid(W_3 @ h[t-1] + U_3 @ x[t])
a[t] = sigmoid(W_4 @ h[t-1] + U_4 @ x[t])
h[t] = (1 - g[t]) * h[t-1] + g[t] * (u[t] + a[t] * z[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "erichson2022",
        "type": "misc",
        "author": "Erichson, N. Benjamin and Lim, Soon Hoe and Mahoney, Michael W.",
        "title": "Gated Recurrent Neural Networks with Weighted Time-Delay Feedback",
        "year": 2022,
        "url": "https://arxiv.org/abs/2212.00228",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/taugru_cell.py": (
        "same equations, with two biases in each of the four; states before the first are zero"
    ),
}
