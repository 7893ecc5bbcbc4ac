"""Recurrent highway network of depth two.

The step from one state to the next is itself two highway layers deep: s_1 is between the two, and the input enters in
the first of them. Carry and transform gates are coupled, as in most of the paper's experiments. The loss is added: the
squared error of the state.
"""

equations = """
h_1[t] = tanh(W_H @ x[t] + R_H1 @ s[t-1] + b_H1)
t_1[t] = sigmoid(W_T @ x[t] + R_T1 @ s[t-1] + b_T1)
s_1[t] = h_1[t] * t_1[t] + s[t-1] * (1 - t_1[t])
h_2[t] = tanh(R_H2 @ s_1[t] + b_H2)
t_2[t] = sigmoid(R_T2 @ s_1[t] + b_T2)
s[t] = h_2[t] * t_2[t] + s_1[t] * (1 - t_2[t])
E[t] = squared_error(target[t], s[t])
"""

family = "gated"

sizes = {"x": "m", "s": "n"}

sources = [
    {
        "key": "zilly2017",
        "type": "inproceedings",
        "author": "Zilly, Julian Georg and Srivastava, Rupesh Kumar and Koutník, Jan and Schmidhuber, Jürgen",
        "title": "Recurrent Highway Networks",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1607.03474",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/rhn_cell.py": (
        "same equations; it adds the input's bias in the first layer only, as here"
    ),
}
