"""Mesa layer, one head.

The output is the query mapped by that matrix which fits all values so far to their keys best, in the sense of least
squares with the penalty Lambda; older pairs count less. Two matrices of sums are kept, and a system of equations is
solved at every step. The loss is added: the squared error of the output.
"""

equations = """
q[t] = normalize(W_q @ e[t])
k[t] = normalize(W_k @ e[t])
v[t] = W_v @ e[t]
beta[t] = sigmoid(w_beta.T @ e[t])
gamma[t] = sigmoid(w_gamma.T @ e[t])
G[t] = gamma[t] * G[t-1] + beta[t] * v[t] @ k[t].T
H[t] = gamma[t] * H[t-1] + beta[t] * k[t] @ k[t].T
o[t] = G[t] @ solve(H[t] + diag(softplus(Lambda) + 0.25), q[t])
E[t] = squared_error(target[t], o[t])
"""

family = "matrix state"

sizes = {"e": "m", "k": "d", "v": "l"}

sources = [
    {
        "key": "oswald2025",
        "type": "misc",
        "author": "von Oswald, Johannes and Scherrer, Nino and Kobayashi, Seijin and Versari, Luca and Yang, Songlin and Schlegel, Maximilian and Maile, Kaitlin and Schimpf, Yanick and Sieberling, Oliver and Meulemans, Alexander and Saurous, Rif A. and Lajoie, Guillaume and Frenkel, Charlotte and Pascanu, Razvan and Agüera y Arcas, Blaise and Sacramento, João",
        "title": "MesaNet: Sequence Modeling by Locally Optimal Test-Time Training",
        "year": 2025,
        "url": "https://arxiv.org/abs/2506.05233",
    },
]

compared = {
    "fla-org/flash-linear-attention: fla/ops/mesa_net/naive.py": (
        "same equations, solved exactly or by conjugate gradients; it is handed the penalty, and the sums are transposed"
    ),
    "fla-org/flash-linear-attention: fla/layers/mesa_net.py": (
        "same gates, penalty and normalised queries and keys; gates have biases, and q and k short convolutions"
    ),
}
