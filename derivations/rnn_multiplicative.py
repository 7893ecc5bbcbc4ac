"""Multiplicative recurrent network.

The input chooses the recurrent matrix: the matrix is a product of three factors, and the factor in the middle is
diagonal and made from the input, so that f is a product of two projections. Outputs are a softmax over the next
character.
"""

equations = """
f[t] = (W_fx @ x[t]) * (W_fh @ h[t-1])
h[t] = tanh(W_hf @ f[t] + W_hx @ x[t])
o[t] = W_oh @ h[t] + b_o
E[t] = cross_entropy(target[t], softmax(o[t]))
"""

family = "classical"

sizes = {"x": "m", "h": "n", "f": "l", "o": "k"}

sources = [
    {
        "key": "sutskever2011",
        "type": "inproceedings",
        "author": "Sutskever, Ilya and Martens, James and Hinton, Geoffrey",
        "title": "Generating Text with Recurrent Neural Networks",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "pages": "1017--1024",
        "year": 2011,
    },
]

compared = {
    "MartinuzziFrancesco/RecurrentLayers.jl: src/wrappers/multiplicative.jl": (
        "same factored state, handed to any cell; the paper multiplies it by one more matrix"
    ),
}
