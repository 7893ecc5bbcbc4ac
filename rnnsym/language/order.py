"""In which order equations can be computed: what stands before the time loops, in them and between them.

Equations that need each other run in one loop, and that loop in one direction of time: upwards where they read earlier
times, downwards where they read later ones. What reads no other time of itself runs in whichever loop suits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy.utilities.iterables import strongly_connected_components

from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, is_outside, point


@dataclass(frozen=True)
class Read:
    """A variable that is read, at `time` (None: it has none).

    over: the time is summed over this range. when: the times of the reader at which it reads (None: at all of them).
    """

    name: str
    time: Time | None
    over: Interval | None = None
    when: Interval | None = None


@dataclass(frozen=True)
class Node:
    """Something to compute: `name` at `time`, for the times of `interval`, from what `reads` says."""

    name: str
    time: Time | None
    interval: Interval | None
    reads: tuple[Read, ...]

    @property
    def in_loop(self) -> bool:
        """Whether its place is in a loop over time; what happens before step 1 or after step T happens once."""
        return self.interval is not None and not is_outside(self.interval.high) and not _is_late(self.interval)


@dataclass(frozen=True)
class Block:
    """Nodes, by position, to compute in this order: once (direction 0), or in a loop up (1) or down (-1) in time."""

    direction: int
    members: tuple[int, ...]

    @property
    def loop(self) -> bool:
        return self.direction != 0


class OrderError(Exception):
    """The nodes at these positions wait for each other; `both_ways`: what they read lies earlier and later in time."""

    def __init__(self, members: Sequence[int], both_ways: bool = False) -> None:
        self.members = tuple(members)
        self.both_ways = both_ways
        super().__init__(str(members))


@dataclass(frozen=True)
class Edge:
    """`reader` needs `source`; `offset` is the distance in time where both stand in one loop, None elsewhere."""

    reader: int
    source: int
    offset: int | None


def order(nodes: Sequence[Node], direction: int = 1, shortest: int = 1) -> tuple[Block, ...]:
    """Blocks in the order of computation; loops run upwards in time for direction 1, downwards for -1.

    Equations that have to run the other way get a loop of their own. Raises OrderError where nodes wait for each other.
    """
    edges = _edges(nodes, shortest)
    needs: dict[int, list[Edge]] = {position: [] for position in range(len(nodes))}
    for edge in edges:
        needs[edge.reader].append(edge)
    components = strongly_connected_components((list(range(len(nodes))), [(e.reader, e.source) for e in edges]))
    directions = _directions(components, needs, nodes)
    stages: dict[int, int] = {}
    for component in components:
        outer = [edge for position in component for edge in needs[position] if edge.source not in component]
        found = [
            _stage(way, [_earliest(edge, stages, nodes, way * direction) for edge in outer])
            for way in _ways(component, directions.get(nodes[component[0]].name, 0) * direction, nodes)
        ]
        # A loop of the other direction is joined where it is there, not opened without need.
        best = min([found[0], *(stage for stage in found[1:] if stage in stages.values())])
        stages.update(dict.fromkeys(component, best))
    return tuple(
        Block(
            direction * WAYS[stage % 4],
            _sorted_members([p for p in stages if stages[p] == stage], needs, nodes, bool(stage % 2)),
        )
        for stage in sorted(set(stages.values()))
    )


#: What runs at a stage, by its remainder: things once, a loop in the given direction, or one in the other.
WAYS = {0: 0, 1: 1, 2: 0, 3: -1}


def _ways(component: list[int], forced: int, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The ways in which nodes can run, the best first: once, or in a loop of the given direction or of the other."""
    if not nodes[component[0]].in_loop:
        return (0,)
    return (forced,) if forced else (1, -1)


def _stage(way: int, earliest: list[int]) -> int:
    """The first stage of this way that is no earlier than any of those given."""
    stage = max(earliest, default=0)
    return next(number for number in range(stage, stage + 4) if WAYS[number % 4] == way)


def _earliest(edge: Edge, stages: dict[int, int], nodes: Sequence[Node], direction: int) -> int:
    """The first stage at which the reader of an edge can stand, where it runs in a direction (0: once)."""
    stage = stages[edge.source]
    if not nodes[edge.source].in_loop:
        return stage
    same_loop = direction and edge.offset is not None and edge.offset * direction <= 0
    # Where the source's loop has the other direction, the reader's stage differs from it anyway.
    return stage if same_loop or (direction and edge.offset == 0) else stage + 1


def _directions(components: list[list[int]], needs: dict[int, list[Edge]], nodes: Sequence[Node]) -> dict[str, int]:
    """The direction of time by variable, where it has to run in one: its boundary equations go with the general one."""
    found: dict[str, int] = {}
    for component in components:
        if direction := _check_cycle(component, needs, nodes):
            for position in component:
                found.setdefault(nodes[position].name, direction)
    return found


def _check_cycle(component: list[int], needs: dict[int, list[Edge]], nodes: Sequence[Node]) -> int:
    """The direction of time in which nodes that need each other have to run; 0 where either will do."""
    inside = [edge for position in component for edge in needs[position] if edge.source in component]
    if not inside:
        return 0
    if any(edge.offset is None for edge in inside) or not all(nodes[p].in_loop for p in component):
        raise OrderError(sorted(component))
    directions = {1 if edge.offset < 0 else -1 for edge in inside if edge.offset}
    if len(directions) > 1:
        raise OrderError(sorted(component), both_ways=True)
    now = [(edge.reader, edge.source) for edge in inside if edge.offset == 0]
    for loop in strongly_connected_components((component, now)):
        if len(loop) > 1 or (loop[0], loop[0]) in now:
            raise OrderError(sorted(loop))
    return next(iter(directions), 0)


def _sorted_members(
    members: list[int], needs: dict[int, list[Edge]], nodes: Sequence[Node], loop: bool
) -> tuple[int, ...]:
    """The author's order as far as dependencies allow."""
    waiting = sorted(members)
    done: list[int] = []
    while waiting:
        ready = next(
            p
            for p in waiting
            if not any(e.source in waiting and e.source != p and (not loop or e.offset == 0) for e in needs[p])
        )
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)


def _edges(nodes: Sequence[Node], shortest: int) -> list[Edge]:
    by_name: dict[str, list[int]] = {}
    for position, node in enumerate(nodes):
        by_name.setdefault(node.name, []).append(position)
    found: list[Edge] = []
    for position, node in enumerate(nodes):
        for read in node.reads:
            times = _times_read(node, read)
            for source in by_name.get(read.name, ()):
                if _overlap(times, nodes[source].interval, shortest):
                    found.append(Edge(position, source, _offset(node, read)))
    return list(dict.fromkeys(found))


def _times_read(node: Node, read: Read) -> Interval | None:
    if read.time is None:
        return None
    if read.over is not None:
        return read.over.shifted(read.time.offset)
    if read.time.anchor == "t":
        when = read.when or node.interval
        assert when is not None
        return when.shifted(read.time.offset)
    return point(read.time)


def _offset(node: Node, read: Read) -> int | None:
    if read.time is None or node.time is None or read.over is not None or read.time.anchor != node.time.anchor:
        return None
    return read.time.offset - node.time.offset


def _is_late(interval: Interval) -> bool:
    return bool(interval.low.anchor) and interval.low.offset > 0


def _overlap(one: Interval | None, other: Interval | None, shortest: int) -> bool:
    if one is None or other is None:
        return True
    return any(set(one.bounds(length)) & set(other.bounds(length)) for length in (shortest, shortest + 3, shortest + 9))
