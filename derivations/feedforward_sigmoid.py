"""Feed-forward network with one hidden layer of logistic units.

The network with which backpropagation became known: logistic units in both layers, and the squared error. As in the
paper, x is the total input of a layer and y its output; y_0 is the input of the network. Biases are written out, which
Rumelhart and others read as weights from a unit that is always on.
"""

equations = """
x_1 = W_1 @ y_0 + b_1
y_1 = sigmoid(x_1)
x_2 = W_2 @ y_1 + b_2
y_2 = sigmoid(x_2)
E = squared_error(d, y_2)
"""

family = "feed-forward"

sizes = {"y_0": "m", "y_1": "n", "y_2": "k"}

inputs = ("y_0", "d")

sources = [
    {
        "key": "rumelhart1986",
        "type": "article",
        "author": "Rumelhart, David E. and Hinton, Geoffrey E. and Williams, Ronald J.",
        "title": "Learning Representations by Back-Propagating Errors",
        "journal": "Nature",
        "volume": 323,
        "number": 6088,
        "pages": "533--536",
        "year": 1986,
        "doi": "10.1038/323533a0",
    },
]

compared = {
    "mnielsen/neural-networks-and-deep-learning: src/network.py": (
        "same equations and gradients, for any number of layers"
    ),
}

claims = [
    {
        "source": "Rumelhart, Hinton and Williams 1986, equations 4 to 7, for a whole layer at once",
        "verdict": "proved",
        "layout": "denominator",
        "claim": r"""
\frac{\partial E}{\partial y_2} = y_2 - d
\frac{\partial E}{\partial x_2} = \frac{\partial E}{\partial y_2} \odot y_2 \odot (1 - y_2)
\frac{\partial E}{\partial W_2} = \frac{\partial E}{\partial x_2} y_1^\top
\frac{\partial E}{\partial y_1} = W_2^\top \frac{\partial E}{\partial x_2}
\frac{\partial E}{\partial x_1} = \frac{\partial E}{\partial y_1} \odot y_1 \odot (1 - y_1)
\frac{\partial E}{\partial W_1} = \frac{\partial E}{\partial x_1} y_0^\top
""",
    },
]
