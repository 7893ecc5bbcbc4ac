"""From ranks to coordinates: boxes without overlap, and edges that go around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rnnsym.drawing.boxes import Box, box_of
from rnnsym.drawing.graph import Edge, Graph, Value
from rnnsym.drawing.labels import text_width
from rnnsym.drawing.ranks import Column, Item, Ranks, legs, rank
from rnnsym.drawing.spread import Spread, spread_out
from rnnsym.drawing.tracks import Tracks
from rnnsym.notation.names import Names

NOTE_FONT = 12.0
MARGIN, HEADER = 18.0, 26.0
EXIT = 0.3  # where edges that go around leave a box: right of its middle, in widths


@dataclass(frozen=True)
class Layout:
    """All that the picture shows, with coordinates.

    paths: the corners that each edge goes through; those of a riser are joined by curves, others by straight lines.
    headers: the middle of what is written below each column.
    """

    width: float
    height: float
    boxes: Mapping[Value, Box]
    paths: Mapping[Edge, tuple[tuple[float, float], ...]]
    risers: frozenset[Edge]
    headers: Mapping[Column, tuple[float, float]]


def arrange(graph: Graph, names: Names, headers: Mapping[Column, Sequence[str]], least: float = 0.0) -> Layout:
    """Lay a graph out: boxes without overlap, edges around them. `least` is a width that the picture needs anyway."""
    ranks = rank(graph)
    boxes = {value: box_of(graph, value, ranks, names) for value in graph.values}
    tracks = Tracks(graph, ranks)
    spread = spread_out(graph, ranks, boxes)
    columns = sorted(ranks.rows)
    widths = {c: max([spread[c].width, *(text_width(line, NOTE_FONT) for line in headers.get(c, ()))]) for c in columns}
    # From left to right: the room before each column, and the column.
    lefts: dict[Column, float] = {}
    x = MARGIN
    for column in columns:
        x += tracks.room_before(column, first=column == columns[0])
        lefts[column] = x + (widths[column] - spread[column].width) / 2
        x += widths[column]
    widest: dict[int, float] = {}  # how far the curves of each room lead to the side
    for edge in ranks.risers:
        items = legs(edge.source.name, edge.target.name, ranks.layers)
        middles = spread[ranks.columns[edge.target]].middles
        for above, (first, second) in enumerate(pairwise(items), ranks.layers[edge.source.name] + 1):
            widest[above] = max(widest.get(above, 0.0), abs(middles[first] - middles[second]))
    # From the top down: each layer, and the room below it.
    tops: dict[int, float] = {}
    bottoms: dict[int, float] = {}
    y = MARGIN + HEADER + tracks.room_below(max(ranks.layers.values()) + 1)
    for layer in range(max(ranks.layers.values()), -1, -1):
        tops[layer] = y
        bottoms[layer] = y = y + max(box.height for v, box in boxes.items() if ranks.layers[v.name] == layer)
        y += tracks.room_below(layer, widest.get(layer, 0.0))
    placed = {
        value: replace(
            box,
            x=lefts[ranks.columns[value]] + spread[ranks.columns[value]].middles[value.name],
            y=tops[ranks.layers[value.name]],
        )
        for value, box in boxes.items()
    }
    room = Room(lefts, tops, bottoms, spread)
    paths = {edge: _path(edge, placed, ranks, tracks, room) for edge in graph.edges}
    lines = max((len(text) for text in headers.values()), default=0)
    centres = {c: (lefts[c] + spread[c].width / 2, y + NOTE_FONT + 8) for c in columns}
    return Layout(
        max(x + MARGIN, least + 2 * MARGIN),
        y + 8 + lines * (NOTE_FONT + 5) + MARGIN,
        placed,
        paths,
        ranks.risers,
        centres,
    )


@dataclass(frozen=True)
class Room:
    """Where columns and layers begin and end."""

    lefts: Mapping[Column, float]
    tops: Mapping[int, float]
    bottoms: Mapping[int, float]
    spread: Mapping[Column, Spread]

    def bend(self, item: Item, column: Column) -> float:
        """Where an edge that passes a layer of a column does so."""
        return self.lefts[column] + self.spread[column].middles[item]


def _path(
    edge: Edge, boxes: Mapping[Value, Box], ranks: Ranks, tracks: Tracks, room: Room
) -> tuple[tuple[float, float], ...]:
    """The corners of an edge, from the top of its source to its port below the target."""
    source, target = boxes[edge.source], boxes[edge.target]
    end = (target.port(edge), target.bottom)
    column, layer = ranks.columns[edge.target], ranks.layers[edge.target.name]
    if edge in ranks.risers:
        # Straight across the tracks on both sides of each curve.
        corners = []
        xs = [
            source.x,
            *(room.bend(bend, column) for bend in legs(edge.source.name, edge.target.name, ranks.layers)[1:-1]),
            end[0],
        ]
        for above, (x0, x1) in enumerate(pairwise(xs), ranks.layers[edge.source.name] + 1):
            top, bottom = room.tops[above - 1], room.bottoms[above]
            corners += [
                (x0, top),
                (x0, top - tracks.outward_height(above)),
                (x1, bottom + tracks.inward_height(above)),
                (x1, bottom),
            ]
        return (*corners, end) if end != corners[-1] else tuple(corners)
    # Around: up, along the track above the source's layer, through the lane before the target's column, and in.
    x = source.x + source.width * EXIT
    start = ranks.layers[edge.source.name]
    out = room.tops[start] - tracks.out_of(edge)
    lane = room.lefts[column] - tracks.lane(edge)
    into = room.bottoms[layer] + tracks.into(edge)
    return ((x, source.y), (x, out), (lane, out), (lane, into), (end[0], into), end)
