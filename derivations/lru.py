"""Linear recurrent unit.

A diagonal linear recurrence over complex numbers, written as pairs of reals: x and s are the real and the imaginary
part of the state. The eigenvalues lie inside the unit circle whatever nu is, at an angle given by theta, and gamma
scales the input so that states keep their size. The output is the real part of C x; the loss is added.
"""

equations = """
a = exp(-exp(nu)) * cos(exp(theta))
b = exp(-exp(nu)) * sin(exp(theta))
x[t] = a * x[t-1] - b * s[t-1] + exp(gamma) * (B_re @ u[t])
s[t] = a * s[t-1] + b * x[t-1] + exp(gamma) * (B_im @ u[t])
y[t] = C_re @ x[t] - C_im @ s[t] + D * u[t]
E[t] = squared_error(target[t], y[t])
"""

family = "linear"

sizes = {"u": "m", "x": "n"}

symbols = {
    "nu": r"\nu^{\log}",
    "theta": r"\theta^{\log}",
    "gamma": r"\gamma^{\log}",
    "a": r"\lambda^{re}",
    "b": r"\lambda^{im}",
    "x": r"x^{re}",
    "s": r"x^{im}",
    "B_re": r"B^{re}",
    "B_im": r"B^{im}",
    "C_re": r"C^{re}",
    "C_im": r"C^{im}",
}

sources = [
    {
        "key": "orvieto2023",
        "type": "inproceedings",
        "author": (
            "Orvieto, Antonio and Smith, Samuel L. and Gu, Albert and Fernando, Anushan and Gulcehre, Caglar "
            "and Pascanu, Razvan and De, Soham"
        ),
        "title": "Resurrecting Recurrent Neural Networks for Long Sequences",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": 2023,
        "url": "https://arxiv.org/abs/2303.06349",
    },
]

compared = {
    "NicolasZucchet/minimal-LRU: lru/model.py": "same equations",
}
