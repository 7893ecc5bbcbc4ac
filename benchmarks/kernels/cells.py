"""The cells and sizes of the benchmark, and their data.

A cell is its equations, and one step of it as a person writes it for rows of examples, with a namespace `xp` for NumPy,
autograd or JAX. What comes from x is handed to the step, computed for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import rnnsym

#: Batch, length, units, inputs.
SIZES = {"s1": (1, 50, 100, 80), "s32": (32, 100, 128, 128), "s64": (64, 200, 256, 256), "s16": (16, 1000, 64, 64)}

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """equations: in rnnsym's language. step: (xp, params, state, what comes from x by gate) to the next state.

    gates: names of the gates; for each, `U_gate x + b_gate` comes from x. The state's first entry is h. outputs: the
    loss is a softmax cross-entropy on h; otherwise it is linear in h, the sum of G[t] h[t].
    """

    equations: str
    step: Callable[[Any, Arrays, tuple[Any, ...], Arrays], tuple[Any, ...]]
    gates: str
    states: tuple[str, ...] = ("h",)
    outputs: bool = False


def sigmoid(xp: Any, z: Any) -> Any:
    return 0.5 * xp.tanh(0.5 * z) + 0.5


def _rnn(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    return (xp.tanh(u["h"] + state[0] @ p["W_h"].T),)


def _lstm(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    h, c = state
    i, f, o = (sigmoid(xp, u[k] + h @ p[f"W_{k}"].T) for k in "ifo")
    c = f * c + i * xp.tanh(u["g"] + h @ p["W_g"].T)
    return o * xp.tanh(c), c


def _gru(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    (h,) = state
    r, z = (sigmoid(xp, u[k] + h @ p[f"W_{k}"].T) for k in "rz")
    n = xp.tanh(u["n"] + r * (h @ p["W_n"].T + p["d_n"]))
    return (n + z * (h - n),)


def _peephole(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    h, c = state
    i, f = (sigmoid(xp, u[k] + h @ p[f"W_{k}"].T + p[f"p_{k}"] * c) for k in "if")
    c = f * c + i * xp.tanh(u["g"] + h @ p["W_g"].T)
    o = sigmoid(xp, u["o"] + h @ p["W_o"].T + p["p_o"] * c)
    return o * xp.tanh(c), c


def _coupled(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    h, c = state
    f, o = (sigmoid(xp, u[k] + h @ p[f"W_{k}"].T) for k in "fo")
    g = xp.tanh(u["g"] + h @ p["W_g"].T)
    c = g + f * (c - g)
    return o * xp.tanh(c), c


def _mgu(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    (h,) = state
    f = sigmoid(xp, u["f"] + h @ p["W_f"].T)
    g = xp.tanh(u["g"] + (f * h) @ p["W_g"].T)
    return (h + f * (g - h),)


def _invented(xp: Any, p: Arrays, state: tuple[Any, ...], u: Arrays) -> tuple[Any, ...]:
    h, s = state
    r = sigmoid(xp, u["r"] + h @ p["W_r"].T)
    s = r * s + xp.tanh(u["u"] + h @ p["W_u"].T) * sigmoid(xp, u["q"] + s * p["v"])
    return r * xp.tanh(s) + 0.5 * h, s


def _gate(name: str, function: str = "sigmoid", more: str = "") -> str:
    return f"{name}[t] = {function}(W_{name} @ h[t-1] + U_{name} @ x[t]{more} + b_{name})\n"


_MEMORY = "c[t] = f[t] * c[t-1] + i[t] * g[t]\n"
_OUT = "h[t] = o[t] * tanh(c[t])\n"
_LINEAR = "E[t] = dot(G[t], h[t])"

CELLS = {
    "rnn": Cell(
        _gate("h", "tanh") + "y[t] = softmax(V @ h[t] + c)\nE[t] = cross_entropy(target[t], y[t])",
        _rnn,
        "h",
        outputs=True,
    ),
    "lstm": Cell(
        _gate("i") + _gate("f") + _gate("g", "tanh") + _gate("o") + _MEMORY + _OUT + _LINEAR, _lstm, "ifgo", ("h", "c")
    ),
    "gru": Cell(
        _gate("r")
        + _gate("z")
        + "n[t] = tanh(U_n @ x[t] + b_n + r[t] * (W_n @ h[t-1] + d_n))\nh[t] = (1 - z[t]) * n[t] + z[t] * h[t-1]\n"
        + _LINEAR,
        _gru,
        "rzn",
    ),
    "peephole": Cell(
        _gate("i", more=" + p_i * c[t-1]")
        + _gate("f", more=" + p_f * c[t-1]")
        + _gate("g", "tanh")
        + _MEMORY
        + _gate("o", more=" + p_o * c[t]")
        + _OUT
        + _LINEAR,
        _peephole,
        "ifgo",
        ("h", "c"),
    ),
    "coupled": Cell(
        _gate("f") + _gate("g", "tanh") + _gate("o") + "c[t] = f[t] * c[t-1] + (1 - f[t]) * g[t]\n" + _OUT + _LINEAR,
        _coupled,
        "fgo",
        ("h", "c"),
    ),
    "mgu": Cell(
        _gate("f")
        + "g[t] = tanh(W_g @ (f[t] * h[t-1]) + U_g @ x[t] + b_g)\nh[t] = (1 - f[t]) * h[t-1] + f[t] * g[t]\n"
        + _LINEAR,
        _mgu,
        "fg",
    ),
    "invented": Cell(
        _gate("r")
        + _gate("u", "tanh")
        + "q[t] = sigmoid(U_q @ x[t] + b_q + v * s[t-1])\ns[t] = r[t] * s[t-1] + u[t] * q[t]\n"
        + "h[t] = r[t] * tanh(s[t]) + 0.5 * h[t-1]\n"
        + _LINEAR,
        _invented,
        "ruq",
        ("h", "s"),
    ),
}


@dataclass(frozen=True)
class Problem:
    """A cell with data: params and inputs as rnnsym's kernels take them. labels: the targets as class indices."""

    name: str
    cell: Cell
    model: rnnsym.Model
    params: Arrays
    inputs: Arrays
    labels: Any

    @property
    def wanted(self) -> list[str]:
        """The keys whose gradients are compared: all but those of the loss's own inputs."""
        return [k for k in (*self.model.parameters, *self.model.input_keys) if k not in ("G", "target")]

    @property
    def classes(self) -> Arrays:
        """The inputs with targets as class indices, where there are targets."""
        return self.inputs if self.labels is None else {**self.inputs, "target": self.labels}


