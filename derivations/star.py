"""Stackable recurrent cell (STAR).

One gate k between the state before and a memory z of the input, and a tanh around both: few parameters, and gradients
that keep their size through time and through layers, so that cells can be stacked high. The loss is added: the squared
error of the state.
"""

equations = """
z[t] = tanh(W_z @ x[t] + b_z)
k[t] = sigmoid(W_x @ x[t] + W_h @ h[t-1] + b_k)
h[t] = tanh((1 - k[t]) * h[t-1] + k[t] * z[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "turkoglu2021",
        "type": "article",
        "author": "Turkoglu, Mehmet Ozgur and D'Aronco, Stefano and Wegner, Jan Dirk and Schindler, Konrad",
        "title": "Gating Revisited: Deep Multi-Layer RNNs That Can Be Trained",
        "journal": "IEEE Transactions on Pattern Analysis and Machine Intelligence",
        "year": 2021,
        "url": "https://arxiv.org/abs/1911.11033",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/star_cell.py": "same numbers",
}
