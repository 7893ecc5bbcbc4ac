"""The best hand-written NumPy passes that we know, one for each of three cells: what a generated kernel is measured by.

Gates in slabs, one call for all of them; what no adjoint is needed for is computed for a chunk of steps at once; weight
gradients as one product for each chunk. Weights are kept in rows (inputs, gates * units) in an order of their own: the
conversion happens once in `make`, everything else is part of what is timed.
"""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from .gru import make_gru_slab
from .lstm import make_lstm_slab
from .rnn import make_rnn_slab

GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}


def make(problem):
    """The pass for a problem of `cells.problem`, as a function that gives the loss and the gradients by key."""
    cell, gates = problem.name, GATES[problem.name]
    params, inputs = problem.params, problem.inputs
    p = {
        "x": inputs["x"],
        "h0": inputs["h[0]"],
        "W": np.concatenate([params[f"U_{k}"].T for k in gates], 1),
        "U": np.concatenate([params[f"W_{k}"].T for k in gates], 1),
        "b": np.concatenate([params[f"b_{k}"] for k in gates]),
    }
    if cell == "rnn":
        p |= {"y": problem.labels, "Wy": np.ascontiguousarray(params["V"].T), "by": params["c"]}
    else:
        p["G"] = inputs["G"]
    if cell == "lstm":
        p["c0"] = inputs["c[0]"]
    if cell == "gru":
        p["bn"] = params["d_n"]
    made = {"lstm": make_lstm_slab, "gru": make_gru_slab, "rnn": make_rnn_slab}[cell](p, 0, 0, -1, 0)
    units = p["h0"].shape[1]

    def run():
        made.run()
        return made

    def gradients(_):
        found = made.canon()
        cut = {k: slice(n * units, (n + 1) * units) for n, k in enumerate(gates)}
        result = {"x": found["dx"], "h[0]": found["dh0"]}
        for k in gates:
            result[f"U_{k}"], result[f"W_{k}"] = found["dW"][:, cut[k]].T, found["dU"][:, cut[k]].T
            result[f"b_{k}"] = found["db"][cut[k]]
        names = {"dc0": "c[0]", "dbn": "d_n", "dby": "c"}
        result |= {names[key]: found[key] for key in names if key in found}
        if "dWy" in found:
            result["V"] = found["dWy"].T
        return result

    run.gradients = gradients
    return run
