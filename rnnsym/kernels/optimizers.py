"""Optimizers as small functions at the end of a kernel, so that an exported kernel trains alone.

Each is declared as the recurrence that it is, in the language of models: the parameters p and their gradient g at step
t, and states that begin at zero or where `starts` says. The functions are printed from the equations.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rnnsym.errors import RnnsymError, suggestion
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.reader import read
from rnnsym.language.syntax import Reference
from rnnsym.language.writing import equation, written
from rnnsym.operations import OPERATIONS, Elementwise


@dataclass(frozen=True)
class Optimizer:
    """An optimizer.

    equations: p[t] from p[t-1], the gradient g[t] and states. rates: its numbers with their usual values. starts: the
    states that do not begin at zero; these are plain numbers. source: where it comes from.
    """

    title: str
    equations: str
    rates: Mapping[str, float]
    source: str
    starts: Mapping[str, float] = field(default_factory=dict)


OPTIMIZERS: dict[str, Optimizer] = {
    "descent": Optimizer("Gradient descent", "p[t] = p[t-1] - rate * g[t]", {"rate": 0.1}, "Cauchy 1847"),
    "momentum": Optimizer(
        "Gradient descent with momentum",
        "v[t] = momentum * v[t-1] - rate * g[t]\np[t] = p[t-1] + v[t]",
        {"rate": 0.01, "momentum": 0.9},
        "Polyak 1964",
    ),
    "rmsprop": Optimizer(
        "RMSProp",
        "s[t] = decay * s[t-1] + (1 - decay) * g[t] ** 2\np[t] = p[t-1] - rate * g[t] / (sqrt(s[t]) + epsilon)",
        {"rate": 0.01, "decay": 0.9, "epsilon": 1e-8},
        "Tieleman and Hinton 2012",
    ),
    "adam": Optimizer(
        "Adam",
        "m[t] = beta_1 * m[t-1] + (1 - beta_1) * g[t]\n"
        "v[t] = beta_2 * v[t-1] + (1 - beta_2) * g[t] ** 2\n"
        "power_1[t] = beta_1 * power_1[t-1]\n"
        "power_2[t] = beta_2 * power_2[t-1]\n"
        "p[t] = p[t-1] - rate * (m[t] / (1 - power_1[t])) / (sqrt(v[t] / (1 - power_2[t])) + epsilon)",
        {"rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
        "Kingma and Ba 2015",
        {"power_1": 1.0, "power_2": 1.0},
    ),
}

TEMPLATE = '''

def step(params, gradients, state=None, {rates}):
    """One step of an optimizer: the parameters p after it, and its state for the next step.

    {title} ({source}):

{equations}
    """
    state = state or {{}}
    moved, kept = {{}}, {{}}
    for key, before in params.items():
        g = gradients[key]
        {old}
{code}
        moved[key], kept[key] = p, {new}
    return moved, kept


def clip(gradients, limit):
    """The gradients scaled so that those of the parameters together have at most the norm `limit`."""
    total = np.sqrt(sum(np.sum(np.square(value)) for key, value in gradients.items() if key not in INPUTS))
    scale = limit / total if total > limit else 1.0
    return {{key: value if key in INPUTS else scale * value for key, value in gradients.items()}}
'''


def with_optimizer(kernel: Kernel, name: str) -> Kernel:
    """A kernel with the functions `step` and `clip`; raises RnnsymError for an optimizer that is not there."""
    if name not in OPTIMIZERS:
        advice = suggestion(name, OPTIMIZERS) or f"there are: {', '.join(OPTIMIZERS)}"
        raise RnnsymError(f"there is no optimizer '{name}': {advice}")
    return replace(kernel, source=kernel.source.rstrip("\n") + "\n" + code(OPTIMIZERS[name]), _cache={})


def code(optimizer: Optimizer) -> str:
    """The functions of an optimizer as source.

    >>> print([line for line in code(OPTIMIZERS["descent"]).split(chr(10)) if "p =" in line][0].strip())
    p = before - rate * g
    """
    definitions = read(optimizer.equations)
    states = [definition.target.name for definition in definitions if definition.target.name != "p"]

    def refer(node: Reference) -> str:
        if node.time is not None and node.time.offset:
            return "before" if node.name == "p" else f"{node.name}_before"
        return node.name

    def apply(function: str, arguments: list[str]) -> str:
        operation = OPERATIONS[function]
        assert isinstance(operation, Elementwise)
        return operation.code.format(x=arguments[0])

    starts = [str(optimizer.starts[name]) if name in optimizer.starts else "np.zeros_like(before)" for name in states]
    comma = "," if len(states) == 1 else ""
    before = ", ".join(f"{name}_before" for name in states)
    return TEMPLATE.format(
        rates=", ".join(f"{name}={value:g}" for name, value in optimizer.rates.items()),
        title=optimizer.title,
        source=optimizer.source,
        equations=textwrap.indent("\n".join(map(equation, definitions)), "        "),
        old=f"{before}{comma} = state.get(key) or ({', '.join(starts)}{comma})" if states else "",
        code="\n".join(f"        {d.target.name} = {written(d.value, 0, refer, apply)}" for d in definitions),
        new=f"({', '.join(states)}{comma})",
    ).replace("        \n", "")
