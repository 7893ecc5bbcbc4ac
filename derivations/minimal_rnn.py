"""MinimalRNN.

Each input is first mapped to a vector z of the state's size, and the new state is a gated average of the state before
and z. All that the recurrence does is to choose between them. The map is one tanh layer here; the loss is added.
"""

equations = """
z[t] = tanh(W_x @ x[t] + b_z)
u[t] = sigmoid(U_h @ h[t-1] + U_z @ z[t] + b_u)
h[t] = u[t] * h[t-1] + (1 - u[t]) * z[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "chen2017",
        "type": "misc",
        "author": "Chen, Minmin",
        "title": "MinimalRNN: Toward More Interpretable and Trainable Recurrent Neural Networks",
        "year": 2017,
        "url": "https://arxiv.org/abs/1711.06788",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/minimalrnn_cell.py": "same numbers",
}
