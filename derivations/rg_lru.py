"""Real-gated linear recurrent unit (RG-LRU).

A diagonal linear recurrence whose decay hangs on the input: the recurrence gate r is the exponent of a number between
0 and 1, times 8 in the paper. The logarithm of the decay is what is computed. The square root keeps the size of the
state; the loss is added.
"""

equations = """
r[t] = sigmoid(W_a @ x[t] + b_a)
i[t] = sigmoid(W_x @ x[t] + b_x)
a[t] = exp(-8 * softplus(Lambda) * r[t])
h[t] = a[t] * h[t-1] + sqrt(1 - a[t] ** 2) * (i[t] * x[t])
E[t] = squared_error(target[t], h[t])
"""

family = "linear"

sizes = {"x": "n", "h": "n"}

sources = [
    {
        "key": "de2024",
        "type": "misc",
        "author": "De, Soham and Smith, Samuel L. and Fernando, Anushan and Botev, Aleksandar and others",
        "title": "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models",
        "year": 2024,
        "url": "https://arxiv.org/abs/2402.19427",
    },
]

compared = {
    "google-deepmind/recurrentgemma: recurrentgemma/torch/layers.py": (
        "same equations; its gates have block-diagonal matrices, and the first step is not scaled"
    ),
}
