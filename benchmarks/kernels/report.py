"""What a benchmark of kernels found, as Markdown: a picture of the times, tables, and who is faster than whom."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CPU = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Row:
    """A problem, and what was found of each peer: seconds, the first call, memory in MB, the largest relative error."""

    cell: str
    size: tuple[int, ...]
    dtype: str
    threads: int
    found: dict[str, dict[str, Any]]

    @property
    def problem(self) -> dict[str, str]:
        """What tells it from others; sizes in a line that is not broken."""
        sizes = ",\N{NO-BREAK SPACE}".join(map(str, self.size))
        threads = f"{self.threads} thread" + "s" * (self.threads != 1)
        return {"cell": self.cell, "B, T, n, m": sizes, "type": self.dtype, "threads": threads}

    @property
    def reference(self) -> str:
        """Whose time is 1: the expert's, else the generated kernel's, else the first peer's."""
        return next((name for name in ("expert", "generated") if name in self.found), next(iter(self.found)))

    def ratio(self, peer: str) -> float:
        return float(self.found[peer]["seconds"] / self.found[self.reference]["seconds"])


#: What is reported of each peer, under which title; a peer without a gradient has no error.
TABLES: dict[str, Callable[[Row, str], str]] = {
    "Time": lambda row, peer: f"{row.ratio(peer):.2f}",
    "Milliseconds": lambda row, peer: f"{row.found[peer]['seconds'] * 1e3:.3g}",
    "First call, seconds": lambda row, peer: f"{row.found[peer]['first']:.2f}",
    "Memory, MB": lambda row, peer: f"{row.found[peer]['memory']:.1f}",
    "Largest relative error of a gradient": lambda row, peer: (
        "" if math.isnan(row.found[peer]["error"]) else f"{row.found[peer]['error']:.0e}"
    ),
}
#: Who is compared with whom over all problems.
PAIRS = (
    ("generated", "expert"),
    ("generated", "torch"),
    ("generated", "jax"),
    ("generated", "autograd"),
    ("numba", "expert"),
    ("c", "expert"),
    ("c", "torch"),
    ("jax_derived", "jax"),
)
#: Who stands in the picture, each with a colour of the site's charts.
CHARTED = ("generated", "c", "torch", "jax")


def report(rows: Sequence[Row], peers: Sequence[str], titles: Sequence[str]) -> str:
    """Everything: what all problems share is said once, above."""
    alike = {what: value for what, value in rows[0].problem.items() if all(r.problem[what] == value for r in rows)}
    shared = {what: value for what, value in alike.items() if what != "cell"}
    apart = [what for what in rows[0].problem if what not in shared]
    return "\n\n".join(
        [
            *([", ".join(shared.values()) + "."] if shared else []),
            picture(rows, [peer for peer in CHARTED if peer in peers], apart),
            *(f"**{title}**\n\n{table(rows, peers, apart, TABLES[title])}" for title in titles),
            "\n".join(f"- {line}" for pair in PAIRS if (line := compared(rows, *pair))),
            machine(),
        ]
    )


def table(rows: Sequence[Row], peers: Sequence[str], apart: Sequence[str], entry: Callable[[Row, str], str]) -> str:
    """A row for each problem, told by what sets it apart; a column for each peer."""
    head = [*apart, *peers]
    lines = [head, ["---"] * len(apart) + ["---:"] * len(peers)]
    for row in rows:
        found = [entry(row, peer) if peer in row.found else "" for peer in peers]
        lines.append([*(row.problem[what] for what in apart), *found])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def picture(rows: Sequence[Row], peers: Sequence[str], apart: Sequence[str]) -> str:
    """Times as dots on a line for each problem, each twice as far to the right as what takes half of its time."""
    line, left, top, width = 24, 190, 30, 640
    ratios = [row.ratio(peer) for row in rows for peer in peers if peer in row.found]
    low, high = math.floor(math.log2(min(*ratios, 1.0))), math.ceil(math.log2(max(*ratios, 1.0)))
    scale = (width - left - 20) / (high - low or 1)
    bottom = top + line * len(rows)
    title = "Times as dots, a line for each problem; the numbers are in the table below"
    parts = [f'<svg class="chart" viewBox="0 0 {width} {bottom + 24}" width="{width}" role="img" aria-label="{title}">']
    for number, peer in enumerate(peers):
        parts.append(f'<text class="s{number + 1}" x="{left + 110 * number}" y="14">{escape(peer)}</text>')
    for power in range(low, high + 1):
        x = left + (power - low) * scale
        parts.append(f'<path class="{"grid" if power else "axis"}" d="M{x:.1f} {top}V{bottom}"/>')
        label = f"1/{2**-power}" if power < 0 else str(2**power) if power else f"1 = {rows[0].reference}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{label}</text>')
    for place, row in enumerate(rows):
        y = top + line * (place + 0.5)
        name = " ".join(row.problem[what] for what in apart)
        parts.append(f'<text x="{left - 12}" y="{y + 4:g}" text-anchor="end">{escape(name)}</text>')
        for number, peer in enumerate(peers):
            if peer in row.found:
                x = left + (math.log2(row.ratio(peer)) - low) * scale
                dot = f'd="M{x:.1f} {y:g}h0" stroke-width="9" stroke-linecap="round"'
                parts.append(f'<path class="s{number + 1}" {dot}/>')
    return "<figure>\n" + "\n".join([*parts, "</svg>"]) + "\n</figure>"


def compared(rows: Sequence[Row], one: str, other: str) -> str:
    """The ratio of two peers over all problems that both have."""
    ratios = [r.found[one]["seconds"] / r.found[other]["seconds"] for r in rows if one in r.found and other in r.found]
    if not ratios:
        return ""
    mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
    return f"{one} / {other}: {mean:.2f} in geometric mean, at most {max(ratios):.2f}"


def machine() -> str:
    """The processor, and the versions of what was measured."""
    lines = CPU.read_text().splitlines() if CPU.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    versions = []
    for package in ("numpy", "torch", "jax", "autograd", "numba"):
        with contextlib.suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    processor = next(names, platform.processor())
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {', '.join(versions)}"
