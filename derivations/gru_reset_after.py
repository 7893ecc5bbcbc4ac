"""Gated recurrent unit, reset after the product.

The variant of PyTorch and cuDNN: the reset gate r acts on the product with the recurrent weights, not on the state
before it, so that one matrix product serves all gates. The candidate g therefore has two biases, d_g inside the reset
and b_g outside. For the gates r and z PyTorch keeps two biases as well, but only their sum matters: b_r and b_z stand
for the sums. The model ends in a softmax layer with cross-entropy at every step.
"""

equations = """
r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t] + b_r)
z[t] = sigmoid(W_z @ h[t-1] + U_z @ x[t] + b_z)
g[t] = tanh(U_g @ x[t] + b_g + r[t] * (W_g @ h[t-1] + d_g))
h[t] = (1 - z[t]) * g[t] + z[t] * h[t-1]
y[t] = softmax(V @ h[t] + b_y)
E[t] = cross_entropy(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "y": "k"}

bridges = {
    "torch": {
        "weight_ih_l{layer}{reverse}": "U_r; U_z; U_g",
        "weight_hh_l{layer}{reverse}": "W_r; W_z; W_g",
        "bias_ih_l{layer}{reverse}": "b_r; b_z; b_g",
        "bias_hh_l{layer}{reverse}": "b_r; b_z; d_g",
    },
    "keras": {  # reset_after=True, the default
        "{side}kernel": "U_z.T | U_r.T | U_g.T",
        "{side}recurrent_kernel": "W_z.T | W_r.T | W_g.T",
        "{side}bias": "[b_z; b_r; b_g, b_z; b_r; d_g]",
    },
    "onnx": {  # linear_before_reset=1
        "W": "[U_z; U_r; U_g]",
        "R": "[W_z; W_r; W_g]",
        "B": "[b_z; b_r; b_g; b_z; b_r; d_g]",
    },
}

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
        "key": "pytorch-gru",
        "type": "misc",
        "author": "{PyTorch contributors}",
        "title": "{torch.nn.GRU}, PyTorch documentation",
        "url": "https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html",
    },
    {
        "key": "onnx-gru",
        "type": "misc",
        "author": "{ONNX contributors}",
        "title": "{GRU} operator with linear_before_reset, ONNX documentation",
        "url": "https://onnx.ai/onnx/operators/onnx__GRU.html",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers",
    "onnx/onnx: onnx/reference/ops/op_gru.py": "same numbers, with linear_before_reset = 1",
}
