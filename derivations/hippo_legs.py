"""Gated network with a scaled Legendre memory (HiPPO-LegS).

A gated cell whose memory c holds the coefficients of Legendre polynomials that follow one feature f of the state over
all of the past: at step t the memory is stretched by 1/t. A and B are given by the polynomials and not learned; the
memory moves by Euler's rule. The loss is added.
"""

equations = """
g[t] = sigmoid(W_gh @ h[t-1] + W_gx @ x[t] + W_gc @ c[t-1])
h[t] = (1 - g[t]) * h[t-1] + g[t] * tanh(W_h @ h[t-1] + W_x @ x[t] + W_c @ c[t-1])
f[t] = w_f.T @ h[t]
c[t] = c[t-1] - A @ c[t-1] / t + f[t] / t * B
E[t] = squared_error(target[t], h[t])
"""

family = "continuous time"

sizes = {"x": "m", "h": "n", "c": "d"}

fixed = ("A", "B")

sources = [
    {
        "key": "gu2020",
        "type": "inproceedings",
        "author": "Gu, Albert and Dao, Tri and Ermon, Stefano and Rudra, Atri and Ré, Christopher",
        "title": "HiPPO: Recurrent Memory with Optimal Polynomial Projections",
        "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
        "year": 2020,
        "url": "https://arxiv.org/abs/2008.07669",
    },
]

compared = {
    "HazyResearch/hippo-code: model/memory.py": (
        "same memory, with A of the other sign and a first step of its own; there it reads the state of the step before"
    ),
}
