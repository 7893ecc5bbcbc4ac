"""FastGRNN.

The residual link of FastRNN becomes a gate that shares its matrices with the candidate: only the biases differ. The
numbers zeta and nu, each a logistic function of a trained number in the paper, are parameters themselves here. The
loss is added: the squared error of the state.
"""

equations = """
z[t] = sigmoid(W @ x[t] + U @ h[t-1] + b_z)
g[t] = tanh(W @ x[t] + U @ h[t-1] + b_h)
h[t] = (zeta * (1 - z[t]) + nu) * g[t] + z[t] * h[t-1]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "zeta": (), "nu": ()}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "kusupati2018",
        "type": "inproceedings",
        "author": (
            "Kusupati, Aditya and Singh, Manish and Bhatia, Kush and Kumar, Ashish and Jain, Prateek and Varma, Manik"
        ),
        "title": "FastGRNN: A Fast, Accurate, Stable and Tiny Kilobyte Sized Gated Recurrent Neural Network",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2018,
        "url": "https://arxiv.org/abs/1901.02358",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/fastrnn_cell.py": (
        "same numbers; its zeta and nu are logistic functions of trained numbers"
    ),
    "microsoft/EdgeML: pytorch/edgeml_pytorch/graph/rnn.py": "same equations",
}
