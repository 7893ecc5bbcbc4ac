"""Vanilla network with multiplicative integration.

Input and state meet in an elementwise product instead of a sum alone. In the general form there are three vectors:
alpha weighs the product, beta_1 and beta_2 the two terms of the usual sum. The loss is added: the squared error of the
state.
"""

equations = """
h[t] = tanh(alpha * (W @ x[t]) * (U @ h[t-1]) + beta_1 * (U @ h[t-1]) + beta_2 * (W @ x[t]) + b)
E[t] = squared_error(target[t], h[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n"}

sources = [
    {
        "key": "wu2016",
        "type": "inproceedings",
        "author": "Wu, Yuhuai and Zhang, Saizheng and Zhang, Ying and Bengio, Yoshua and Salakhutdinov, Ruslan",
        "title": "On Multiplicative Integration with Recurrent Neural Networks",
        "booktitle": "Advances in Neural Information Processing Systems (NIPS)",
        "year": 2016,
        "url": "https://arxiv.org/abs/1606.06630",
    },
]

compared = {
    "BrianPugh/tensorflow_with_latest_papers: multiplicative_integration_modern.py": (
        "same equations (the general form)"
    ),
}
