"""The tutorial form for one example: the gradient of each loss is followed back step by step, up to a limit."""

from __future__ import annotations

import numpy as np

NAMES = {"U": "U", "h[0]": "s0", "target": "o"}
OPTIONS = {"batch": "single", "names": NAMES}


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def followed_back(params, inputs, limit, mean=False):
    U, V, W, b, c = (params[name] for name in "UVWbc")
    x, wanted = inputs["x"], inputs["o"]
    steps = len(x)
    s = np.zeros((steps + 1, len(b)))
    s[-1] = inputs["s0"]
    out = np.zeros((steps, len(c)))
    for t in range(steps):
        s[t] = np.tanh(U @ x[t] + W @ s[t - 1] + b)
        out[t] = softmax(V @ s[t] + c)
    dU, dV, dW, db, dc = (np.zeros_like(m) for m in (U, V, W, b, c))
    delta_o = out - wanted
    for t in np.arange(steps)[::-1]:
        dV += np.outer(delta_o[t], s[t])
        dc += delta_o[t]
        delta = V.T @ delta_o[t] * (1 - s[t] ** 2)
        for step in np.arange(max(0, t - limit + 1), t + 1)[::-1]:
            dW += np.outer(delta, s[step - 1])
            dU += np.outer(delta, x[step])
            db += delta
            delta = W.T @ delta * (1 - s[step - 1] ** 2)
    grads = {"U": dU, "V": dV, "W": dW, "b": db, "c": dc}
    return {name: grad / steps for name, grad in grads.items()} if mean else grads


def whole(params, inputs):
    return followed_back(params, inputs, 1000)


def three_steps(params, inputs):
    return followed_back(params, inputs, 3)


def two_steps(params, inputs):
    return followed_back(params, inputs, 2)


def mean_over_time(params, inputs):
    return followed_back(params, inputs, 1000, mean=True)


def descent(params, inputs):
    return {name: -0.01 * grad for name, grad in followed_back(params, inputs, 1000).items()}


CASES = [
    {"function": whole, "model": "rnn", "verdict": "conditional", "says": "sum to one", "options": OPTIONS},
    {"function": three_steps, "model": "rnn", "kinds": {"truncated"}, "says": "kept: [∂E/∂U]_3 = Σ_{t=1..T} Σ_{k=max(1, t-2)..t}", "options": OPTIONS},
    {"function": two_steps, "model": "rnn", "kinds": {"truncated"}, "says": "over the last 2 steps", "options": OPTIONS},
    {"function": mean_over_time, "model": "rnn", "kinds": {"multiple"}, "says": "averaged over time", "options": OPTIONS},
    {"function": descent, "model": "rnn", "kinds": {"update"}, "says": "learning rate 0.01", "options": OPTIONS},
]  # fmt: skip
