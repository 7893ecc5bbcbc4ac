"""A character model on column vectors: one example, one-hot indices, arrays in dictionaries by step."""

from __future__ import annotations

import numpy as np

OPTIONS = {
    "layout": "columns",
    "batch": "single",
    "indices": ("x", "target"),
    "names": {"U": "Wxh", "W": "Whh", "V": "Why", "b": "bh", "c": "by", "h[0]": "hprev", "target": "targets"},
}


def forward(p, inputs, targets, hprev):
    size = p["Wxh"].shape[1]
    xs, hs, ps, loss = {}, {-1: hprev}, {}, 0.0
    for t in range(len(inputs)):
        xs[t] = np.zeros((size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(p["Wxh"] @ xs[t] + p["Whh"] @ hs[t - 1] + p["bh"])
        scores = p["Why"] @ hs[t] + p["by"]
        ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(ps[t][targets[t], 0])
    return xs, hs, ps, loss


def char_rnn(params, inputs, clip=None, slope=True, before=True, keep=True, recurrent=True, turned=False, inside=None):
    x, targets, hprev = inputs["x"], inputs["targets"], inputs["hprev"]
    xs, hs, ps, loss = forward(params, x, targets, hprev)
    grads = {name: np.zeros_like(params[name]) for name in ("Wxh", "Whh", "Why", "bh", "by")}
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(x))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grads["Why"] += dy @ hs[t].T
        grads["by"] += dy
        dh = params["Why"].T @ dy + (dhnext if recurrent else 0)
        dhraw = (1 - hs[t] * hs[t]) * dh if slope else dh
        grads["bh"] += dhraw
        grads["Wxh"] += dhraw @ xs[t].T
        grads["Whh"] += dhraw @ (hs[t - 1] if before else hs[t]).T
        if not keep:
            grads["bh"] = dhraw
        dhnext = (params["Whh"] if turned else params["Whh"].T) @ dhraw
        if inside:
            dhnext = np.clip(dhnext, -inside, inside)
    if clip is not None:
        for grad in grads.values():
            np.clip(grad, -clip, clip, out=grad)
    return loss, {"d" + name: grad for name, grad in grads.items()} | {"dhprev": dhnext}


def char_rnn_clipped(params, inputs):
    return char_rnn(params, inputs, clip=5)


def char_rnn_no_slope(params, inputs):
    return char_rnn(params, inputs, slope=False)


def char_rnn_state_after(params, inputs):
    return char_rnn(params, inputs, before=False)


def char_rnn_bias_assigned(params, inputs):
    return char_rnn(params, inputs, keep=False)


def char_rnn_one_step(params, inputs):
    loss, grads = char_rnn(params, inputs, recurrent=False)
    return loss, {name: grads[name] for name in ("dWxh", "dWhh", "dbh", "dWhy", "dby")}


def char_rnn_turned(params, inputs):
    return char_rnn(params, inputs, turned=True)


def char_rnn_clipped_inside(params, inputs):
    return char_rnn(params, inputs, inside=0.5)


CASES = [
    {"function": char_rnn_clipped_inside, "model": "rnn", "kinds": {"clipped"}, "says": "what is passed back to h from the step after is clipped to ±0.5", "options": OPTIONS},
    {"function": char_rnn, "model": "rnn", "verdict": "supported", "options": OPTIONS},
    {"function": char_rnn_clipped, "model": "rnn", "verdict": "conditional", "says": "clipped", "options": OPTIONS},
    {"function": char_rnn_no_slope, "model": "rnn", "kinds": {"derivative"}, "says": "the derivative of tanh is missing", "options": OPTIONS},
    {"function": char_rnn_state_after, "model": "rnn", "kinds": {"operand"}, "says": "h[t] stands for h[t-1]", "options": OPTIONS},
    {"function": char_rnn_bias_assigned, "model": "rnn", "kinds": {"sum"}, "says": "gradient of b holds step 1 alone", "options": OPTIONS},
    {"function": char_rnn_one_step, "model": "rnn", "kinds": {"immediate"}, "says": "every path through time is missing", "options": OPTIONS},
    {"function": char_rnn_turned, "model": "rnn", "verdict": "conditional", "kinds": {"transpose"}, "says": "W stands for its transpose", "options": OPTIONS},
]  # fmt: skip
