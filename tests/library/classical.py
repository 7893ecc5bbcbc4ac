"""Classical recurrent cells, unit by unit."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, inner, plus, relu, rows, sigmoid

tanh = math.tanh


def rnn_sigmoid(p: Params, v: Trace) -> dict[str, Any]:
    return {"x": plus(rows((p.W_rec, [sigmoid(a) for a in v["x", -1]]), (p.W_in, v["u"])), p.b)}


def rnn_relu(p: Params, v: Trace) -> dict[str, Any]:
    h = [relu(a) for a in plus(rows((p.W, v["h", -1]), (p.U, v["x"])), p.b)]
    return {"h": h, "logits": plus(rows((p.V, h)), p.c)}


def irnn(p: Params, v: Trace) -> dict[str, Any]:
    h = [relu(a) for a in plus(rows((p.W, v["h", -1]), (p.V, v["x"])), p.b)]
    return {"h": h, "y": plus(rows((p.U, h)), p.c)}


def indrnn(p: Params, v: Trace) -> dict[str, Any]:
    return {"h": [relu(inner(p.W[n], v["x"]) + p.u[n] * old + p.b[n]) for n, old in enumerate(v["h", -1])]}


def narx(p: Params, v: Trace) -> dict[str, Any]:
    window = v["y", -1] + v["y", -2] + v["y", -3] + v["u"] + v["u", -1]
    weights = [[w for part in parts for w in part] for parts in zip(p.A_1, p.A_2, p.A_3, p.B_0, p.B_1, strict=True)]
    h = [tanh(inner(row, window) + bias) for row, bias in zip(weights, p.b, strict=True)]
    return {"y": plus(rows((p.C, h)), p.c)}


def time_delay(p: Params, v: Trace) -> dict[str, Any]:
    h = [sigmoid(a) for a in plus(rows((p.U_0, v["x"]), (p.U_1, v["x", -1]), (p.U_2, v["x", -2])), p.b)]
    y = [sigmoid(a) for a in plus(rows((p.V_0, h), (p.V_1, v["h", -1]), (p.V_2, v["h", -2])), p.c)]
    return {"h": h, "y": y}


def rnn_multiplicative(p: Params, v: Trace) -> dict[str, Any]:
    # The matrix that the input chooses, written out: W_hf diag(W_fx x) W_fh
    factor = rows((p.W_fx, v["x"]))
    n = len(p.W_hf)
    chosen = [
        [sum(p.W_hf[i][f] * factor[f] * p.W_fh[f][j] for f in range(len(factor))) for j in range(n)] for i in range(n)
    ]
    h = [tanh(a) for a in rows((chosen, v["h", -1]), (p.W_hx, v["x"]))]
    return {"h": h, "logits": plus(rows((p.W_oh, h)), p.b_o)}


def rnn_multiplicative_integration(p: Params, v: Trace) -> dict[str, Any]:
    wx, uz = rows((p.W, v["x"])), rows((p.U, v["h", -1]))
    return {
        "h": [
            tanh(p.alpha[i] * wx[i] * uz[i] + p.beta_1[i] * uz[i] + p.beta_2[i] * wx[i] + p.b[i])
            for i in range(len(p.b))
        ]
    }


def scrn(p: Params, v: Trace) -> dict[str, Any]:
    s = [(1 - p.alpha) * inner(row, v["x"]) + p.alpha * old for row, old in zip(p.B, v["s", -1], strict=True)]
    h = [sigmoid(a) for a in rows((p.P, s), (p.A, v["x"]), (p.R, v["h", -1]))]
    return {"s": s, "h": h, "logits": rows((p.U, h), (p.V, s))}


def rnn_householder(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    for u in (p.u_1, p.u_2):  # by the matrix I - 2 u u' / u'u
        length = inner(u, u)
        h = [sum(((i == j) - 2 * u[i] * u[j] / length) * h[j] for j in range(len(u))) for i in range(len(u))]
    pre = plus(h, rows((p.V, v["x"])))
    h = [a if a > 0 else 0.01 * a for a in pre]
    return {"h": h, "o": rows((p.Y, h))}


def stacked(p: Params, v: Trace) -> dict[str, Any]:
    g = [tanh(a) for a in plus(rows((p.W_1, v["g", -1]), (p.U_1, v["x"])), p.b_1)]
    h = [tanh(a) for a in plus(rows((p.W_2, v["h", -1]), (p.U_2, g)), p.b_2)]
    return {"g": g, "h": h, "logits": plus(rows((p.V, h)), p.c)}


def second_order(p: Params, v: Trace) -> dict[str, Any]:
    def net(W: Any) -> float:
        return float(sum(W[j][k] * s * i for j, s in enumerate(v["S", -1]) for k, i in enumerate(v["x"])))

    return {"S": [sigmoid(net(W)) for W in p.W]}


def clockwork(p: Params, v: Trace) -> dict[str, Any]:
    before = v["h", -1]
    allowed = [[m * w for m, w in zip(*pair, strict=True)] for pair in zip(p.M, p.W_H, strict=True)]
    new = [tanh(a) for a in rows((allowed, before), (p.W_I, v["x"]))]
    h = [old + runs * (a - old) for old, runs, a in zip(before, v["mask"], new, strict=True)]
    return {"h": h, "y": [tanh(a) for a in rows((p.W_O, h))]}


def echo_state(p: Params, v: Trace) -> dict[str, Any]:
    new = [tanh(a) for a in plus(rows((p.W_in, v["u"]), (p.W, v["x", -1])), p.b)]
    x = [(1 - p.alpha) * old + p.alpha * a for old, a in zip(v["x", -1], new, strict=True)]
    return {"x": x, "y": plus([inner(row, v["u"] + x) for row in p.W_out], p.b_out)}


CELLS: dict[str, tuple[Step, str]] = {
    "rnn_sigmoid": (rnn_sigmoid, "x"),
    "rnn_relu": (rnn_relu, "logits"),
    "narx": (narx, "y"),
    "time_delay": (time_delay, "y"),
    "rnn_multiplicative": (rnn_multiplicative, "logits"),
    "rnn_multiplicative_integration": (rnn_multiplicative_integration, "h"),
    "scrn": (scrn, "logits"),
    "rnn_householder": (rnn_householder, "o"),
    "stacked": (stacked, "logits"),
    "clockwork": (clockwork, "y"),
    "echo_state": (echo_state, "y"),
}

#: Those whose loss stands at the last step only.
AT_THE_END: dict[str, tuple[Step, str]] = {
    "irnn": (irnn, "y"),
    "indrnn": (indrnn, "h"),
    "second_order": (second_order, "S"),
}
