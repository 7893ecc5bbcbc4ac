"""Long short-term memory.

A cell state c is carried from step to step; an input gate i, a forget gate f and an output gate o say what enters it,
what stays in it and what is shown of it, and g is the candidate for the new content. The forget gate is that of Gers,
Schmidhuber and Cummins; there are no peepholes. W are recurrent and U input weights. The model ends in a softmax
layer with cross-entropy at every step.
"""

equations = """
i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)
f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)
o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)
g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * tanh(c[t])
y[t] = softmax(V @ h[t] + b_y)
E[t] = cross_entropy(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "y": "k"}

bridges = {
    "torch": {
        "weight_ih_l{layer}{reverse}": "U_i; U_f; U_g; U_o",
        "weight_hh_l{layer}{reverse}": "W_i; W_f; W_g; W_o",
        "bias_ih_l{layer}{reverse}": "b_i; b_f; b_g; b_o",
        "bias_hh_l{layer}{reverse}": "b_i; b_f; b_g; b_o",
    },
    "keras": {
        "{side}kernel": "U_i.T | U_f.T | U_g.T | U_o.T",
        "{side}recurrent_kernel": "W_i.T | W_f.T | W_g.T | W_o.T",
        "{side}bias": "b_i; b_f; b_g; b_o",
    },
    "onnx": {
        "W": "[U_i; U_o; U_f; U_g]",
        "R": "[W_i; W_o; W_f; W_g]",
        "B": "[b_i; b_o; b_f; b_g; b_i; b_o; b_f; b_g]",
    },
}

sources = [
    {
        "key": "hochreiter1997",
        "type": "article",
        "author": "Hochreiter, Sepp and Schmidhuber, Jürgen",
        "title": "Long Short-Term Memory",
        "journal": "Neural Computation",
        "volume": 9,
        "number": 8,
        "pages": "1735--1780",
        "year": 1997,
        "doi": "10.1162/neco.1997.9.8.1735",
    },
    {
        "key": "gers2000",
        "type": "article",
        "author": "Gers, Felix A. and Schmidhuber, Jürgen and Cummins, Fred",
        "title": "Learning to Forget: Continual Prediction with LSTM",
        "journal": "Neural Computation",
        "volume": 12,
        "number": 10,
        "pages": "2451--2471",
        "year": 2000,
        "doi": "10.1162/089976600300015015",
    },
    {
        "key": "greff2017",
        "type": "article",
        "author": (
            "Greff, Klaus and Srivastava, Rupesh K. and Koutník, Jan and Steunebrink, Bas R. and Schmidhuber, Jürgen"
        ),
        "title": "LSTM: A Search Space Odyssey",
        "journal": "IEEE Transactions on Neural Networks and Learning Systems",
        "volume": 28,
        "number": 10,
        "pages": "2222--2232",
        "year": 2017,
        "doi": "10.1109/TNNLS.2016.2582924",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers",
    "onnx/onnx: onnx/reference/ops/op_lstm.py": "same numbers",
}

claims = [
    {
        "source": "Greff and others 2017, appendix, without peepholes and with a softmax layer on top",
        "verdict": "conditional",
        "claim": r"""
\delta h_t = V^\top (y_t - \mathrm{target}_t) + W_g^\top \delta\bar{g}_{t+1} + W_i^\top \delta\bar{i}_{t+1} + W_f^\top \delta\bar{f}_{t+1} + W_o^\top \delta\bar{o}_{t+1}
\delta\bar{o}_t = \delta h_t \odot \tanh(c_t) \odot o_t \odot (1 - o_t)
\delta c_t = \delta h_t \odot o_t \odot (1 - \tanh^2(c_t)) + \delta c_{t+1} \odot f_{t+1}
\delta\bar{f}_t = \delta c_t \odot c_{t-1} \odot f_t \odot (1 - f_t)
\delta\bar{i}_t = \delta c_t \odot g_t \odot i_t \odot (1 - i_t)
\delta\bar{g}_t = \delta c_t \odot i_t \odot (1 - g_t^2)
\frac{\partial E}{\partial W_f} = \sum_{t=0}^{T-1} \delta\bar{f}_{t+1} h_t^\top
\frac{\partial E}{\partial U_i} = \sum_{t=1}^{T} \delta\bar{i}_t x_t^\top
\frac{\partial E}{\partial b_g} = \sum_{t=1}^{T} \delta\bar{g}_t
""",
    },
]
