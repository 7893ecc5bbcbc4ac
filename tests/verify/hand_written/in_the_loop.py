"""Faults of the loop itself: lists read at -1, clipping at some place of it, gradients added too often, steps left out."""

from __future__ import annotations

import numpy as np

from rnnsym import Model

EVERY = Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], V @ h[t])",
    sizes={"h": "n", "x": "m", "d": "k"},
    name="loss at every step",
)
LAST = Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\ny = V @ h[T]\nE = squared_error(d, y)",
    sizes={"h": "n", "x": "m", "d": "k"},
    inputs=("d",),
    name="loss at the end",
)
HALF_WAVE = Model(
    "h[t] = relu(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], V @ h[t])",
    sizes={"h": "n", "x": "m", "d": "k"},
    name="relu",
)
LETTERS = Model(
    "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = cross_entropy(d[t], softmax(V @ h[t]))",
    sizes={"h": "n", "x": "m", "d": "k"},
    name="letters",
)


class Loop:
    """One loop backwards; attributes say where it goes wrong."""

    relu = softmax = wraps = at_end = every_step = last_error = slope_of_gradient = without_matrix = False
    steps = sums = shares = norm = carried = clip = decay = None

    def __init__(self, **faults):
        self.__dict__.update(faults)

    def states(self, p, inputs):
        found = [inputs["h[0]"]]
        for x in inputs["x"]:
            a = found[-1] @ p["W"].T + x @ p["U"].T + p["b"]
            found.append(np.maximum(a, 0) if self.relu else np.tanh(a))
        return found

    def error(self, h, p, inputs, t):
        y = h[t] @ p["V"].T
        if self.softmax:
            y = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
        return y - (inputs["d"] if self.at_end else inputs["d"][t - 1])

    def slope(self, h, dh):
        if self.relu:
            return (dh if self.slope_of_gradient else h) > 0
        return 1 - h**2

    def __call__(self, p, inputs):
        h, x = self.states(p, inputs), inputs["x"]
        total = {name: np.zeros_like(array) for name, array in p.items()}
        later = np.zeros_like(h[0])
        for t in range(len(x), 0, -1):
            share = {}
            dh = later
            if not self.at_end or self.every_step or t == len(x):
                dy = self.error(h, p, inputs, len(x) if self.last_error or self.at_end else t)
                dh = dh + dy @ p["V"]
                if not self.at_end or t == len(x):
                    share["V"] = dy.T @ h[t]
            da = dh * self.slope(h[t], dh)
            before = h[-1] if self.wraps and t == 1 else h[t - 1]
            share |= {"W": da.T @ before, "U": da.T @ x[t - 1], "b": da.sum(axis=0)}
            for name, array in share.items():
                total[name] += array if self.shares is None else np.clip(array, -self.shares, self.shares)
                if self.sums is not None:
                    total[name] = np.clip(total[name], -self.sums, self.sums)
            later = da if self.without_matrix else da @ p["W"]
            if self.carried is not None:
                later = np.clip(later, -self.carried, self.carried)
            if self.steps is not None and len(x) - t + 1 == self.steps:
                break
        if self.clip is not None:
            total = {name: np.clip(array, -self.clip, self.clip) for name, array in total.items()}
        if self.norm is not None:
            size = np.sqrt(sum(np.sum(array**2) for array in total.values()))
            total = {name: array * min(1.0, self.norm / size) for name, array in total.items()} | {"h[0]": later}
        if self.decay is not None:
            total |= {name: total[name] + self.decay * p[name] for name in ("W", "U", "V")}
        return total


def case(title, model, verdict="refuted", says="", **faults):
    loop = Loop(**faults)

    def function(params, inputs):
        return loop(params, inputs)

    function.__name__ = title
    return {"function": function, "model": model, "verdict": verdict, "says": says}


CASES = [
    case("loop_right", EVERY, "supported"),
    case("loop_right_at_end", LAST, "supported", at_end=True),
    case("loop_right_relu", HALF_WAVE, "supported", relu=True),
    case("list_at_minus_one", EVERY, says="in step 1, h[T] stands for h[0]", wraps=True),
    case("sums_clipped_in_the_loop", EVERY, says="±1 after every step of the loop", sums=1.0),
    case("shares_clipped_in_the_loop", EVERY, says="±0.5 before it is added", shares=0.5),
    case("common_norm", EVERY, says="the common norm of those of the parameters is at most 5", norm=5.0),
    case("last_five_steps", EVERY, says="over the last 5 steps only", steps=5),
    case("last_error_at_every_step", EVERY, says="the error of the last step stands for that", last_error=True),
    case("matrix_forgotten", EVERY, says="through W, W is missing", without_matrix=True),
    case("penalty", EVERY, says="(weight decay)", decay=0.01),
    case("added_at_every_step", LAST, says="is added at every step", at_end=True, every_step=True),
    case("relu_of_the_gradient", HALF_WAVE, says="where it is negative itself", relu=True, slope_of_gradient=True),
    case("far_limit_of_letters", LETTERS, "conditional", "±5 at every step", softmax=True, carried=5.0),
    case("far_clip_of_letters", LETTERS, "conditional", "element by element to ±10", softmax=True, clip=10.0),
]
