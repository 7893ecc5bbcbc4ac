"""Ordered-neurons LSTM.

An LSTM whose units have an order: sums of a softmax from the first unit on make a master forget gate that rises and a
master input gate that falls, and only where both overlap do the usual gates have a say. C takes the sums: ones on and
under the diagonal. It is the cell with chunks of one unit; the loss is added.
"""

equations = """
f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1] + b_i)
o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + b_o)
g[t] = tanh(W_c @ x[t] + U_c @ h[t-1] + b_c)
F[t] = C @ softmax(W_F @ x[t] + U_F @ h[t-1] + b_F)
J[t] = 1 - C @ softmax(W_J @ x[t] + U_J @ h[t-1] + b_J)
omega[t] = F[t] * J[t]
f_hat[t] = f[t] * omega[t] + (F[t] - omega[t])
i_hat[t] = i[t] * omega[t] + (J[t] - omega[t])
c[t] = f_hat[t] * c[t-1] + i_hat[t] * g[t]
h[t] = o[t] * tanh(c[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n", "F": "n", "J": "n"}

fixed = ("C",)

symbols = {"F": r"\tilde{f}", "J": r"\tilde{\imath}", "f_hat": r"\hat{f}", "i_hat": r"\hat{\imath}", "g": r"\hat{c}"}

sources = [
    {
        "key": "shen2019",
        "type": "inproceedings",
        "author": "Shen, Yikang and Tan, Shawn and Sordoni, Alessandro and Courville, Aaron",
        "title": "Ordered Neurons: Integrating Tree Structures into Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2019,
        "url": "https://arxiv.org/abs/1810.09536",
    },
]

compared = {
    "yikangshen/Ordered-Neurons: ON_LSTM.py": ("same equations; a master gate there rules a chunk of several units"),
}
