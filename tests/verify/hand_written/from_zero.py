"""Code that starts at zero whatever it is given, with a fault besides; and slopes that are left out on one way."""

from __future__ import annotations

import numpy as np

from rnnsym import Model

SRN = Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])", sizes={"x": "m", "h": "n"}, name="SRN"
)
GRU = Model(
    """
    z[t] = sigmoid(W_z @ h[t-1] + U_z @ x[t])
    r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t])
    g[t] = tanh(W_g @ (r[t] * h[t-1]) + U_g @ x[t])
    h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]
    E[t] = dot(dh[t], h[t])""",
    sizes={"x": "m", "h": "n"},
    name="GRU",
)


def recurrent(name, *, zero=True, steps=None, after=False, slope=True, twice=False, sign=1, mean=False):
    def function(params, inputs):
        x, d, (W, U, b) = inputs["x"], inputs["d"], (params[k] for k in "WUb")
        T = len(x)
        h = [np.zeros_like(inputs["h[0]"]) if zero else inputs["h[0]"]]
        for t in range(T):
            h.append(np.tanh(x[t] @ U.T + h[-1] @ W.T + b))
        grads = {k: np.zeros_like(params[k]) for k in "WUb"}
        for last in range(T, 0, -1):
            back = sign * (h[last] - d[last - 1])
            for t in range(last, max(0, last - (steps or T)), -1):
                da = back * (1 - (np.tanh(h[t]) if twice else h[t]) ** 2)
                grads["W"] += da.T @ h[t if after else t - 1]
                grads["U"] += da.T @ x[t - 1]
                grads["b"] += da.sum(axis=0)
                back = (da if slope else back) @ W
        loss = sum(((a - b) ** 2).sum() for a, b in zip(h[1:], d, strict=True)) / 2
        return (loss / T if mean else loss), grads

    function.__name__ = name
    return function


def side(params, inputs):
    """The reset gate is multiplied before the matrix product in the path backwards, where it belongs after it."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    x, h, steps = inputs["x"], inputs["h[0]"], []
    W, U = ({k: params[f"{name}_{k}"] for k in "zrg"} for name in "WU")
    for t in range(len(x)):
        z, r = (sigmoid(x[t] @ U[k].T + h @ W[k].T) for k in "zr")
        g = np.tanh(x[t] @ U["g"].T + (r * h) @ W["g"].T)
        steps.append((h, z, r, g))
        h = (1 - z) * h + z * g
    grads, dh = {k: np.zeros_like(v) for k, v in params.items()}, 0.0
    for t in reversed(range(len(x))):
        h, z, r, g = steps[t]
        dh = dh + inputs["dh"][t]
        dg = dh * z * (1 - g**2)
        dz, dr = dh * (g - h) * z * (1 - z), (dg @ W["g"]) * h * r * (1 - r)
        for k, da, read in (("z", dz, h), ("r", dr, h), ("g", dg, r * h)):
            grads[f"W_{k}"] += da.T @ read
            grads[f"U_{k}"] += da.T @ x[t]
        dh = dh * (1 - z) + dz @ W["z"] + dr @ W["r"] + (dg * r) @ W["g"]
    return grads


def case(function, verdict, *says, model=SRN, **options):
    return {"function": function, "model": model, "verdict": verdict, "says": says[-1], "options": options}


ZERO = "assumes: the initial states are zero: what is handed in for them is not read"
LEFT_OUT = "in what is passed back to h[t-1] from a[t] (the pre-activation of h[t]), the derivative of the activation"
CASES = [
    case(recurrent("right from zero"), "conditional", "exact where the initial states are zero"),
    case(recurrent("truncated from zero", steps=3), "refuted", "truncated: each loss is followed back over the last 3"),
    case(recurrent("both are said", steps=3), "refuted", ZERO),
    case(recurrent("state after from zero", after=True), "refuted", "in the gradient of W, h[t] stands for h[t-1]"),
    case(recurrent("descent from zero", sign=-1), "refuted", "every gradient is minus the gradient"),
    case(recurrent("no slope backwards", zero=False, slope=False), "refuted", LEFT_OUT),
    case(recurrent("slope twice and none backwards", zero=False, slope=False, twice=True), "refuted", LEFT_OUT),
    case(
        recurrent("mean loss and state after", zero=False, after=True, mean=True),
        "refuted",
        "in the gradient of W, h[t] stands for h[t-1]; and every gradient is summed over time where the loss is a mean",
        loss="mean_time",
    ),
    case(side, "refuted", "r[t] is on the other side of the matrix product", model=GRU),
]
