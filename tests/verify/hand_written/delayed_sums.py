"""An LSTM for speed: rows, x @ W with the gates side by side, and one product after the loop for each gradient."""

from __future__ import annotations

import numpy as np

import rnnsym

MODEL = rnnsym.Model(
    """
    i[t] = sigmoid(U_i @ x[t] + W_i @ h[t-1] + b_i)
    f[t] = sigmoid(U_f @ x[t] + W_f @ h[t-1] + b_f)
    g[t] = tanh(U_g @ x[t] + W_g @ h[t-1] + b_g)
    o[t] = sigmoid(U_o @ x[t] + W_o @ h[t-1] + b_o)
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    h[t] = o[t] * tanh(c[t])
    E[t] = dot(G[t], h[t])
    """,
    sizes={"x": "m", "h": "n"},
    name="LSTM layer",
)
OPTIONS = {
    "stack": {"W": [[f"U_{k}" for k in "ifgo"]], "U": [[f"W_{k}" for k in "ifgo"]], "b": [[f"b_{k}" for k in "ifgo"]]},
    "transpose": [f"{kind}_{k}" for kind in "UW" for k in "ifgo"],
}


def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def lstm(params, inputs, states="before", later=True, order="ifgo"):
    W, U, b = params["W"], params["U"], params["b"]
    x, G = inputs["x"], inputs["G"]
    steps, batch, _ = x.shape
    n = U.shape[0]
    hs = np.empty((steps + 1, batch, n))
    cs = np.empty_like(hs)
    hs[0], cs[0] = inputs["h[0]"], inputs["c[0]"]
    gates = np.empty((steps, batch, 4 * n))
    columns = {gate: slice(place * n, (place + 1) * n) for place, gate in enumerate(order)}
    hoisted = x @ W + b
    for t in range(steps):
        z = hoisted[t] + hs[t] @ U
        for gate in "ifo":
            gates[t][:, columns[gate]] = sigmoid(z[:, columns[gate]])
        gates[t][:, columns["g"]] = np.tanh(z[:, columns["g"]])
        i, f, g, o = (gates[t][:, columns[gate]] for gate in "ifgo")
        cs[t + 1] = f * cs[t] + i * g
        hs[t + 1] = o * np.tanh(cs[t + 1])
    dz = np.empty_like(gates)
    dh, dc = np.zeros((batch, n)), np.zeros((batch, n))
    for t in range(steps)[::-1]:
        i, f, g, o = (gates[t][:, columns[gate]] for gate in "ifgo")
        tanh_c = np.tanh(cs[t + 1])
        dh = dh + G[t]
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        dz[t][:, columns["i"]] = dc * g * i * (1 - i)
        dz[t][:, columns["f"]] = dc * cs[t] * f * (1 - f)
        dz[t][:, columns["g"]] = dc * i * (1 - g * g)
        dz[t][:, columns["o"]] = dh * tanh_c * o * (1 - o)
        dc = dc * f
        dh = dz[t] @ U.T if later else np.zeros_like(dh)
    flat = dz.reshape(-1, 4 * n)
    read = hs[:-1] if states == "before" else hs[1:]
    return {
        "W": x.reshape(steps * batch, -1).T @ flat,
        "U": read.reshape(steps * batch, -1).T @ flat,
        "b": flat.sum(0),
        "x": dz @ W.T,
        "h[0]": dh,
        "c[0]": dc,
    }


def states_one_late(params, inputs):
    return lstm(params, inputs, states="after")


def hidden_state_cut(params, inputs):
    return lstm(params, inputs, later=False)


def gates_in_another_order(params, inputs):
    return lstm(params, inputs, order="iofg")


CASES = [
    {"function": lstm, "model": MODEL, "verdict": "supported", "options": OPTIONS},
    {"function": states_one_late, "model": MODEL, "kinds": {"operand"}, "says": "h[t] stands for h[t-1] in the gradients of the parameters", "options": OPTIONS},
    {"function": hidden_state_cut, "model": MODEL, "kinds": {"path"}, "says": "nothing is passed back to h[t-1]", "options": OPTIONS},
    {"function": gates_in_another_order, "model": MODEL, "kinds": {"model"}, "says": "f[t] with those of g[t], g[t] with those of o[t], o[t] with those of f[t]", "options": OPTIONS},
]  # fmt: skip
