"""Chaos-free network.

A gated network whose dynamics without input end at zero: the horizontal gate theta keeps a part of the state's tanh,
the vertical gate eta lets in what is made of the input alone. The loss is added.
"""

equations = """
theta[t] = sigmoid(U_theta @ h[t-1] + V_theta @ x[t] + b_theta)
eta[t] = sigmoid(U_eta @ h[t-1] + V_eta @ x[t] + b_eta)
h[t] = theta[t] * tanh(h[t-1]) + eta[t] * tanh(W @ x[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "laurent2017",
        "type": "inproceedings",
        "author": "Laurent, Thomas and von Brecht, James",
        "title": "A Recurrent Neural Network without Chaos",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1612.06212",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/cfn_cell.py": (
        "same equations, with a bias in each product"
    ),
}
