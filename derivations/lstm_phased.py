"""Phased LSTM.

A time gate k opens for a short part of an oscillation, with a period tau and a shift s of each cell's own, and a cell
changes only while it is open; a little, alpha, leaks at other times. The times of the steps are given, so that they need
not lie at equal distances. The loss is the squared error of the hidden state.
"""

equations = """
i[t] = sigmoid(W_xi @ x[t] + W_hi @ h[t-1] + w_ci * c[t-1] + b_i)
f[t] = sigmoid(W_xf @ x[t] + W_hf @ h[t-1] + w_cf * c[t-1] + b_f)
d[t] = f[t] * c[t-1] + i[t] * tanh(W_xc @ x[t] + W_hc @ h[t-1] + b_c)
o[t] = sigmoid(W_xo @ x[t] + W_ho @ h[t-1] + w_co * d[t] + b_o)
phi[t] = mod(time[t] - s, tau) / tau
k[t] = where(phi[t] < r / 2, 2 * phi[t] / r, where(phi[t] < r, 2 - 2 * phi[t] / r, alpha * phi[t]))
c[t] = k[t] * d[t] + (1 - k[t]) * c[t-1]
h[t] = k[t] * o[t] * tanh(d[t]) + (1 - k[t]) * h[t-1]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "time": (), "alpha": ()}

fixed = ("alpha",)

symbols = {"d": r"\tilde{c}", "time": r"\mathrm{t}", "r": r"r_{on}"}

sources = [
    {
        "key": "neil2016",
        "type": "inproceedings",
        "author": "Neil, Daniel and Pfeiffer, Michael and Liu, Shih-Chii",
        "title": "Phased LSTM: Accelerating Recurrent Network Training for Long or Event-based Sequences",
        "booktitle": "Advances in Neural Information Processing Systems (NIPS)",
        "year": 2016,
        "url": "https://arxiv.org/abs/1610.09513",
    },
]

compared = {
    "tensorflow/tensorflow: tensorflow/contrib/rnn/python/ops/rnn_cell.py": (
        "same equations; its peepholes are full matrices, and the phase passes its gradient to the period differently"
    ),
}
