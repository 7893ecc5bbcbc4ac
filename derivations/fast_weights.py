"""Fast weights.

A second matrix A beside the slow weights decays at the rate lambda and learns by Hebb's rule at the rate eta: it draws
the state towards states of the recent past. One inner step is taken, and the layer normalisation of the paper is left
out. The loss is a softmax at the end in the paper, and the squared error of the state here.
"""

equations = """
p[t] = relu(W @ h[t-1] + C @ x[t] + b)
A[t] = lambda_ * A[t-1] + eta * outer(h[t-1], h[t-1])
h[t] = relu(W @ h[t-1] + C @ x[t] + b + A[t] @ p[t])
E[t] = squared_error(target[t], h[t])
"""

family = "matrix state"

sizes = {"x": "m", "h": "n", "A": ("n", "n"), "lambda_": (), "eta": ()}

symbols = {"lambda_": r"\lambda", "p": r"h^{0}"}

sources = [
    {
        "key": "ba2016fast",
        "type": "inproceedings",
        "author": "Ba, Jimmy and Hinton, Geoffrey E. and Mnih, Volodymyr and Leibo, Joel Z. and Ionescu, Catalin",
        "title": "Using Fast Weights to Attend to the Recent Past",
        "booktitle": "Advances in Neural Information Processing Systems (NIPS)",
        "year": 2016,
        "url": "https://arxiv.org/abs/1610.06258",
    },
]

compared = {
    "jiamings/fast-weights: fw.py": (
        "another variant: it adds the new state to A before it is read, and normalises; the paper adds the "
        "state before, as here"
    ),
}
