"""LSTM.

Long short-term memory whose loss stands at the last step alone.
"""

equations = """
i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)
f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)
o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)
g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * tanh(c[t])
E = squared_error(target, h[T])
"""

inputs = ("target",)
