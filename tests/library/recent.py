"""Cells of recent years, unit by unit: memories that learn while they read, products of reflections, oscillators."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Matrix, Step, Trace, Vector, columns, inner, relu, rows, sigmoid, softplus

tanh = math.tanh


def silu(vector: Vector) -> Vector:
    return [a * sigmoid(a) for a in vector]


def unit(vector: Vector) -> Vector:
    length = math.sqrt(inner(vector, vector))
    return [a / length for a in vector]


def solved(matrix: Matrix, right: Vector) -> Vector:
    """The solution of a system of equations, by elimination with the largest pivot."""
    lines = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for place in range(len(lines)):
        best = max(range(place, len(lines)), key=lambda row: abs(lines[row][place]))
        lines[place], lines[best] = lines[best], lines[place]
        for other in range(len(lines)):
            if other != place:
                factor = lines[other][place] / lines[place][place]
                lines[other] = [a - factor * b for a, b in zip(lines[other], lines[place], strict=True)]
    return [line[-1] / line[place] for place, line in enumerate(lines)]


def moved(memory: Matrix, key: Vector, value: Vector, share: float) -> Matrix:
    """The delta rule: what the memory (keys in rows) says of a key comes nearer to the value by a share."""
    said = [inner(key, column) for column in columns(memory)]
    return [
        [a + share * weight * (new - old) for a, new, old in zip(row, value, said, strict=True)]
        for weight, row in zip(key, memory, strict=True)
    ]


def rnn_cayley(p: Params, v: Trace) -> dict[str, Any]:
    n = len(p.D)
    skew = [[p.A[i][j] - p.A[j][i] for j in range(n)] for i in range(n)]
    # W h solves (I + S) y = (I - S) D h
    turned = [d * h for d, h in zip(p.D, v["h", -1], strict=True)]
    right = [a - b for a, b in zip(turned, rows((skew, turned)), strict=True)]
    left = [[float(i == j) + skew[i][j] for j in range(n)] for i in range(n)]
    z = [a + b for a, b in zip(rows((p.U, v["x"])), solved(left, right), strict=True)]
    h = [math.copysign(relu(abs(a) + b), a) for a, b in zip(z, p.b, strict=True)]
    return {"h": h, "o": [a + c for a, c in zip(rows((p.V, h)), p.c, strict=True)]}


def lstm_mogrifier(p: Params, v: Trace) -> dict[str, Any]:
    x, h, cell = list(v["x"]), list(v["h", -1]), v["c", -1]
    for matrix, gated, by in ((p.Q_1, x, h), (p.R_2, h, x), (p.Q_3, x, h)):
        gated[:] = [2 * sigmoid(a) * old for a, old in zip(rows((matrix, by)), gated, strict=True)]

    def net(gate: str) -> list[float]:
        pairs = (getattr(p, f"W_{gate}x"), x), (getattr(p, f"W_{gate}h"), h)
        return [a + b for a, b in zip(rows(*pairs), getattr(p, f"b_{gate}"), strict=True)]

    parts = zip(net("f"), net("i"), net("j"), cell, strict=True)
    c = [sigmoid(f) * old + sigmoid(i) * math.tanh(j) for f, i, j, old in parts]
    return {"c": c, "h": [sigmoid(o) * math.tanh(s) for o, s in zip(net("o"), c, strict=True)]}


def gru_d(p: Params, v: Trace) -> dict[str, Any]:
    seen, delta, last, hat = v["m"], v["delta"], [], []
    for d, (x, m, old, mean) in enumerate(zip(v["x"], seen, v["x_last", -1], p.x_mean, strict=True)):
        decay = math.exp(-relu(p.w_gx[d] * delta[d] + p.b_gx[d]))
        last.append(m * x + (1 - m) * old)
        hat.append(m * x + (1 - m) * (decay * old + (1 - decay) * mean))
    fading = zip(rows((p.W_gh, delta)), p.b_gh, v["h", -1], strict=True)
    before = [math.exp(-relu(a + b)) * old for a, b, old in fading]

    def net(W: Any, U: Any, V: Any, bias: Any, state: list[float]) -> list[float]:
        return [a + b for a, b in zip(rows((W, hat), (U, state), (V, seen)), bias, strict=True)]

    z, r = ([sigmoid(a) for a in net(*weights, before)] for weights in
            ((p.W_z, p.U_z, p.V_z, p.b_z), (p.W_r, p.U_r, p.V_r, p.b_r)))  # fmt: skip
    new = net(p.W, p.U, p.V, p.b, [a * b for a, b in zip(r, before, strict=True)])
    h = [(1 - a) * old + a * math.tanh(b) for a, old, b in zip(z, before, new, strict=True)]
    return {"x_last": last, "h": h}


def lstm_phased(p: Params, v: Trace) -> dict[str, Any]:
    x, before, cell = v["x"], v["h", -1], v["c", -1]
    pre = {
        gate: [
            a + b for a, b in zip(rows((getattr(p, f"W_x{gate}"), x), (getattr(p, f"W_h{gate}"), before)),
                                  getattr(p, f"b_{gate}"), strict=True)
        ]
        for gate in "ifco"
    }  # fmt: skip
    h, c = [], []
    for n, old in enumerate(cell):
        new = sigmoid(pre["f"][n] + p.w_cf[n] * old) * old + sigmoid(pre["i"][n] + p.w_ci[n] * old) * tanh(pre["c"][n])
        phase = ((v["time"] - p.s[n]) % p.tau[n]) / p.tau[n]
        if phase < p.r[n] / 2:
            openness = 2 * phase / p.r[n]
        elif phase < p.r[n]:
            openness = 2 - 2 * phase / p.r[n]
        else:
            openness = p.alpha * phase
        out = sigmoid(pre["o"][n] + p.w_co[n] * new) * tanh(new)
        c.append(openness * new + (1 - openness) * old)
        h.append(openness * out + (1 - openness) * before[n])
    return {"h": h, "c": c}


def kimi_delta(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = unit(silu(rows((p.W_q, x)))), unit(silu(rows((p.W_k, x)))), silu(rows((p.W_v, x)))
    slow = rows((p.W_up, rows((p.W_down, x))))
    keep = [math.exp(-math.exp(p.A_log) * softplus(a + b)) for a, b in zip(slow, p.b_alpha, strict=True)]
    memory = [[rate * a for a in row] for rate, row in zip(keep, v["S", -1], strict=True)]
    S = moved(memory, k, value, sigmoid(inner(p.w_beta, x)))
    return {"S": S, "o": [inner(q, column) for column in columns(S)]}


def deltaproduct(p: Params, v: Trace) -> dict[str, Any]:
    x, H = v["x"], v["H", -1]
    for W_k, W_v, w in ((p.W_k1, p.W_v1, p.w_1), (p.W_k2, p.W_v2, p.w_2)):
        H = moved(H, unit(silu(rows((W_k, x)))), rows((W_v, x)), 2 * sigmoid(inner(w, x)))
    return {"H": H, "o": rows((columns(H), unit(silu(rows((p.W_q, x))))))}


def mesanet(p: Params, v: Trace) -> dict[str, Any]:
    e = v["e"]
    q, k, value = unit(rows((p.W_q, e))), unit(rows((p.W_k, e))), rows((p.W_v, e))
    beta, gamma = sigmoid(inner(p.w_beta, e)), sigmoid(inner(p.w_gamma, e))

    def summed(before: Matrix, ahead: Vector) -> Matrix:
        return [[gamma * a + beta * x * y for a, y in zip(row, k, strict=True)]
                for row, x in zip(before, ahead, strict=True)]  # fmt: skip

    G, H = summed(v["G", -1], value), summed(v["H", -1], k)
    ridge = [
        [a + (0.25 + softplus(p.Lambda[i]) if i == j else 0) for j, a in enumerate(row)] for i, row in enumerate(H)
    ]
    return {"G": G, "H": H, "o": rows((G, solved(ridge, q)))}


def titans(p: Params, v: Trace) -> dict[str, Any]:
    x, M = v["x"], v["M", -1]
    k, value, q = (rows((W, x)) for W in (p.W_K, p.W_V, p.W_Q))
    wrong = [a - b for a, b in zip(rows((M, k)), value, strict=True)]
    eta, theta, alpha = sigmoid(inner(p.w_eta, x)), softplus(inner(p.w_theta, x)), sigmoid(inner(p.w_alpha, x))
    S = [[eta * s - theta * 2 * w * b for s, b in zip(row, k, strict=True)]
         for row, w in zip(v["S", -1], wrong, strict=True)]  # fmt: skip
    M = [[a - alpha * a + s for a, s in zip(*pair, strict=True)] for pair in zip(M, S, strict=True)]
    return {"S": S, "M": M, "y": rows((M, q))}


def ttt_linear(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    k, value, q = (rows((theta, x)) for theta in (p.theta_K, p.theta_V, p.theta_Q))
    W = columns(moved(columns(v["W", -1]), k, value, 2 * sigmoid(inner(p.theta_lr, x))))
    return {"W": W, "z": rows((W, q))}


def ttt_mlp(p: Params, v: Trace) -> dict[str, Any]:
    x, first, second = v["x"], v["W_1", -1], v["W_2", -1]
    k, value, q = (rows((theta, x)) for theta in (p.theta_K, p.theta_V, p.theta_Q))
    eta = sigmoid(inner(p.theta_lr, x))
    hidden = [tanh(a) for a in rows((first, k))]
    wrong = [a - b for a, b in zip(rows((second, hidden)), value, strict=True)]
    W_1 = [
        [w - eta * (1 - a * a) * inner(wrong, column) * b for w, b in zip(row, k, strict=True)]
        for row, a, column in zip(first, hidden, columns(second), strict=True)
    ]
    W_2 = [[w - eta * e * a for w, a in zip(row, hidden, strict=True)] for row, e in zip(second, wrong, strict=True)]
    return {"W_1": W_1, "W_2": W_2, "z": rows((W_2, [tanh(a) for a in rows((W_1, q))]))}


def comba(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["S", -1]
    q, k, value = unit(silu(rows((p.W_q, x)))), unit(silu(rows((p.W_k, x)))), silu(rows((p.W_v, x)))
    keep = math.exp(-math.exp(p.A_log) * softplus(inner(p.w_alpha, x) + p.b_alpha))
    beta, share = sigmoid(inner(p.w_beta, x)), sigmoid(p.b)
    new = [beta * (a - share * said) for a, said in zip(value, rows((before, k)), strict=True)]
    S = [[keep * a + n * b for a, b in zip(row, k, strict=True)] for row, n in zip(before, new, strict=True)]
    return {"S": S, "o": rows((S, [a - p.d * b for a, b in zip(q, k, strict=True)]))}


def abc(p: Params, v: Trace) -> dict[str, Any]:
    x = v["x"]
    q, k, value = (rows((W, x)) for W in (p.W_q, p.W_k, p.W_v))
    count = [math.exp(a) for a in rows((p.W_phi, x))]
    z = [a + b for a, b in zip(v["z", -1], count, strict=True)]

    def written(before: Matrix, ahead: Vector) -> Matrix:
        return [[a + n * b for a, b in zip(row, ahead, strict=True)] for row, n in zip(before, count, strict=True)]

    K, V = written(v["K", -1], k), written(v["V", -1], value)
    weights = [math.exp(inner(row, q) / n) for row, n in zip(K, z, strict=True)]
    shares = [w / sum(weights) / n for w, n in zip(weights, z, strict=True)]
    return {"z": z, "K": K, "V": V, "o": rows((columns(V), shares))}


def rwkv6(p: Params, v: Trace) -> dict[str, Any]:
    x, before = v["x"], v["S", -1]
    r, k, value = (rows((W, x)) for W in (p.W_r, p.W_k, p.W_v))
    low = rows((columns(p.B), [tanh(a) for a in rows((columns(p.A), x))]))
    keep = [math.exp(-math.exp(a + b)) for a, b in zip(p.lambda_, low, strict=True)]
    o = [sum(r[i] * (p.u[i] * k[i] * value[j] + before[i][j]) for i in range(len(r))) for j in range(len(value))]
    return {"o": o, "S": [[keep[i] * before[i][j] + k[i] * b for j, b in enumerate(value)] for i in range(len(k))]}


def hgrn2(p: Params, v: Trace) -> dict[str, Any]:
    f, i, o = ([a + b for a, b in zip(rows((W, v["x"])), bias, strict=True)]
               for W, bias in ((p.W_f, p.b_f), (p.W_i, p.b_i), (p.W_o, p.b_o)))  # fmt: skip
    keep = [low + (1 - low) * sigmoid(a) for low, a in zip(p.gamma, f, strict=True)]
    H = [[rate * a + (1 - rate) * new for a, new in zip(row, silu(i), strict=True)]
         for rate, row in zip(keep, v["H", -1], strict=True)]  # fmt: skip
    return {"H": H, "y": rows((columns(H), [sigmoid(a) for a in o]))}


def linoss(p: Params, v: Trace) -> dict[str, Any]:
    y, z = [], []
    for place, speed, stiff, push in zip(v["y", -1], v["z", -1], p.A_hat, rows((p.B, v["u"])), strict=True):
        # z = z' + Delta (push - A y) with y = y' + Delta z, both at the end of the step
        speed = (speed + p.Delta * (push - relu(stiff) * place)) / (1 + p.Delta**2 * relu(stiff))
        z.append(speed)
        y.append(place + p.Delta * speed)
    return {"y": y, "z": z, "x": [a + d * u for a, d, u in zip(rows((p.C, y)), p.D, v["u"], strict=True)]}


def linoss_damped(p: Params, v: Trace) -> dict[str, Any]:
    x, z, drive = list(v["x", -1]), list(v["z", -1]), rows((p.B, v["u"]))
    for n, (step, damping) in enumerate(zip(p.Delta, p.G, strict=True)):
        z[n] = (z[n] + step * (drive[n] - p.A[n] * x[n])) / (1 + step * damping)
        x[n] += step * z[n]
    return {"x": x, "z": z, "y": [a + d * u for a, d, u in zip(rows((p.C, x)), p.D, v["u"], strict=True)]}


def unicornn(p: Params, v: Trace) -> dict[str, Any]:
    drive = rows((p.V, v["u"]))
    y, z = [], []
    for n, (place, speed) in enumerate(zip(v["y", -1], v["z", -1], strict=True)):
        step = p.Delta * sigmoid(p.c[n])
        z.append(speed - step * (tanh(p.w[n] * place + drive[n] + p.b[n]) + p.alpha * place))
        y.append(place + step * z[-1])
    return {"y": y, "z": z, "o": rows((p.Q, y))}


CELLS: dict[str, tuple[Step, str]] = {
    "rnn_cayley": (rnn_cayley, "o"),
    "lstm_mogrifier": (lstm_mogrifier, "h"),
    "gru_d": (gru_d, "h"),
    "lstm_phased": (lstm_phased, "h"),
    "kimi_delta": (kimi_delta, "o"),
    "deltaproduct": (deltaproduct, "o"),
    "mesanet": (mesanet, "o"),
    "titans": (titans, "y"),
    "ttt_linear": (ttt_linear, "z"),
    "ttt_mlp": (ttt_mlp, "z"),
    "comba": (comba, "o"),
    "abc": (abc, "o"),
    "rwkv6": (rwkv6, "o"),
    "hgrn2": (hgrn2, "y"),
    "linoss": (linoss, "x"),
    "linoss_damped": (linoss_damped, "y"),
    "unicornn": (unicornn, "o"),
}
