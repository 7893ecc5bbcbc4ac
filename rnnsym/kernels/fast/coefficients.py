"""The operations that make coefficients, for many steps at once, in groups that may be one call."""

from __future__ import annotations

from collections.abc import Iterable

from rnnsym.kernels.fast.kinds import COEFFICIENT
from rnnsym.kernels.fast.lanes import Operation, operations
from rnnsym.kernels.fast.packs import grouped, levels, owned, owners_of
from rnnsym.kernels.fast.regions import Plan


def coefficient_groups(plan: Plan, kinds: dict[str, str]) -> list[list[Operation]]:
    """Operations of one function that can be computed at the same time, on the memory that they use."""
    found: list[list[Operation]] = []
    for stage in plan.backward.stages:
        own = [e for e in stage.equations if kinds[e.name] == COEFFICIENT]
        if stage.loop or not own:
            continue
        steps = operations(own, plan.variables)
        owners = owners_of(steps)
        makers = {o.target.name: o for o in steps}

        def needs(node: object, makers: dict[str, Operation] = makers) -> Iterable[object]:
            assert isinstance(node, Operation)
            return [makers[lane.name] for lane in node.lanes if not lane.offset and lane.name in makers]

        ranks = levels(steps, needs)
        for _, group in grouped(steps, {step: ranks[step] for step in steps}):
            found.append([owned(operation, owners) for operation in group])
    return found
