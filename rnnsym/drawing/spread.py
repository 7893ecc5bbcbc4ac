"""Places along a layer: as straight as possible above what is below, without overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from rnnsym.drawing.boxes import Box
from rnnsym.drawing.graph import Graph, Value
from rnnsym.drawing.ranks import Column, Item, Ranks, legs

GAP = 16.0  # between boxes
BEND = 4.0  # the width that a passing edge takes
SWEEPS = 60
STRAIGHT = 3.0  # the weight of an edge that passes a layer
LIGHT = 0.001  # the weight of what is handed in: it makes room for what is computed


class Link(NamedTuple):
    """A leg of an edge that wants to be straight: where it enters the upper item, and how much it counts."""

    port: float
    weight: float


@dataclass(frozen=True)
class Spread:
    """The middles of a column's boxes and bends, from the column's left edge."""

    width: float
    middles: Mapping[Item, float]


def spread_out(graph: Graph, ranks: Ranks, boxes: Mapping[Value, Box]) -> dict[Column, Spread]:
    """Places in every column; columns with the same rows are alike."""
    found: dict[Column, Spread] = {}
    alike: dict[tuple[tuple[Item, ...], ...], list[Column]] = {}
    for column, rows in ranks.rows.items():
        alike.setdefault(rows, []).append(column)
    for rows, columns in alike.items():
        widths: dict[Item, float] = {item: BEND for row in rows for item in row}
        for value, box in boxes.items():
            if ranks.columns[value] in columns:
                widths[value.name] = max(widths[value.name], box.width)
        edges = [e for e in graph.edges if e in ranks.risers and ranks.columns[e.target] in columns]
        links: dict[tuple[Item, Item], Link] = {}
        for edge in edges:
            path = legs(edge.source.name, edge.target.name, ranks.layers)
            links.update({(first, second): Link(0.0, STRAIGHT) for first, second in pairwise(path[:-1])})
            box = boxes[edge.target]
            weight = LIGHT if edge.source in graph.given else 1.0
            links[path[-2], path[-1]] = Link(box.port(edge) - box.x, weight)
        found.update(dict.fromkeys(columns, _spread(rows, widths, links)))
    return found


def _spread(
    rows: Sequence[Sequence[Item]], widths: Mapping[Item, float], links: Mapping[tuple[Item, Item], Link]
) -> Spread:
    """Middles such that what is joined stands above one another as far as there is room."""
    middles: dict[Item, float] = {}
    filled = [row for row in rows if row]
    for row in filled:
        x = -(sum(widths[item] for item in row) + GAP * (len(row) - 1)) / 2
        for item in row:
            middles[item] = x + widths[item] / 2
            x += widths[item] + GAP
    for sweep in range(SWEEPS):
        for row in filled if sweep % 2 else reversed(filled):
            wishes, weights = [], []
            for item in row:
                wanted = [(middles[a] - link.port, link.weight) for (a, b), link in links.items() if b == item]
                wanted += [(middles[b] + link.port, link.weight) for (a, b), link in links.items() if a == item]
                total = sum(weight for _, weight in wanted)
                wishes.append(sum(x * weight for x, weight in wanted) / total if wanted else middles[item])
                weights.append(total or LIGHT)
            apart = [(widths[first] + widths[second]) / 2 + GAP for first, second in pairwise(row)]
            middles.update(zip(row, kept_apart(wishes, weights, apart), strict=True))
    left = min(middles[item] - widths[item] / 2 for row in rows for item in row)
    right = max(middles[item] + widths[item] / 2 for row in rows for item in row)
    return Spread(right - left, {item: middle - left for item, middle in middles.items()})


def kept_apart(wishes: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places closest to the wishes, in weighted squares, that keep the order and the distances between neighbours.

    >>> kept_apart([0.0, 1.0, 9.0], [1.0, 1.0, 1.0], [4.0, 4.0])
    [-1.5, 2.5, 9.0]
    """
    offsets = [0.0, *accumulate(apart)]
    # With the distances taken off, places must only not fall: neighbours that do are pooled at their mean.
    pools: list[tuple[float, float, int]] = []
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        mean, count = wish - offset, 1
        while pools and pools[-1][0] > mean:
            earlier, heavy, size = pools.pop()
            mean = (earlier * heavy + mean * weight) / (heavy + weight)
            weight, count = heavy + weight, size + count
        pools.append((mean, weight, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(flat, offsets, strict=True)]
