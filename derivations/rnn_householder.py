"""Orthogonal recurrent network by Householder reflections.

The recurrent matrix is a product of Householder reflections, each given by a vector, so that it is orthogonal whatever
the vectors are; two are written out here. A reflection is applied to the state and never made a matrix. The rectifier
is leaky, as in the paper's experiments.
"""

equations = """
p[t] = h[t-1] - 2 * dot(u_1, h[t-1]) / dot(u_1, u_1) * u_1
q[t] = p[t] - 2 * dot(u_2, p[t]) / dot(u_2, u_2) * u_2
h[t] = leaky_relu(q[t] + V @ x[t])
o[t] = Y @ h[t]
E[t] = squared_error(target[t], o[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "o": "k"}

sources = [
    {
        "key": "mhammedi2017",
        "type": "inproceedings",
        "author": "Mhammedi, Zakaria and Hellicar, Andrew and Rahman, Ashfaqur and Bailey, James",
        "title": "Efficient Orthogonal Parametrisation of Recurrent Neural Networks Using Householder Reflections",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2017,
        "url": "https://arxiv.org/abs/1612.00188",
    },
]

compared = {
    "zmhammedi/Orthogonal_RNN: RNN_models.py": (
        "the authors' code: same equations with biases, a slope of 0.1, and the products as one (tensor_ops.py)"
    ),
}
