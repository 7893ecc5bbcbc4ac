"""Forget gate alone (JANET).

An LSTM of which only the forget gate is left: what is not kept is filled up with the candidate, and the cell state is
the output. The number beta is taken from the pre-activation s of the gate where it lets the new in; the paper sets it
to one. The loss is added.
"""

equations = """
s[t] = U_f @ h[t-1] + W_f @ x[t] + b_f
q[t] = tanh(U_c @ h[t-1] + W_c @ x[t] + b_c)
c[t] = sigmoid(s[t]) * c[t-1] + (1 - sigmoid(s[t] - 1)) * q[t]
h[t] = c[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"q": r"\tilde{c}"}

sources = [
    {
        "key": "vanderwesthuizen2018",
        "type": "misc",
        "author": "van der Westhuizen, Jos and Lasenby, Joan",
        "title": "The Unreasonable Effectiveness of the Forget Gate",
        "year": 2018,
        "url": "https://arxiv.org/abs/1804.04849",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/janet_cell.py": "same numbers",
}
