"""Vanilla recurrent network, many to one.

A whole sequence is read, and one softmax over the classes is taken of the last hidden state, as in classifying a
sentence. The loss stands at the last step only, so whatever the first steps learn has come back through all later
ones.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
y = softmax(V @ h[T] + c)
E = cross_entropy(target, y)
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

inputs = ("target",)

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
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers",
    "onnx/onnx: onnx/reference/ops/op_rnn.py": "same numbers",
}

claims = [
    {
        "source": "Goodfellow, Bengio and Courville 2016, section 10.2.2, for a loss after the last step, with equation 10.21 put right",
        "verdict": "conditional",
        "claim": r"""
\nabla_{h_T} E = V^\top (y - \mathrm{target})
\nabla_{h_t} E = W^\top \operatorname{diag}(1 - h_{t+1}^2) (\nabla_{h_{t+1}} E)
\nabla_c E = y - \mathrm{target}
\nabla_b E = \sum_t \operatorname{diag}(1 - h_t^2) \nabla_{h_t} E
\nabla_V E = (y - \mathrm{target}) h_T^\top
\nabla_W E = \sum_t \operatorname{diag}(1 - h_t^2) (\nabla_{h_t} E) h_{t-1}^\top
\nabla_U E = \sum_t \operatorname{diag}(1 - h_t^2) (\nabla_{h_t} E) x_t^\top
""",
    },
]
