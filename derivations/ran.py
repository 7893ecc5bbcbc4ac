"""Recurrent additive network.

The content layer is linear in the input alone, so that a state is a weighted sum of inputs: recurrence acts through
the gates only. The output is a tanh of the state. The loss is added: the squared error of the output.
"""

equations = """
q[t] = W_cx @ x[t]
i[t] = sigmoid(W_ih @ h[t-1] + W_ix @ x[t] + b_i)
f[t] = sigmoid(W_fh @ h[t-1] + W_fx @ x[t] + b_f)
c[t] = i[t] * q[t] + f[t] * c[t-1]
h[t] = tanh(c[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"q": r"\tilde{c}"}

sources = [
    {
        "key": "lee2017",
        "type": "misc",
        "author": "Lee, Kenton and Levy, Omer and Zettlemoyer, Luke",
        "title": "Recurrent Additive Networks",
        "year": 2017,
        "url": "https://arxiv.org/abs/1705.07393",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/ran_cell.py": "same numbers",
}
