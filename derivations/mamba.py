"""Selective state space model (Mamba).

Each channel of the input has a state of its own, and all states together are a matrix h with a row for each channel.
The step Delta, what enters (B) and what is read (C) hang on the input, so that the network can choose what to keep.
Convolution and gate of the block around it are left out. The loss is added: the squared error of the output.
"""

equations = """
A = -exp(L)
B[t] = W_B @ x[t]
C[t] = W_C @ x[t]
Delta[t] = softplus(W_Delta @ x[t] + b_Delta)
h[t] = exp(diag(Delta[t]) @ A) * h[t-1] + outer(Delta[t] * x[t], B[t])
y[t] = h[t] @ C[t] + D * x[t]
E[t] = squared_error(target[t], y[t])
"""

family = "linear"

sizes = {"x": "d", "h": ("d", "n"), "L": ("d", "n")}

symbols = {"L": r"A^{\log}"}

sources = [
    {
        "key": "gu2023",
        "type": "misc",
        "author": "Gu, Albert and Dao, Tri",
        "title": "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
        "year": 2023,
        "url": "https://arxiv.org/abs/2312.00752",
    },
]

compared = {
    "alxndrTL/mamba.py: mambapy/mamba.py": "same numbers",
    "state-spaces/mamba: mamba_ssm/ops/selective_scan_interface.py": (
        "same equations; its Delta is a product of two smaller matrices"
    ),
}
