"""A picture of a model's unrolled graph: the result of `derivation.draw()`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnnsym.drawing.gradient import Flow, flow_into
from rnnsym.drawing.graph import Graph, of_states, unroll
from rnnsym.drawing.labels import Span, label, width
from rnnsym.drawing.layout import NOTE_FONT, arrange
from rnnsym.drawing.ranks import AFTER, BEFORE, Column
from rnnsym.drawing.svg import Picture, write_svg
from rnnsym.equations.system import System
from rnnsym.errors import RnnsymError
from rnnsym.files import write_text
from rnnsym.language.model import Model
from rnnsym.notation.names import Names

#: More steps than these make no picture.
LONGEST = 12
DETAILS = ("states", "full")


@dataclass(frozen=True)
class Drawing:
    """An unrolled graph, drawn.

    svg: the picture, an SVG document of its own. graph: what it shows. flow: the backward paths that it marks, where
    a gradient was asked for.
    """

    svg: str
    graph: Graph
    flow: Flow | None

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the SVG to a file; raises FileExistsError where it is there already, unless `force` is given."""
        return write_text(path, self.svg, force=force)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Drawing of {len(self.graph.values)} values and {len(self.graph.edges)} reads"


def draw(model: Model, system: System, length: int = 3, gradient: str | None = None, detail: str = "states") -> Drawing:
    """Draw a system unrolled to `length` steps.

    gradient: a parameter or a value; every backward path from the loss into it is marked. detail: "states" draws the
    author's variables, "full" pre-activations too. Raises RnnsymError for a length, name or detail that is none.
    """
    if detail not in DETAILS:
        raise RnnsymError(f"detail is {' or '.join(DETAILS)}, not {detail!r}")
    if not system.minimum_length <= length <= LONGEST:
        raise RnnsymError(f"{model.name} is drawn with {system.minimum_length} to {LONGEST} steps, not {length}")
    graph = unroll(system, length)
    if detail == "states":
        graph = of_states(graph)
    flow = flow_into(graph, gradient) if gradient is not None else None
    names = Names(model.symbols, system.variables.values())
    headers = _headers(graph, flow)
    caption = _caption(model, graph, flow, names)
    layout = arrange(graph, names, headers, width(caption, NOTE_FONT))
    title = f"{model.title}, unrolled for T = {length}" if _is_timed(graph) else model.title
    picture = Picture(graph, layout, flow, title, _description(graph, flow), caption, headers)
    return Drawing(write_svg(picture), graph, flow)


def _is_timed(graph: Graph) -> bool:
    return any(value.time is not None for value in graph.values)


def _headers(graph: Graph, flow: Flow | None) -> dict[Column, tuple[str, ...]]:
    """What stands below each column: its time, and how often the gradient enters there."""
    timed = sorted({value.time for value in graph.values if value.time is not None})
    found: dict[Column, tuple[str, ...]] = {}
    for time in timed:
        last = " = T" if time == graph.length else ""
        found[Column(1, time)] = (f"t = {time}".replace("-", "−") + last, *_counted(flow, time))
    if flow is not None and None in flow.per_step:
        untimed = AFTER if timed and all(value.time is None for value in flow.values) else BEFORE
        found[untimed] = (" ", *_counted(flow, None))
    return found


def _counted(flow: Flow | None, time: int | None) -> Iterator[str]:
    if flow is not None and time in flow.per_step:
        uses, paths = flow.per_step[time], flow.paths[time]
        yield f"{_number(uses, 'use') if flow.uses else _number(uses, 'value')}, {_number(paths, 'path')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _caption(model: Model, graph: Graph, flow: Flow | None, names: Names) -> tuple[Span, ...]:
    if flow is None:
        return (Span(f"{model.title}: T = {graph.length}" if _is_timed(graph) else model.title),)
    loss = label(names, graph.variables[graph.loss.name])
    name, _, rest = flow.key.partition("[")
    shown = label(names, graph.variables[name], int(rest.removesuffix("]")) if rest else None)
    return (
        Span("∂"),
        *loss,
        Span("/∂"),
        *shown,
        Span(": the paths back from " if flow.ends else ": no path leads back from "),
        *loss,
        Span(" into "),
        *shown,
    )


def _description(graph: Graph, flow: Flow | None) -> str:
    """The picture in words, for those who do not see it."""
    reads = []
    for value in graph.values:
        sources = [
            f"{e.source} by {e.parameter}" if e.parameter else str(e.source)
            for e in graph.readers_by_target.get(value, ())
        ]
        if sources:
            reads.append(f"{value} reads {', '.join(sources)}")
    text = "; ".join(reads) + "."
    if flow is not None:
        entered = ", ".join(map(str, flow.ends)) or "nothing"
        text += f" Gradient into {flow.key}: it enters at {entered}."
    return text
