"""Elman network.

The simple recurrent network: context units hold a copy of the hidden layer of the step before. Hidden and output
units are logistic, and the loss is the squared error. Elman trained it with plain backpropagation, which stops at the
context; the gradients here go all the way back in time.
"""

equations = """
h[t] = sigmoid(U @ x[t] + W @ h[t-1] + b)
y[t] = sigmoid(V @ h[t] + c)
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

sources = [
    {
        "key": "elman1990",
        "type": "article",
        "author": "Elman, Jeffrey L.",
        "title": "Finding Structure in Time",
        "journal": "Cognitive Science",
        "volume": 14,
        "number": 2,
        "pages": "179--211",
        "year": 1990,
        "doi": "10.1207/s15516709cog1402_1",
    },
]
