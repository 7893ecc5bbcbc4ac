"""Equations of some steps in stages: for many steps at once, or one step after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy.utilities.iterables import strongly_connected_components

from rnnsym.equations.indexed import Equation, Variable, t
from rnnsym.kernels.fast.directions import recurrent
from rnnsym.kernels.fast.rewrites import accesses_of


@dataclass(frozen=True)
class Stage:
    """Equations for many steps at once, or (`loop`) one step after the other."""

    loop: bool
    equations: tuple[Equation, ...]


def staged(
    equations: tuple[Equation, ...], variables: dict[str, Variable], followers: Iterable[str] = ()
) -> tuple[Stage, ...]:
    """Equations in stages: each recurrence in a loop, everything else for all steps at once, as early as it can be.

    followers: equations that stand in the loop of what they read.
    """
    by_name = {e.name: e for e in equations}
    reads = {e.name: e.reads & set(by_name) for e in equations}
    edges = [(name, read) for name, found in reads.items() for read in found]
    cycles = recurrent(equations)
    levels: dict[str, int] = {}
    for component in strongly_connected_components((list(by_name), edges)):
        outside = {read for name in component for read in reads[name]} - set(component)
        level = max((levels[read] for read in outside), default=0)
        if component[0] not in followers:
            level += level % 2 != (component[0] in cycles)
        levels.update(dict.fromkeys(component, level))
    stages = []
    for level in sorted(set(levels.values())):
        members = [e for e in equations if levels[e.name] == level]
        stages.append(Stage(bool(level % 2), _in_order(members, variables, loop=bool(level % 2))))
    return tuple(stages)


def _in_order(members: list[Equation], variables: dict[str, Variable], loop: bool) -> tuple[Equation, ...]:
    """Each after what it reads, in a loop of the same step alone, otherwise as they stand."""
    waiting = list(members)
    done: list[Equation] = []
    while waiting:
        names = {e.name for e in waiting}
        ready = next(
            e
            for e in waiting
            if not any(
                f.name in names and f.name != e.name and (f.time == t or not loop) for f in accesses_of(e, variables)
            )
        )
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)
