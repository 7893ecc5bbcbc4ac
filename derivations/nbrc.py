"""Recurrently neuromodulated bistable cell.

The bistable cell in which neurons talk to each other: what sets a neuron's feedback a and its update c hangs on the
states of all, by matrices in the place of vectors. A feedback above one makes a neuron keep one bit. The loss is added:
the squared error of the state.
"""

equations = """
a[t] = 1 + tanh(U_a @ x[t] + W_a @ h[t-1])
c[t] = sigmoid(U_c @ x[t] + W_c @ h[t-1])
h[t] = c[t] * h[t-1] + (1 - c[t]) * tanh(U @ x[t] + a[t] * h[t-1])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "vecoven2021",
        "type": "article",
        "author": "Vecoven, Nicolas and Ernst, Damien and Drion, Guillaume",
        "title": "A Bio-Inspired Bistable Recurrent Cell Allows for Long-Lasting Memory",
        "journal": "PLOS ONE",
        "volume": 16,
        "number": 6,
        "pages": "e0252676",
        "year": 2021,
        "doi": "10.1371/journal.pone.0252676",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/br_cell.py": "same numbers",
}
