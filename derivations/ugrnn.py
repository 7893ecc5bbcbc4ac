"""Update gate network (UGRNN).

A vanilla network with one gate between the state before and the new candidate. Collins and others propose it as the
smallest step from a vanilla network to a gated one. The loss is added: the squared error of the state.
"""

equations = """
c[t] = tanh(W_ch @ h[t-1] + W_cx @ x[t] + b_c)
g[t] = sigmoid(W_gh @ h[t-1] + W_gx @ x[t] + b_g)
h[t] = g[t] * h[t-1] + (1 - g[t]) * c[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

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
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/ugrnn_cell.py": "same numbers",
    "tensorflow/tensorflow: tensorflow/contrib/rnn/python/ops/rnn_cell.py": (
        "same equations; it starts the gate at a bias of one"
    ),
}
