"""Layer-normalised LSTM.

The products with state and input are normalised each on its own, over all four gates together, and the cell state
before its tanh. Gains and shifts of the three normalisations are alpha and beta. The gates are cut out of one vector,
as in the paper; the loss is added: the squared error of the state.
"""

equations = """
u[t] = layer_norm(W_h @ h[t-1], alpha_1, beta_1) + layer_norm(W_x @ x[t], alpha_2, beta_2) + b
f[t], i[t], o[t], g[t] = split(u[t])
c[t] = sigmoid(f[t]) * c[t-1] + sigmoid(i[t]) * tanh(g[t])
h[t] = sigmoid(o[t]) * tanh(layer_norm(c[t], alpha_3, beta_3))
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "ba2016",
        "type": "misc",
        "author": "Ba, Jimmy Lei and Kiros, Jamie Ryan and Hinton, Geoffrey E.",
        "title": "Layer Normalization",
        "year": 2016,
        "url": "https://arxiv.org/abs/1607.06450",
    },
]

compared = {
    "ryankiros/layer-norm: layers.py": (
        "same equations; it adds the bias before the normalisation of the input as well, and cuts the gates "
        "out in the order i f o g"
    ),
}
