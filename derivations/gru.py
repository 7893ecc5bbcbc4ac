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

family = "gated"

sizes = {"x": "m", "h": "n", "y": "k"}

bridges = {
    "keras": {  # reset_after=False
        "{side}kernel": "U_z.T | U_r.T | U_g.T",
        "{side}recurrent_kernel": "W_z.T | W_r.T | W_g.T",
        "{side}bias": "b_z; b_r; b_g",
    },
    "onnx": {  # linear_before_reset=0
        "W": "[U_z; U_r; U_g]",
        "R": "[W_z; W_r; W_g]",
        "B": "[b_z; b_r; b_g; b_z; b_r; b_g]",
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
        "key": "chung2014",
        "type": "inproceedings",
        "author": "Chung, Junyoung and Gülçehre, Çağlar and Cho, Kyunghyun and Bengio, Yoshua",
        "title": "Empirical Evaluation of Gated Recurrent Neural Networks on Sequence Modeling",
        "booktitle": "NIPS Workshop on Deep Learning",
        "year": 2014,
        "url": "https://arxiv.org/abs/1412.3555",
    },
]

compared = {
    "onnx/onnx: onnx/reference/ops/op_gru.py": "same numbers, with linear_before_reset = 0",
}

claims = [
    {
        "source": "Backpropagation through the equations of Cho and others 2014",
        "verdict": "conditional",
        "claim": r"""
\delta_t = V^\top (y_t - \mathrm{target}_t) + \delta_{t+1} \odot z_{t+1} + W_z^\top \zeta_{t+1} + W_r^\top \rho_{t+1} + r_{t+1} \odot (W_g^\top \gamma_{t+1})
\zeta_t = \delta_t \odot (h_{t-1} - g_t) \odot z_t \odot (1 - z_t)
\gamma_t = \delta_t \odot (1 - z_t) \odot (1 - g_t^2)
\rho_t = (W_g^\top \gamma_t) \odot h_{t-1} \odot r_t \odot (1 - r_t)
\frac{\partial E}{\partial W_z} = \sum_t \zeta_t h_{t-1}^\top
\frac{\partial E}{\partial W_r} = \sum_t \rho_t h_{t-1}^\top
\frac{\partial E}{\partial W_g} = \sum_t \gamma_t (r_t \odot h_{t-1})^\top
""",
    },
]
