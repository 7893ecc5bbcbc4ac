"""All other cells, unit by unit: classical ones, those of differential equations, linear ones, and matrix states."""

from __future__ import annotations

import cmath
import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, Vector, columns, cross_entropy, inner, relu, rows, sigmoid, softmax, softplus, squared

tanh = math.tanh


def plus(*vectors: Vector) -> Vector:
    """The sum, unit by unit."""
    return [sum(values) for values in zip(*vectors, strict=True)]


# Classical


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


# Differential equations


def lmu(p: Params, v: Trace) -> dict[str, Any]:
    u = inner(p.e_x + p.e_h + p.e_m, v["x"] + v["h", -1] + v["m", -1])
    m = [inner(row, v["m", -1]) + b * u for row, b in zip(p.A, p.B, strict=True)]
    return {"m": m, "h": [tanh(a) for a in rows((p.W_x, v["x"]), (p.W_h, v["h", -1]), (p.W_m, m))]}


def ctrnn(p: Params, v: Trace) -> dict[str, Any]:
    old, new = v["y", -1], []
    for i, y in enumerate(old):
        received = sum(p.W[i][j] * sigmoid(old[j] + p.theta[j]) for j in range(len(old)))
        new.append(y + p.Delta * (-y + received + inner(p.U[i], v["x"])) / p.tau[i])
    return {"y": new}


def antisymmetric(p: Params, v: Trace) -> dict[str, Any]:
    h, new = v["h", -1], []
    for i in range(len(h)):
        row = [p.W_h[i][j] - p.W_h[j][i] - (p.gamma if i == j else 0) for j in range(len(h))]
        new.append(h[i] + p.epsilon * tanh(inner(row, h) + inner(p.V_h[i], v["x"]) + p.b_h[i]))
    return {"h": new}


def cornn(p: Params, v: Trace) -> dict[str, Any]:
    y, z = v["y", -1], v["z", -1]
    force = plus(rows((p.W, y), (p.Omega, z), (p.V, v["u"])), p.b)
    z = [z[i] + p.Delta * (tanh(force[i]) - p.gamma * y[i] - p.epsilon * z[i]) for i in range(len(y))]
    return {"z": z, "y": [y[i] + p.Delta * z[i] for i in range(len(y))]}


def lipschitz(p: Params, v: Trace) -> dict[str, Any]:
    def mixed(M: Any, gamma: float) -> Any:
        n = len(M)
        return [[M[i][j] + (1 - 2 * p.beta) * M[j][i] - (gamma if i == j else 0) for j in range(n)] for i in range(n)]

    h = v["h", -1]
    z = plus(rows((mixed(p.M_W, p.gamma_W), h), (p.U, v["x"])), p.b)
    drift = rows((mixed(p.M_A, p.gamma_A), h))
    h = [h[i] + p.epsilon * (drift[i] + tanh(z[i])) for i in range(len(h))]
    return {"h": h, "y": rows((p.D, h))}


def lem(p: Params, v: Trace) -> dict[str, Any]:
    y, z, u = v["y", -1], v["z", -1], v["u"]
    short = [p.Delta * sigmoid(a) for a in plus(rows((p.W_1, y), (p.V_1, u)), p.b_1)]
    long = [p.Delta * sigmoid(a) for a in plus(rows((p.W_2, y), (p.V_2, u)), p.b_2)]
    new_z = [tanh(a) for a in plus(rows((p.W_z, y), (p.V_z, u)), p.b_z)]
    z = [z[i] + short[i] * (new_z[i] - z[i]) for i in range(len(z))]
    new_y = [tanh(a) for a in plus(rows((p.W_y, z), (p.V_y, u)), p.b_y)]
    return {"z": z, "y": [y[i] + long[i] * (new_y[i] - y[i]) for i in range(len(y))]}


def ltc(p: Params, v: Trace) -> dict[str, Any]:
    x, new = v["x", -1], []
    for i, old in enumerate(x):
        f = tanh(inner(p.gamma_r[i], x) + inner(p.gamma[i], v["I"]) + p.mu[i])
        new.append((old + p.Delta * f * p.A[i]) / (1 + p.Delta * (1 / p.tau[i] + f)))
    return {"x": new}


