"""GRU-D, for values that are missing.

The mask m says what was observed, and delta how long ago each value was. What is missing is between the last value that
was observed and the mean, the closer to the mean the longer ago; the state decays with time too. The mean is given. The
loss is the squared error of the hidden state.
"""

equations = """
gamma_x[t] = exp(-max(0, w_gx * delta[t] + b_gx))
gamma_h[t] = exp(-max(0, W_gh @ delta[t] + b_gh))
x_last[t] = m[t] * x[t] + (1 - m[t]) * x_last[t-1]
x_hat[t] = m[t] * x[t] + (1 - m[t]) * (gamma_x[t] * x_last[t-1] + (1 - gamma_x[t]) * x_mean)
h_hat[t] = gamma_h[t] * h[t-1]
z[t] = sigmoid(W_z @ x_hat[t] + U_z @ h_hat[t] + V_z @ m[t] + b_z)
r[t] = sigmoid(W_r @ x_hat[t] + U_r @ h_hat[t] + V_r @ m[t] + b_r)
h_new[t] = tanh(W @ x_hat[t] + U @ (r[t] * h_hat[t]) + V @ m[t] + b)
h[t] = (1 - z[t]) * h_hat[t] + z[t] * h_new[t]
E[t] = squared_error(target[t], h[t])
"""

family = "gated"

sizes = {"x": "d", "h": "n"}

fixed = ("x_mean",)

symbols = {
    "x_last": "x'", "x_mean": r"\tilde{x}", "x_hat": r"\hat{x}", "h_hat": r"\hat{h}", "h_new": r"\tilde{h}",
    "w_gx": r"w_{\gamma_x}", "b_gx": r"b_{\gamma_x}", "W_gh": r"W_{\gamma_h}", "b_gh": r"b_{\gamma_h}",
}  # fmt: skip

sources = [
    {
        "key": "che2018",
        "type": "article",
        "author": "Che, Zhengping and Purushotham, Sanjay and Cho, Kyunghyun and Sontag, David and Liu, Yan",
        "title": "Recurrent Neural Networks for Multivariate Time Series with Missing Values",
        "journal": "Scientific Reports",
        "volume": "8",
        "number": "6085",
        "year": 2018,
        "url": "https://www.nature.com/articles/s41598-018-24271-9",
    },
]

compared = {
    "zhiyongc/GRU-D: GRUD.py": ("same equations; the last value that was seen is handed in"),
}
