"""minGRU.

A GRU whose gate and candidate hang on the input alone: the recurrence is then linear in the state and can be computed
for all steps at once. Biases are those of the paper's linear layers. The loss is added: the squared error of the
state.
"""

equations = """
z[t] = sigmoid(W_z @ x[t] + b_z)
g[t] = W_h @ x[t] + b_h
h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]
E[t] = squared_error(target[t], h[t])
"""

family = "linear"

sizes = {"x": "m", "h": "n"}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "feng2024",
        "type": "misc",
        "author": (
            "Feng, Leo and Tung, Frederick and Ahmed, Mohamed Osama and Bengio, Yoshua and Hajimirsadeghi, Hossein"
        ),
        "title": "Were RNNs All We Needed?",
        "year": 2024,
        "url": "https://arxiv.org/abs/2410.01201",
    },
]

compared = {
    "lucidrains/minGRU-pytorch: minGRU_pytorch/minGRU.py": (
        "same recurrence; it is the version in logarithms, whose candidate is made positive"
    ),
}
