"""Memora, with a linear memory.

A memory whose rows stay distributions: it moves by the gradient of the squared error in the logarithms of its
elements, and a softmax brings it back, so that what is forgotten is measured by the Kullback-Leibler divergence. L
takes the place of the logarithms, which the paper takes of W before: both differ by a number in each row, which the
softmax takes off. The memory is a matrix and its gates are numbers here, in the paper a network of two layers and
vectors; there is no code by its authors. The loss is added.
"""

equations = """
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
q[t] = W_Q @ x[t]
alpha[t] = sigmoid(w_alpha.T @ x[t])
eta[t] = sigmoid(w_eta.T @ x[t])
L[t] = alpha[t] * L[t-1] - eta[t] * (softmax(L[t-1]) @ k[t] - v[t]) @ k[t].T
y[t] = softmax(L[t]) @ q[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l"}

sources = [
    {
        "key": "behrouz2025miras",
        "type": "misc",
        "author": "Behrouz, Ali and Razaviyayn, Meisam and Zhong, Peilin and Mirrokni, Vahab",
        "title": "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online Optimization",
        "year": 2025,
        "url": "https://arxiv.org/abs/2504.13173",
    },
]

compared = {
    "aryateja2106/neural-memory-reproduction: MIRAS.context.md": (
        "same update with log W for L, written out from the paper; a softmax there takes any slice of the memory, here a row"
    ),
}
