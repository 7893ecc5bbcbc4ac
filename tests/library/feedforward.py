"""Networks without time, unit by unit."""

from __future__ import annotations

import math
from types import SimpleNamespace as Params
from typing import Any

from .scalars import Vector, cross_entropy, plus, relu, rows, sigmoid, squared

tanh = math.tanh


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


LOSSES = {f.__name__: f for f in (feedforward_sigmoid, feedforward_deep, feedforward_relu, highway, residual)}
