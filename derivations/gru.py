"""Gated recurrent unit, reset before the product.

The state is a mixture of the state before and a candidate g, weighted by the update gate z; the reset gate r says how
much of the state before the candidate sees, and acts on it before the matrix product. As Cho and others write it,
z[t] = 1 keeps the old state (others exchange z and 1 - z); biases are added, which they leave out for brevity.
W are recurrent and U input weights. The model ends in a softmax layer with cross-entropy at every step.
"""

equations = """
r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t] + b_r)
z[t] = sigmoid(W_z @ h[t-1] + U_z @ x[t] + b_z)
g[t] = tanh(W_g @ (r[t] * h[t-1]) + U_g @ x[t] + b_g)
h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]
y[t] = softmax(V @ h[t] + b_y)
E[t] = cross_entropy(target[t], y[t])
"""

sizes = {"x": "m", "h": "n", "y": "k"}

sources = [
    {
        "key": "cho2014",
        "type": "inproceedings",
        "author": (
            "Cho, Kyunghyun and van Merriënboer, Bart and Gülçehre, Çağlar and Bahdanau, Dzmitry and "
            "Bougares, Fethi and Schwenk, Holger and Bengio, Yoshua"
        ),
        "title": "Learning Phrase Representations using RNN Encoder--Decoder for Statistical Machine Translation",
        "booktitle": "Conference on Empirical Methods in Natural Language Processing (EMNLP)",
        "pages": "1724--1734",
        "year": 2014,
        "doi": "10.3115/v1/D14-1179",
    },
    {
        "key": "chung2014",
        "type": "inproceedings",
        "author": "Chung, Junyoung and Gülçehre, Çağlar and Cho, Kyunghyun and Bengio, Yoshua",
        "title": "Empirical Evaluation of Gated Recurrent Neural Networks on Sequence Modeling",
        "booktitle": "NIPS Workshop on Deep Learning",
        "year": 2014,
        "url": "https://arxiv.org/abs/1412.3555",
    },
]
