"""In which order equations can be computed: what stands before the time loops, in them and between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy.utilities.iterables import strongly_connected_components

from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, point


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
        """Whether its place is in a loop over time; what happens before step 1 happens once."""
        return self.interval is not None and (bool(self.interval.high.anchor) or self.interval.high.offset > 0)


@dataclass(frozen=True)
class Block:
    """Nodes, by position, to compute in this order: once, or in a loop over time."""

    loop: bool
    members: tuple[int, ...]


class OrderError(Exception):
    """The nodes at these positions wait for each other."""

    def __init__(self, members: Sequence[int]) -> None:
        self.members = tuple(members)
        super().__init__(str(members))


@dataclass(frozen=True)
class Edge:
    """`reader` needs `source`; `offset` is the distance in time where both stand in one loop, None elsewhere."""

    reader: int
    source: int
    offset: int | None


def order(nodes: Sequence[Node], direction: int = 1, shortest: int = 1) -> tuple[Block, ...]:
    """Blocks in the order of computation; loops run upwards in time for direction 1, downwards for -1.

    Raises OrderError where nodes wait for each other.
    """
    edges = _edges(nodes, shortest)
    needs: dict[int, list[Edge]] = {position: [] for position in range(len(nodes))}
    for edge in edges:
        needs[edge.reader].append(edge)
    components = strongly_connected_components((list(range(len(nodes))), [(e.reader, e.source) for e in edges]))
    stages: dict[int, int] = {}
    for component in components:
        _check_cycle(component, needs, nodes, direction)
        stage = max(
            (
                _earliest(edge, stages, nodes, direction)
                for p in component
                for edge in needs[p]
                if edge.source not in component
            ),
            default=0,
        )
        for position in component:
            stages[position] = stage + (stage % 2 != nodes[position].in_loop)
        top = max(stages[position] for position in component)
        stages.update(dict.fromkeys(component, top))
    return tuple(
        Block(
            bool(stage % 2), _sorted_members([p for p in stages if stages[p] == stage], needs, nodes, bool(stage % 2))
        )
        for stage in sorted(set(stages.values()))
    )


def _earliest(edge: Edge, stages: dict[int, int], nodes: Sequence[Node], direction: int) -> int:
    """The first stage at which the reader of an edge can stand: even stages run once, odd ones are loops."""
    reader, source = nodes[edge.reader], nodes[edge.source]
    stage = stages[edge.source]
    if not source.in_loop:
        return stage + (1 if reader.in_loop else 0)
    if not reader.in_loop:
        return stage + 1
    same_loop = edge.offset is not None and edge.offset * direction <= 0
    return stage if same_loop else stage + 2


def _check_cycle(component: list[int], needs: dict[int, list[Edge]], nodes: Sequence[Node], direction: int) -> None:
    inside = [edge for position in component for edge in needs[position] if edge.source in component]
    if not inside:
        return
    if any(edge.offset is None or edge.offset * direction > 0 for edge in inside) or not all(
        nodes[p].in_loop for p in component
    ):
        raise OrderError(sorted(component))
    now = [(edge.reader, edge.source) for edge in inside if edge.offset == 0]
    for loop in strongly_connected_components((component, now)):
        if len(loop) > 1 or (loop[0], loop[0]) in now:
            raise OrderError(sorted(loop))


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


def _overlap(one: Interval | None, other: Interval | None, shortest: int) -> bool:
    if one is None or other is None:
        return True
    return any(set(one.bounds(length)) & set(other.bounds(length)) for length in (shortest, shortest + 3, shortest + 9))
