"""More cells, unit by unit: memories that attend, twin gates, ordered units, spikes."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .recent import unit
from .scalars import Matrix, Step, Trace, Vector, columns, each, inner, plus, rows, sigmoid, softmax, softplus

tanh = math.tanh


def qkv(p: Params, x: Vector, letters: str = "QKV") -> list[Vector]:
    """A query, a key and a value."""
    return [rows((getattr(p, f"W_{letter}"), x)) for letter in letters]


def gate(weights: Vector, x: Vector) -> float:
    return sigmoid(inner(weights, x))


def mixed(keep: float, memory: Matrix, share: float, left: Vector, right: Vector) -> Matrix:
    """A part of a memory, and a share of an outer product."""
    return [[keep * a + share * u * w for a, w in zip(row, right, strict=True)]
            for u, row in zip(left, memory, strict=True)]  # fmt: skip


def tau_gru(p: Params, v: Trace) -> dict[str, Any]:
    x, before, early = v["x"], v["h", -1], v["h", -3]
    u, z = (each(tanh, rows((W, h), (U, x))) for W, U, h in ((p.W_1, p.U_1, before), (p.W_2, p.U_2, early)))
    g, a = (each(sigmoid, rows((W, before), (U, x))) for W, U in ((p.W_3, p.U_3), (p.W_4, p.U_4)))
    return {"h": [(1 - s) * old + s * (b + c * d) for s, old, b, c, d in zip(g, before, u, a, z, strict=True)]}


def atr(p: Params, v: Trace) -> dict[str, Any]:
    before = v["h", -1]
    inputs, states = rows((p.W_x, v["x"])), rows((p.W_h, before))
    return {"h": [sigmoid(a + b) * a + sigmoid(a - b) * h for a, b, h in zip(inputs, states, before, strict=True)]}


def cfn(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["h", -1]
    theta = plus(rows((p.U_theta, before), (p.V_theta, x)), p.b_theta)
    eta = plus(rows((p.U_eta, before), (p.V_eta, x)), p.b_eta)
    parts = zip(theta, eta, before, rows((p.W, x)), strict=True)
    return {"h": [sigmoid(a) * tanh(h) + sigmoid(b) * tanh(new) for a, b, h, new in parts]}


def on_lstm(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["h", -1]
    f, i, o, new, master_f, master_i = (
        plus(rows((getattr(p, f"W_{s}"), x), (getattr(p, f"U_{s}"), before)), getattr(p, f"b_{s}")) for s in "fiocFJ"
    )
    rising, falling = rows((p.C, softmax(master_f))), [1 - a for a in rows((p.C, softmax(master_i)))]
    c = []
    for n, old in enumerate(v["c", -1]):
        both = rising[n] * falling[n]
        kept = sigmoid(f[n]) * both + rising[n] - both
        let_in = sigmoid(i[n]) * both + falling[n] - both
        c.append(kept * old + let_in * tanh(new[n]))
    return {"c": c, "h": [sigmoid(a) * tanh(b) for a, b in zip(o, c, strict=True)]}


def attended(q: Vector, K: Matrix, V: Matrix, filled: Vector, lowered: Vector) -> Vector:
    """What a query finds in the rows of a memory that are filled."""
    scores = [inner(row, q) / math.sqrt(len(q)) + low for row, low in zip(K, lowered, strict=True)]
    weights = [math.exp(score) if there > 0 else 0.0 for score, there in zip(scores, filled, strict=True)]
    return [inner(weights, column) / sum(weights) for column in columns(V)]


def forgetting_attention(p: Params, v: Trace) -> dict[str, Any]:
    x, place = v["x"], v["position"]
    q, k, value = qkv(p, x, "qkv")
    fades = math.log(sigmoid(inner(p.w_f, x) + p.b_f))
    K, V = mixed(0, v["K", -1], 1, place, k), mixed(0, v["V", -1], 1, place, value)
    K = [plus(a, b) for a, b in zip(K, v["K", -1], strict=True)]
    V = [plus(a, b) for a, b in zip(V, v["V", -1], strict=True)]
    d = [old + fades * there for old, there in zip(v["d", -1], v["m", -1], strict=True)]
    m = plus(v["m", -1], place)
    return {"K": K, "V": V, "d": d, "m": m, "o": attended(q, K, V, m, d)}


def path_attention(p: Params, v: Trace) -> dict[str, Any]:
    x, place = v["x"], v["position"]
    q, k, value = qkv(p, x, "qkv")
    w = unit(rows((p.W_w, x)))
    beta = 2 * sigmoid(inner(p.u, x) + p.b)
    turned = [[a - beta * inner(row, w) * b for a, b in zip(row, w, strict=True)] for row in v["K", -1]]
    K, V = mixed(1, turned, 1, place, k), mixed(1, v["V", -1], 1, place, value)
    m = plus(v["m", -1], place)
    return {"K": K, "V": V, "m": m, "o": attended(q, K, V, m, [0.0] * len(m))}


def mamba3(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    step, share = softplus(inner(p.w_Delta, x) + p.b_Delta), gate(p.w_lambda, x)
    keep = math.exp(-softplus(inner(p.w_A, x)) * step)
    into, read, value = qkv(p, x, "BCx")
    h = mixed(keep, v["h", -1], (1 - share) * step * keep, v["v", -1], v["B", -1])
    h = mixed(1, h, share * step, value, into)
    return {"B": into, "v": value, "h": h, "y": rows((h, read))}


def efla(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = qkv(p, x)
    square = inner(k, k)
    rate = (1 - math.exp(-gate(p.w_beta, x) * square)) / square
    old = [inner(k, column) for column in columns(v["S", -1])]
    S = mixed(1, v["S", -1], rate, k, [new - said for new, said in zip(value, old, strict=True)])
    return {"S": S, "o": [inner(q, column) for column in columns(S)]}


def yaad(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = qkv(p, x)
    wrong = [said - wanted for said, wanted in zip(rows((v["W", -1], k)), value, strict=True)]
    size, most = math.sqrt(inner(wrong, wrong)), softplus(inner(p.w_delta, x))
    slope = wrong if size <= most else [math.copysign(most, e) for e in wrong]
    W = mixed(gate(p.w_alpha, x), v["W", -1], -gate(p.w_eta, x), slope, k)
    return {"W": W, "y": rows((W, q))}


def memora(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = qkv(p, x)
    before = [softmax(row) for row in v["L", -1]]
    wrong = [said - wanted for said, wanted in zip(rows((before, k)), value, strict=True)]
    # The paper's form: the logarithms of the memory itself.
    logs = [[math.log(a) for a in row] for row in before]
    L = mixed(gate(p.w_alpha, x), logs, -gate(p.w_eta, x), wrong, k)
    return {"L": L, "y": rows(([softmax(row) for row in L], q))}


def spiking(p: Params, v: Trace) -> dict[str, Any]:
    came = rows((p.W, v["x"]), (p.R, v["S", -1]))
    V = [p.beta * old + a - p.theta * fired for old, a, fired in zip(v["V", -1], came, v["S", -1], strict=True)]
    S = [float(a > p.theta) for a in V]
    return {"V": V, "S": S, "y": [p.kappa * old + a for old, a in zip(v["y", -1], rows((p.U, S)), strict=True)]}


def hippo_legs(p: Params, v: Trace) -> dict[str, Any]:
    x, before, c = v["x"], v["h", -1], v["c", -1]
    share = each(sigmoid, rows((p.W_gh, before), (p.W_gx, x), (p.W_gc, c)))
    new = each(tanh, rows((p.W_h, before), (p.W_x, x), (p.W_c, c)))
    h = [(1 - a) * old + a * b for a, old, b in zip(share, before, new, strict=True)]
    seen = inner(p.w_f, h)
    moved = [a + (b * seen - fade) / v.t for a, b, fade in zip(c, p.B, rows((p.A, c)), strict=True)]
    return {"h": h, "c": moved}


CELLS: dict[str, tuple[Step, str]] = {
    "tau_gru": (tau_gru, "h"),
    "atr": (atr, "h"),
    "cfn": (cfn, "h"),
    "on_lstm": (on_lstm, "h"),
    "forgetting_attention": (forgetting_attention, "o"),
    "path_attention": (path_attention, "o"),
    "mamba3": (mamba3, "y"),
    "efla": (efla, "o"),
    "yaad": (yaad, "y"),
    "memora": (memora, "y"),
    "spiking": (spiking, "y"),
    "hippo_legs": (hippo_legs, "h"),
}
