"""Decoder with dot-product attention.

A decoder compares its state with every encoder state, which are the columns of a matrix given with the example: a
softmax of the dot products gives weights, and the weighted mean of the encoder states is the context. An attentional
state made of context and decoder state predicts the next word. It is the global attention of Luong and others on a
vanilla decoder.
"""

equations = """
s[t] = tanh(W_s @ s[t-1] + U @ x[t] + b)
a[t] = softmax(H.T @ s[t])
c[t] = H @ a[t]
g[t] = tanh(W_c @ concat(c[t], s[t]))
y[t] = softmax(V @ g[t])
E[t] = cross_entropy(target[t], y[t])
"""

family = "attention"

sizes = {"x": "m", "s": "n", "H": ("n", "S"), "g": "l", "y": "k"}

inputs = ("H",)

symbols = {"H": r"\bar{H}", "s": r"h", "g": r"\tilde{h}"}

sources = [
    {
        "key": "luong2015",
        "type": "inproceedings",
        "author": "Luong, Minh-Thang and Pham, Hieu and Manning, Christopher D.",
        "title": "Effective Approaches to Attention-based Neural Machine Translation",
        "booktitle": "Conference on Empirical Methods in Natural Language Processing (EMNLP)",
        "pages": "1412--1421",
        "year": 2015,
        "doi": "10.18653/v1/D15-1166",
    },
]

compared = {
    "OpenNMT/OpenNMT-py: onmt/modules/global_attention.py": (
        "same equations from the scores to the attentional state; the decoder's cell stands elsewhere"
    ),
}