def problem(name: str, size: str | tuple[int, int, int, int], dtype: str) -> Problem:
    """Data for a cell; the same for every implementation."""
    batch, length, units, features = SIZES[size] if isinstance(size, str) else size
    cell = CELLS[name]
    model = rnnsym.Model(cell.equations, sizes={"x": "m", "h": "n", **({"y": "k"} if cell.outputs else {})})
    sizes = {"n": units, "m": features, "k": features, "T": length, "B": batch}
    random = np.random.default_rng(0)
    bound = 1 / np.sqrt(units)
    shapes = {key: tuple(sizes[str(part)] for part in model.shapes[key]) for key in model.parameters}
    params = {key: random.uniform(-bound, bound, shape).astype(dtype) for key, shape in shapes.items()}
    inputs = {"x": random.standard_normal((length, batch, features)).astype(dtype)}
    for state in cell.states:
        inputs[f"{state}[0]"] = (0.1 * random.standard_normal((batch, units))).astype(dtype)
    labels = None
    if cell.outputs:
        labels = random.integers(0, features, (length, batch))
        inputs["target"] = np.eye(features, dtype=dtype)[labels]
    else:
        inputs["G"] = random.standard_normal((length, batch, units)).astype(dtype)
    return Problem(name, cell, model, params, inputs, labels)


def loss(xp: Any, cell: Cell, params: Arrays, inputs: Arrays, scan: Callable[..., Any]) -> Any:
    """The loss as a person writes it; `scan(step, states, u)` gives h for all steps, (T, B, n)."""
    x = inputs["x"]
    u = {gate: x @ params[f"U_{gate}"].T + params[f"b_{gate}"] for gate in cell.gates}
    states = tuple(inputs[f"{state}[0]"] for state in cell.states)
    hidden = scan(lambda state, now: cell.step(xp, params, state, now), states, u)
    if not cell.outputs:
        return xp.sum(hidden * inputs["G"])
    o = hidden @ params["V"].T + params["c"]
    o = o - xp.max(o, axis=-1, keepdims=True)
    return xp.sum(inputs["target"] * (xp.log(xp.sum(xp.exp(o), axis=-1, keepdims=True)) - o))
