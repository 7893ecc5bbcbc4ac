"""A layout written as SVG: one style sheet, light and dark, the same bytes every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from rnnsym.drawing.boxes import BOX, CHIP_FONT, FONT, STRIP, Box, Port
from rnnsym.drawing.gradient import Flow
from rnnsym.drawing.graph import Graph
from rnnsym.drawing.labels import Span, number, tspans
from rnnsym.drawing.layout import HEADER, MARGIN, NOTE_FONT, Layout
from rnnsym.drawing.ranks import Column
from rnnsym.equations.indexed import Role

#: Colours by what they are for: light, dark. A page may set the variables --rnnsym-NAME itself.
COLOURS = {
    "paper": ("#ffffff", "#15181d"),
    "ink": ("#1d2430", "#e4e8ef"),
    "line": ("#6b7689", "#8f9bb0"),
    "faint": ("#c3cad6", "#465062"),
    "given": ("#e8ebf0", "#2a303a"),
    "state": ("#d9e8fb", "#1d3a5f"),
    "part": ("#f4f7fb", "#1d232c"),
    "loss": ("#fbe3d6", "#5b3420"),
    "chip": ("#fff3c9", "#4d4216"),
    "flow": ("#c7362f", "#ff8a80"),
}
#: Which property of which class has which colour.
RULES = (
    (".paper", "fill", "paper"),
    ("text", "fill", "ink"),
    (".edge", "stroke", "line"),
    (".head", "fill", "line"),
    (".given", "fill", "given"),
    (".state", "fill", "state"),
    (".part", "fill", "part"),
    (".loss", "fill", "loss"),
    (".chip", "fill", "chip"),
    (".box", "stroke", "line"),
    (".dim .box", "stroke", "faint"),
    (".dim text", "fill", "line"),
    (".dim .given,.dim .state,.dim .part,.dim .loss,.dim .chip", "fill", "paper"),
    (".edge.dim", "stroke", "faint"),
    (".head.dim", "fill", "faint"),
    (".edge.flow", "stroke", "flow"),
    (".head.flow", "fill", "flow"),
    (".flow .box", "stroke", "flow"),
    (".chip.used", "fill", "flow"),
    ("text.used", "fill", "paper"),
    ("text.count", "fill", "flow"),
)
KINDS = {Role.INTERMEDIATE: "part", Role.DEFINED: "state", Role.LOSS: "loss"}
RADIUS, HEAD = 7.0, 5.0
FONTS = "'STIX Two Text','Latin Modern Roman',Cambria,Georgia,'DejaVu Serif',serif"


@dataclass(frozen=True)
class Picture:
    """What is drawn: the graph with its places, the gradient's paths where one is shown, and the words around."""

    graph: Graph
    layout: Layout
    flow: Flow | None
    title: str
    description: str
    caption: Sequence[Span]
    headers: Mapping[Column, Sequence[str]]


def write_svg(picture: Picture) -> str:
    """The picture as an SVG document."""
    body = "\n".join([*_edges(picture), *_boxes(picture), *_words(picture)])
    identity = f"rnnsym-{hashlib.sha256((picture.title + picture.description + body).encode()).hexdigest()[:10]}"
    width, height = number(picture.layout.width), number(picture.layout.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rnnsym-drawing" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{identity}-title {identity}-desc">\n'
        f'<title id="{identity}-title">{escape(picture.title)}</title>\n'
        f'<desc id="{identity}-desc">{escape(picture.description)}</desc>\n'
        f"<style>\n{style()}\n</style>\n"
        f'<rect class="paper" width="{width}" height="{height}" rx="6"/>\n{body}\n</svg>\n'
    )


def style() -> str:
    """The style sheet. Colours stand twice: viewers that know no variables take the plain one, which is light."""
    lines = [
        f".rnnsym-drawing text{{font-family:{FONTS}}}",
        ".rnnsym-drawing .edge{fill:none;stroke-width:1.3}",
        ".rnnsym-drawing .edge.flow{stroke-width:2.4}",
        ".rnnsym-drawing .box{stroke-width:1.2}",
        ".rnnsym-drawing .flow .box{stroke-width:2}",
    ]
    for selector, attribute, colour in RULES:
        selectors = ",".join(f".rnnsym-drawing {part}" for part in selector.split(","))
        light, _ = COLOURS[colour]
        lines.append(f"{selectors}{{{attribute}:{light};{attribute}:var(--rnnsym-{colour},{light})}}")
    dark = "".join(
        f"{','.join(f'.rnnsym-drawing {part}' for part in selector.split(','))}"
        f"{{{attribute}:{COLOURS[colour][1]};{attribute}:var(--rnnsym-{colour},{COLOURS[colour][1]})}}\n"
        for selector, attribute, colour in RULES
    )
    return "\n".join(lines) + f"\n@media (prefers-color-scheme:dark){{\n{dark}}}"


# Edges


