"""Vanilla recurrent network, many to many.

The hidden state is a tanh of the state before and the input; a softmax at every step gives a distribution, and the
total loss is the sum of the cross-entropies over time. This is the network of section 10.2 of Goodfellow, Bengio and
Courville, from which backpropagation through time is usually taught.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}
symbols = {"target": "d"}

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
        "key": "werbos1990",
        "type": "article",
        "author": "Werbos, Paul J.",
        "title": "Backpropagation Through Time: What It Does and How to Do It",
        "journal": "Proceedings of the IEEE",
        "volume": 78,
        "number": 10,
        "pages": "1550--1560",
        "year": 1990,
        "doi": "10.1109/5.58337",
    },
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
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers",
    "onnx/onnx: onnx/reference/ops/op_rnn.py": "same numbers",
}

claims = [
    {
        "source": "Goodfellow, Bengio and Courville 2016, section 10.2.2, with equation 10.21 put right",
        "verdict": "conditional",
        "claim": r"""
\nabla_{o_t} E = y_t - d_t
\nabla_{h_t} E = W^\top \operatorname{diag}(1 - h_{t+1}^2) (\nabla_{h_{t+1}} E) + V^\top (\nabla_{o_t} E)
\nabla_c E = \sum_t \nabla_{o_t} E
\nabla_b E = \sum_t \operatorname{diag}(1 - h_t^2) \nabla_{h_t} E
\nabla_V E = \sum_t (\nabla_{o_t} E) h_t^\top
\nabla_W E = \sum_t \operatorname{diag}(1 - h_t^2) (\nabla_{h_t} E) h_{t-1}^\top
\nabla_U E = \sum_t \operatorname{diag}(1 - h_t^2) (\nabla_{h_t} E) x_t^\top
""",
    },
    {
        "source": "Werbos 1990, as a sum over paths",
        "verdict": "proved",
        "claim": r"""
\frac{\partial h_t}{\partial h_k} = \prod_{j=t}^{k+1} \operatorname{diag}(1 - h_j^2) W
\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial E_t}{\partial h_t} \left( \prod_{j=t}^{k+1} \frac{\partial h_j}{\partial h_{j-1}} \right) \frac{\partial^{+} h_k}{\partial W}
""",
    },
]
