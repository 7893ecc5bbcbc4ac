"""Cells that look back at many states, unit by unit."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, columns, inner, plus, rows, sigmoid, softmax

tanh = math.tanh


def attention_dot(p: Params, v: Trace) -> dict[str, Any]:
    s = [tanh(a) for a in plus(rows((p.W_s, v["s", -1]), (p.U, v["x"])), p.b)]
    states = columns(v.inputs["H"])
    weights = softmax([inner(s, state) for state in states])
    context = [sum(w * state[i] for w, state in zip(weights, states, strict=True)) for i in range(len(s))]
    return {"s": s, "logits": rows((p.V, [tanh(inner(row, context + s)) for row in p.W_c]))}


def attention_intra(p: Params, v: Trace) -> dict[str, Any]:
    place, x, n = v["position"], v["x"], len(v["h", -1])
    H, C = (
        [[old + state[j] * here for old, here in zip(v[name, -1][j], place, strict=True)] for j in range(n)]
        for name, state in (("H", v["h", -1]), ("C", v["c", -1]))
    )
    filled = [old + here for old, here in zip(v["p", -1], place, strict=True)]
    asked = rows((p.W_x, x), (p.W_q, v["q", -1]))
    weights = []
    for past, there in zip(columns(H), filled, strict=True):
        seen = [tanh(inner(row, past) + a) for row, a in zip(p.W_h, asked, strict=True)]
        weights.append(math.exp(inner(p.v, seen)) if there > 0 else 0.0)
    q, r = ([inner(row, weights) / sum(weights) for row in memory] for memory in (H, C))
    net = rows((p.W, q + x))
    i, f, o, g = (net[place * n : (place + 1) * n] for place in range(4))
    c = [sigmoid(f[j]) * r[j] + sigmoid(i[j]) * tanh(g[j]) for j in range(n)]
    h = [sigmoid(o[j]) * tanh(c[j]) for j in range(n)]
    return {"H": H, "C": C, "p": filled, "q": q, "c": c, "h": h}


def attention_additive(p: Params, v: Trace) -> dict[str, Any]:
    x, s = v["x"], v["s", -1]
    states = columns(v.inputs["H"])
    query = rows((p.W_a, s))
    scores = [inner(p.v_a, [tanh(a) for a in plus(query, rows((p.U_a, state)))]) for state in states]
    context = [inner(softmax(scores), places) for places in v.inputs["H"]]
    r = [sigmoid(a) for a in rows((p.W_r, x), (p.U_r, s), (p.C_r, context))]
    z = [sigmoid(a) for a in rows((p.W_z, x), (p.U_z, s), (p.C_z, context))]
    reset = [a * b for a, b in zip(r, s, strict=True)]
    new = [tanh(a) for a in rows((p.W, x), (p.U, reset), (p.C, context))]
    s = [(1 - share) * old + share * a for share, old, a in zip(z, s, new, strict=True)]
    return {"s": s, "logits": rows((p.V, s))}


CELLS: dict[str, tuple[Step, str]] = {
    "attention_dot": (attention_dot, "logits"),
    "attention_intra": (attention_intra, "h"),
    "attention_additive": (attention_additive, "logits"),
}
