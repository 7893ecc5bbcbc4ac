"""Jordan network.

The context is the output of the step before, not the hidden layer: all that the network remembers is what it has
said. Hidden and output units are logistic, and the loss is the squared error. Jordan's state units also keep a fading
trace of their own past; this is the form without that trace, as textbooks give it.
"""

equations = """
h[t] = sigmoid(U @ x[t] + W @ y[t-1] + b)
y[t] = sigmoid(V @ h[t] + c)
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

sources = [
    {
        "key": "jordan1986",
        "type": "techreport",
        "author": "Jordan, Michael I.",
        "title": "Serial Order: A Parallel Distributed Processing Approach",
        "institution": "Institute for Cognitive Science, University of California, San Diego",
        "number": "ICS Report 8604",
        "year": 1986,
    },
]

compared = {
    "rougier/neural-networks: jordan.py": (
        "same network with tanh for the logistic function and a bias in the hidden layer alone; it learns without "
        "a way back in time"
    ),
}
