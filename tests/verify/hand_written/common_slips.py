"""Slips that many backward passes share: sums overwritten, gates left behind by a loop, products broadcast, far limits."""

from __future__ import annotations

import numpy as np

from rnnsym import Model

SUMMED = Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])", sizes={"h": "n", "x": "m"}, name="SRN"
)
LAST = Model(
    "h[0] = 0\nh[t] = tanh(W @ h[t-1] + U @ x[t] + b)\ny = V @ h[T] + c\nE = squared_error(d, y)",
    sizes={"h": "n", "x": "m", "y": "k"},
    inputs=("d",),
    name="SRN with one answer",
)
CELL = Model(
    "f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t])\ng[t] = tanh(W_g @ h[t-1] + U_g @ x[t])\n"
    "h[t] = f[t] * h[t-1] + (1 - f[t]) * g[t]\nE[t] = squared_error(d[t], h[t])",
    sizes={"h": "n", "x": "m"},
    name="one gate",
)


def states(params, inputs):
    """h of every step, the initial one first; zero where none is given."""
    found = [inputs.get("h[0]", np.zeros((inputs["x"].shape[1], len(params["b"]))))]
    for step in inputs["x"]:
        found.append(np.tanh(found[-1] @ params["W"].T + step @ params["U"].T + params["b"]))
    return found


def summed(params, inputs, steps=None, widest=None, limit=None, noise=0.0, outer=True, first=1, constant=None):
    """A loss at every step; each is followed back over `steps` steps."""
    h, x, d, W = states(params, inputs), inputs["x"], inputs["d"], params["W"]
    back = W if widest is None else np.where(np.arange(len(W))[:, None] < widest, W, 0.0)
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    for last in range(len(x), 0, -1):
        delta = h[last] - d[last - 1]
        for t in range(last, max(0, last - (steps or last)), -1):
            da = delta * (1 - h[t] ** 2)
            if t >= first:
                grads["W"] += da.T @ h[t - 1] if outer else (da * h[t - 1]).sum(axis=0)[:, None]
            grads["U"] += da.T @ x[t - 1]
            grads["b"] += da.sum(axis=0)
            delta = da @ back
    if limit is not None:
        grads = {name: np.clip(array, -limit, limit) for name, array in grads.items()}
    if constant is not None:
        grads = {name: np.full_like(array, constant) for name, array in grads.items()}
    shift = np.random.default_rng(3)
    return {name: array + noise * shift.normal(size=array.shape) for name, array in grads.items()}


def slip(title, **changed):
    def function(params, inputs):
        return summed(params, inputs, **changed)

    function.__name__ = title
    return function


def overwritten(params, inputs):
    """Each step's share replaces what was there, and the weights stand as in the forward pass."""
    h, x = states(params, inputs), inputs["x"]
    dy = h[-1] @ params["V"].T + params["c"] - inputs["d"]
    grads = {"V": dy.T @ h[-1], "c": dy.sum(axis=0)}
    dh = dy @ params["V"]
    for t in range(len(x), 0, -1):
        da = dh * (1 - h[t] ** 2)
        grads["W"], grads["U"], grads["b"] = da.T @ h[t - 1], da.T @ x[t - 1], da.sum(axis=0)
        dh = da @ params["W"].T
    return grads


def clipped_alone(params, inputs):
    """One example: its gradient is clipped before it is added to those of others."""
    grads = summed(params, {"x": inputs["x"][:, None], "d": inputs["d"][:, None], "h[0]": inputs["h[0]"][None]})
    return {name: np.clip(array, -0.2, 0.2) for name, array in grads.items()}


def one_gate(params, inputs, slopes=True, stale=False, sign=1.0):
    """A cell with one gate, forwards and backwards."""
    p, x, h = params, inputs["x"], [inputs["h[0]"]]
    fs, gs = [], []
    for step in x:
        fs.append(1 / (1 + np.exp(-(h[-1] @ p["W_f"].T + step @ p["U_f"].T))))
        gs.append(np.tanh(h[-1] @ p["W_g"].T + step @ p["U_g"].T))
        h.append(fs[-1] * h[-1] + (1 - fs[-1]) * gs[-1])
    grads = {name: np.zeros_like(array) for name, array in p.items()}
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        f, g = (fs[-1], gs[-1]) if stale else (fs[t], gs[t])
        dh = dh + h[t + 1] - inputs["d"][t]
        df, dg = sign * dh * (h[t] - g), dh * (1 - f)
        if slopes:
            df, dg = df * f * (1 - f), dg * (1 - g**2)
        for gate, da in (("f", df), ("g", dg)):
            grads[f"W_{gate}"] += da.T @ h[t]
            grads[f"U_{gate}"] += da.T @ x[t]
        dh = dh * f + df @ p["W_f"] + dg @ p["W_g"]
    return grads | {"h[0]": dh}


def gate(title, **changed):
    def function(params, inputs):
        return one_gate(params, inputs, **changed)

    function.__name__ = title
    return function


CASES = [
    {"model": SUMMED, "function": slip("right_in_every_reach"), "verdict": "supported", "says": "T = 40"},
    {
        "model": SUMMED, "function": slip("keeps_five_steps", steps=5),
        "kinds": {"truncated"}, "says": "over the last 5 steps only",
    },
    {
        "model": SUMMED, "function": slip("keeps_twelve_steps", steps=12),
        "kinds": {"truncated"}, "says": "right for T = 12, wrong for T = 13",
    },
    {"model": SUMMED, "function": slip("keeps_thirty_steps", steps=30), "kinds": {"truncated"}, "says": "last 30 steps"},
    {"model": SUMMED, "function": slip("eight_rows", widest=8), "says": "right for n = 8"},
    {"model": SUMMED, "function": slip("twenty_rows", widest=20), "says": "wrong for n = 21"},
    {"model": SUMMED, "function": slip("limit_ten", limit=10.0), "verdict": "conditional", "says": "to ±10"},
    {"model": SUMMED, "function": slip("limit_hundred", limit=100.0), "verdict": "conditional", "says": "to ±100"},
    {
        "model": SUMMED, "function": slip("five_digits", noise=2e-6),
        "verdict": "conditional", "says": "finite differences?",
    },
    {"model": SUMMED, "function": slip("eight_digits", noise=2e-8), "verdict": "supported", "says": "finite differences?"},
    {"model": SUMMED, "function": slip("no_outer_product", outer=False), "says": "broadcast where an outer product"},
    {"model": SUMMED, "function": slip("limits_exchanged", constant=-5.0), "says": "-5 everywhere, whatever the data"},
    {
        "model": SUMMED, "function": slip("first_step_skipped", first=2),
        "verdict": "conditional", "says": "the initial states are zero",
    },
    {
        "model": LAST, "function": overwritten,
        "kinds": {"sum", "transpose"}, "says": "hold step 1 alone instead of the sum over time",
    },
    {"model": SUMMED, "function": clipped_alone, "options": {"batch": "single"}, "says": "element by element to ±1/5"},
    {"model": CELL, "function": gate("gate_right"), "verdict": "supported"},
    {"model": CELL, "function": gate("gate_without_slopes", slopes=False), "says": "every activation function is missing"},
    {"model": CELL, "function": gate("gate_left_behind", stale=True), "says": "had at the last step"},
    {
        "model": CELL, "function": gate("gate_left_behind_without_slopes", stale=True, slopes=False),
        "kinds": {"operand", "derivative"}, "says": "had at the last step",
    },
    {"model": CELL, "function": gate("gate_sign", sign=-1.0), "kinds": {"sign"}},
]  # fmt: skip
