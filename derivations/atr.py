"""Twin-gated network (ATR).

Addition and subtraction make both gates: what comes in by p + q, what stays by p - q, with p from the input and q
from the state, so that a step has two matrices and no candidate of its own. The loss is added.
"""

equations = """
p[t] = W_x @ x[t]
q[t] = W_h @ h[t-1]
i[t] = sigmoid(p[t] + q[t])
f[t] = sigmoid(p[t] - q[t])
h[t] = i[t] * p[t] + f[t] * h[t-1]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "zhang2018",
        "type": "inproceedings",
        "author": "Zhang, Biao and Xiong, Deyi and Su, Jinsong and Lin, Qian and Zhang, Huiji",
        "title": "Simplifying Neural Machine Translation with Addition-Subtraction Twin-Gated Recurrent Networks",
        "booktitle": "Conference on Empirical Methods in Natural Language Processing (EMNLP)",
        "pages": "4273--4283",
        "year": 2018,
        "doi": "10.18653/v1/D18-1459",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/atr_cell.py": (
        "same equations, with a bias in p and in q"
    ),
}
