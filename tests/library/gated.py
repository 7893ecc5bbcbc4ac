"""Gated cells, unit by unit, as their papers write them for one unit."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, Vector, each, inner, relu, rows, sigmoid

tanh = math.tanh


def gate(bias: Vector, *pairs: Any) -> Vector:
    """A logistic unit for each bias."""
    return [sigmoid(a + b) for a, b in zip(rows(*pairs), bias, strict=True)]


def lstm_1997(p: Params, v: Trace) -> dict[str, Any]:
    before, x = v["y_c", -1], v["x"]
    n = len(before)
    y_in, y_out = gate(p.b_in, (p.W_in, before), (p.U_in, x)), gate(p.b_out, (p.W_out, before), (p.U_out, x))
    net = rows((p.W_c, before), (p.U_c, x))
    # g is centred and runs from -2 to 2, h from -1 to 1
    s = [v["s_c", -1][j] + y_in[j] * (4 / (1 + math.exp(-net[j])) - 2) for j in range(n)]
    y_c = [y_out[j] * (2 / (1 + math.exp(-s[j])) - 1) for j in range(n)]
    return {"s_c": s, "y_c": y_c, "y_k": [sigmoid(a) for a in rows((p.V, y_c))]}


def peephole(p: Params, v: Trace, coupled: bool = False) -> dict[str, Any]:
    x, before, cell = v["x"], v["y", -1], v["c", -1]
    c, y = [], []
    for j in range(len(cell)):

        def net(gate: str, j: int = j) -> float:
            W, R, b = (getattr(p, f"{letter}_{gate}") for letter in "WRb")
            return inner(W[j], x) + inner(R[j], before) + float(b[j])

        f = sigmoid(net("f") + p.p_f[j] * cell[j])
        i = 1 - f if coupled else sigmoid(net("i") + p.p_i[j] * cell[j])
        c.append(f * cell[j] + i * tanh(net("z")))
        y.append(tanh(c[j]) * sigmoid(net("o") + p.p_o[j] * c[j]))
    return {"c": c, "y": y}


def lstm_projected(p: Params, v: Trace) -> dict[str, Any]:
    x, r, cell = v["x"], v["r", -1], v["c", -1]
    c, m = [], []
    for j, old in enumerate(cell):
        i = sigmoid(inner(p.W_ix[j], x) + inner(p.W_ir[j], r) + p.w_ic[j] * old + p.b_i[j])
        f = sigmoid(inner(p.W_fx[j], x) + inner(p.W_fr[j], r) + p.w_fc[j] * old + p.b_f[j])
        c.append(f * old + i * tanh(inner(p.W_cx[j], x) + inner(p.W_cr[j], r) + p.b_c[j]))
        o = sigmoid(inner(p.W_ox[j], x) + inner(p.W_or[j], r) + p.w_oc[j] * c[j] + p.b_o[j])
        m.append(o * tanh(c[j]))
    r = rows((p.W_rm, m))
    return {"c": c, "r": r, "logits": [a + b for a, b in zip(rows((p.W_yr, r)), p.b_y, strict=True)]}


def lstm_multiplicative(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    m = [a * b for a, b in zip(rows((p.W_mx, x)), rows((p.W_mh, v["h", -1])), strict=True)]
    net = {k: rows((getattr(p, f"W_{k}x"), x), (getattr(p, f"W_{k}m"), m)) for k in "hiof"}
    c = [
        sigmoid(f) * old + sigmoid(i) * tanh(h)
        for f, old, i, h in zip(net["f"], v["c", -1], net["i"], net["h"], strict=True)
    ]
    h = [tanh(a) * sigmoid(o) for a, o in zip(c, net["o"], strict=True)]
    return {"c": c, "h": h, "logits": rows((p.V, h))}


def normalised(a: Vector, gain: Vector, shift: Vector) -> Vector:
    """Layer normalisation, with the small number below the root that keeps it away from zero."""
    mean = sum(a) / len(a)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in a) / len(a) + 1e-5)
    return [g * (x - mean) / deviation + s for x, g, s in zip(a, gain, shift, strict=True)]


def lstm_layer_norm(p: Params, v: Trace) -> dict[str, Any]:
    n = len(v["h", -1])
    of_state = normalised(rows((p.W_h, v["h", -1])), p.alpha_1, p.beta_1)
    of_input = normalised(rows((p.W_x, v["x"])), p.alpha_2, p.beta_2)
    a = [one + other + b for one, other, b in zip(of_state, of_input, p.b, strict=True)]
    f, i, o, g = (a[k * n : (k + 1) * n] for k in range(4))
    c = [sigmoid(f[j]) * v["c", -1][j] + sigmoid(i[j]) * tanh(g[j]) for j in range(n)]
    shown = normalised(c, p.alpha_3, p.beta_3)
    return {"c": c, "h": [sigmoid(o[j]) * tanh(shown[j]) for j in range(n)]}


def gru_like(p: Params, x: Vector, h: Vector, z: Vector, r: Vector, W: Any, U: Any, b: Vector) -> Vector:
    """The new state of a GRU where z lets the candidate in, and r is before the product."""
    reset = [a * c for a, c in zip(r, h, strict=True)]
    g = [tanh(inner(W[j], x) + inner(U[j], reset) + b[j]) for j in range(len(h))]
    return [old + z[j] * (g[j] - old) for j, old in enumerate(h)]


def gru_reduced(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    z, r = gate(p.b_z, (p.U_z, h)), gate(p.b_r, (p.U_r, h))
    return {"h": gru_like(p, v["x"], h, z, r, p.W_h, p.U_h, p.b_h)}


def mgu(p: Params, v: Trace) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    n = len(h)
    f = [sigmoid(inner(p.W_f[j][:n], h) + inner(p.W_f[j][n:], x) + p.b_f[j]) for j in range(n)]
    W = [row[n:] for row in p.W_h]
    return {"h": gru_like(p, x, h, f, f, W, [row[:n] for row in p.W_h], p.b_h)}


def mgu_reduced(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    bias = getattr(p, "b_f", [0.0] * len(h))
    f = [sigmoid((inner(p.U_f[j], h) if hasattr(p, "U_f") else 0) + bias[j]) for j in range(len(h))]
    return {"h": gru_like(p, v["x"], h, f, f, p.W_h, p.U_h, p.b_h)}


def ugrnn(p: Params, v: Trace) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    g = gate(p.b_g, (p.W_gh, h), (p.W_gx, x))
    c = [tanh(a + b) for a, b in zip(rows((p.W_ch, h), (p.W_cx, x)), p.b_c, strict=True)]
    return {"h": [g[j] * h[j] + (1 - g[j]) * c[j] for j in range(len(h))]}


def intersection(p: Params, v: Trace) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    g_y, g_h = gate(p.b_gy, (p.W_gyx, x), (p.W_gyh, h)), gate(p.b_gh, (p.W_ghx, x), (p.W_ghh, h))
    y_in = [relu(a + b) for a, b in zip(rows((p.W_yx, x), (p.W_yh, h)), p.b_y, strict=True)]
    h_in = [tanh(a + b) for a, b in zip(rows((p.W_hx, x), (p.W_hh, h)), p.b_h, strict=True)]
    mixed = lambda g, old, new: g * old + (1 - g) * new  # noqa: E731
    return {"y": each(mixed, g_y, x, y_in), "h": each(mixed, g_h, h, h_in)}


def ran(p: Params, v: Trace) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    i, f = gate(p.b_i, (p.W_ih, h), (p.W_ix, x)), gate(p.b_f, (p.W_fh, h), (p.W_fx, x))
    c = [i[j] * inner(p.W_cx[j], x) + f[j] * v["c", -1][j] for j in range(len(h))]
    return {"c": c, "h": [tanh(a) for a in c]}


def sru(p: Params, v: Trace) -> dict[str, Any]:
    x, old = v["x"], v["c", -1]
    c, h = [], []
    for j in range(len(x)):
        f = sigmoid(inner(p.W_f[j], x) + p.v_f[j] * old[j] + p.b_f[j])
        r = sigmoid(inner(p.W_r[j], x) + p.v_r[j] * old[j] + p.b_r[j])
        c.append(f * old[j] + (1 - f) * inner(p.W[j], x))
        h.append(r * c[j] + (1 - r) * x[j])
    return {"c": c, "h": h}


def qrnn(p: Params, v: Trace) -> dict[str, Any]:
    both = v["x", -1] + v["x"]  # the window of a convolution of width two
    z, f, o = (
        [one + two for one, two in zip(getattr(p, f"W_{k}1"), getattr(p, f"W_{k}2"), strict=True)] for k in "zfo"
    )
    c = [
        sigmoid(inner(f[j], both)) * old + (1 - sigmoid(inner(f[j], both))) * tanh(inner(z[j], both))
        for j, old in enumerate(v["c", -1])
    ]
    return {"c": c, "h": [sigmoid(inner(o[j], both)) * c[j] for j in range(len(c))]}


def fastrnn(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    new = gate(p.b, (p.W, v["x"]), (p.U, h))
    return {"h": [p.alpha * new[j] + p.beta * h[j] for j in range(len(h))]}


def fastgrnn(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    shared = rows((p.W, v["x"]), (p.U, h))
    new = []
    for j, a in enumerate(shared):
        z = sigmoid(a + p.b_z[j])
        new.append((p.zeta * (1 - z) + p.nu) * tanh(a + p.b_h[j]) + z * h[j])
    return {"h": new}


def minimal_rnn(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    z = [tanh(a + b) for a, b in zip(rows((p.W_x, v["x"])), p.b_z, strict=True)]
    u = gate(p.b_u, (p.U_h, h), (p.U_z, z))
    return {"h": [z[j] + u[j] * (h[j] - z[j]) for j in range(len(h))]}


def janet(p: Params, v: Trace) -> dict[str, Any]:
    x, h, c = v["x"], v["h", -1], v["c", -1]
    s = [a + b for a, b in zip(rows((p.U_f, h), (p.W_f, x)), p.b_f, strict=True)]
    new = [tanh(a + b) for a, b in zip(rows((p.U_c, h), (p.W_c, x)), p.b_c, strict=True)]
    c = [sigmoid(s[j]) * c[j] + (1 - sigmoid(s[j] - 1)) * new[j] for j in range(len(s))]
    return {"c": c, "h": c}


def rhn(p: Params, v: Trace) -> dict[str, Any]:
    s = v["s", -1]
    for layer in (1, 2):
        enters = [(p.W_H, v["x"])] if layer == 1 else []
        new = rows((getattr(p, f"R_H{layer}"), s), *enters)
        enters = [(p.W_T, v["x"])] if layer == 1 else []
        t = gate(getattr(p, f"b_T{layer}"), (getattr(p, f"R_T{layer}"), s), *enters)
        bias = getattr(p, f"b_H{layer}")
        s = [tanh(new[j] + bias[j]) * t[j] + s[j] * (1 - t[j]) for j in range(len(s))]
    return {"s": s}


def light_gru(p: Params, v: Trace) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    z = gate(p.b_z, (p.W_z, x), (p.U_z, h))
    new = [relu(a + b) for a, b in zip(rows((p.W_h, x), (p.U_h, h)), p.b_h, strict=True)]
    return {"h": [z[j] * h[j] + (1 - z[j]) * new[j] for j in range(len(h))]}


def mut(p: Params, v: Trace, number: int) -> dict[str, Any]:
    x, h = v["x"], v["h", -1]
    to_z = [] if number == 1 else [(p.W_hz, h if number == 2 else [tanh(a) for a in h])]
    z = gate(p.b_z, (p.W_xz, x), *to_z)
    direct = x if number == 2 else rows((p.W_xr, x))
    r = [sigmoid(a + b + c) for a, b, c in zip(direct, rows((p.W_hr, h)), p.b_r, strict=True)]
    inside = [tanh(a) for a in x] if number == 1 else rows((p.W_xh, x))
    product = rows((p.W_hh, [a * b for a, b in zip(r, h, strict=True)]))
    new = [tanh(product[j] + inside[j] + p.b_h[j]) for j in range(len(h))]
    return {"h": [new[j] * z[j] + h[j] * (1 - z[j]) for j in range(len(h))]}


def brc(p: Params, v: Trace) -> dict[str, Any]:
    x, new = v["x"], []
    for j, h in enumerate(v["h", -1]):
        a = 1 + tanh(inner(p.U_a[j], x) + p.w_a[j] * h)
        c = sigmoid(inner(p.U_c[j], x) + p.w_c[j] * h)
        new.append(c * h + (1 - c) * tanh(inner(p.U[j], x) + a * h))
    return {"h": new}


def nbrc(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["h", -1]
    h = []
    for j, old in enumerate(before):
        feedback = 1 + tanh(inner(p.U_a[j], x) + inner(p.W_a[j], before))
        keep = sigmoid(inner(p.U_c[j], x) + inner(p.W_c[j], before))
        h.append(keep * old + (1 - keep) * tanh(inner(p.U[j], x) + feedback * old))
    return {"h": h}


def star(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["h", -1]
    z = [tanh(a + b) for a, b in zip(rows((p.W_z, x)), p.b_z, strict=True)]
    k = gate(p.b_k, (p.W_x, x), (p.W_h, before))
    return {"h": [tanh(old + share * (new - old)) for old, share, new in zip(before, k, z, strict=True)]}


CELLS: dict[str, tuple[Step, str]] = {
    "nbrc": (nbrc, "h"),
    "star": (star, "h"),
    "lstm_1997": (lstm_1997, "y_k"),
    "lstm_peephole": (peephole, "y"),
    "lstm_coupled": (lambda p, v: peephole(p, v, coupled=True), "y"),
    "lstm_projected": (lstm_projected, "logits"),
    "lstm_multiplicative": (lstm_multiplicative, "logits"),
    "lstm_layer_norm": (lstm_layer_norm, "h"),
    "gru_reduced": (gru_reduced, "h"),
    "mgu": (mgu, "h"),
    "mgu1": (mgu_reduced, "h"),
    "mgu2": (mgu_reduced, "h"),
    "mgu3": (mgu_reduced, "h"),
    "ugrnn": (ugrnn, "h"),
    "intersection": (intersection, "y"),
    "ran": (ran, "h"),
    "sru": (sru, "h"),
    "qrnn": (qrnn, "h"),
    "fastrnn": (fastrnn, "h"),
    "fastgrnn": (fastgrnn, "h"),
    "minimal_rnn": (minimal_rnn, "h"),
    "janet": (janet, "h"),
    "rhn": (rhn, "s"),
    "light_gru": (light_gru, "h"),
    "mut1": (lambda p, v: mut(p, v, 1), "h"),
    "mut2": (lambda p, v: mut(p, v, 2), "h"),
    "mut3": (lambda p, v: mut(p, v, 3), "h"),
    "brc": (brc, "h"),
}
