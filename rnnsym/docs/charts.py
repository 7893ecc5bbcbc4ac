"""Line charts as SVG that stands inside a page: its colours are the page's, so light and dark need no second picture.

Written directly, because a chart then is two kilobytes of text with the same bytes on every machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 26.0, 40.0
#: About how wide a letter of the labels is.
LETTER = 6.6
#: As many as there are colours in the site's sheet.
MOST = 4


@dataclass(frozen=True)
class Series:
    """A line: what it is called, and its points."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Axis:
    """From pixels to numbers and back; logarithmic axes have ticks at powers of ten."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def place(self, value: float) -> float:
        if self.log:
            low, high, value = math.log10(self.low), math.log10(self.high), math.log10(max(value, self.low))
        else:
            low, high = self.low, self.high
        return self.start + (value - low) / (high - low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            low, high = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(low, high + 1, max(1, math.ceil((high - low) / 6)))]
        step = nice((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * 0.999)


def line_chart(
    series: Sequence[Series], title: str, x_label: str, y_label: str = "", log: bool = False, width: int = 520
) -> str:
    r"""The chart as one SVG element without blank lines, as Markdown wants it.

    >>> chart = line_chart([Series("up", [0, 1], [0, 2])], "Two points", "x")
    >>> chart.startswith('<svg class="chart"') and "\n\n" not in chart
    True
    """
    height = round(width * 0.56)
    values = [value for one in series for value in one.y if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log:
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high) + 1e-9)
    else:
        room = 0.06 * (high - low or 1.0)
        low, high = low - room, high + room
    x_values = [value for one in series for value in one.x]
    across = Axis(min(x_values), max(x_values), LEFT, width - RIGHT)
    up = Axis(low, high, height - BOTTOM, TOP, log)
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(title)}">',
        *_grid(across, up, width, height),
        f'<text x="{(LEFT + width - RIGHT) / 2:g}" y="{height - 6}" text-anchor="middle">{escape(x_label)}</text>',
    ]
    if y_label:
        parts.append(f'<text x="0" y="14">{escape(y_label)}</text>')
    place = width - RIGHT - sum(len(one.label) * LETTER + 16 for one in series) + 16
    for number, one in enumerate(series, 1):
        points = " ".join(
            f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in zip(one.x, one.y, strict=True) if math.isfinite(y)
        )
        parts.append(f'<polyline class="line s{(number - 1) % MOST + 1}" points="{points}"/>')
        parts.append(f'<text class="s{(number - 1) % MOST + 1}" x="{place:.1f}" y="14">{escape(one.label)}</text>')
        place += len(one.label) * LETTER + 16
    return "\n".join([*parts, "</svg>"])


def _grid(across: Axis, up: Axis, width: int, height: int) -> list[str]:
    parts = []
    for value in up.ticks():
        y = f"{up.place(value):.1f}"
        parts.append(f'<path class="grid" d="M{LEFT:g} {y}H{width - RIGHT:g}"/>')
        parts.append(f'<text x="{LEFT - 7:g}" y="{float(y) + 4:.1f}" text-anchor="end">{number(value, up.log)}</text>')
    for value in across.ticks():
        x = f"{across.place(value):.1f}"
        parts.append(f'<text x="{x}" y="{height - BOTTOM + 17:g}" text-anchor="middle">{number(value)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT:g} {height - BOTTOM:g}H{width - RIGHT:g}"/>')
    return parts


def number(value: float, log: bool = False) -> str:
    """A tick's label."""
    if log:
        power = round(math.log10(value))
        if -3 < power < 4:
            return f"{value:g}"
        return "10" + "".join("⁻" if sign == "-" else "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(sign)] for sign in str(power))
    return f"{value:.10g}".replace("-", "−") if abs(value) > 1e-12 else "0"


#: The colours of a chart that is a file of its own: what, light, dark.
COLOURS = (
    ("text", "fill:#5a6675", "fill:#98a4b3"),
    (".axis", "fill:none;stroke:#5a6675", "stroke:#98a4b3"),
    (".grid", "fill:none;stroke:#e3e7ec", "stroke:#2c3440"),
    (".cell", "fill:#2563c9", "fill:#78a9f5"),
    (".cell.over", "fill:#c2571a", "fill:#f0975c"),
    (".s1", "stroke:#2563c9", "stroke:#78a9f5"),
    (".s2", "stroke:#c2571a", "stroke:#f0975c"),
    (".s3", "stroke:#2e7d4f", "stroke:#6fc294"),
    (".s4", "stroke:#8a3fb0", "stroke:#cc92ea"),
    *((f"text.s{number}", f"stroke:none;fill:{light}", f"fill:{dark}") for number, light, dark in (
        (1, "#2563c9", "#78a9f5"), (2, "#c2571a", "#f0975c"), (3, "#2e7d4f", "#6fc294"), (4, "#8a3fb0", "#cc92ea"),
    )),
)  # fmt: skip


def standalone(chart: str) -> str:
    """A chart as a file of its own, with its colours inside."""
    light = "".join(f"{what}{{{one}}}" for what, one, _ in COLOURS)
    dark = "".join(f"{what}{{{other}}}" for what, _, other in COLOURS)
    rest = "text{font:12px sans-serif}.line{fill:none;stroke-width:2}"
    style = f"<style>{rest}{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"
    return (
        chart.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">\n", f">\n{style}\n", 1) + "\n"
    )


VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def together(rows: Sequence[Sequence[str]], title: str) -> str:
    """Charts as one: rows of charts below each other."""
    parts, y, widest = [], 0.0, 0.0
    for row in rows:
        x = tallest = 0.0
        for chart in row:
            found = VIEW.search(chart)
            assert found is not None
            width, height = float(found[1]), float(found[2])
            parts.append(chart.replace('<svg class="chart"', f'<svg x="{x:g}" y="{y:g}" height="{height:g}"', 1))
            x, tallest = x + width, max(tallest, height)
        y, widest = y + tallest, max(widest, x)
    head = (
        f'<svg class="chart" viewBox="0 0 {widest:g} {y:g}" width="{widest:g}" role="img" aria-label="{escape(title)}">'
    )
    return "\n".join([head, *parts, "</svg>"])


def figure(chart: str, caption: str = "") -> str:
    """A chart with its caption, as HTML that Markdown leaves alone."""
    text = f"\n<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>\n{chart}{text}\n</figure>"
