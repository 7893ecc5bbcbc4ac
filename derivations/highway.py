"""Highway layers.

Two highway layers between a linear layer and a softmax: a transform gate T says how much of a layer's output is new,
and the rest of the layer's input is carried over. The first layer brings the input to the width of the highway layers,
which all have to have the same; the carry gate is 1 - T, as in the paper's experiments.
"""

equations = """
x_1 = W_x @ x + b_x
T_1 = sigmoid(W_T1 @ x_1 + b_T1)
x_2 = tanh(W_H1 @ x_1 + b_H1) * T_1 + x_1 * (1 - T_1)
T_2 = sigmoid(W_T2 @ x_2 + b_T2)
x_3 = tanh(W_H2 @ x_2 + b_H2) * T_2 + x_2 * (1 - T_2)
y = softmax(V @ x_3 + c)
E = cross_entropy(target, y)
"""

family = "feed-forward"

sizes = {"x": "m", "x_1": "n", "y": "k"}

inputs = ("x", "target")

sources = [
    {
        "key": "srivastava2015",
        "type": "inproceedings",
        "author": "Srivastava, Rupesh K. and Greff, Klaus and Schmidhuber, Jürgen",
        "title": "Training Very Deep Networks",
        "booktitle": "Advances in Neural Information Processing Systems (NIPS)",
        "year": 2015,
        "url": "https://arxiv.org/abs/1507.06228",
    },
]

compared = {
    "c0nn3r/pytorch_highway_networks: layers/highway.py": (
        "same equations of a layer, whose activation and gate may be chosen"
    ),
}
