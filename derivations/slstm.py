"""sLSTM.

An LSTM with exponential input gate and a normaliser n beside the cell c; m is a stabiliser, by which both gates are
divided so that no exponential overflows, and which changes no output. The forget gate is logistic here; the paper also
allows an exponential. The loss is added.
"""

equations = """
z[t] = tanh(W_z @ x[t] + R_z @ h[t-1] + b_z)
l[t] = W_i @ x[t] + R_i @ h[t-1] + b_i
g[t] = log_sigmoid(W_f @ x[t] + R_f @ h[t-1] + b_f)
o[t] = sigmoid(W_o @ x[t] + R_o @ h[t-1] + b_o)
m[t] = maximum(g[t] + m[t-1], l[t])
i[t] = exp(l[t] - m[t])
f[t] = exp(g[t] + m[t-1] - m[t])
c[t] = f[t] * c[t-1] + i[t] * z[t]
n[t] = f[t] * n[t-1] + i[t]
h[t] = o[t] * c[t] / n[t]
E[t] = squared_error(target[t], h[t])
"""

family = "matrix state"

sizes = {"x": "d", "h": "n"}

symbols = {"l": r"\tilde{i}", "g": r"\log f", "i": r"i'", "f": r"f'"}

sources = [
    {
        "key": "beck2024",
        "type": "inproceedings",
        "author": (
            "Beck, Maximilian and Pöppel, Korbinian and Spanring, Markus and Auer, Andreas and Prudnikova, "
            "Oleksandra and Kopp, Michael and Klambauer, Günter and Brandstetter, Johannes and Hochreiter, "
            "Sepp"
        ),
        "title": "xLSTM: Extended Long Short-Term Memory",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2405.04517",
    },
]

compared = {
    "NX-AI/xlstm: xlstm/blocks/slstm/src/vanilla/slstm.py": (
        "same numbers; where n is zero it starts m at the input gate's argument"
    ),
}
