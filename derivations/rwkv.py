"""RWKV time mixing.

An average of values v with weights exp(k) that decay over time at a rate of each channel's own; u is a bonus for the
present step. Numerator and denominator a and b are stored divided by exp(p), where p is the largest exponent so far,
so that no exponential overflows. Token shift mixes each input with the one before. The decay w is minus an exponential
in the paper's code; the loss is added.
"""

equations = """
r[t] = W_r @ (mu_r * x[t] + (1 - mu_r) * x[t-1])
k[t] = W_k @ (mu_k * x[t] + (1 - mu_k) * x[t-1])
v[t] = W_v @ (mu_v * x[t] + (1 - mu_v) * x[t-1])
q[t] = maximum(p[t-1], u + k[t])
n[t] = exp(p[t-1] - q[t]) * a[t-1] + exp(u + k[t] - q[t]) * v[t]
d[t] = exp(p[t-1] - q[t]) * b[t-1] + exp(u + k[t] - q[t])
p[t] = maximum(p[t-1] - exp(w), k[t])
a[t] = exp(p[t-1] - exp(w) - p[t]) * a[t-1] + exp(k[t] - p[t]) * v[t]
b[t] = exp(p[t-1] - exp(w) - p[t]) * b[t-1] + exp(k[t] - p[t])
o[t] = W_o @ (sigmoid(r[t]) * n[t] / d[t])
E[t] = squared_error(target[t], o[t])
"""

family = "linear"

sizes = {"x": "n", "k": "m", "o": "n"}

sources = [
    {
        "key": "peng2023",
        "type": "inproceedings",
        "author": "Peng, Bo and Alcaide, Eric and Anthony, Quentin and Albalak, Alon and others",
        "title": "RWKV: Reinventing RNNs for the Transformer Era",
        "booktitle": "Findings of the Association for Computational Linguistics: EMNLP",
        "year": 2023,
        "url": "https://arxiv.org/abs/2305.13048",
    },
]

compared = {
    "BlinkDL/RWKV-LM: RWKV-v4/src/model_run.py": (
        "same equations; the decay is stored there as minus the exponential of w"
    ),
}
