"""Figures of flows, side by side: a heat map, the decay over the distance, and singular values."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnsym.dynamics.norms import Norms, write_numbers
from rnnsym.errors import RnnsymError
from rnnsym.files import write_bytes, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Below this a norm is drawn as zero.
LEAST = 1e-16
WIDTH, HEIGHT = 3.9, 3.1  # of one panel, in inches


def figure(flows: Sequence[Norms]) -> Figure:
    """A row of three panels for each flow; the same scales in every row. Raises RnnsymError without matplotlib."""
    try:
        from matplotlib.figure import Figure as NewFigure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        raise RnnsymError("figures need matplotlib: pip install 'rnnsym[plots]'") from None
    room = ConstrainedLayoutEngine(wspace=0.05, hspace=0.05)
    found = NewFigure(figsize=(3 * WIDTH, HEIGHT * len(flows)), layout=room)
    panels = found.subplots(len(flows), 3, squeeze=False)
    everything = np.concatenate([flow.norms[np.isfinite(flow.norms)] for flow in flows])
    low, high = np.log10(np.clip([everything.min(), everything.max()], LEAST, None))
    for row, flow in zip(panels, flows, strict=True):
        _heat_map(row[0], flow, low, high, found)
        _decay(row[1], flow)
        _singular_values(row[2], flow)
    for column in (1, 2):
        limits = [panel.get_ylim() for panel in panels[:, column]]
        for panel in panels[:, column]:
            panel.set_ylim(max(min(first for first, _ in limits), LEAST), max(last for _, last in limits))
    return found


def _heat_map(panel: Any, flow: Norms, low: float, high: float, figure: Any) -> None:
    shown = np.log10(np.clip(flow.norms, LEAST, None))
    image = panel.imshow(shown, origin="lower", cmap="viridis", vmin=low, vmax=max(high, low + 1e-9), aspect="equal")
    figure.colorbar(image, ax=panel, label=r"$\log_{10}\,\Vert ds_t/ds_k\Vert$")
    panel.set(title=flow.name, xlabel="$k$", ylabel="$t$")


def _decay(panel: Any, flow: Norms) -> None:
    distance = np.arange(flow.length + 1)
    panel.semilogy(distance, np.clip(flow.decay(), LEAST, None), color="black", label="joint state")
    if len(flow.blocks) > 1:
        for number, name in enumerate(flow.blocks):
            own = np.clip(flow.decay(name), LEAST, None)
            panel.semilogy(distance, own, color=f"C{number}", linestyle="--", label=rf"${name} \to {name}$")
    panel.semilogy(distance, np.clip(flow.bound(), LEAST, None), color="grey", linestyle=":", label="product of norms")
    if flow.slope_bound is not None:
        panel.semilogy(
            distance, np.clip(flow.slope_bound**distance, LEAST, 1e16), color="C3", linestyle="-.",
            label=rf"${flow.slope_bound:.2f}^{{t-k}}$",
        )  # fmt: skip
    panel.set(title="decay", xlabel="$t-k$", ylabel=r"$\Vert ds_t/ds_k\Vert$")
    panel.legend(fontsize="x-small")


def _singular_values(panel: Any, flow: Norms) -> None:
    distance = np.arange(flow.length + 1)
    count = flow.singular_values.shape[1]
    for number in range(count):
        shade = number / max(count - 1, 1)
        panel.semilogy(
            distance, np.clip(flow.singular_values[:, number], LEAST, None), color=(0.15, 0.2 + 0.6 * shade, 0.6),
            linewidth=0.8,
        )  # fmt: skip
    panel.set(title="singular values", xlabel="distance from $T$", ylabel=r"of $ds_T/ds_{T-d}$")


def _written(flows: Sequence[Norms], form: str) -> bytes:
    """A figure as SVG or PNG, the same bytes every time."""
    found = figure(flows)
    import matplotlib

    out = io.BytesIO()
    settings: dict[Any, Any] = {"svg.hashsalt": "rnnsym", "svg.fonttype": "path", "font.family": "DejaVu Sans"}
    metadata = {"Date": None, "Creator": "rnnsym"} if form == "svg" else {"Software": "rnnsym"}
    with matplotlib.rc_context(settings):
        found.savefig(out, format=form, dpi=130, metadata=metadata)
    return out.getvalue()


def figure_svg(flows: Sequence[Norms]) -> str:
    """The figure as an SVG document."""
    return _written(flows, "svg").decode("utf-8")


def save(flows: Sequence[Norms], folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
    """Write the numbers of each flow, and one figure of all of them, as `flow.svg` and `flow.png`."""
    place = Path(folder)
    picture, image = figure_svg(flows), _written(flows, "png")
    place.mkdir(parents=True, exist_ok=True)
    stems = [re.sub(r"[^\w.-]+", "-", flow.name).strip("-") or "flow" for flow in flows]
    paths = [
        path for flow, stem in zip(flows, stems, strict=True) for path in write_numbers(flow, place, stem, force=force)
    ]
    paths.append(write_text(place / "flow.svg", picture, force=force))
    paths.append(write_bytes(place / "flow.png", image, force=force))
    return paths
