"""Long short-term memory of 1997.

The first form: an input and an output gate, and no forget gate, so that the cell state s only ever adds up. The
squashing functions are those of the paper, g between -2 and 2 and h between -1 and 1; cells and gates read the outputs
of all cells. The paper truncates gradients at the gates; here they are whole. The output units are logistic with the
squared error.
"""

equations = """
y_in[t] = sigmoid(W_in @ y_c[t-1] + U_in @ x[t] + b_in)
y_out[t] = sigmoid(W_out @ y_c[t-1] + U_out @ x[t] + b_out)
g[t] = 4 * sigmoid(W_c @ y_c[t-1] + U_c @ x[t]) - 2
s_c[t] = s_c[t-1] + y_in[t] * g[t]
y_c[t] = y_out[t] * (2 * sigmoid(s_c[t]) - 1)
y_k[t] = sigmoid(V @ y_c[t])
E[t] = squared_error(target[t], y_k[t])
"""

family = "gated"

sizes = {"x": "m", "y_c": "n", "y_k": "k"}

symbols = {"y_in": r"y^{in}", "y_out": r"y^{out}", "y_c": r"y^{c}", "y_k": r"y^{k}", "s_c": r"s"}

sources = [
    {
        "key": "hochreiter1997",
        "type": "article",
        "author": "Hochreiter, Sepp and Schmidhuber, Jürgen",
        "title": "Long Short-Term Memory",
        "journal": "Neural Computation",
        "volume": 9,
        "number": 8,
        "pages": "1735--1780",
        "year": 1997,
        "doi": "10.1162/neco.1997.9.8.1735",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/originallstm_cell.py": (
        "another variant: it has tanh for both squashing functions, the paper those of this file"
    ),
}
