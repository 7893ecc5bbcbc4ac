"""Comba, one head.

The delta rule with closed-loop control: the state decays by a number, is corrected by a share of what it says of the key,
and the query is corrected by the key before it reads. Short convolutions, normalisation and gate of the output are left
out. The loss is added: the squared error of the output.
"""

equations = """
q[t] = normalize(silu(W_q @ x[t]))
k[t] = normalize(silu(W_k @ x[t]))
v[t] = silu(W_v @ x[t])
alpha[t] = exp(-exp(A_log) * softplus(w_alpha.T @ x[t] + b_alpha))
beta[t] = sigmoid(w_beta.T @ x[t])
S[t] = S[t-1] @ (alpha[t] * I - sigmoid(b) * beta[t] * k[t] @ k[t].T) + beta[t] * v[t] @ k[t].T
o[t] = S[t] @ (q[t] - d * k[t])
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "n", "v": "l", "A_log": (), "b": (), "d": ()}

symbols = {"A_log": r"A"}

sources = [
    {
        "key": "hu2025",
        "type": "misc",
        "author": "Hu, Jiaxi and Pan, Yongqi and Du, Jusen and Lan, Disen and Tang, Xiaqiang and Wen, Qingsong and Liang, Yuxuan and Sun, Weigao",
        "title": "Comba: Improving Bilinear RNNs with Closed-loop Control",
        "year": 2025,
        "url": "https://arxiv.org/abs/2506.02475",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/layers/comba.py": (
        "same state; it corrects the query by sigmoid(b) k, normalises after that, and scales it"
    ),
}
