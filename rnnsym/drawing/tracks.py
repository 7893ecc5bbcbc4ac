"""Room for the edges between columns: a track along a layer and a lane between columns for every bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rnnsym.drawing.graph import Edge, Graph
from rnnsym.drawing.ranks import Column, Ranks

TRACK = 9.0  # between tracks, and between lanes
BESIDE = 12.0  # between a box and the first track or lane
LEAVE, ARRIVAL = 4.0, 9.0  # what an edge goes straight up from a box, and into one
CURVE, STEEPNESS, STEEPEST = 20.0, 0.14, 60.0  # the height of a curve, by how far it leads to the side


class Bundle(NamedTuple):
    """Edges that share their tracks: those of one variable over one lag, or to and from what has no time.

    `phase` keeps edges over several steps apart, which run beside each other.
    """

    name: str
    lag: int
    phase: int
    target: str


def bundle(edge: Edge) -> Bundle:
    """The bundle of an edge that goes around."""
    source, target = edge.source, edge.target
    if source.time is None:
        return Bundle(source.name, 0, 0, "")
    if target.time is None:
        return Bundle(source.name, 0, 0, target.name)
    lag = target.time - source.time
    return Bundle(source.name, lag, source.time % max(lag, 1), "")


class Tracks:
    """The tracks of a graph: numbered above and below each layer, and before each column."""

    def __init__(self, graph: Graph, ranks: Ranks) -> None:
        self.ranks = ranks
        around = [edge for edge in graph.edges if edge not in ranks.risers]
        self.outward: dict[int, dict[Bundle, int]] = {}
        self.inward: dict[int, dict[Bundle, int]] = {}
        self.lanes: dict[Column, dict[Bundle, int]] = {}
        for edge in around:
            key = bundle(edge)
            for group in (
                self.outward.setdefault(ranks.layers[edge.source.name] + 1, {}),
                self.inward.setdefault(ranks.layers[edge.target.name], {}),
                self.lanes.setdefault(ranks.columns[edge.target], {}),
            ):
                group.setdefault(key, len(group))

    def room_below(self, layer: int, sideways: float = 0.0) -> float:
        """The height of the room below a layer, or above the highest; its curves lead so far to the side."""
        ends = self.outward_height(layer) + self.inward_height(layer)
        top = layer > max(self.ranks.layers.values())
        if layer == 0 or top:
            return ends if layer in self.outward or layer in self.inward else 0.0
        return ends + min(max(CURVE, sideways * STEEPNESS), STEEPEST)

    def outward_height(self, layer: int) -> float:
        """The height of the tracks at the bottom of the room below a layer."""
        return self._height(self.outward.get(layer, {}))

    def inward_height(self, layer: int) -> float:
        """The height of the tracks at its top, where arrows arrive."""
        return max(self._height(self.inward.get(layer, {})), ARRIVAL)

    @staticmethod
    def _height(group: Mapping[Bundle, int]) -> float:
        return BESIDE + len(group) * TRACK if group else LEAVE

    def room_before(self, column: Column, first: bool) -> float:
        """The width of the room before a column."""
        lanes = len(self.lanes.get(column, ()))
        return 2 * BESIDE + lanes * TRACK if lanes or not first else 0.0

    def out_of(self, edge: Edge) -> float:
        """How far above the source's layer an edge goes along."""
        return _place(self.outward[self.ranks.layers[edge.source.name] + 1], edge)

    def into(self, edge: Edge) -> float:
        """How far below the target's layer an edge comes in."""
        return _place(self.inward[self.ranks.layers[edge.target.name]], edge)

    def lane(self, edge: Edge) -> float:
        """How far before the target's column an edge goes up or down."""
        return _place(self.lanes[self.ranks.columns[edge.target]], edge)


def _place(group: Mapping[Bundle, int], edge: Edge) -> float:
    return BESIDE + group[bundle(edge)] * TRACK
