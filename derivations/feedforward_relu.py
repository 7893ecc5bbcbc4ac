"""Feed-forward network with two hidden layers of rectifiers.

Rectified linear units in both hidden layers and a softmax over the classes. The derivative of a rectifier at zero is
taken to be zero, which is where the gradient is not defined.
"""

equations = """
h_1 = relu(W_1 @ x + b_1)
h_2 = relu(W_2 @ h_1 + b_2)
y = softmax(W_3 @ h_2 + b_3)
E = cross_entropy(target, y)
"""

family = "feed-forward"

sizes = {"x": "m", "h_1": "n_1", "h_2": "n_2", "y": "k"}

inputs = ("x", "target")

symbols = {"h_1": r"h_1", "h_2": r"h_2"}

sources = [
    {
        "key": "glorot2011",
        "type": "inproceedings",
        "author": "Glorot, Xavier and Bordes, Antoine and Bengio, Yoshua",
        "title": "Deep Sparse Rectifier Neural Networks",
        "booktitle": "International Conference on Artificial Intelligence and Statistics (AISTATS)",
        "pages": "315--323",
        "year": 2011,
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
        "source": "Goodfellow, Bengio and Courville 2016, algorithm 6.4, written out for two hidden layers",
        "verdict": "conditional",
        "where": r"""
a_1 = W_1 x + b_1
a_2 = W_2 h_1 + b_2
""",
        "claim": r"""
\delta_3 = y - \mathrm{target}
\delta_2 = (W_3^\top \delta_3) \odot \operatorname{relu}'(a_2)
\delta_1 = (W_2^\top \delta_2) \odot \operatorname{relu}'(a_1)
\frac{\partial E}{\partial b_1} = \delta_1
\frac{\partial E}{\partial W_1} = \delta_1 x^\top
\frac{\partial E}{\partial W_2} = \delta_2 h_1^\top
\frac{\partial E}{\partial W_3} = \delta_3 h_2^\top
""",
    },
]
