"""Vanilla recurrent network of two layers.

The hidden states of one recurrent layer are the inputs of another. A gradient comes back through time in both layers,
and from the upper into the lower one.
"""

equations = """
g[t] = tanh(W_1 @ g[t-1] + U_1 @ x[t] + b_1)
h[t] = tanh(W_2 @ h[t-1] + U_2 @ g[t] + b_2)
y[t] = softmax(V @ h[t] + c)
E[t] = cross_entropy(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "g": "l", "h": "n", "y": "k"}

sources = [
    {
        "key": "pascanu2014",
        "type": "inproceedings",
        "author": "Pascanu, Razvan and Gulcehre, Caglar and Cho, Kyunghyun and Bengio, Yoshua",
        "title": "How to Construct Deep Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2014,
        "url": "https://arxiv.org/abs/1312.6026",
    },
]

compared = {
    "pytorch/pytorch: torch/nn/modules/rnn.py": "same numbers, with num_layers = 2",
}
