"""Multiplicative LSTM.

The intermediate state m of the multiplicative recurrent network takes the place of the state before in all gates of an
LSTM, so that the recurrent weights hang on the input. The paper has no biases; the softmax layer is the one of its
language models.
"""

equations = """
m[t] = (W_mx @ x[t]) * (W_mh @ h[t-1])
g[t] = W_hx @ x[t] + W_hm @ m[t]
i[t] = sigmoid(W_ix @ x[t] + W_im @ m[t])
o[t] = sigmoid(W_ox @ x[t] + W_om @ m[t])
f[t] = sigmoid(W_fx @ x[t] + W_fm @ m[t])
c[t] = f[t] * c[t-1] + i[t] * tanh(g[t])
h[t] = tanh(c[t]) * o[t]
y[t] = softmax(V @ h[t])
E[t] = cross_entropy(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "m": "l", "y": "k"}

symbols = {"g": r"\hat{h}"}

sources = [
    {
        "key": "krause2016",
        "type": "misc",
        "author": "Krause, Ben and Lu, Liang and Murray, Iain and Renals, Steve",
        "title": "Multiplicative LSTM for Sequence Modelling",
        "year": 2016,
        "url": "https://arxiv.org/abs/1609.07959",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/multiplicativelstm_cell.py": "same numbers",
}
