"""Error-free linear attention.

The delta rule as a differential equation that is solved exactly within a step: the matrix of the step has one
direction, the key, so that its exponential needs that of one number alone, beta times the key's square. For small
beta it is DeltaNet without normalised keys. The loss is added.
"""

equations = """
q[t] = W_Q @ x[t]
k[t] = W_K @ x[t]
v[t] = W_V @ x[t]
beta[t] = sigmoid(w_beta.T @ x[t])
lambda_[t] = k[t].T @ k[t]
alpha[t] = (1 - exp(-beta[t] * lambda_[t])) / lambda_[t]
S[t] = (I - alpha[t] * k[t] @ k[t].T) @ S[t-1] + alpha[t] * k[t] @ v[t].T
o[t] = S[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l"}

symbols = {"lambda_": r"\lambda"}

sources = [
    {
        "key": "lei2025",
        "type": "misc",
        "author": "Lei, Jingdi and Zhang, Di and Poria, Soujanya",
        "title": "Error-Free Linear Attention is a Free Lunch: Exact Solution from Continuous-Time Dynamics",
        "year": 2025,
        "url": "https://arxiv.org/abs/2512.12602",
    },
]

compared = {
    "declare-lab/EFLA: mnist.py": (
        "same equations, with a bias in beta, a bound below lambda, and expm1 for its numerator; it normalises the query"
    ),
}
