"""FastRNN.

A residual link with two numbers: alpha weighs the update and beta the state before. Both are trained, and that alone
makes a vanilla network stable. The loss is added: the squared error of the state.
"""

equations = """
g[t] = sigmoid(W @ x[t] + U @ h[t-1] + b)
h[t] = alpha * g[t] + beta * h[t-1]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "alpha": (), "beta": ()}

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
        "same numbers; its alpha and beta are logistic functions of trained numbers"
    ),
    "microsoft/EdgeML: pytorch/edgeml_pytorch/graph/rnn.py": "same equations",
}

claims = [
    {
        "source": "Kusupati and others 2018, section 3.1, the product in the gradients, not transposed",
        "verdict": "proved",
        "where": r"D_t = \operatorname{diag}(g_t \odot (1 - g_t))",
        "claim": r"""
\frac{\partial h_T}{\partial h_t} = \prod_{k=T-1}^{t} (\alpha D_{k+1} U + \beta I)
""",
    },
]
