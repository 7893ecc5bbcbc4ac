"""Mamba-3, one head, real.

Mamba-2 with the trapezoidal rule: the state takes in the input of this step and that of the step before, in shares
lambda and 1 - lambda that hang on the input, as A does. v is the input of the head. The rotation, normalisation and
biases of B and C, the skip and the gate of the block are left out; the loss is added.
"""

equations = """
Delta[t] = softplus(w_Delta.T @ x[t] + b_Delta)
lambda_[t] = sigmoid(w_lambda.T @ x[t])
A[t] = -softplus(w_A.T @ x[t])
alpha[t] = exp(A[t] * Delta[t])
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

sizes = {"x": "m", "B": "d", "v": "l", "b_Delta": ()}

symbols = {"lambda_": r"\lambda"}

sources = [
    {
        "key": "lahoti2026",
        "type": "misc",
        "author": (
            "Lahoti, Aakash and Li, Kevin Y. and Chen, Berlin and Wang, Caitlin and Bick, Aviv and Kolter, J. Zico and "
            "Dao, Tri and Gu, Albert"
        ),
        "title": "Mamba-3: Improved Sequence Modeling using State Space Principles",
        "year": 2026,
        "url": "https://arxiv.org/abs/2603.15569",
    },
]

compared = {
    "state-spaces/mamba: tests/ops/triton/test_mamba3_siso.py": (
        "same equations in the reference of a step, beside what is left out; all shares come from one product"
    ),
    "state-spaces/mamba: mamba_ssm/modules/mamba3.py": (
        "same A and Delta, with A below a small negative number; B and C go through a norm and get biases"
    ),
}
