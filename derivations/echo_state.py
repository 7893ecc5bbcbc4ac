"""Echo state network.

A reservoir whose weights are drawn once and never learned: only the linear readout has gradients. The state is a leaky
average with rate alpha, and the readout sees input and state. The biases are the columns of the paper's weights for
the constant input 1; the penalty of ridge regression is left out.
"""

equations = """
c[t] = tanh(W_in @ u[t] + b + W @ x[t-1])
x[t] = (1 - alpha) * x[t-1] + alpha * c[t]
y[t] = W_out @ concat(u[t], x[t]) + b_out
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"u": "m", "x": "n", "y": "k", "alpha": ()}

fixed = ("W_in", "W", "b", "alpha")

symbols = {"c": r"\tilde{x}"}

sources = [
    {
        "key": "jaeger2001",
        "type": "techreport",
        "author": "Jaeger, Herbert",
        "title": "The ``Echo State'' Approach to Analysing and Training Recurrent Neural Networks",
        "institution": "German National Research Center for Information Technology",
        "number": "GMD Report 148",
        "year": 2001,
    },
    {
        "key": "lukosevicius2012",
        "type": "incollection",
        "author": "Lukoševičius, Mantas",
        "title": "A Practical Guide to Applying Echo State Networks",
        "booktitle": "Neural Networks: Tricks of the Trade",
        "publisher": "Springer",
        "pages": "659--686",
        "year": 2012,
        "doi": "10.1007/978-3-642-35289-8_36",
    },
]

compared = {
    "ywpark4N/minimalESN: minimalESN.py": "same equations: a copy of the code of the guide that is cited",
}
