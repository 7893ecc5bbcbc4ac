"""Decoder with additive attention.

A small network scores every encoder state against the decoder state before; the encoder states are the columns of a
matrix given with the example. A softmax of the scores gives weights, and the weighted mean of the encoder states is
the context, which enters all gates of a GRU. The previous word x enters as in training, and the output layer is a
softmax of the state alone.
"""

equations = """
A[t] = tanh(outer(W_a @ s[t-1], ones()) + U_a @ H)
alpha[t] = softmax(A[t].T @ v_a)
c[t] = H @ alpha[t]
r[t] = sigmoid(W_r @ x[t] + U_r @ s[t-1] + C_r @ c[t])
z[t] = sigmoid(W_z @ x[t] + U_z @ s[t-1] + C_z @ c[t])
g[t] = tanh(W @ x[t] + U @ (r[t] * s[t-1]) + C @ c[t])
s[t] = (1 - z[t]) * s[t-1] + z[t] * g[t]
y[t] = softmax(V @ s[t])
E[t] = cross_entropy(target[t], y[t])
"""

family = "attention"

sizes = {"x": "m", "s": "n", "H": ("l", "S"), "A": ("p", "S"), "y": "k"}

inputs = ("H",)

symbols = {"g": r"\tilde{s}"}

sources = [
    {
        "key": "bahdanau2015",
        "type": "inproceedings",
        "author": "Bahdanau, Dzmitry and Cho, Kyunghyun and Bengio, Yoshua",
        "title": "Neural Machine Translation by Jointly Learning to Align and Translate",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2015,
        "url": "https://arxiv.org/abs/1409.0473",
    },
]

compared = {
    "d2l-ai/d2l-en: chapter_attention-mechanisms-and-transformers/bahdanau-attention.md": (
        "same attention from the state before; its GRU resets after the product, and its output layer reads "
        "the state alone as here"
    ),
}
