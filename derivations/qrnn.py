"""Quasi-recurrent network.

Convolutions over time give candidate and gates, here of width two over the last two inputs, and a recurrent pooling
without weights combines them: fo-pooling, with forget and output gate. The paper has no biases. The loss is added: the
squared error of the state.
"""

equations = """
z[t] = tanh(W_z1 @ x[t-1] + W_z2 @ x[t])
f[t] = sigmoid(W_f1 @ x[t-1] + W_f2 @ x[t])
o[t] = sigmoid(W_o1 @ x[t-1] + W_o2 @ x[t])
c[t] = f[t] * c[t-1] + (1 - f[t]) * z[t]
h[t] = o[t] * c[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"W_z1": r"W_z^1", "W_z2": r"W_z^2", "W_f1": r"W_f^1", "W_f2": r"W_f^2", "W_o1": r"W_o^1", "W_o2": r"W_o^2"}

sources = [
    {
        "key": "bradbury2017",
        "type": "inproceedings",
        "author": "Bradbury, James and Merity, Stephen and Xiong, Caiming and Socher, Richard",
        "title": "Quasi-Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1611.01576",
    },
]

compared = {
    "salesforce/pytorch-qrnn: torchqrnn/forget_mult.py": (
        "another variant: its f is the share of the new, 1 - f here and in the paper; and it has biases"
    ),
}
