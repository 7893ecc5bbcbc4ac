"""GRUs on rows, every gate with matrices of its own, after the two definitions in use."""

from __future__ import annotations

import numpy as np

GATES = "rzg"
TRANSPOSE = (*(f"{kind}_{gate}" for kind in "WU" for gate in GATES), "V")
OPTIONS = {"transpose": TRANSPOSE}


def sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gru(params, inputs, keep=True, reset=True, reset_slope=True, sign=1.0, swapped=False, inside=True, skip=False):
    p, x, d, h0 = params, inputs["x"], inputs["target"], inputs["h[0]"]
    hs, rs, zs, gs = [h0], [], [], []
    for xt in x:
        h = hs[-1]
        r = sigmoid(xt @ p["U_r"] + h @ p["W_r"] + p["b_r"])
        z = sigmoid(xt @ p["U_z"] + h @ p["W_z"] + p["b_z"])
        g = np.tanh(xt @ p["U_g"] + (r * h) @ p["W_g"] + p["b_g"])
        hs.append(z * h + (1 - z) * g if not swapped else (1 - z) * h + z * g)
        rs.append(r), zs.append(z), gs.append(g)
    grads = {name: np.zeros_like(array) for name, array in p.items()}
    dx, dh_next = np.zeros_like(x), np.zeros_like(h0)
    for t in range(len(x) - 1, 0 if skip else -1, -1):
        h, before, r, z, g = hs[t + 1], hs[t], rs[t], zs[t], gs[t]
        total = d[t].sum(axis=-1, keepdims=True)
        dy = softmax(h @ p["V"] + p["b_y"]) * total - d[t]
        grads["V"] += h.T @ dy
        grads["b_y"] += dy.sum(axis=0)
        dh = dy @ p["V"].T + dh_next
        dz = dh * (before - g) * sign if not swapped else dh * (g - before)
        dg = dh * (1 - z) if not swapped else dh * z
        da_g, da_z = dg * (1 - g**2), dz * z * (1 - z)
        back = da_g @ p["W_g"].T
        dr = back * before
        da_r = dr * r * (1 - r) if reset_slope else dr
        kept = dh * z if not swapped else dh * (1 - z)
        dh_next = (kept if keep else 0) + da_z @ p["W_z"].T + (back * r if inside else back)
        if reset:
            dh_next = dh_next + da_r @ p["W_r"].T
        for gate, da, state in (("r", da_r, before), ("z", da_z, before), ("g", da_g, r * before)):
            grads[f"U_{gate}"] += x[t].T @ da
            grads[f"W_{gate}"] += state.T @ da
            grads[f"b_{gate}"] += da.sum(axis=0)
            dx[t] += da @ p[f"U_{gate}"].T
    return grads | {"x": dx, "h[0]": dh_next}


def faulty(name, **changed):
    def function(params, inputs):
        return gru(params, inputs, **changed)

    function.__name__ = name
    return function


def reset_after(params, inputs):
    """The other definition, forward and backward, judged against this one's parameters."""
    p, x, d, h0 = params, inputs["x"], inputs["target"], inputs["h[0]"]
    hs, cache = [h0], []
    for xt in x:
        h = hs[-1]
        r = sigmoid(xt @ p["U_r"] + h @ p["W_r"] + p["b_r"])
        z = sigmoid(xt @ p["U_z"] + h @ p["W_z"] + p["b_z"])
        q = h @ p["W_g"]
        g = np.tanh(xt @ p["U_g"] + p["b_g"] + r * q)
        hs.append(z * h + (1 - z) * g)
        cache.append((r, z, q, g))
    grads = {name: np.zeros_like(array) for name, array in p.items()}
    dh_next = np.zeros_like(h0)
    for t in reversed(range(len(x))):
        r, z, q, g = cache[t]
        before, h = hs[t], hs[t + 1]
        dy = softmax(h @ p["V"] + p["b_y"]) * d[t].sum(axis=-1, keepdims=True) - d[t]
        grads["V"] += h.T @ dy
        grads["b_y"] += dy.sum(axis=0)
        dh = dy @ p["V"].T + dh_next
        da_g = dh * (1 - z) * (1 - g**2)
        da_z = dh * (before - g) * z * (1 - z)
        da_r = da_g * q * r * (1 - r)
        dq = da_g * r
        dh_next = dh * z + da_z @ p["W_z"].T + da_r @ p["W_r"].T + dq @ p["W_g"].T
        for gate, da, dw in (("r", da_r, da_r), ("z", da_z, da_z), ("g", da_g, dq)):
            grads[f"U_{gate}"] += x[t].T @ da
            grads[f"W_{gate}"] += before.T @ dw
            grads[f"b_{gate}"] += da.sum(axis=0)
    return grads | {"h[0]": dh_next}


CASES = [
    {"function": gru, "model": "gru", "verdict": "supported", "options": OPTIONS},
    {"function": faulty("gru_kept_state", keep=False), "model": "gru", "kinds": {"path"}, "says": "the path from h[t-1] to h[t] through z[t] is missing", "options": OPTIONS},
    {"function": faulty("gru_reset_path", reset=False), "model": "gru", "kinds": {"path"}, "says": "the path from h[t-1] to a_r[t] (the pre-activation of r[t]) through W_r is missing", "options": OPTIONS},
    {"function": faulty("gru_reset_slope", reset_slope=False), "model": "gru", "kinds": {"derivative"}, "says": "in r[t], the derivative of sigmoid is missing", "options": OPTIONS},
    {"function": faulty("gru_update_sign", sign=-1.0), "model": "gru", "kinds": {"sign"}, "says": "wrong sign", "options": OPTIONS},
    {"function": faulty("gru_reset_not_passed", inside=False), "model": "gru", "kinds": {"operand"}, "says": "r[t] is missing", "options": OPTIONS},
    {"function": faulty("gru_first_step_left_out", skip=True), "model": "gru", "kinds": {"loop"}, "says": "step 1", "options": OPTIONS},
    {"function": faulty("gru_gate_exchanged", swapped=True), "model": "gru", "kinds": {"model"}, "says": "(1 - z[t]) * h[t-1] + z[t] * g[t]", "options": OPTIONS},
    {"function": reset_after, "model": "gru", "kinds": {"model"}, "says": "r[t] * (W_g @ h[t-1])", "options": OPTIONS},
]  # fmt: skip
