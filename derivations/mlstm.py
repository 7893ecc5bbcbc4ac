"""mLSTM.

An LSTM whose cell is a matrix: it stores outer products of values and keys under exponential gates that are numbers,
and a query reads from it, divided by what the normaliser n says of the query or by one. The forget gate is logistic
here, the stabiliser is left out, which changes no output, and the loss is added.
"""

equations = """
q[t] = W_q @ x[t] + b_q
k[t] = (W_k @ x[t]) / sqrt(size(q[t])) + b_k
v[t] = W_v @ x[t] + b_v
i[t] = exp(dot(w_i, x[t]) + b_i)
f[t] = sigmoid(dot(w_f, x[t]) + b_f)
o[t] = sigmoid(W_o @ x[t] + b_o)
C[t] = f[t] * C[t-1] + i[t] * outer(v[t], k[t])
n[t] = f[t] * n[t-1] + i[t] * k[t]
h[t] = o[t] * (C[t] @ q[t] / maximum(abs(dot(n[t], q[t])), 1))
E[t] = squared_error(target[t], h[t])
"""

family = "matrix state"

sizes = {"x": "m", "q": "d", "v": "l", "C": ("l", "d"), "i": (), "f": ()}

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
    "NX-AI/xlstm: xlstm/blocks/mlstm/backends.py": (
        "same numbers, though it computes with the stabiliser; it divides the bias of the key by the root too"
    ),
}
