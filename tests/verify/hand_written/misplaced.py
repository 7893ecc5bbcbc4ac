"""Adjoints in the wrong place: gates stacked in another order in the backward pass, loops in the wrong direction."""

from __future__ import annotations

import numpy as np

from rnnsym import Model

LSTM = Model(
    "i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)\nf[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)\n"
    "o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)\ng[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)\n"
    "c[t] = f[t] * c[t-1] + i[t] * g[t]\nh[t] = o[t] * tanh(c[t])\nE[t] = dot(dh[t], h[t])",
    sizes={"x": "m", "h": "n"},
    name="LSTM layer",
)
SRN = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])", sizes={"h": "n", "x": "m"})
FORWARD = "ifgo"
STACK = {
    "W": [[f"W_{gate}", f"U_{gate}"] for gate in FORWARD],
    "b": [[f"b_{gate}"] for gate in FORWARD],
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def layer(name, shares=FORWARD, back=FORWARD, ahead=False):
    """A backward pass whose blocks stand in these orders, in the gradients and where they are multiplied by W."""

    def function(params, inputs):
        W, b, x = params["W"], params["b"], inputs["x"]
        h, c = inputs["h[0]"], inputs["c[0]"]
        n, caches = h.shape[1], []
        for step in x:
            joined = np.hstack([h, step])
            z = joined @ W.T + b
            i, f, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 3 * n :])
            g = np.tanh(z[:, 2 * n : 3 * n])
            before, c = c, f * c + i * g
            h = o * np.tanh(c)
            caches.append((joined, i, f, o, g, before, c))
        dW, db, dh, dc = np.zeros_like(W), np.zeros_like(b), 0.0, 0.0
        for t in range(len(x)) if ahead else reversed(range(len(x))):
            joined, i, f, o, g, before, c = caches[t]
            dh = dh + inputs["dh"][t]
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            blocks = {
                "i": dc * g * i * (1 - i), "f": dc * before * f * (1 - f),
                "o": dh * np.tanh(c) * o * (1 - o), "g": dc * i * (1 - g**2),
            }  # fmt: skip
            da = np.hstack([blocks[gate] for gate in shares])
            dW += da.T @ joined
            db += da.sum(axis=0)
            dh = (np.hstack([blocks[gate] for gate in back]) @ W)[:, :n]
            dc = dc * f
        return {"W": dW, "b": db}

    function.__name__ = name
    return function


def simple(params, inputs):
    """Steps in the order of the forward pass."""
    h, x, grads = [inputs["h[0]"]], inputs["x"], {name: np.zeros_like(array) for name, array in params.items()}
    for step in x:
        h.append(np.tanh(h[-1] @ params["W"].T + step @ params["U"].T + params["b"]))
    carried = 0.0
    for t in range(1, len(x) + 1):
        da = (h[t] - inputs["d"][t - 1] + carried) * (1 - h[t] ** 2)
        grads["W"] += da.T @ h[t - 1]
        grads["U"] += da.T @ x[t - 1]
        grads["b"] += da.sum(axis=0)
        carried = da @ params["W"]
    grads["h[0]"] = carried
    return grads


def wrong(function, kinds, says, model=LSTM, **options):
    return {"model": model, "function": function, "kinds": kinds, "says": says, "options": options}


CASES = [
    {"model": LSTM, "function": layer("blocks_in_order"), "verdict": "supported", "options": {"stack": STACK}},
    wrong(
        layer("two_blocks_exchanged", "ifog"),
        {"order"},
        "the blocks of dW, db are in the order i, f, o, g; the forward pass has i, f, g, o",
        stack=STACK,
    ),
    wrong(
        layer("blocks_of_another_library", "fiog"),
        {"order"},
        "the blocks of dW, db are in the order f, i, o, g; the forward pass has i, f, g, o",
        stack=STACK,
    ),
    wrong(
        layer("blocks_exchanged_in_both", "ifog", "ifog"),
        {"order"},
        "the blocks of the gates are in the order i, f, o, g; the forward pass has i, f, g, o",
        stack=STACK,
    ),
    wrong(layer("gates_forwards_in_time", ahead=True), {"loop"}, "runs forwards in time", stack=STACK),
    wrong(simple, {"loop"}, "what belongs to step t-1 is added at step t+1", SRN),
]
