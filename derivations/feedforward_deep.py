"""Feed-forward network with three hidden layers.

Three hidden layers and an output layer, all logistic, with the quadratic cost, in Nielsen's notation: z is the
weighted input of a layer and a its activation. His four equations of backpropagation are the claim.
"""

equations = """
z_1 = W_1 @ x + b_1
a_1 = sigmoid(z_1)
z_2 = W_2 @ a_1 + b_2
a_2 = sigmoid(z_2)
z_3 = W_3 @ a_2 + b_3
a_3 = sigmoid(z_3)
z_4 = W_4 @ a_3 + b_4
a_4 = sigmoid(z_4)
C = squared_error(y, a_4)
"""

family = "feed-forward"

sizes = {"x": "n_0", "a_1": "n_1", "a_2": "n_2", "a_3": "n_3", "a_4": "n_4"}

inputs = ("x", "y")

sources = [
    {
        "key": "nielsen2015",
        "type": "book",
        "author": "Nielsen, Michael A.",
        "title": "Neural Networks and Deep Learning",
        "publisher": "Determination Press",
        "year": 2015,
        "url": "http://neuralnetworksanddeeplearning.com",
    },
]

compared = {
    "mnielsen/neural-networks-and-deep-learning: src/network.py": "same equations, forward and backward",
}

claims = [
    {
        "source": "Nielsen 2015, chapter 2, equations BP1 to BP4, with the error of a layer written out as a derivative",
        "verdict": "proved",
        "layout": "denominator",
        "claim": r"""
\frac{\partial C}{\partial z_4} = (a_4 - y) \odot \sigma'(z_4)
\frac{\partial C}{\partial z_3} = (W_4^\top \frac{\partial C}{\partial z_4}) \odot \sigma'(z_3)
\frac{\partial C}{\partial z_2} = (W_3^\top \frac{\partial C}{\partial z_3}) \odot \sigma'(z_2)
\frac{\partial C}{\partial z_1} = (W_2^\top \frac{\partial C}{\partial z_2}) \odot \sigma'(z_1)
\frac{\partial C}{\partial b_1} = \frac{\partial C}{\partial z_1}
\frac{\partial C}{\partial b_4} = \frac{\partial C}{\partial z_4}
\frac{\partial C}{\partial W_1} = \frac{\partial C}{\partial z_1} x^\top
\frac{\partial C}{\partial W_3} = \frac{\partial C}{\partial z_3} a_2^\top
""",
    },
]
