"""Long short-term memory network with attention over its own past (LSTMN).

Every step looks back at all earlier ones: a small network scores the hidden states of the past, and the means of hidden
and cell states, so weighted, take the place of the last ones in an LSTM. H and C hold the past in their columns: that
of each step is the place where position has its one, and p says which are filled; others get no weight. The initial
state has a place too, so that the first step sees something; the loss is added.
"""

equations = """
H[t] = H[t-1] + outer(h[t-1], position[t])
C[t] = C[t-1] + outer(c[t-1], position[t])
p[t] = p[t-1] + position[t]
A[t] = tanh(W_h @ H[t] + outer(W_x @ x[t] + W_q @ q[t-1], ones()))
s[t] = softmax(where(p[t] > 0, A[t].T @ v, -1000))
q[t] = H[t] @ s[t]
r[t] = C[t] @ s[t]
i[t], f[t], o[t], g[t] = split(W @ concat(q[t], x[t]))
c[t] = sigmoid(f[t]) * r[t] + sigmoid(i[t]) * tanh(g[t])
h[t] = sigmoid(o[t]) * tanh(c[t])
E[t] = squared_error(target[t], h[t])
"""

family = "attention"

sizes = {"x": "m", "h": "n", "position": "S", "H": ("n", "S"), "C": ("n", "S"), "A": ("l", "S")}

symbols = {"position": r"e", "q": r"\tilde{h}", "r": r"\tilde{c}", "g": r"\hat{c}"}

sources = [
    {
        "key": "cheng2016",
        "type": "inproceedings",
        "author": "Cheng, Jianpeng and Dong, Li and Lapata, Mirella",
        "title": "Long Short-Term Memory-Networks for Machine Reading",
        "booktitle": "Conference on Empirical Methods in Natural Language Processing (EMNLP)",
        "pages": "551--561",
        "year": 2016,
        "doi": "10.18653/v1/D16-1053",
    },
]

compared = {
    "cheng6076/SNLI-attention: model/encoder_lstmn_w2v.lua": (
        "the authors' encoder: same equations without the last mean in the scores; products there have biases"
    ),
}
