"""Long short-term memory with coupled gates.

What enters the cell and what leaves it are tied together: the input gate is 1 - f. Greff and others call it CIFG and
find it as good as the full LSTM. As there, the gates have peepholes; the loss is the squared error of the block output
y.
"""

equations = """
z[t] = tanh(W_z @ x[t] + R_z @ y[t-1] + b_z)
f[t] = sigmoid(W_f @ x[t] + R_f @ y[t-1] + p_f * c[t-1] + b_f)
c[t] = z[t] * (1 - f[t]) + c[t-1] * f[t]
o[t] = sigmoid(W_o @ x[t] + R_o @ y[t-1] + p_o * c[t] + b_o)
y[t] = tanh(c[t]) * o[t]
E[t] = squared_error(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "y": "n"}

sources = [
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
    "tensorflow/tensorflow: tensorflow/contrib/rnn/python/ops/rnn_cell.py": (
        "same equations, with peepholes; it starts the forget gate at a bias of one"
    ),
}
