"""Intersection network (+RNN).

A gated step in time and a gated step in depth: the output y is the input carried past the layer or a rectified
mixture, and the state h the state before or a candidate. Input and output have the same size, so that layers can be
stacked. The loss is added: the squared error of the output.
"""

equations = """
u[t] = relu(W_yx @ x[t] + W_yh @ h[t-1] + b_y)
s[t] = tanh(W_hx @ x[t] + W_hh @ h[t-1] + b_h)
g_y[t] = sigmoid(W_gyx @ x[t] + W_gyh @ h[t-1] + b_gy)
g_h[t] = sigmoid(W_ghx @ x[t] + W_ghh @ h[t-1] + b_gh)
y[t] = g_y[t] * x[t] + (1 - g_y[t]) * u[t]
h[t] = g_h[t] * h[t-1] + (1 - g_h[t]) * s[t]
E[t] = squared_error(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"u": r"y^{in}", "s": r"h^{in}", "g_y": r"g^{y}", "g_h": r"g^{h}"}

sources = [
    {
        "key": "collins2017",
        "type": "inproceedings",
        "author": "Collins, Jasmine and Sohl-Dickstein, Jascha and Sussillo, David",
        "title": "Capacity and Trainability in Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1611.09913",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/intersectionrnn_cell.py": "same numbers",
    "tensorflow/tensorflow: tensorflow/contrib/rnn/python/ops/rnn_cell.py": (
        "same equations; it starts forget gates at a bias of one"
    ),
}
