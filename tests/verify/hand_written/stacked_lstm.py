"""An LSTM layer with its gates in one matrix, step by step with caches, as in course assignments.

Arrays are rows; W is (4n, m + n) for x and h side by side, the gates in the order i, f, o, g. The loss of the layer
alone is the product with what comes back from above.
"""

from __future__ import annotations

import numpy as np

import rnnsym

MODEL = rnnsym.Model(
    """
    i[t] = sigmoid(U_i @ x[t] + W_i @ h[t-1] + b_i)
    f[t] = sigmoid(U_f @ x[t] + W_f @ h[t-1] + b_f)
    o[t] = sigmoid(U_o @ x[t] + W_o @ h[t-1] + b_o)
    g[t] = tanh(U_g @ x[t] + W_g @ h[t-1] + b_g)
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    h[t] = o[t] * tanh(c[t])
    E[t] = dot(dh[t], h[t])
    """,
    sizes={"x": "m", "h": "n"},
    name="LSTM layer",
)
STACK = {"W": [[f"U_{k}", f"W_{k}"] for k in "ifog"], "b": [[f"b_{k}"] for k in "ifog"]}
OPTIONS = {"stack": STACK, "names": {"h[0]": "h0", "c[0]": "c0"}}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Faults:
    """Which line is wrong."""

    cell_passes_f = True
    cell_gets_h = True
    cell_slope = True
    candidate = "tanh"
    forget_operand = "before"
    output_operand = "tanh(c)"
    gates_pass_back = True
    bias = "sum"
    next_cell_twice = False


def step_forward(x, h, c, W, b):
    n = h.shape[1]
    joined = np.hstack((x, h))
    z = joined @ W.T + b
    i, f, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
    g = np.tanh(z[:, 3 * n :])
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    return h_next, c_next, (joined, c, c_next, i, f, o, g)


def step_backward(dh, dc, cache, W, fault):
    joined, c, c_next, i, f, o, g = cache
    n = dh.shape[1]
    tanh_c = np.tanh(c_next)
    slope = 1 - tanh_c**2 if fault.cell_slope is True else 1 - c_next**2 if fault.cell_slope == "c" else 1.0
    do = dh * (tanh_c if fault.output_operand == "tanh(c)" else c_next)
    dc = dc + (dh * o * slope if fault.cell_gets_h else 0)
    df = dc * (c if fault.forget_operand == "before" else c_next)
    di, dg = dc * g, dc * i
    da = np.hstack(
        (
            di * i * (1 - i),
            df * f * (1 - f),
            do * o * (1 - o),
            dg * (1 - g**2 if fault.candidate == "tanh" else g * (1 - g)),
        )
    )
    dW = da.T @ joined
    db = da.sum(axis=0) if fault.bias == "sum" else da.mean(axis=0)
    back = da @ W
    dx, dh_before = back[:, :-n], back[:, -n:]
    if not fault.gates_pass_back:
        dh_before = np.zeros_like(dh_before)
    return dx, dh_before, dc * f if fault.cell_passes_f else dc, dW, db


def lstm_layer(params, inputs, fault=Faults):
    W, b, h, c = params["W"], params["b"], inputs["h0"], inputs["c0"]
    caches = []
    for x in inputs["x"]:
        h, c, cache = step_forward(x, h, c, W, b)
        caches.append(cache)
    dx = np.zeros_like(inputs["x"])
    dW, db = np.zeros_like(W), np.zeros_like(b)
    dh_next, dc_next = np.zeros_like(h), np.zeros_like(c)
    for t in range(len(caches) - 1, -1, -1):
        dx[t], dh_next, dc_next, dW_t, db_t = step_backward(inputs["dh"][t] + dh_next, dc_next, caches[t], W, fault)
        dW += dW_t
        db += db_t
    return {"x": dx, "W": dW, "b": db, "h0": dh_next, "c0": dc_next}


def faulty(name, **changed):
    fault = type("Fault", (Faults,), changed)

    def function(params, inputs):
        return lstm_layer(params, inputs, fault)

    function.__name__ = name
    return function


CASES = [
    {"function": lstm_layer, "model": MODEL, "verdict": "supported", "options": OPTIONS},
    {"function": faulty("lstm_cell_not_gated", cell_passes_f=False), "model": MODEL, "kinds": {"operand"}, "says": "in the path from c[t-1] to c[t] through f[t], f[t] is missing", "options": OPTIONS},
    {"function": faulty("lstm_cell_without_state", cell_gets_h=False), "model": MODEL, "kinds": {"path"}, "says": "the path from c[t] to h[t]", "options": OPTIONS},
    {"function": faulty("lstm_slope_missing", cell_slope=False), "model": MODEL, "kinds": {"derivative"}, "says": "the derivative of tanh is missing", "options": OPTIONS},
    {"function": faulty("lstm_slope_of_cell", cell_slope="c"), "model": MODEL, "kinds": {"derivative"}, "says": "c[t] for tanh(c[t])", "options": OPTIONS},
    {"function": faulty("lstm_candidate_logistic", candidate="sigmoid"), "model": MODEL, "kinds": {"derivative"}, "says": "in g[t], the derivative of sigmoid stands for that of tanh", "options": OPTIONS},
    {"function": faulty("lstm_forget_cell_after", forget_operand="after"), "model": MODEL, "kinds": {"operand"}, "says": "c[t] stands for c[t-1]", "options": OPTIONS},
    {"function": faulty("lstm_output_cell", output_operand="c"), "model": MODEL, "kinds": {"operand"}, "says": "c[t] stands for tanh(c[t])", "options": OPTIONS},
    {"function": faulty("lstm_only_cell_path", gates_pass_back=False), "model": MODEL, "kinds": {"path"}, "says": "through h", "options": OPTIONS},
    {"function": faulty("lstm_bias_mean", bias="mean"), "model": MODEL, "kinds": {"mean"}, "says": "averaged over the batch", "options": OPTIONS},
    {"function": faulty("lstm_two_faults", candidate="sigmoid", cell_passes_f=False), "model": MODEL, "kinds": {"derivative", "operand"}, "says": "the derivative of sigmoid stands for that of tanh", "options": OPTIONS},
    {"function": faulty("lstm_three_faults", candidate="sigmoid", output_operand="c", bias="mean"), "model": MODEL, "kinds": {"derivative", "operand", "mean"}, "says": "averaged over the batch", "options": OPTIONS},
]  # fmt: skip
