"""vanilla.

A vanilla network whose loss stands at the last step alone.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
E = squared_error(target, h[T])
"""

inputs = ("target",)