def _edges(picture: Picture) -> Iterator[str]:
    """All edges, those of the gradient last and so on top."""
    flowing = set(picture.flow.edges) if picture.flow else set()
    for edge in sorted(picture.graph.edges, key=lambda edge: edge in flowing):
        corners = picture.layout.paths[edge]
        shape = curve(corners) if edge in picture.layout.risers else rounded(corners)
        kind = "" if picture.flow is None else " flow" if edge in flowing else " dim"
        yield f'<path class="edge{kind}" d="{shape}"/>'
        # The gradient goes the other way: its arrow ends at what was read.
        (x, y), downwards = (corners[0], True) if edge in flowing else (corners[-1], False)
        yield f'<path class="head{kind}" d="{_head(x, y, downwards)}"/>'


def _head(x: float, y: float, downwards: bool) -> str:
    back = y - HEAD * 1.6 if downwards else y + HEAD * 1.6
    points = ((x, y), (x - HEAD * 0.75, back), (x + HEAD * 0.75, back))
    return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in points) + "Z"


def curve(corners: Sequence[tuple[float, float]]) -> str:
    """A smooth line upwards: curves between layers, straight through them."""
    parts = [f"M{number(corners[0][0])} {number(corners[0][1])}"]
    for (x0, y0), (x1, y1) in pairwise(corners):
        middle = (y0 + y1) / 2
        if x0 == x1:
            parts.append(f"V{number(y1)}")
        else:
            ends = " ".join(f"{number(a)} {number(b)}" for a, b in ((x0, middle), (x1, middle), (x1, y1)))
            parts.append(f"C{ends}")
    return "".join(parts)


def rounded(corners: Sequence[tuple[float, float]]) -> str:
    """Straight lines with rounded corners."""
    kept = [corners[0]]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        straight = (before[0] == here[0] == after[0]) or (before[1] == here[1] == after[1])
        if here != kept[-1] and not straight:
            kept.append(here)
    kept.append(corners[-1])
    parts = [f"M{number(kept[0][0])} {number(kept[0][1])}"]
    for before, here, after in zip(kept, kept[1:], kept[2:], strict=False):
        first, second = _towards(here, before), _towards(here, after)
        parts.append(f"L{number(first[0])} {number(first[1])}")
        parts.append(f"Q{number(here[0])} {number(here[1])} {number(second[0])} {number(second[1])}")
    parts.append(f"L{number(kept[-1][0])} {number(kept[-1][1])}")
    return "".join(parts)


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The point on the way from a corner where its rounding ends."""
    across, along = other[0] - corner[0], other[1] - corner[1]
    distance = abs(across) + abs(along)
    share = min(RADIUS, distance / 2) / distance if distance else 0.0
    return corner[0] + across * share, corner[1] + along * share


# Boxes and words


def _boxes(picture: Picture) -> Iterator[str]:
    on_path = set(picture.flow.values) if picture.flow else set()
    used = {(use.value, use.parameter) for use in picture.flow.uses} if picture.flow else set()
    for value in picture.graph.values:
        box = picture.layout.boxes[value]
        group = "" if picture.flow is None else ' class="flow"' if value in on_path else ' class="dim"'
        kind = "given" if value in picture.graph.given else KINDS.get(picture.graph.role(value), "state")
        yield f"<g{group}>"
        yield (
            f'<rect class="box {kind}" x="{number(box.x - box.width / 2)}" y="{number(box.y)}" '
            f'width="{number(box.width)}" height="{number(box.height)}" rx="{8 if kind != "given" else 2}"/>'
        )
        middle = box.y + BOX / 2 + FONT * (0.26 if any(span.level > 0 for span in box.spans) else 0.2)
        yield _text(box.x, middle, FONT, tspans(box.spans, FONT))
        for port in box.ports:
            if port.parameter:
                yield from _chip(box, port, (value, port.parameter) in used)
        yield "</g>"


def _chip(box: Box, port: Port, used: bool) -> Iterator[str]:
    mark = " used" if used else ""
    top = box.y + BOX - 2
    yield (
        f'<rect class="chip{mark}" x="{number(box.x + port.offset - port.width / 2)}" y="{number(top)}" '
        f'width="{number(port.width)}" height="{number(STRIP)}" rx="3"/>'
    )
    shown = tspans(port.spans, CHIP_FONT)
    yield _text(box.x + port.offset, top + STRIP * 0.68, CHIP_FONT, shown, "used" if used else "")


def _text(x: float, y: float, size: float, content: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return (
        f'<text{name} x="{number(x)}" y="{number(y)}" font-size="{number(size)}" text-anchor="middle">{content}</text>'
    )


def _words(picture: Picture) -> Iterator[str]:
    yield (
        f'<text xml:space="preserve" x="{number(MARGIN)}" y="{number(MARGIN + HEADER / 2)}" '
        f'font-size="{number(NOTE_FONT)}">{tspans(picture.caption, NOTE_FONT)}</text>'
    )
    for column, lines in picture.headers.items():
        if column not in picture.layout.headers:  # nothing stands in it
            continue
        x, y = picture.layout.headers[column]
        for place, line in enumerate(lines):
            kind = "count" if place else ""
            yield _text(x, y + place * (NOTE_FONT + 5), NOTE_FONT, escape(line), kind)
