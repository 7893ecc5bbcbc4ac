"""Liquid time-constant network.

The time constant of each neuron hangs on state and input: f appears both in how fast the state leaks and in what
drives it. The differential equation is taken in steps of length Delta by the fused solver of the paper, implicit in
the linear part. The loss is added.
"""

equations = """
f[t] = tanh(gamma_r @ x[t-1] + gamma @ I[t] + mu)
x[t] = (x[t-1] + Delta * f[t] * A) / (1 + Delta * (1 / tau + f[t]))
E[t] = squared_error(target[t], x[t])
"""

family = "continuous time"

sizes = {"I": "m", "x": "n", "Delta": ()}

symbols = {"Delta": r"\Delta t"}

sources = [
    {
        "key": "hasani2021",
        "type": "inproceedings",
        "author": "Hasani, Ramin and Lechner, Mathias and Amini, Alexander and Rus, Daniela and Grosu, Radu",
        "title": "Liquid Time-Constant Networks",
        "booktitle": "AAAI Conference on Artificial Intelligence",
        "pages": "7657--7666",
        "year": 2021,
        "url": "https://arxiv.org/abs/2006.04439",
    },
]

compared = {
    "mlech26l/ncps: ncps/torch/ltc_cell.py": (
        "another variant: it has a conductance and a reversal potential for each synapse and takes six fused "
        "steps; this is the cell of the paper's equations with one"
    ),
}
