"""Minimal gated unit.

One gate f does what update and reset gate do in a GRU: it says how much of the state the candidate sees, and how much
of the candidate enters. The weights act on state and input put one above the other. The loss is added: the squared
error of the state.
"""

equations = """
f[t] = sigmoid(W_f @ concat(h[t-1], x[t]) + b_f)
g[t] = tanh(W_h @ concat(f[t] * h[t-1], x[t]) + b_h)
h[t] = (1 - f[t]) * h[t-1] + f[t] * g[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

symbols = {"g": r"\tilde{h}"}

sources = [
    {
        "key": "zhou2016",
        "type": "article",
        "author": "Zhou, Guo-Bing and Wu, Jianxin and Zhang, Chen-Lin and Zhou, Zhi-Hua",
        "title": "Minimal Gated Unit for Recurrent Neural Networks",
        "journal": "International Journal of Automation and Computing",
        "volume": 13,
        "number": 3,
        "pages": "226--234",
        "year": 2016,
        "doi": "10.1007/s11633-016-1006-2",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/mgu_cell.py": "same numbers",
}
