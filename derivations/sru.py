"""Simple recurrent unit.

Gates read the state before through a vector, element by element, so that all matrix products are over inputs and can
be made for all steps at once. A highway gate r mixes the state with the input, which therefore has the same size. The
paper's factor alpha for scaling the input is one here, and the loss is added.
"""

equations = """
f[t] = sigmoid(W_f @ x[t] + v_f * c[t-1] + b_f)
c[t] = f[t] * c[t-1] + (1 - f[t]) * (W @ x[t])
r[t] = sigmoid(W_r @ x[t] + v_r * c[t-1] + b_r)
h[t] = r[t] * c[t] + (1 - r[t]) * x[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "n", "h": "n"}

sources = [
    {
        "key": "lei2018",
        "type": "inproceedings",
        "author": "Lei, Tao and Zhang, Yu and Wang, Sida I. and Dai, Hui and Artzi, Yoav",
        "title": "Simple Recurrent Units for Highly Parallelizable Recurrence",
        "booktitle": "Conference on Empirical Methods in Natural Language Processing (EMNLP)",
        "pages": "4470--4481",
        "year": 2018,
        "doi": "10.18653/v1/D18-1477",
    },
]

compared = {
    "asappresearch/sru: sru/ops.py": "same equations",
}
