"""Closed-form continuous-time network.

An approximate solution of the liquid time-constant equation in closed form: a gate that hangs on the time span goes
from one network g to another one h, and f says how fast. All three read state and input; here each is one layer. The
time span since the last input comes with the data; the loss is added.
"""

equations = """
f[t] = W_f @ x[t-1] + U_f @ I[t] + b_f
g[t] = tanh(W_g @ x[t-1] + U_g @ I[t] + b_g)
h[t] = tanh(W_h @ x[t-1] + U_h @ I[t] + b_h)
x[t] = sigmoid(-f[t] * s[t]) * g[t] + (1 - sigmoid(-f[t] * s[t])) * h[t]
E[t] = squared_error(target[t], x[t])
"""

family = "continuous time"

sizes = {"I": "m", "x": "n", "s": ()}

sources = [
    {
        "key": "hasani2022",
        "type": "article",
        "author": (
            "Hasani, Ramin and Lechner, Mathias and Amini, Alexander and Liebenwein, Lucas and Ray, Aaron and "
            "Tschaikowski, Max and Teschl, Gerald and Rus, Daniela"
        ),
        "title": "Closed-Form Continuous-Time Neural Networks",
        "journal": "Nature Machine Intelligence",
        "volume": 4,
        "pages": "992--1003",
        "year": 2022,
        "doi": "10.1038/s42256-022-00556-7",
    },
]

compared = {
    "mlech26l/ncps: ncps/torch/cfc_cell.py": (
        "same numbers; it adds a second head to the gate, sigmoid(a t + b), and layers below all heads"
    ),
}
