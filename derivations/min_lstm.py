"""minLSTM.

An LSTM whose gates and candidate hang on the input alone, with forget and input gate divided by their sum so that the
state's scale does not hang on time. The recurrence is linear in the state. The loss is added: the squared error of the
state.
"""

equations = """
f[t] = sigmoid(W_f @ x[t] + b_f)
i[t] = sigmoid(W_i @ x[t] + b_i)
g[t] = W_h @ x[t] + b_h
h[t] = f[t] / (f[t] + i[t]) * h[t-1] + i[t] / (f[t] + i[t]) * g[t]
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
    "lucidrains/minGRU-pytorch: minGRU_pytorch/minLSTM.py": (
        "same recurrence; it has a positive candidate and no biases"
    ),
}
