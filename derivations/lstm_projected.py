"""Long short-term memory with a recurrent projection.

A linear layer makes the cell's output m smaller, and the smaller vector r is what gates and cells see at the next
step: many cells without as many weights. Gates have peepholes, whose matrices are diagonal and therefore vectors here.
The optional projection p that is not recurrent is left out.
"""

equations = """
i[t] = sigmoid(W_ix @ x[t] + W_ir @ r[t-1] + w_ic * c[t-1] + b_i)
f[t] = sigmoid(W_fx @ x[t] + W_fr @ r[t-1] + w_fc * c[t-1] + b_f)
c[t] = f[t] * c[t-1] + i[t] * tanh(W_cx @ x[t] + W_cr @ r[t-1] + b_c)
o[t] = sigmoid(W_ox @ x[t] + W_or @ r[t-1] + w_oc * c[t] + b_o)
m[t] = o[t] * tanh(c[t])
r[t] = W_rm @ m[t]
y[t] = softmax(W_yr @ r[t] + b_y)
E[t] = cross_entropy(target[t], y[t])
"""

family = "gated"

sizes = {"x": "n_x", "c": "n_c", "r": "n_r", "y": "n_y"}

sources = [
    {
        "key": "sak2014",
        "type": "inproceedings",
        "author": "Sak, Haşim and Senior, Andrew and Beaufays, Françoise",
        "title": "Long Short-Term Memory Recurrent Neural Network Architectures for Large Scale Acoustic Modeling",
        "booktitle": "Annual Conference of the International Speech Communication Association (Interspeech)",
        "pages": "338--342",
        "year": 2014,
        "url": "https://arxiv.org/abs/1402.1128",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers without the peepholes, with proj_size",
}
