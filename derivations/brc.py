"""Bistable recurrent cell.

Each neuron feeds back on itself with a strength a between 0 and 2: above one it has two stable states and can keep one
bit for ever. Recurrence is element by element, so that cells do not see each other. The loss is added: the squared
error of the state.
"""

equations = """
a[t] = 1 + tanh(U_a @ x[t] + w_a * h[t-1])
c[t] = sigmoid(U_c @ x[t] + w_c * h[t-1])
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
