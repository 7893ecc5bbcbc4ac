"""Where values stand: columns for time steps, layers within a step in the order of computation, few crossings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import NamedTuple

from rnnsym.drawing.graph import Edge, Graph, Value

#: How often the order of a layer is improved, up and down.
SWEEPS = 12


class Column(NamedTuple):
    """A time step; what has no time stands before the first step, or after the last where it depends on them.

    `part` is 0 before, 1 for a time step, 2 after: columns sort from left to right.
    """

    part: int
    time: int


BEFORE, AFTER = Column(0, 0), Column(2, 0)


class Bend(NamedTuple):
    """Where the edges from a variable pass a layer on their way up."""

    name: str
    layer: int


@dataclass(frozen=True)
class Ranks:
    """columns: of every value. layers: of every variable, from the bottom. rows: for every column and layer, the names
    and bends in it from left to right. risers: the edges within a column that lead up; all others go around.
    """

    columns: Mapping[Value, Column]
    layers: Mapping[str, int]
    rows: Mapping[Column, tuple[tuple[str | Bend, ...], ...]]
    risers: frozenset[Edge]


def rank(graph: Graph) -> Ranks:
    """Give every value its column, layer and place in it; all time steps are alike."""
    columns = _columns(graph)
    layers = _layers(graph, columns)
    risers = frozenset(
        edge
        for edge in graph.edges
        if columns[edge.source] == columns[edge.target] and layers[edge.source.name] < layers[edge.target.name]
    )
    rows: dict[Column, tuple[tuple[str | Bend, ...], ...]] = {}
    # The steps 1..T share one order, and so do the times before them.
    groups: dict[tuple[int, bool], list[Column]] = {}
    for column in sorted(set(columns.values())):
        groups.setdefault((column.part, column.time > 0), []).append(column)
    for group in groups.values():
        names = dict.fromkeys(value.name for value in graph.values if columns[value] in group)
        order = _ordered(tuple(names), _pairs(graph, risers, columns, group), layers)
        for column in group:
            present: set[str | Bend] = {value.name for value in graph.values if columns[value] == column}
            present.update(bends(_pairs(graph, risers, columns, [column]), layers))
            rows[column] = tuple(tuple(item for item in row if item in present) for row in order)
    return Ranks(columns, layers, rows, risers)


Pair = tuple[str, str]


def _pairs(
    graph: Graph, risers: frozenset[Edge], columns: Mapping[Value, Column], group: Sequence[Column]
) -> tuple[Pair, ...]:
    """The variables that edges within some columns lead from and to."""
    inner = (e for e in graph.edges if e in risers and columns[e.source] in group)
    return tuple(dict.fromkeys((edge.source.name, edge.target.name) for edge in inner))


def _columns(graph: Graph) -> dict[Value, Column]:
    """Timed values stand at their time; others before all steps, or after them where they depend on them."""
    late = {value for value in graph.values if value.time is not None}
    readers: dict[Value, list[Value]] = {}
    for edge in graph.edges:
        readers.setdefault(edge.source, []).append(edge.target)
    waiting = list(late)
    while waiting:
        more = [value for value in readers.get(waiting.pop(), ()) if value not in late]
        late.update(more)
        waiting += more
    found = {}
    for value in graph.values:
        # What is handed in for the values after the last step stands with them.
        follows = value in graph.given and all(r.time is None and r in late for r in readers.get(value, [graph.loss]))
        after = value in late or (follows and graph.loss in late)
        found[value] = Column(1, value.time) if value.time is not None else AFTER if after else BEFORE
    return found


def _layers(graph: Graph, columns: Mapping[Value, Column]) -> dict[str, int]:
    """The layer of each variable: above all that it reads in the same column; inputs right below their readers."""
    below: dict[str, dict[str, int]] = {}
    for edge in graph.edges:
        same = columns[edge.source] == columns[edge.target]
        if same or columns[edge.target] == AFTER:
            known = below.setdefault(edge.target.name, {})
            known[edge.source.name] = max(int(same), known.get(edge.source.name, 0))
    found: dict[str, int] = {}

    def layer(name: str, waiting: tuple[str, ...]) -> int:
        if name not in found:
            # Boundary equations may read the other way round: what waits for itself is passed over.
            reads = {source: step for source, step in below.get(name, {}).items() if source not in (*waiting, name)}
            found[name] = max((layer(source, (*waiting, name)) + step for source, step in reads.items()), default=0)
        return found[name]

    for value in graph.values:
        layer(value.name, ())
    defined = {value.name for value in graph.values if value not in graph.given}
    for value in graph.values:
        above = [found[e.target.name] for e in graph.edges if e.source.name == value.name]
        if value.name not in defined and above:
            found[value.name] = max(min(above) - 1, 0)
    used = sorted(set(found.values()))
    return {name: used.index(number) for name, number in found.items()}


def bends(pairs: Iterable[Pair], layers: Mapping[str, int]) -> list[Bend]:
    """The layers that edges pass between their ends; edges from one variable pass together."""
    found = [Bend(source, between) for source, target in pairs for between in range(layers[source] + 1, layers[target])]
    return list(dict.fromkeys(found))


def legs(source: str, target: str, layers: Mapping[str, int]) -> list[str | Bend]:
    """What an edge leads through, its ends included: one item for each layer."""
    return [source, *(Bend(source, between) for between in range(layers[source] + 1, layers[target])), target]


Item = str | Bend


def _ordered(names: Sequence[str], pairs: Sequence[Pair], layers: Mapping[str, int]) -> tuple[tuple[Item, ...], ...]:
    """The layers of a column from left to right, in the order with the fewest crossings that was found."""
    items: list[Item] = [*names, *bends(pairs, layers)]
    rows: list[list[Item]] = [[] for _ in range(max(layers.values()) + 1)]
    for item in items:
        rows[item.layer if isinstance(item, Bend) else layers[item]].append(item)
    links = [link for pair in pairs for link in pairwise(legs(*pair, layers))]
    below: dict[Item, list[Item]] = {}
    above: dict[Item, list[Item]] = {}
    for first, second in dict.fromkeys(links):
        below.setdefault(second, []).append(first)
        above.setdefault(first, []).append(second)
    best, fewest = [list(row) for row in rows], _crossings(rows, above)
    for sweep in range(SWEEPS):
        upwards = sweep % 2 == 0
        neighbours = below if upwards else above
        sequence = range(1, len(rows)) if upwards else range(len(rows) - 2, -1, -1)
        for number in sequence:
            beside = rows[number - 1 if upwards else number + 1]
            rows[number] = _by_barycentre(rows[number], beside, neighbours)
        crossings = _crossings(rows, above)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return tuple(tuple(row) for row in best)


def _by_barycentre(row: list[Item], beside: list[Item], neighbours: Mapping[Item, list[Item]]) -> list[Item]:
    """A layer in the order of the mean place of what each item is joined to; what is joined to nothing stays."""
    place = {item: number for number, item in enumerate(beside)}

    def wish(item: Item) -> float:
        joined = [place[other] for other in neighbours.get(item, ())]
        return sum(joined) / len(joined)

    free = [item for item in row if neighbours.get(item)]
    ordered = iter(sorted(free, key=wish))
    return [next(ordered) if neighbours.get(item) else item for item in row]


def _crossings(rows: Sequence[Sequence[Item]], above: Mapping[Item, list[Item]]) -> int:
    """How many pairs of links cross between neighbouring layers."""
    total = 0
    for lower, upper in pairwise(rows):
        place = {item: number for number, item in enumerate(upper)}
        ends = [sorted(place[other] for other in above.get(item, ())) for item in lower]
        total += sum(first > second for left, right in combinations(ends, 2) for first in left for second in right)
    return total
