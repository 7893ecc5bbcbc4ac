"""Mogrifier LSTM, three rounds.

Before the step of an LSTM, the input and the state of the step before gate each other in turn. The gates go from zero to
two, so that they change little at first. The loss is the squared error of the hidden state.
"""

equations = """
x_1[t] = 2 * sigmoid(Q_1 @ h[t-1]) * x[t]
h_2[t] = 2 * sigmoid(R_2 @ x_1[t]) * h[t-1]
x_3[t] = 2 * sigmoid(Q_3 @ h_2[t]) * x_1[t]
f[t] = sigmoid(W_fx @ x_3[t] + W_fh @ h_2[t] + b_f)
i[t] = sigmoid(W_ix @ x_3[t] + W_ih @ h_2[t] + b_i)
j[t] = tanh(W_jx @ x_3[t] + W_jh @ h_2[t] + b_j)
o[t] = sigmoid(W_ox @ x_3[t] + W_oh @ h_2[t] + b_o)
c[t] = f[t] * c[t-1] + i[t] * j[t]
h[t] = o[t] * tanh(c[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"x_1": "x^1", "h_2": "h^2", "x_3": "x^3", "Q_1": "Q^1", "R_2": "R^2", "Q_3": "Q^3"}

sources = [
    {
        "key": "melis2020",
        "type": "inproceedings",
        "author": "Melis, Gábor and Kočiský, Tomáš and Blunsom, Phil",
        "title": "Mogrifier LSTM",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2020,
        "url": "https://arxiv.org/abs/1909.01792",
    },
]

compared = {
    "fawazsammani/mogrifier-lstm-pytorch: README.md": ("same equations, for any number of rounds"),
}
