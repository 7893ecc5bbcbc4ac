"""Symbolic = generated = numeric: every route to the gradient, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnsym.checks import numeric
from rnnsym.checks.data import draw
from rnnsym.checks.scalars import scalar_calculus
from rnnsym.checks.symbolic import derived_gradients
from rnnsym.derivation import Derivation
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model

Gradient = Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """A way to the gradient: its name, its error allowed in float64, and what computes it."""

    name: str
    tolerance: float
    gradient: Callable[[Gradient, Gradient], Gradient]


@dataclass(frozen=True)
class Row:
    """One gradient: its key, and each route's largest error over the size of the whole gradient."""

    key: str
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Report:
    """What a crosscheck found. The reference is the complex step in mpmath, to 30 digits."""

    model: str
    seed: int
    length: int
    batch: int
    sizes: Mapping[str, int]
    routes: tuple[str, ...]
    tolerances: tuple[float, ...]
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every route agrees with the reference within its tolerance."""
        return not list(self.failures())

    def failures(self) -> Iterator[tuple[str, str, float]]:
        """Where a route is off: key, route, error."""
        for row in self.rows:
            for route, tolerance, error in zip(self.routes, self.tolerances, row.errors, strict=True):
                if not error <= tolerance:
                    yield row.key, route, error

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        lines = [f"Crosscheck of {self.model}: T = {self.length}, B = {self.batch}, {sizes}, seed {self.seed}"]
        lines += ["largest error of each gradient, relative to the whole gradient, against mpmath with 30 digits", ""]
        width = max(len("gradient"), *(len(row.key) for row in self.rows))
        columns = [max(len(route), 8) for route in self.routes]
        cells = [route.rjust(column) for route, column in zip(self.routes, columns, strict=True)]
        lines.append("  ".join(["gradient".ljust(width), *cells]))
        for row in self.rows:
            cells = [f"{error:.1e}".rjust(c) for error, c in zip(row.errors, columns, strict=True)]
            lines.append("  ".join([row.key.ljust(width), *cells]))
        cells = [f"{tolerance:.0e}".rjust(c) for tolerance, c in zip(self.tolerances, columns, strict=True)]
        lines.append("  ".join(["allowed".ljust(width), *cells]))
        lines.append("")
        failed = [f"FAILED: {route} is off by {error:.1e} in {key}" for key, route, error in self.failures()]
        lines += failed or ["passed: all routes agree"]
        return "\n".join(lines)


def check(
    model: Model, derivation: Derivation, kernel: Kernel, seed: int = 0, length: int = 4, batch: int = 2
) -> Report:
    """Compare all routes on drawn data: sizes all different, T at least 3, nonzero initial states, soft targets."""
    params, inputs, sizes = draw(model, seed, length=length, batch=batch)
    steps = max(length, model.timing.minimum_length)
    routes: tuple[Route, ...] = (
        Route("derived equations", 1e-11, lambda p, i: derived_gradients(derivation, p, i, length=steps)),
        Route("generated kernel", 1e-11, lambda p, i: kernel.loss_and_grad(p, i, length=steps)[1]),
        Route("SymPy scalars", 1e-11, lambda p, i: scalar_calculus(model, p, i, length=steps)),
        Route("complex step", 1e-11, lambda p, i: numeric.complex_step(model, p, i, length=steps)),
        Route("central differences", 1e-6, lambda p, i: numeric.central_differences(model, p, i, length=steps)),
    )
    if numeric.holds_values(model):  # differences of values see what stop_gradient hides
        routes = tuple(route for route in routes if route.name != "central differences")
    reference = numeric.precise(model, params, inputs, length=steps)
    scale = max((abs(value) for array in reference.values() for value in array.flat), default=0.0) or 1.0
    found = [route.gradient(params, inputs) for route in routes]
    rows = tuple(
        Row(key, tuple(_error(gradient[key], reference[key], scale) for gradient in found)) for key in reference
    )
    return Report(
        model.name, seed, steps, batch, sizes, tuple(r.name for r in routes), tuple(r.tolerance for r in routes), rows
    )


def _error(one: Any, other: Any, scale: Any) -> float:
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return float("inf")
    differences = [abs(a - b) / scale for a, b in zip(one.flat, other.flat, strict=True)]
    return max((float(d) if np.isfinite(float(d)) else float("inf") for d in differences), default=0.0)
