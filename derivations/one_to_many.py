"""Vanilla recurrent network, one to many.

One input, such as the features of an image, enters at the first step only; every output is fed back as input of the
next step, and the network writes a sequence. y[0] is the start symbol and is given. Karpathy and Fei-Fei train with
the target sequence in the place of the outputs fed back; here the distribution y[t-1] itself is fed back, so that
the gradient also goes through the outputs.
"""

equations = """
h[1] = tanh(W @ h[0] + R @ y[0] + U @ x + b)
h[t] = tanh(W @ h[t-1] + R @ y[t-1] + b)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

inputs = ("x",)

sources = [
    {
        "key": "karpathy2015",
        "type": "inproceedings",
        "author": "Karpathy, Andrej and Fei-Fei, Li",
        "title": "Deep Visual-Semantic Alignments for Generating Image Descriptions",
        "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "3128--3137",
        "year": 2015,
        "doi": "10.1109/CVPR.2015.7298932",
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
    "karpathy/neuraltalk: imagernn/rnn_generator.py": (
        "same equations with rnn_feed_once, and a tanh for its rectifier; it feeds back words and not distributions"
    ),
}
