"""Recurrent network with the nonlinearity on the state before.

The form in which Pascanu, Mikolov and Bengio study why gradients vanish and explode: the logistic function is taken of
the state before, and the new state is linear in it. Their equations 3 to 5 write the gradient as a sum over pairs of
times; the loss of the paper is left open, and is the squared error here.
"""

equations = """
x[t] = W_rec @ sigmoid(x[t-1]) + W_in @ u[t] + b
E[t] = squared_error(target[t], x[t])
"""

family = "classical"

sizes = {"u": "m", "x": "n"}

sources = [
    {
        "key": "pascanu2013",
        "type": "inproceedings",
        "author": "Pascanu, Razvan and Mikolov, Tomas and Bengio, Yoshua",
        "title": "On the Difficulty of Training Recurrent Neural Networks",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "pages": "1310--1318",
        "year": 2013,
        "url": "https://arxiv.org/abs/1211.5063",
    },
]

compared = {
    "pascanur/trainingRNNs: RNN.py": (
        "the authors' code: it takes the nonlinearity of the new state, which the paper says is the same up to a "
        "change of variables"
    ),
}

claims = [
    {
        "source": "Pascanu, Mikolov and Bengio 2013, equations 3 to 5, with the Jacobian not transposed",
        "verdict": "proved",
        "claim": r"""
\frac{\partial x_t}{\partial x_k} = \prod_{i=t}^{k+1} W_{rec} \operatorname{diag}(\sigma'(x_{i-1}))
\frac{\partial E}{\partial W_{rec}} = \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial E_t}{\partial x_t} \frac{\partial x_t}{\partial x_k} \frac{\partial^{+} x_k}{\partial W_{rec}}
""",
    },
]
