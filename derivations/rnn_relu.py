"""Vanilla recurrent network with rectifiers.

The vanilla network with rectified linear units instead of tanh, and a softmax at every step. What PyTorch calls RNN
with nonlinearity relu; states are not bounded, and gradients neither.
"""

equations = """
h[t] = relu(W @ h[t-1] + U @ x[t] + b)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

bridges = {
    "torch": {
        "weight_ih_l{layer}{reverse}": "U",
        "weight_hh_l{layer}{reverse}": "W",
        "bias_ih_l{layer}{reverse}": "b",
        "bias_hh_l{layer}{reverse}": "b",
    },
    "keras": {"{side}kernel": "U.T", "{side}recurrent_kernel": "W.T", "{side}bias": "b"},
    "onnx": {"W": "[U]", "R": "[W]", "B": "[b; b]"},
}

sources = [
    {
        "key": "goodfellow2016",
        "type": "book",
        "author": "Goodfellow, Ian and Bengio, Yoshua and Courville, Aaron",
        "title": "Deep Learning",
        "publisher": "MIT Press",
        "year": 2016,
        "url": "https://www.deeplearningbook.org",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers, with nonlinearity = relu",
}

claims = [
    {
        "source": "Goodfellow, Bengio and Courville 2016, section 10.2.2, with rectifiers and with equation 10.21 put right",
        "verdict": "conditional",
        "where": r"a_t = W h_{t-1} + U x_t + b",
        "claim": r"""
\nabla_{o_t} E = y_t - \mathrm{target}_t
\nabla_{h_t} E = W^\top \operatorname{diag}(\operatorname{relu}'(a_{t+1})) (\nabla_{h_{t+1}} E) + V^\top (\nabla_{o_t} E)
\nabla_c E = \sum_t \nabla_{o_t} E
\nabla_V E = \sum_t (\nabla_{o_t} E) h_t^\top
\nabla_b E = \sum_t \operatorname{diag}(\operatorname{relu}'(a_t)) \nabla_{h_t} E
\nabla_W E = \sum_t \operatorname{diag}(\operatorname{relu}'(a_t)) (\nabla_{h_t} E) h_{t-1}^\top
\nabla_U E = \sum_t \operatorname{diag}(\operatorname{relu}'(a_t)) (\nabla_{h_t} E) x_t^\top
""",
    },
]
