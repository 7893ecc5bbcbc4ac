"""HGRN2, one head.

The gated linear recurrence of HGRN with a matrix as state: what a forget gate does not keep of a channel is filled by the
outer product with the input. The gate has a lower bound gamma, which the paper learns for all layers together. The loss
is added: the squared error of the output.
"""

equations = """
f[t] = gamma + (1 - gamma) * sigmoid(W_f @ x[t] + b_f)
i[t] = silu(W_i @ x[t] + b_i)
o[t] = sigmoid(W_o @ x[t] + b_o)
H[t] = diag(f[t]) @ H[t-1] + (1 - f[t]) @ i[t].T
y[t] = H[t].T @ o[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "f": "d", "i": "l"}

sources = [
    {
        "key": "qin2024",
        "type": "inproceedings",
        "author": "Qin, Zhen and Yang, Songlin and Sun, Weixuan and Shen, Xuyang and Li, Dong and Sun, Weigao and Zhong, Yiran",
        "title": "HGRN2: Gated Linear RNNs with State Expansion",
        "booktitle": "Conference on Language Modeling (COLM)",
        "year": 2024,
        "url": "https://arxiv.org/abs/2404.07904",
    },
]

compared = {
    "Doraemonzzz/hgru2-pytorch: hgru2_pytorch/hgru2_1d.py": (
        "same equations; it normalises the output and projects it"
    ),
}
