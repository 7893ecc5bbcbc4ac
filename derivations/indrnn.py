"""Independently recurrent network (IndRNN).

Each neuron sees only its own past: the recurrent weights are a vector u instead of a matrix, and neurons meet in the
next layer. The gradient through time is then a product of numbers for each neuron. The loss is added here: the squared
error of the state at the end, as the paper derives its gradient for one that stands at the end.
"""

equations = """
h[t] = relu(W @ x[t] + u * h[t-1] + b)
J = squared_error(target, h[T])
"""

family = "classical"

sizes = {"x": "m", "h": "n"}

inputs = ("target",)

sources = [
    {
        "key": "li2018",
        "type": "inproceedings",
        "author": "Li, Shuai and Li, Wanqing and Cook, Chris and Zhu, Ce and Gao, Yanbo",
        "title": "Independently Recurrent Neural Network (IndRNN): Building A Longer and Deeper RNN",
        "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "5457--5466",
        "year": 2018,
        "url": "https://arxiv.org/abs/1803.04831",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/indrnn_cell.py": "same numbers",
}

claims = [
    {
        "source": "Li and others 2018, equation 4, for all neurons at once",
        "verdict": "proved",
        "where": r"a_k = W x_k + u \odot h_{k-1} + b",
        "claim": r"""
\frac{\partial h_T}{\partial h_t} = \prod_{k=T-1}^{t} \operatorname{diag}(\operatorname{relu}'(a_{k+1})) \operatorname{diag}(u)
""",
    },
]
