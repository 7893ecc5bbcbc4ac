"""TTT-MLP, one token at a time.

The state is the weights of a network with one hidden layer, and a step is a step of gradient descent on how badly that
network maps the training view of the token to its label view. Biases, normalisation and residual of the inner model are
left out, and its function is tanh instead of GELU. The loss is added: the squared error of the output.
"""

equations = """
k[t] = theta_K @ x[t]
v[t] = theta_V @ x[t]
q[t] = theta_Q @ x[t]
eta[t] = sigmoid(theta_lr.T @ x[t])
a[t] = tanh(W_1[t-1] @ k[t])
e[t] = W_2[t-1] @ a[t] - v[t]
d[t] = (1 - a[t] ** 2) * (W_2[t-1].T @ e[t])
W_1[t] = W_1[t-1] - eta[t] * d[t] @ k[t].T
W_2[t] = W_2[t-1] - eta[t] * e[t] @ a[t].T
z[t] = W_2[t] @ tanh(W_1[t] @ q[t])
E[t] = squared_error(target[t], z[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l", "a": "n"}

sources = [
    {
        "key": "sun2024",
        "type": "misc",
        "author": "Sun, Yu and Li, Xinhao and Dalal, Karan and Xu, Jiarui and Vikram, Arjun and Zhang, Genghan and Dubois, Yann and Chen, Xinlei and Wang, Xiaolong and Koyejo, Sanmi and Hashimoto, Tatsunori and Guestrin, Carlos",
        "title": "Learning to (Learn at Test Time): RNNs with Expressive Hidden States",
        "year": 2024,
        "url": "https://arxiv.org/abs/2407.04620",
    },
]

compared = {
    "test-time-training/ttt-lm-pytorch: ttt.py": (
        "same step for one token; its inner function is GELU, and it adds biases, normalisation and a residual"
    ),
}
