"""Cells whose state moves linearly, a vector or a matrix, unit by unit."""

from __future__ import annotations

import cmath
import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, Vector, columns, inner, plus, relu, rows, sigmoid, softmax, softplus

tanh = math.tanh


def min_gru(p: Params, v: Trace) -> dict[str, Any]:
    new = []
    for i, h in enumerate(v["h", -1]):
        z = sigmoid(inner(p.W_z[i], v["x"]) + p.b_z[i])
        new.append(h + z * (inner(p.W_h[i], v["x"]) + p.b_h[i] - h))
    return {"h": new}


def min_lstm(p: Params, v: Trace) -> dict[str, Any]:
    new = []
    for j, h in enumerate(v["h", -1]):
        f, i = (sigmoid(inner(W[j], v["x"]) + b[j]) for W, b in ((p.W_f, p.b_f), (p.W_i, p.b_i)))
        new.append((f * h + i * (inner(p.W_h[j], v["x"]) + p.b_h[j])) / (f + i))
    return {"h": new}


def lru(p: Params, v: Trace) -> dict[str, Any]:
    state = []
    for j, (re, im) in enumerate(zip(v["x", -1], v["s", -1], strict=True)):
        eigenvalue = cmath.exp(complex(-math.exp(p.nu[j]), math.exp(p.theta[j])))
        entering = complex(inner(p.B_re[j], v["u"]), inner(p.B_im[j], v["u"]))
        state.append(eigenvalue * complex(re, im) + math.exp(p.gamma[j]) * entering)
    y = []
    for i, (one, other) in enumerate(zip(p.C_re, p.C_im, strict=True)):
        read = sum(complex(a, b) * x for a, b, x in zip(one, other, state, strict=True))
        y.append(read.real + p.D[i] * v["u"][i])
    return {"x": [x.real for x in state], "s": [x.imag for x in state], "y": y}


def s4d(p: Params, v: Trace) -> dict[str, Any]:
    state = []
    for j, (re, im) in enumerate(zip(v["x", -1], v["s", -1], strict=True)):
        A = complex(-math.exp(p.alpha[j]), p.omega[j])
        held = cmath.exp(p.Delta * A)
        state.append(held * complex(re, im) + (held - 1) / A * v["u"])
    y = 2 * sum((complex(a, b) * x).real for a, b, x in zip(p.c, p.d, state, strict=True)) + p.D * v["u"]
    return {"x": [x.real for x in state], "s": [x.imag for x in state], "y": y}


def rg_lru(p: Params, v: Trace) -> dict[str, Any]:
    x, new = v["x"], []
    for j, h in enumerate(v["h", -1]):
        r, i = sigmoid(inner(p.W_a[j], x) + p.b_a[j]), sigmoid(inner(p.W_x[j], x) + p.b_x[j])
        a = sigmoid(-p.Lambda[j]) ** (8 * r)  # the paper's a is a logistic number
        new.append(a * h + math.sqrt(1 - a * a) * i * x[j])
    return {"h": new}


def rwkv(p: Params, v: Trace) -> dict[str, Any]:
    def shifted(mu: Vector) -> Vector:
        return [m * now + (1 - m) * old for m, now, old in zip(mu, v["x"], v["x", -1], strict=True)]

    r, k, value = (rows((getattr(p, f"W_{c}"), shifted(getattr(p, f"mu_{c}")))) for c in "rkv")
    new: dict[str, Any] = {"a": [], "b": [], "p": []}
    read = []
    for j, (a, b, top) in enumerate(zip(v["a", -1], v["b", -1], v["p", -1], strict=True)):
        # The sums themselves, as the paper's first equations have them, without the safe form.
        a, b = a * math.exp(top), b * math.exp(top)
        bonus = math.exp(p.u[j] + k[j])
        read.append(sigmoid(r[j]) * (a + bonus * value[j]) / (b + bonus))
        decay = math.exp(-math.exp(p.w[j]))
        a, b = decay * a + math.exp(k[j]) * value[j], decay * b + math.exp(k[j])
        top = max(top - math.exp(p.w[j]), k[j])
        for name, number in (("a", a * math.exp(-top)), ("b", b * math.exp(-top)), ("p", top)):
            new[name].append(number)
    return {**new, "o": rows((p.W_o, read))}


