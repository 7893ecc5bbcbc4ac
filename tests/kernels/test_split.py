"""Vectors of which only parts are read: gates cut out of one product."""

from __future__ import annotations

import pytest
from test_fast import SMALL, same_as_step_by_step

from rnnsym import Model, generate

_CELL = "h[t] = sigmoid(f[t]) * h[t-1] + tanh(g[t])\nE[t] = squared_error(target[t], h[t])"

SPLIT = (
    f"u[t] = W @ h[t-1] + U @ x[t] + b\nf[t], g[t] = split(u[t])\n{_CELL}",
    f"f[t], g[t] = split(W @ concat(h[t-1], x[t]) + b)\n{_CELL}",
    # A matrix that is transposed, and parts that are read in another order than they stand in.
    "g[t], f[t] = split(W.T @ h[t-1] + 2 * b)\nh[t] = sigmoid(f[t]) * h[t-1] + tanh(g[t]) + x[t]\nE[t] = dot(G[t], h[t])",
    # Two vectors that are cut, one before the recurrence.
    """a[t], z[t] = split(U @ x[t] + b)
p[t], q[t] = split(W @ h[t-1])
h[t] = tanh(a[t] + p[t]) * sigmoid(z[t] + q[t])
E[t] = dot(G[t], h[t])""",
)
#: Something else is read of the vector, of a parameter or of the adjoint.
WHOLE = (
    "u[t] = W @ h[t-1] + x[t]\nf[t], g[t] = split(u[t])\nh[t] = sigmoid(f[t]) * tanh(g[t])\nE[t] = dot(G[t], h[t])",
    "u[t] = W @ h[t-1] + b\nf[t], g[t] = split(u[t])\nh[t] = sigmoid(f[t]) * tanh(g[t])\nE[t] = dot(G[t], u[t])",
    "u[t] = W @ h[t-1] + b\nf[t], g[t] = split(u[t])\nh[t] = sigmoid(f[t]) * tanh(g[t])\nE[t] = dot(G[t], W @ h[t])",
)


@pytest.mark.parametrize("text", SPLIT)
def test_parts_of_a_product_are_products_with_rows(text: str) -> None:
    model = Model(text, sizes={"h": "n"})
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace")
    for steps, batch in ((1, 1), (30, 1), (33, 3)):
        same_as_step_by_step(model, kernel, 0, steps, batch)


@pytest.mark.parametrize("text", WHOLE)
def test_a_vector_that_is_also_read_whole_is_not_cut(text: str) -> None:
    model = Model(text, sizes={"h": "n"})
    kernel = generate(model, passes=SMALL)
    same_as_step_by_step(model, kernel, 0, 5, 2)


def test_gates_cut_out_of_one_product_cost_what_gates_of_their_own_cost() -> None:
    """The calls of a step are those of the same cell with a matrix for each gate."""
    cut = generate(Model(SPLIT[0], sizes={"h": "n"})).source
    gates = "".join(f"{k}[t] = W_{k} @ h[t-1] + U_{k} @ x[t] + b_{k}\n" for k in "fg")
    own = generate(Model(gates + _CELL)).source
    assert _step_calls(cut) == _step_calls(own) != []


def _step_calls(source: str) -> list[str]:
    """The functions that the loops over the steps call."""
    found: list[str] = []
    depth = 0
    for line in source.splitlines():
        inside = len(line) - len(line.lstrip())
        depth = depth if inside > depth else 0
        if line.strip().startswith("for ") and ("in steps_" in line or "in zip(steps_" in line):
            depth = inside
        elif depth and not line.strip().startswith("#"):
            found.append(line.strip().split("(")[0])
    return sorted(found)
