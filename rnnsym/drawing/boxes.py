"""Boxes: a value's name, and below it a port for every parameter and every edge that enters."""

from __future__ import annotations

from dataclasses import dataclass

from rnnsym.drawing.graph import Edge, Graph, Value
from rnnsym.drawing.labels import Span, label, width
from rnnsym.drawing.ranks import Bend, Ranks, legs
from rnnsym.notation.names import Names

FONT, CHIP_FONT = 16.0, 11.5
BOX, STRIP = 28.0, 17.0  # heights: of a box, and of the strip of parameters below its name
PLAIN_PORT = 13.0  # the width that an edge without parameter gets at the bottom of a box


@dataclass(frozen=True)
class Port:
    """A place at the bottom of a box where edges enter: through a parameter, or plain."""

    parameter: str | None
    source: Value | None  # of the one edge that enters a plain port
    spans: tuple[Span, ...]
    offset: float  # of its middle, from the middle of the box
    width: float


@dataclass(frozen=True)
class Box:
    """A value with its place: x, y are the middle of its top edge."""

    value: Value
    spans: tuple[Span, ...]
    ports: tuple[Port, ...]
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def port(self, edge: Edge) -> float:
        """Where an edge enters: the x of its port."""
        wanted = (edge.parameter, None if edge.parameter else edge.source)
        return self.x + next(port.offset for port in self.ports if (port.parameter, port.source) == wanted)


def box_of(graph: Graph, value: Value, ranks: Ranks, names: Names) -> Box:
    """A box as wide as its name and its ports; ports in the order in which their edges arrive."""
    reads = graph.readers_by_target.get(value, ())
    parameters = list(dict.fromkeys(use.parameter for use in graph.uses if use.value == value))
    spans = label(names, graph.variables[value.name], value.time)

    def arrival(port: tuple[str | None, Value | None]) -> tuple[int, float]:
        """What comes from other columns stands left; then as the sources stand; what no edge enters comes last."""
        sources = [e.source for e in reads if e.parameter == port[0] and port[1] in (None, e.source)]
        if not sources:
            return 2, 0.0
        if any(ranks.columns[source] < ranks.columns[value] for source in sources):
            return 0, 0.0
        places = [_place(ranks, source, value) for source in sources]
        return 1, sum(places) / len(places)

    plain = [(None, edge.source) for edge in reads if edge.parameter is None]
    wanted: list[tuple[str | None, Value | None]] = sorted(
        [*plain, *((name, None) for name in parameters)], key=arrival
    )
    sized = []
    for parameter, source in wanted:
        shown = label(names, graph.variables[parameter]) if parameter else ()
        sized.append((parameter, source, shown, width(shown, CHIP_FONT) + 8 if parameter else PLAIN_PORT))
    total = sum(size for *_, size in sized) + 4 * (len(sized) - 1) if sized else 0.0
    ports, left = [], -total / 2
    for parameter, source, shown, size in sized:
        ports.append(Port(parameter, source, shown, left + size / 2, size))
        left += size + 4
    height = BOX + (STRIP if parameters else 0.0)
    return Box(value, spans, tuple(ports), max(width(spans, FONT) + 18, total + 10, 34.0), height)


def _place(ranks: Ranks, source: Value, target: Value) -> float:
    """How far right an edge comes from: the place of the last item that it leads through, from 0 to 1."""
    last = legs(source.name, target.name, ranks.layers)[-2]
    layer = last.layer if isinstance(last, Bend) else ranks.layers[last]
    row = ranks.rows[ranks.columns[source]][layer]
    return (row.index(last) + 1) / (len(row) + 1) if last in row else 0.0
