"""Small networks whose loss, or whose bookkeeping, is not that of the model."""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def elman(params, inputs, half=True, output_slope=True, update=None, last=False, wrong_delta=False):
    p, x, d = params, inputs["x"], inputs["target"]
    steps = len(x)
    h, y = [inputs["h[0]"]], []
    for t in range(steps):
        h.append(sigmoid(x[t] @ p["U"].T + h[-1] @ p["W"].T + p["b"]))
        y.append(sigmoid(h[-1] @ p["V"].T + p["c"]))
    grads = {name: np.zeros_like(p[name]) for name in p}
    later = 0.0
    for t in range(steps - 1, -1, -1):
        error = (y[t] - d[t]) * (1 if half else 2)
        if last and t < steps - 1:
            error = 0 * error
        delta_y = error * y[t] * (1 - y[t]) if output_slope else error
        delta_h = (delta_y @ p["V"] + later) * h[t + 1] * (1 - h[t + 1])
        grads["V"] += np.einsum("bi,bj->ij", delta_y, h[t + 1])
        grads["c"] += delta_y.sum(0)
        grads["U"] += np.einsum("bi,bj->ij", delta_h, x[t])
        grads["W"] += np.einsum("bi,bj->ij", delta_h, h[t])
        grads["b"] += (delta_y @ p["V"] + later).sum(0) if wrong_delta else delta_h.sum(0)
        later = delta_h @ p["W"]
    if update:
        for name in grads:
            params[name] -= update * grads[name]
    return grads


def squared_error_without_half(params, inputs):
    return elman(params, inputs, half=False)


def output_without_slope(params, inputs):
    return elman(params, inputs, output_slope=False)


def updates_in_place(params, inputs):
    return elman(params, inputs, update=0.1)


def last_loss_only(params, inputs):
    return elman(params, inputs, last=True)


def bias_with_wrong_delta(params, inputs):
    return elman(params, inputs, wrong_delta=True)


class Network:
    """Keeps its gradients, and its state, from call to call."""

    def __init__(self, keep_sums=False, keep_state=False):
        self.keep_sums, self.keep_state = keep_sums, keep_state
        self.sums = None
        self.state = None

    def __call__(self, params, inputs):
        if self.keep_state and self.state is not None and self.state.shape == inputs["h[0]"].shape:
            inputs = inputs | {"h[0]": self.state}
        grads = elman(params, inputs)
        if self.keep_state:
            self.state = np.tanh(inputs["h[0]"] + 0.1)
        if not self.keep_sums:
            return grads
        fresh = self.sums is None or any(self.sums[n].shape != grads[n].shape for n in grads)
        self.sums = grads if fresh else {n: self.sums[n] + grads[n] for n in grads}
        return dict(self.sums)


def accumulates(params, inputs, network=Network(keep_sums=True)):  # noqa: B008
    return network(params, inputs)


def stateful(params, inputs, network=Network(keep_state=True)):  # noqa: B008
    return network(params, inputs)


def with_dropout(params, inputs):
    mask = (np.random.rand(*inputs["h[0]"].shape) > 0.5) / 0.5
    return elman(params, inputs | {"h[0]": inputs["h[0]"] * mask})


def zero_state(params, inputs):
    return elman(params, inputs | {"h[0]": np.zeros_like(inputs["h[0]"])})


def wrong_shape(params, inputs):
    grads = elman(params, inputs)
    return grads | {"b": np.stack([grads["b"], grads["b"], grads["b"]])}


def not_a_number(params, inputs):
    return {"U": elman(params, inputs)["U"] * np.log(-1.0)}


def raises(params, inputs):
    return params["Wxh"]


CASES = [
    {"function": elman, "model": "elman", "verdict": "supported"},
    {"function": squared_error_without_half, "model": "elman", "kinds": {"multiple"}, "says": "2 times the gradient"},
    {"function": output_without_slope, "model": "elman", "kinds": {"derivative"}, "says": "in y[t], the derivative of sigmoid is missing"},
    {"function": updates_in_place, "model": "elman", "verdict": "malformed", "says": "in place"},
    {"function": last_loss_only, "model": "elman", "kinds": {"loss"}, "says": "only the loss of the last step"},
    {"function": bias_with_wrong_delta, "model": "elman", "kinds": {"delta"}, "says": "the gradient of b is made with the adjoint of h[t]"},
    {"function": accumulates, "model": "elman", "kinds": {"state"}, "says": "accumulators"},
    {"function": stateful, "model": "elman", "kinds": {"state"}, "says": "the first call is right"},
    {"function": with_dropout, "model": "elman", "kinds": {"random"}, "says": "random"},
    {"function": zero_state, "model": "elman", "verdict": "conditional", "says": "initial states are zero"},
    {"function": wrong_shape, "model": "elman", "verdict": "malformed", "says": "expected (n,) = (", },
    {"function": not_a_number, "model": "elman", "verdict": "malformed", "says": "NaN"},
    {"function": raises, "model": "elman", "verdict": "malformed", "says": "KeyError"},
]  # fmt: skip
