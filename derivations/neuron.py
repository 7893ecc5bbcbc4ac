"""A single neuron.

A weighted sum of the inputs and a bias go through the logistic function; the output is read as the probability that
the target is 1, and the loss is the cross-entropy. This is logistic regression, and the smallest model with a
gradient: the derivative of the loss by z is y - target.
"""

equations = """
z = dot(w, x) + b
y = sigmoid(z)
E = binary_cross_entropy(target, y)
"""

family = "feed-forward"

sizes = {"x": "m"}

inputs = ("x", "target")

sources = [
    {
        "key": "bishop2006",
        "type": "book",
        "author": "Bishop, Christopher M.",
        "title": "Pattern Recognition and Machine Learning",
        "publisher": "Springer",
        "year": 2006,
        "isbn": "978-0-387-31073-2",
    },
]

compared = {
    "mnielsen/neural-networks-and-deep-learning: src/network2.py": (
        "same equations and gradient for one neuron, with the cross-entropy cost"
    ),
}

claims = [
    {
        "source": "Bishop 2006, equation 4.91, for one example",
        "verdict": "proved",
        "claim": r"""
\frac{\partial E}{\partial w} = (y - \mathrm{target}) x
\frac{\partial E}{\partial b} = y - \mathrm{target}
""",
    },
]
