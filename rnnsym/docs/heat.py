"""Heat maps of what reaches an earlier step, as SVG beside the line charts: one shade for each power of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from rnnsym.docs.charts import number
from rnnsym.docs.data import Array

LEFT, RIGHT, TOP, BOTTOM = 22, 4, 22, 30
#: Powers of ten that are told apart; what is less is left blank.
LOWEST, HIGHEST = -7, 3


def level(value: float) -> int | None:
    """The power of ten that a value lies above, None for what is not drawn.

    >>> level(1.0), level(0.5), level(0.0)
    (0, -1, None)
    """
    if not math.isfinite(value) or value <= 0:
        return None
    power = math.floor(math.log10(value) + 1e-6)  # what is 1 but for rounding is 1
    return min(power, HIGHEST) if power >= LOWEST else None


def shade(power: int) -> str:
    """The class and opacity of a power of ten: above 1 in another colour."""
    if power > 0:
        return f'class="cell over" fill-opacity="{0.4 + 0.6 * power / HIGHEST:.2f}"'
    return f'class="cell" fill-opacity="{1 + 0.94 * power / -(LOWEST - 1):.2f}"'


def heat_map(norms: Array, title: str, width: int = 172) -> str:
    """The norms of ds[t]/ds[k], `(T+1, T+1)`: k to the right, t upwards."""
    length = len(norms) - 1
    right = width - RIGHT
    height = TOP + right - LEFT + BOTTOM
    bottom = height - BOTTOM
    # Edges are rounded before cells are made of them, so that neighbours meet.
    edges = [round((right - LEFT) * number / (length + 1), 1) for number in range(length + 2)]
    cells: dict[int, list[str]] = {}
    for t in range(length + 1):
        levels = [level(float(value)) for value in norms[t]]
        for k, power in enumerate(levels):
            if power is not None and (k == 0 or levels[k - 1] != power):
                run = next((j for j in range(k, length + 1) if levels[j] != power), length + 1) - k
                x, across = LEFT + edges[k], edges[k + run] - edges[k]
                y, up = bottom - edges[t + 1], edges[t + 1] - edges[t]
                cells.setdefault(power, []).append(f"M{x:.1f} {y:.1f}h{across:.1f}v{up:.1f}h{-across:.1f}z")
    paths = [f'<path {shade(power)} d="{"".join(cells[power])}"/>' for power in sorted(cells)]
    about = f"{escape(title)}: norms of the derivatives of states by earlier states"
    return "\n".join(
        (
            f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{about}">',
            f'<text x="{LEFT}" y="14">{escape(title)}</text>',
            f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>',
            *paths,
            f'<text x="{LEFT - 5}" y="{bottom}" text-anchor="end">0</text>',
            f'<text x="{LEFT - 5}" y="{TOP + 10}" text-anchor="end">{length}</text>',
            f'<text x="{LEFT - 5}" y="{(TOP + bottom) / 2:g}" text-anchor="end">t</text>',
            f'<text x="{LEFT}" y="{bottom + 16}">0</text>',
            f'<text x="{(LEFT + right) / 2:g}" y="{bottom + 16}" text-anchor="middle">k</text>',
            f'<text x="{right}" y="{bottom + 16}" text-anchor="end">{length}</text>',
            "</svg>",
        )
    )


def scale(every: Sequence[Array]) -> str:
    """What the shades of some maps mean: each from its number up to the next."""
    powers = sorted(
        {power for norms in every for value in np.ravel(norms) if (power := level(float(value))) is not None}
    )
    step = 56
    parts = [
        f'<rect {shade(power)} x="{step * place + 22}" y="2" width="14" height="14"/>'
        f'<text x="{step * place + 40}" y="14">{number(10.0**power, log=True)}</text>'
        for place, power in enumerate(powers)
    ]
    width = step * len(powers) + 22
    return "\n".join(
        (
            f'<svg class="chart" viewBox="0 0 {width} 24" width="{width}" role="img" aria-label="scale">',
            *parts,
            "</svg>",
        )
    )