def cfc(p: Params, v: Trace) -> dict[str, Any]:
    pre = {
        k: plus(rows((getattr(p, f"W_{k}"), v["x", -1]), (getattr(p, f"U_{k}"), v["I"])), getattr(p, f"b_{k}"))
        for k in "fgh"
    }
    new = []
    for f, g, h in zip(*pre.values(), strict=True):
        share = 1 / (1 + math.exp(f * v["s"]))
        new.append(share * tanh(g) + (1 - share) * tanh(h))
    return {"x": new}


# Linear recurrences


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


# Matrix states


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


# Attention


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
        weights.append(there * math.exp(inner(p.v, seen)))
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
    "clockwork": (clockwork, "y"),
    "echo_state": (echo_state, "y"),
    "lmu": (lmu, "h"),
    "attention_additive": (attention_additive, "logits"),
    "rnn_sigmoid": (rnn_sigmoid, "x"),
    "rnn_relu": (rnn_relu, "logits"),
    "narx": (narx, "y"),
    "time_delay": (time_delay, "y"),
    "rnn_multiplicative": (rnn_multiplicative, "logits"),
    "rnn_multiplicative_integration": (rnn_multiplicative_integration, "h"),
    "scrn": (scrn, "logits"),
    "rnn_householder": (rnn_householder, "o"),
    "stacked": (stacked, "logits"),
    "ctrnn": (ctrnn, "y"),
    "antisymmetric": (antisymmetric, "h"),
    "cornn": (cornn, "y"),
    "lipschitz": (lipschitz, "y"),
    "lem": (lem, "y"),
    "ltc": (ltc, "x"),
    "cfc": (cfc, "x"),
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
    "attention_dot": (attention_dot, "logits"),
    "attention_intra": (attention_intra, "h"),
}

#: Cells whose loss stands at the last step only.
AT_THE_END: dict[str, tuple[Step, str]] = {
    "irnn": (irnn, "y"),
    "indrnn": (indrnn, "h"),
    "second_order": (second_order, "S"),
}


# Without time


def layered(p: Params, x: Vector, layers: int, function: Any) -> Vector:
    """The output of so many layers with weights W_1, ... and biases b_1, ..., the last one without its function."""
    for layer in range(1, layers + 1):
        x = plus(rows((getattr(p, f"W_{layer}"), x)), getattr(p, f"b_{layer}"))
        x = [function(a) for a in x] if layer < layers else x
    return x


def feedforward_sigmoid(p: Params, i: dict[str, Any]) -> float:
    return squared(i["d"], [sigmoid(a) for a in layered(p, i["y_0"], 2, sigmoid)])


def feedforward_deep(p: Params, i: dict[str, Any]) -> float:
    return squared(i["y"], [sigmoid(a) for a in layered(p, i["x"], 4, sigmoid)])


def feedforward_relu(p: Params, i: dict[str, Any]) -> float:
    return cross_entropy(i["target"], layered(p, i["x"], 3, relu))


def highway(p: Params, i: dict[str, Any]) -> float:
    x = plus(rows((p.W_x, i["x"])), p.b_x)
    for W_T, b_T, W_H, b_H in ((p.W_T1, p.b_T1, p.W_H1, p.b_H1), (p.W_T2, p.b_T2, p.W_H2, p.b_H2)):
        T, H = plus(rows((W_T, x)), b_T), plus(rows((W_H, x)), b_H)
        x = [a + sigmoid(gate) * (tanh(new) - a) for a, gate, new in zip(x, T, H, strict=True)]
    return cross_entropy(i["target"], plus(rows((p.V, x)), p.c))


def residual(p: Params, i: dict[str, Any]) -> float:
    h = [relu(a) for a in plus(rows((p.W_1, i["x"])), p.b_1)]
    return squared(i["target"], [relu(a) for a in plus(rows((p.W_2, h)), p.b_2, i["x"])])


WITHOUT_TIME = {f.__name__: f for f in (feedforward_sigmoid, feedforward_deep, feedforward_relu, highway, residual)}
