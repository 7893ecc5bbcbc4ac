"""Vanilla recurrent network, many to many.

The hidden state is a tanh of the state before and the input; a softmax at every step gives a distribution, and the
total loss is the sum of the cross-entropies over time. This is the network of section 10.2 of Goodfellow, Bengio and
Courville, from which backpropagation through time is usually taught.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

sizes = {"x": "m", "h": "n", "y": "k"}
symbols = {"target": "d"}

sources = [
    {
        "key": "werbos1990",
        "type": "article",
        "author": "Werbos, Paul J.",
        "title": "Backpropagation Through Time: What It Does and How to Do It",
        "journal": "Proceedings of the IEEE",
        "volume": 78,
        "number": 10,
        "pages": "1550--1560",
        "year": 1990,
        "doi": "10.1109/5.58337",
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
