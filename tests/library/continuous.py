"""Cells that take steps of a differential equation, unit by unit."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Step, Trace, inner, plus, rows, sigmoid

tanh = math.tanh


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


CELLS: dict[str, tuple[Step, str]] = {
    "lmu": (lmu, "h"),
    "ctrnn": (ctrnn, "y"),
    "antisymmetric": (antisymmetric, "h"),
    "cornn": (cornn, "y"),
    "lipschitz": (lipschitz, "y"),
    "lem": (lem, "y"),
    "ltc": (ltc, "x"),
    "cfc": (cfc, "x"),
}
