"""Antisymmetric recurrent network.

An Euler step of a differential equation whose matrix W - W' has imaginary eigenvalues only, less a little diffusion
gamma that keeps the discretised system stable. Information then neither fades nor blows up. Step length and diffusion
are numbers in the paper and parameters here; the loss is added.
"""

equations = """
h[t] = h[t-1] + epsilon * tanh((W_h - W_h.T) @ h[t-1] - gamma * h[t-1] + V_h @ x[t] + b_h)
E[t] = squared_error(target[t], h[t])
"""

family = "continuous time"

sizes = {"x": "m", "h": "n", "epsilon": (), "gamma": ()}

sources = [
    {
        "key": "chang2019",
        "type": "inproceedings",
        "author": "Chang, Bo and Chen, Minmin and Haber, Eldad and Chi, Ed H.",
        "title": "AntisymmetricRNN: A Dynamical System View on Recurrent Neural Networks",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": 2019,
        "url": "https://arxiv.org/abs/1902.09689",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/antisymmetricrnn_cell.py": "same numbers",
    "erichson/LipschitzRNN: models.py": "same equations (asymRNN)",
}

claims = [
    {
        "source": "Chang and others 2019, the Jacobian of the differential equation, for one step of Euler's rule",
        "verdict": "proved",
        "where": r"a_t = (W_h - W_h^\top - \gamma I) h_{t-1} + V_h x_t + b_h",
        "claim": r"""
\frac{\partial h_t}{\partial h_{t-1}} = I + \epsilon \operatorname{diag}(\tanh'(a_t)) (W_h - W_h^\top - \gamma I)
""",
    },
]
