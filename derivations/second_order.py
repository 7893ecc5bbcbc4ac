"""Second-order recurrent network.

Every pair of a state unit and an input unit has a weight: the weights are a tensor with three axes, so that each input
symbol chooses a state transition, as in a finite automaton. Units are logistic and the paper has no biases. It scores
one response neuron at the end of a string; here the loss compares the whole last state.
"""

equations = """
S[t] = sigmoid(bilinear(W, S[t-1], x[t]))
E = squared_error(target, S[T])
"""

family = "classical"

sizes = {"x": "m", "S": "n"}

inputs = ("target",)

symbols = {"x": r"I"}

sources = [
    {
        "key": "giles1992",
        "type": "article",
        "author": "Giles, C. L. and Miller, C. B. and Chen, D. and Chen, H. H. and Sun, G. Z. and Lee, Y. C.",
        "title": "Learning and Extracting Finite State Automata with Second-Order Recurrent Neural Networks",
        "journal": "Neural Computation",
        "volume": 4,
        "number": 3,
        "pages": "393--405",
        "year": 1992,
        "doi": "10.1162/neco.1992.4.3.393",
    },
]

compared = {
    "MaudeLiz/cprnn: models/second_order_rnn.py": (
        "same product of tensor, state and input, each with a one at its end, which adds the terms of first order"
    ),
}
