"""MUT3, found by search.

The third of three cells that Jozefowicz and others found by mutating a GRU: the update gate sees a tanh of the state.
The loss is added: the squared error of the state.
"""

equations = """
z[t] = sigmoid(W_xz @ x[t] + W_hz @ tanh(h[t-1]) + b_z)
r[t] = sigmoid(W_xr @ x[t] + W_hr @ h[t-1] + b_r)
h[t] = tanh(W_hh @ (r[t] * h[t-1]) + W_xh @ x[t] + b_h) * z[t] + h[t-1] * (1 - z[t])
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "jozefowicz2015",
        "type": "inproceedings",
        "author": "Jozefowicz, Rafal and Zaremba, Wojciech and Sutskever, Ilya",
        "title": "An Empirical Exploration of Recurrent Network Architectures",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "pages": "2342--2350",
        "year": 2015,
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/mut_cell.py": "same numbers",
}
