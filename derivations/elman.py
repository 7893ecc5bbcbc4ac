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
    {
        "key": "williams1995",
        "type": "incollection",
        "author": "Williams, Ronald J. and Zipser, David",
        "title": "Gradient-Based Learning Algorithms for Recurrent Networks and Their Computational Complexity",
        "booktitle": "Backpropagation: Theory, Architectures, and Applications",
        "publisher": "Lawrence Erlbaum",
        "pages": "433--486",
        "year": 1995,
    },
]

compared = {
    "rougier/neural-networks: elman.py": (
        "same network with tanh for the logistic function; it learns as Elman's did, without a way back in time"
    ),
}

claims = [
    {
        "source": "Williams and Zipser 1995, backpropagation through time, for this network and in matrices",
        "verdict": "proved",
        "claim": r"""
\eta_t = (y_t - \mathrm{target}_t) \odot y_t \odot (1 - y_t)
\epsilon_t = V^\top \eta_t + W^\top \delta_{t+1}
\delta_t = h_t \odot (1 - h_t) \odot \epsilon_t
\frac{\partial E}{\partial V} = \sum_{t=1}^{T} \eta_t h_t^\top
\frac{\partial E}{\partial c} = \sum_{t=1}^{T} \eta_t
\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \delta_t h_{t-1}^\top
\frac{\partial E}{\partial U} = \sum_{t=1}^{T} \delta_t x_t^\top
\frac{\partial E}{\partial b} = \sum_{t=1}^{T} \delta_t
""",
    },
]
