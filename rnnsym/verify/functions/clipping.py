"""Clipping inside the loop: of adjoints, of what is passed back, and of sums over time while they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.equations.indexed import Role
from rnnsym.verify.functions.edit import Edit, Limit
from rnnsym.verify.functions.edits import half_waves
from rnnsym.verify.functions.links import outer
from rnnsym.verify.functions.network import Network
from rnnsym.verify.functions.result import Explanation
from rnnsym.verify.functions.search import UNSCALED, Chosen, Search
from rnnsym.verify.functions.words import node_text

#: Limits that people choose.
LIMITS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 20, 25, 50, 100)

#: A sum made step by step, from the last one on: of shares, and a limit.
Made = Callable[[Sequence[Array], float], Array]


def limits(search: Search) -> Explanation | None:
    """Clipping inside the loop, at each step, that explains every gradient."""
    network = search.networks[0]
    crossing = {link.receiver for link in network.links if link.crosses_time}
    names = [
        name
        for name, variable in network.values.system.variables.items()
        if variable.timed and variable.role in (Role.DEFINED, Role.INTERMEDIATE)
    ]
    edits: list[Chosen] = [
        (_limit(search, name, size, carried),)
        for size in LIMITS
        for name in names
        for carried in ((True, False) if name in crossing else (False,))
    ]
    edits += [(edit,) for edit in half_waves(network)]
    inside = [name for name in names if network.values.system.variables[name].role is Role.INTERMEDIATE]
    for size in LIMITS:  # a loop often clips all that it passes back, or all adjoints of gates
        edits += [tuple(_limit(search, name, size, True) for name in sorted(crossing))] if len(crossing) > 1 else []
        edits += [tuple(_limit(search, name, size, False) for name in inside)] if len(inside) > 1 else []
    complete = search.complete(edits, search.matches(0, edits), UNSCALED)
    if complete:
        return search.told(complete)
    said = clipped_on_the_way(search)
    return Explanation(("clipped",), (said,), search.wrong) if said else None


def _limit(search: Search, name: str, size: float, carried: bool) -> Edit:
    shown = node_text(search.networks[0], name)
    what = f"what is passed back to {name} from the step after" if carried else f"the adjoint of {shown}"
    said = f"{what} is clipped to ±{size:g} at every step, inside the loop"
    limit = Limit(name, size / search.unit(0), carried)
    return Edit("clipped", said, 1, limit=limit, detail={"limit": size})


# Sums over time


def sum_clipped(shares: Sequence[Array], limit: float) -> Array:
    """The sum so far is clipped after every step."""
    total = np.zeros_like(shares[0])
    for share in shares:
        total = np.clip(total + share, -limit, limit)
    return total


def shares_clipped(shares: Sequence[Array], limit: float) -> Array:
    """Each share is clipped before it is added."""
    return np.asarray(np.sum([np.clip(share, -limit, limit) for share in shares], axis=0))


WAYS: tuple[tuple[str, Made], ...] = (
    (
        "the gradients of the parameters are clipped to ±{:g} after every step of the loop, while they add up",
        sum_clipped,
    ),
    ("what each step adds to the gradients of the parameters is clipped to ±{:g} before it is added", shares_clipped),
)


def shares(network: Network, keys: Sequence[str]) -> dict[str, list[Array]]:
    """What each step adds to the gradients of some parameters, the last step first."""
    length = network.values.length
    edits = []
    for step in range(length, 0, -1):
        scales = {
            link.number: tuple(float((length if i.source[1] is None else i.source[1]) == step) for i in link.instances)
            for link in outer(network)
        }
        edits.append((Edit("sum", f"step {step}", scales=scales),))
    return {key: list(array) for key, array in network.gradients(keys, edits).items()}


def clipped_on_the_way(search: Search) -> str | None:
    """The limit, in words, where all parameters' gradients come out clipped in the loop; None where they do not."""
    keys = [key for key in search.keys if key in search.model.parameters]
    if not set(search.wrong) <= set(keys) or not search.wrong:
        return None
    parts = [shares(network, keys) for network in search.networks]
    for said, way in WAYS:
        for limit in LIMITS:
            if all(_same(search, number, found, way, limit) for number, found in enumerate(parts)):
                return said.format(limit)
    return None


def _same(search: Search, number: int, parts: Mapping[str, list[Array]], way: Made, limit: float) -> bool:
    """Whether a way to sum and a limit give what was returned for a data set."""
    trial = search.trials[number]
    for key, own in parts.items():
        wanted = search.returned[number][key]
        made = way([trial.unit * share for share in own], limit)
        size = max(float(np.max(np.abs(wanted), initial=0.0)), 1e-12)
        if float(np.max(np.abs(made - wanted), initial=0.0)) > trial.tolerance * size:
            return False
    return True
