"""A model's variables as plain data: for a list on the command line, and for programs."""

from __future__ import annotations

from typing import Any

from rnnsym.equations.indexed import Role
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model
from rnnsym.notation.document import ROLES


def variables(model: Model) -> list[dict[str, Any]]:
    r"""Every variable that the model names: its name, sizes, role, and whether it has a value at every step.

    What is handed in once, such as "h[0]", is listed beside the variable that it is a value of.

    >>> model = Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])", sizes={"h": "n"})
    >>> for found in variables(model):
    ...     print(found["name"], found["shape"], found["role"])
    d[t] ['n'] input
    h[0] ['n'] input
    W ['n', 'n'] parameter
    h[t] ['n'] defined by the model
    E[t] [] loss
    """
    system = lower(model)
    losses = {definition.target.name for definition in model.losses}
    order = list(ROLES)
    found = []
    given = [(f"{name}[{time}]", name) for name, time in model.given]
    own = [v for v in system.variables.values() if v.name in model.names]
    named = [(f"{v.name}[t]" if v.timed else v.name, v.name, v.role, v.timed) for v in own]
    named += [(key, name, Role.INPUT, False) for key, name in given]
    for shown, name, role, timed in sorted(named, key=lambda one: order.index(one[2])):
        words = "loss" if name in losses or role is Role.LOSS else ROLES[role]
        shape = [str(size) for size in system.variables[name].shape]
        found.append({"name": shown, "shape": shape, "role": words, "timed": timed})
    return found
