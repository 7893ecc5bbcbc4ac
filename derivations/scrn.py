"""Structurally constrained recurrent network.

Beside a usual hidden layer h there is a context layer s that changes slowly: a leaky average of the inputs, with one
number alpha for all its units. Alpha is a parameter here; the paper mostly fixes it at 0.95.
"""

equations = """
s[t] = (1 - alpha) * (B @ x[t]) + alpha * s[t-1]
h[t] = sigmoid(P @ s[t] + A @ x[t] + R @ h[t-1])
y[t] = softmax(U @ h[t] + V @ s[t])
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "s": "p", "h": "n", "y": "k", "alpha": ()}

sources = [
    {
        "key": "mikolov2014",
        "type": "misc",
        "author": "Mikolov, Tomas and Joulin, Armand and Chopra, Sumit and Mathieu, Michael and Ranzato, Marc'Aurelio",
        "title": "Learning Longer Memory in Recurrent Neural Networks",
        "year": 2014,
        "url": "https://arxiv.org/abs/1412.7753",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/scrn_cell.py": (
        "same states; it has a tanh in the output, where the paper has a softmax"
    ),
}
