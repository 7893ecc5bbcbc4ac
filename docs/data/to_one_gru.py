"""GRU.

A gated recurrent unit whose loss stands at the last step alone.
"""

equations = """
r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t] + b_r)
z[t] = sigmoid(W_z @ h[t-1] + U_z @ x[t] + b_z)
g[t] = tanh(W_g @ (r[t] * h[t-1]) + U_g @ x[t] + b_g)
h[t] = (1 - z[t]) * g[t] + z[t] * h[t-1]
E = squared_error(target, h[T])
"""

inputs = ("target",)
