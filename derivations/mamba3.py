"""Mamba-3, one head, real.

Mamba-2 with the trapezoidal rule: the state takes in the input of this step and that of the step before, in shares
lambda and 1 - lambda that hang on the input. v is the input of the head. The rotation of B and C, convolution and
gate of the block are left out; the loss is added.
"""

equations = """
Delta[t] = softplus(w_Delta.T @ x[t] + b_Delta)
lambda_[t] = sigmoid(w_lambda.T @ x[t])
alpha[t] = exp(-exp(A_log) * Delta[t])
beta[t] = (1 - lambda_[t]) * Delta[t] * alpha[t]
gamma[t] = lambda_[t] * Delta[t]
B[t] = W_B @ x[t]
C[t] = W_C @ x[t]
v[t] = W_x @ x[t]
h[t] = alpha[t] * h[t-1] + beta[t] * v[t-1] @ B[t-1].T + gamma[t] * v[t] @ B[t].T
y[t] = h[t] @ C[t]
E[t] = squared_error(target[t], y[t])
"""

family = "matrix state"

sizes = {"x": "m", "B": "d", "v": "l", "A_log": (), "b_Delta": ()}

symbols = {"lambda_": r"\lambda", "A_log": r"a"}

sources = [
    {
        "key": "lahoti2026",
        "type": "misc",
        "author": "Lahoti, Aakash and Li, Kevin Y. and Chen, Berlin and Wang, Caitlin and others",
        "title": "Mamba-3: Improved Sequence Modeling using State Space Principles",
        "year": 2026,
        "url": "https://arxiv.org/abs/2603.15569",
    },
]
