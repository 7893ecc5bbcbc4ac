"""Vanilla recurrent network, many to one.

A whole sequence is read, and one softmax over the classes is taken of the last hidden state, as in classifying a
sentence. The loss stands at the last step only, so whatever the first steps learn has come back through all later
ones.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
y = softmax(V @ h[T] + c)
E = cross_entropy(target, y)
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

inputs = ("target",)

sources = [
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
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers",
    "onnx/onnx: onnx/reference/ops/op_rnn.py": "same numbers",
}
