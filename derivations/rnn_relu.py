"""Vanilla recurrent network with rectifiers.

The vanilla network with rectified linear units instead of tanh, and a softmax at every step. What PyTorch calls RNN
with nonlinearity relu; states are not bounded, and gradients neither.
"""

equations = """
h[t] = relu(W @ h[t-1] + U @ x[t] + b)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

bridges = {
    "torch": {
        "weight_ih_l{layer}{reverse}": "U",
        "weight_hh_l{layer}{reverse}": "W",
        "bias_ih_l{layer}{reverse}": "b",
        "bias_hh_l{layer}{reverse}": "b",
    },
    "keras": {"{side}kernel": "U.T", "{side}recurrent_kernel": "W.T", "{side}bias": "b"},
    "onnx": {"W": "[U]", "R": "[W]", "B": "[b; b]"},
}

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
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers, with nonlinearity = relu",
}
