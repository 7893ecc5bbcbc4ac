"""Feed-forward network with one hidden layer.

A hidden layer of tanh units feeds a softmax over the classes; the loss is the cross-entropy with the target
distribution. There is no time here: it is what remains of the vanilla recurrent network without the recurrence.
"""

equations = """
h = tanh(U @ x + b)
y = softmax(V @ h + c)
E = cross_entropy(target, y)
"""

family = "feed-forward"

sizes = {"x": "m", "h": "n", "y": "k"}

inputs = ("x", "target")

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
    {
        "key": "goodfellow2016",
        "type": "book",
        "author": "Goodfellow, Ian and Bengio, Yoshua and Courville, Aaron",
        "title": "Deep Learning",
        "publisher": "MIT Press",
        "year": 2016,
        "url": "https://www.deeplearningbook.org",
    },
]

compared = {
    "scikit-learn/scikit-learn: sklearn/neural_network/_multilayer_perceptron.py": (
        "same equations and gradients, for any number of layers, with a penalty on the weights"
    ),
}

claims = [
    {
        "source": "Goodfellow, Bengio and Courville 2016, algorithm 6.4, written out for one hidden layer",
        "verdict": "conditional",
        "claim": r"""
\delta_y = y - \mathrm{target}
\delta_h = (1 - h^2) \odot (V^\top \delta_y)
\frac{\partial E}{\partial V} = \delta_y h^\top
\frac{\partial E}{\partial c} = \delta_y
\frac{\partial E}{\partial U} = \delta_h x^\top
\frac{\partial E}{\partial b} = \delta_h
""",
    },
]