def mamba(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    B, C = rows((p.W_B, x)), rows((p.W_C, x))
    h, y = [], []
    for d, row in enumerate(v["h", -1]):
        step = softplus(inner(p.W_Delta[d], x) + p.b_Delta[d])
        h.append([math.exp(-step * math.exp(p.L[d][n])) * old + step * B[n] * x[d] for n, old in enumerate(row)])
        y.append(inner(C, h[d]) + p.D[d] * x[d])
    return {"h": h, "y": y}


def added(S: Any, a: Vector, b: Vector) -> Any:
    """S + a b'."""
    return [[old + a[i] * b[j] for j, old in enumerate(row)] for i, row in enumerate(S)]


def linear_attention(p: Params, v: Trace) -> dict[str, Any]:
    def feature(a: float) -> float:
        return a + 1 if a > 0 else math.exp(a)

    q, k = ([feature(a) for a in rows((W, v["x"]))] for W in (p.W_Q, p.W_K))
    S, z = added(v["S", -1], k, rows((p.W_V, v["x"]))), plus(v["z", -1], k)
    return {"S": S, "z": z, "y": [inner(q, column) / inner(q, z) for column in columns(S)]}


def retnet(p: Params, v: Trace) -> dict[str, Any]:
    q, k, value = (rows((W, v["x"])) for W in (p.W_Q, p.W_K, p.W_V))
    S = added([[p.gamma * a for a in row] for row in v["S", -1]], k, value)
    return {"S": S, "o": [inner(q, column) for column in columns(S)]}


def gla(p: Params, v: Trace) -> dict[str, Any]:
    q, k, value = (rows((W, v["x"])) for W in (p.W_Q, p.W_K, p.W_V))
    keep = [sigmoid(a) ** 0.0625 for a in plus(rows((p.W_alpha2, rows((p.W_alpha1, v["x"])))), p.b_alpha)]
    S = added([[alpha * a for a in row] for alpha, row in zip(keep, v["S", -1], strict=True)], k, value)
    return {"S": S, "o": [inner(q, column) for column in columns(S)]}


def deltanet(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = (rows((W, x)) for W in (p.W_Q, p.W_K, p.W_V))
    k = [a / math.sqrt(inner(k, k)) for a in k]
    keep = sigmoid(inner(p.w_alpha, x)) if hasattr(p, "w_alpha") else 1.0
    beta = sigmoid(inner(p.w_beta, x))
    # S (I - beta k k') alpha + beta v k'
    forget = [[keep * ((i == j) - beta * k[i] * k[j]) for j in range(len(k))] for i in range(len(k))]
    S = added([rows((columns(forget), row)) for row in v["S", -1]], [beta * a for a in value], k)
    return {"S": S, "o": rows((S, q))}


def slstm(p: Params, v: Trace) -> dict[str, Any]:
    net = {
        k: plus(rows((getattr(p, f"W_{k}"), v["x"]), (getattr(p, f"R_{k}"), v["h", -1])), getattr(p, f"b_{k}"))
        for k in "zifo"
    }
    new: dict[str, Any] = {"c": [], "n": [], "m": [], "h": []}
    for j, m in enumerate(v["m", -1]):
        # Without the stabiliser: the true cell and normaliser are exp(m) times those that are stored.
        f, i = sigmoid(net["f"][j]), math.exp(net["i"][j])
        c = f * v["c", -1][j] * math.exp(m) + i * tanh(net["z"][j])
        n = f * v["n", -1][j] * math.exp(m) + i
        top = max(math.log(f) + m, net["i"][j])
        for name, number in (("c", c / math.exp(top)), ("n", n / math.exp(top)), ("m", top)):
            new[name].append(number)
        new["h"].append(sigmoid(net["o"][j]) * c / n)
    return new


def mlstm(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    scaled = {"k": 1 / math.sqrt(len(p.W_k))}
    q, k, value = (
        [scaled.get(c, 1) * a + b for a, b in zip(rows((getattr(p, f"W_{c}"), x)), getattr(p, f"b_{c}"), strict=True)]
        for c in "qkv"
    )
    i, f = math.exp(inner(p.w_i, x) + p.b_i), sigmoid(inner(p.w_f, x) + p.b_f)
    C = [[f * old + i * value[r] * k[s] for s, old in enumerate(row)] for r, row in enumerate(v["C", -1])]
    n = [f * old + i * a for old, a in zip(v["n", -1], k, strict=True)]
    below = max(abs(inner(n, q)), 1.0)
    o = [sigmoid(a) for a in plus(rows((p.W_o, x)), p.b_o)]
    return {"C": C, "n": n, "h": [o[r] * inner(C[r], q) / below for r in range(len(o))]}


def fast_weights(p: Params, v: Trace) -> dict[str, Any]:
    h = v["h", -1]
    A = added([[p.lambda_ * a for a in row] for row in v["A", -1]], [p.eta * a for a in h], h)
    sustained = plus(rows((p.W, h), (p.C, v["x"])), p.b)
    inside = [relu(a) for a in sustained]
    return {"A": A, "h": [relu(a) for a in plus(sustained, rows((A, inside)))]}


def hgrn(p: Params, v: Trace) -> dict[str, Any]:
    x, h, shown = v["x"], [], []
    for j, old in enumerate(v["h", -1]):
        keep = p.gamma[j] + (1 - p.gamma[j]) * sigmoid(inner(p.W_f[j], x) + p.b_f[j])
        new = inner(p.W_c[j], x) + p.b_c[j]
        h.append(keep * old + (1 - keep) * new * sigmoid(new))
    scale = math.sqrt(sum(a * a for a in h) / len(h) + 1e-5)
    shown = [sigmoid(inner(p.W_g[j], x) + p.b_g[j]) * a / scale for j, a in enumerate(h)]
    return {"h": h, "o": plus(rows((p.W_o, shown)), p.b_o)}


def mamba2(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    step = softplus(inner(p.w_Delta, x) + p.b_Delta)
    B, C = rows((p.W_B, x)), rows((p.W_C, x))
    decay = math.exp(-math.exp(p.A_log) * step)
    h = [
        [decay * old + step * a * b for old, b in zip(row, B, strict=True)]
        for row, a in zip(v["h", -1], x, strict=True)
    ]
    return {"h": h, "y": [inner(row, C) + p.D * a for row, a in zip(h, x, strict=True)]}


def gsa(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    keep = [sigmoid(a) ** 0.125 for a in rows((p.W_alpha, x))]
    K, V = (
        [
            [a * old + (1 - a) * new for old, new in zip(row, rows((W, x)), strict=True)]
            for row, a in zip(v[name, -1], keep, strict=True)
        ]
        for name, W in (("K", p.W_K), ("V", p.W_V))
    )
    weights = softmax(rows((K, rows((p.W_Q, x)))))
    return {"K": K, "V": V, "o": [inner(column, weights) for column in columns(V)]}


def rwkv7(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    k, n = rows((p.W_k, x)), len(p.xi)
    a = [sigmoid(gate + b) for gate, b in zip(rows((p.W_a, x)), p.b_a, strict=True)]
    decay = [math.exp(-math.exp(-0.5) * sigmoid(gate + b)) for gate, b in zip(rows((p.W_w, x)), p.b_w, strict=True)]
    removed = [p.xi[i] * k[i] for i in range(n)]
    length = math.sqrt(sum(number * number for number in removed))
    removed = [number / length for number in removed]
    S = []
    for row, value in zip(v["S", -1], rows((p.W_v, x)), strict=True):
        said = inner(row, removed)
        S.append([
            row[i] * decay[i] - said * a[i] * removed[i] + value * k[i] * (1 + (a[i] - 1) * p.alpha[i]) for i in range(n)
        ])  # fmt: skip
    return {"S": S, "p": rows((S, rows((p.W_r, x))))}


def longhorn(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k = rows((p.W_q, x)), rows((p.W_k, x))
    S, o = [], []
    for j, row in enumerate(v["S", -1]):
        beta = sigmoid(inner(p.W_beta[j], x) + p.b_beta[j])
        step = beta / (1 + beta * inner(k, k))
        S.append([(1 - step * key * key) * old + step * x[j] * key for old, key in zip(row, k, strict=True)])
        o.append(inner(S[-1], q) + p.D[j] * x[j])
    return {"S": S, "o": o}


CELLS: dict[str, tuple[Step, str]] = {
    "min_gru": (min_gru, "h"),
    "min_lstm": (min_lstm, "h"),
    "lru": (lru, "y"),
    "s4d": (s4d, "y"),
    "rg_lru": (rg_lru, "h"),
    "rwkv": (rwkv, "o"),
    "mamba": (mamba, "y"),
    "linear_attention": (linear_attention, "y"),
    "retnet": (retnet, "o"),
    "gla": (gla, "o"),
    "deltanet": (deltanet, "o"),
    "gated_deltanet": (deltanet, "o"),
    "slstm": (slstm, "h"),
    "mlstm": (mlstm, "h"),
    "fast_weights": (fast_weights, "h"),
    "hgrn": (hgrn, "o"),
    "mamba2": (mamba2, "y"),
    "gsa": (gsa, "o"),
    "rwkv7": (rwkv7, "p"),
    "longhorn": (longhorn, "o"),
}
