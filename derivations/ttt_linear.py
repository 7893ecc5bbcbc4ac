"""TTT-Linear, one token at a time.

The state is the weights of a linear model, and a step of the network is a step of gradient descent on how badly it maps
the training view of the token to its label view; its learning rate eta hangs on the token. Normalisation and residual of
the inner model are left out. The loss is added: the squared error of the output.
"""

equations = """
k[t] = theta_K @ x[t]
v[t] = theta_V @ x[t]
q[t] = theta_Q @ x[t]
eta[t] = sigmoid(theta_lr.T @ x[t])
W[t] = W[t-1] - 2 * eta[t] * (W[t-1] @ k[t] - v[t]) @ k[t].T
z[t] = W[t] @ q[t]
E[t] = squared_error(target[t], z[t])
"""

family = "matrix state"

sizes = {"x": "m", "k": "d", "v": "l"}

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
        "same step for one token, with half of the loss, so that there is no 2; it adds a bias, normalisation and a residual"
    ),
}
