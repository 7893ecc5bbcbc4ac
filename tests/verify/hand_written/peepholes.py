"""An LSTM with peepholes, rows and batches, with a fault in what the backward pass keeps, hands on or adds up."""

from __future__ import annotations

import numpy as np

from rnnsym import Model

PEEPHOLES = Model(
    """
    i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + p_i * c[t-1] + b_i)
    f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + p_f * c[t-1] + b_f)
    g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + p_o * c[t] + b_o)
    h[t] = o[t] * tanh(c[t])
    y[t] = softmax(V @ h[t] + d)
    E[t] = cross_entropy(target[t], y[t])""",
    sizes={"x": "m", "h": "n"},
    name="LSTM with peepholes",
)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(p, inputs, fault):
    steps, h, c = [], inputs["h[0]"], inputs["c[0]"]
    if fault == "starts at zero":
        h, c = np.zeros_like(h), np.zeros_like(c)
    kept = np.empty_like(h)
    for x in inputs["x"]:
        a = {k: x @ p[f"U_{k}"].T + h @ p[f"W_{k}"].T + p[f"b_{k}"] for k in "ifgo"}
        i, f, g = sigmoid(a["i"] + p["p_i"] * c), sigmoid(a["f"] + p["p_f"] * c), np.tanh(a["g"])
        before, c = c, f * c + i * g
        o = sigmoid(a["o"] + p["p_o"] * c)
        earlier, h = h, o * np.tanh(c)
        y = softmax(h @ p["V"].T + p["d"])
        if fault == "one array":  # the list of states holds one buffer many times
            kept[...] = h
            h = kept
        steps.append([i, f, g, o, before, c, earlier, h, x, y])
    return steps


def backward(p, inputs, fault=""):
    steps = forward(p, inputs, fault)
    T = len(steps)
    d = {name: np.zeros_like(array) for name, array in p.items()}
    dx, dh = np.zeros_like(inputs["x"]), np.zeros_like(inputs["h[0]"])
    later = np.zeros_like(dh)
    dc = np.ones_like(dh) if fault == "dc from one" else np.zeros_like(dh)
    for t in reversed(range(T)):
        i, f, g, o, before, c, earlier, h, x, y = steps[t]
        if fault == "gates of the last step":
            i, f, g, o = steps[-1][:4]
        if fault == "gates of the next step":
            i, f, g, o = steps[min(t + 1, T - 1)][:4]
        target = inputs["target"][t]
        dy = y * target.sum(axis=-1, keepdims=True) - target
        if fault == "softmax twice":
            dy = dy * y * (1 - y)
        d["V"] += dy.T @ h
        d["d"] += dy.sum(axis=0)
        if not (fault == "dh overwritten" and t < T - 1):
            dh = dh + dy @ p["V"]
        do = dh * np.tanh(c) * o * (1 - o)
        slope = dh * o * (1 - np.tanh(c) ** 2) + do * p["p_o"]
        dc = slope if fault == "dc overwritten" and t < T - 1 else dc + slope
        gates = {"i": dc * g * i * (1 - i), "f": dc * before * f * (1 - f), "g": dc * i * (1 - g**2), "o": do}
        for k, da in gates.items():
            share = da.T @ earlier
            d[f"W_{k}"] = share if fault == "W assigned" else d[f"W_{k}"] + share
            d[f"U_{k}"] += da.T @ x
            d[f"b_{k}"] += da.sum() if fault == "bias summed over units" else da.sum(axis=0)
        for k, state in (("i", before), ("f", before), ("o", c)):
            d[f"p_{k}"] += (gates[k] * state).sum(axis=0)
        dx[t] = do @ p["U_o"] if fault == "dx of one gate" else sum(da @ p[f"U_{k}"] for k, da in gates.items())
        back = sum(da @ p[f"W_{k}"] for k, da in gates.items())
        carried = dc * f
        if fault != "peepholes forgotten":
            carried = carried + gates["i"] * p["p_i"] + gates["f"] * p["p_f"]
        if fault == "dc added up":
            later = carried = carried + later
        dh = dh + back if fault == "dh never reset" else back
        dc = carried
    d["x"] = dx
    return d


def wrong(fault, says, *kinds):
    def function(params, inputs):
        return backward(params, inputs, fault)

    function.__name__ = f"peepholes: {fault}"
    found = {"function": function, "model": PEEPHOLES, "says": says}
    return found | {"kinds": set(kinds)} if kinds else found


CASES = [
    {"function": backward, "model": PEEPHOLES, "verdict": "supported"},
    wrong("gates of the last step", "what i, f, g, o had at the last step stand for i[t], f[t], g[t], o[t]", "operand"),
    wrong("gates of the next step", "what i, f, g, o had one step later stand for", "operand"),
    wrong("one array", "h[T] stands for h[t] and h[t-1] at every step (one array, changed in place?)", "operand"),
    wrong("softmax twice", "the derivative of softmax is multiplied by y (1 - y) once more", "derivative"),
    wrong(
        "dh overwritten", "what later steps pass back to h[t] is written over what step t itself passes back", "path"
    ),
    wrong("dc overwritten", "what step t itself passes back to c[t] is written over what later steps pass", "path"),
    wrong("dc from one", "the adjoint of c[T] starts at 1 instead of 0", "loop"),
    wrong("dc added up", "what later steps pass back to c[t] is added up over all of them (+= for =)", "loop"),
    wrong("dh never reset", "the adjoint of h[t] is never set anew: that of step t+1 is still in", "loop"),
    wrong("W assigned", "the gradients of W_i, W_f, W_g, W_o hold step 1 alone instead of the sum over time", "sum"),
    wrong("bias summed over units", "is the sum over all its elements, everywhere: it is summed over the units"),
    wrong("dx of one gate", "of the paths from x[t] to a_i[t], a_f[t], a_g[t], a_o[t], only that to a_o[t]", "path"),
    wrong("peepholes forgotten", "of the paths from c[t-1] to a_i[t], a_f[t], c[t], only that to c[t] is there"),
    wrong("starts at zero", "assumes: the initial states are zero") | {"verdict": "conditional"},
]
