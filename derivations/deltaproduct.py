"""DeltaProduct with two Householder steps, one head.

The delta rule applied twice for each input, each time with a key, a value and a strength of its own, so that the state's
transition is a product of two generalised Householder reflections; a strength goes up to 2, where it is a reflection.
The loss is added: the squared error of the output.
"""

equations = """
q[t] = normalize(silu(W_q @ x[t]))
k_1[t] = normalize(silu(W_k1 @ x[t]))
k_2[t] = normalize(silu(W_k2 @ x[t]))
v_1[t] = W_v1 @ x[t]
v_2[t] = W_v2 @ x[t]
beta_1[t] = 2 * sigmoid(w_1.T @ x[t])
beta_2[t] = 2 * sigmoid(w_2.T @ x[t])
G[t] = (I - beta_1[t] * k_1[t] @ k_1[t].T) @ H[t-1] + beta_1[t] * k_1[t] @ v_1[t].T
H[t] = (I - beta_2[t] * k_2[t] @ k_2[t].T) @ G[t] + beta_2[t] * k_2[t] @ v_2[t].T
o[t] = H[t].T @ q[t]
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"x": "m", "k_1": "d", "v_1": "l"}

symbols = {"G": r"H'", "W_k1": r"W_{k,1}", "W_k2": r"W_{k,2}", "W_v1": r"W_{v,1}", "W_v2": r"W_{v,2}"}

sources = [
    {
        "key": "siems2025",
        "type": "misc",
        "author": "Siems, Julien and Carstensen, Timur and Zela, Arber and Hutter, Frank and Pontil, Massimiliano and Grazzi, Riccardo",
        "title": "DeltaProduct: Improving State-Tracking in Linear RNNs via Householder Products",
        "year": 2025,
        "url": "https://arxiv.org/abs/2502.10297",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/gated_delta_product/naive.py": (
        "same equations without the decay; it divides the query by the root of its size"
    ),
}
