"""Light gated recurrent unit.

A GRU without reset gate and with rectifiers in the candidate, made for speech. The paper normalises the products with
the input over the batch; biases stand in its place here. The loss is added: the squared error of the state.
"""

equations = """
z[t] = sigmoid(W_z @ x[t] + U_z @ h[t-1] + b_z)
g[t] = relu(W_h @ x[t] + U_h @ h[t-1] + b_h)
h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "ravanelli2018",
        "type": "article",
        "author": "Ravanelli, Mirco and Brakel, Philemon and Omologo, Maurizio and Bengio, Yoshua",
        "title": "Light Gated Recurrent Units for Speech Recognition",
        "journal": "IEEE Transactions on Emerging Topics in Computational Intelligence",
        "volume": 2,
        "number": 2,
        "pages": "92--102",
        "year": 2018,
        "doi": "10.1109/TETCI.2017.2762739",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/ligru_cell.py": "same numbers",
}
