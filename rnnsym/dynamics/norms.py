"""The numbers of a flow: norms and singular values of products of Jacobians, by step and by distance."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsym.files import write_text

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Norms:
    """How a gradient at one step reaches earlier ones. P[t, k] = ds[t]/ds[k] is the product of the steps' Jacobians.

    states: the joint state s, as (name, size, lags). norms: `(T+1, T+1)`, the spectral norm of P[t, k] at row t, column
    k, NaN where k > t; with a batch, the mean over it. blocks: the same for dv[t]/dv[k] of every state v alone.
    bounds: the product of the norms of the single Jacobians from k to t. singular_values: `(T+1, N)`, those of
    P[T, T-d] at row d. slope_bound: g with ||P[t, k]|| <= g**(t-k) from weights and activations alone, or None.
    """

    name: str
    states: tuple[tuple[str, int, int], ...]
    norms: Array
    bounds: Array
    blocks: Mapping[str, Array]
    singular_values: Array
    slope_bound: float | None

    @property
    def length(self) -> int:
        return len(self.norms) - 1

    def decay(self, of: str | None = None) -> Array:
        """The mean norm of P[t, t-d] over t, for the distances d = 0..T; `of` one state, or of the joint state."""
        return _by_distance(self.norms if of is None else self.blocks[of])

    def bound(self) -> Array:
        """The mean of the product of norms over the same steps as `decay`: never below it."""
        return _by_distance(self.bounds)

    def to_csv(self) -> str:
        """The numbers by step: t, k, the norm, its bound, and each state's own norm."""
        header = ["t", "k", "norm", "bound", *(f"norm_{name}" for name in self.blocks)]
        rows = [
            [t, k, *(_shown(array[t, k]) for array in (self.norms, self.bounds, *self.blocks.values()))]
            for t in range(self.length + 1)
            for k in range(t + 1)
        ]
        return _csv([header, *rows])

    def to_csv_by_distance(self) -> str:
        """The numbers by distance: d, the mean norm, its bounds, each state's, and the singular values of P[T, T-d]."""
        count = self.singular_values.shape[1]
        slopes = [] if self.slope_bound is None else [self.slope_bound ** np.arange(self.length + 1.0)]
        header = [
            "distance",
            "norm",
            "bound",
            *["slope_bound"] * len(slopes),
            *(f"norm_{name}" for name in self.blocks),
        ]
        header += [f"singular_value_{number}" for number in range(1, count + 1)]
        columns = [self.decay(), self.bound(), *slopes, *(self.decay(name) for name in self.blocks)]
        rows = [
            [d, *(_shown(column[d]) for column in columns), *map(_shown, self.singular_values[d])]
            for d in range(self.length + 1)
        ]
        return _csv([header, *rows])

    def __repr__(self) -> str:
        decay = self.decay()
        parts = ", ".join(f"{d}: {decay[d]:.3g}" for d in _marks(self.length))
        return f"Flow of {self.name}, mean ||ds[t]/ds[t-d]|| by d: {parts}"


def _by_distance(array: Array) -> Array:
    return np.array([np.diagonal(array, -distance).mean() for distance in range(len(array))])


def _marks(length: int) -> list[int]:
    return sorted({1, *(d for d in (5, 10, 20, 50, 100, 200) if d < length), length})


def _shown(value: float) -> str:
    return f"{value:.10g}"


def _csv(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def write_numbers(flow: Norms, folder: Path, stem: str, *, force: bool) -> list[Path]:
    """The two tables of a flow as files."""
    return [
        write_text(folder / f"{stem}.csv", flow.to_csv(), force=force),
        write_text(folder / f"{stem}-distance.csv", flow.to_csv_by_distance(), force=force),
    ]
