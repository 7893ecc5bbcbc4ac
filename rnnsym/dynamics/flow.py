"""The flow of gradients through time: products of Jacobians along a trajectory, their norms and singular values."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsym.checks.data import positive_variables
from rnnsym.checks.reference import size_number, variable
from rnnsym.dynamics.bounds import slope_bound
from rnnsym.dynamics.jacobians import Block, StepJacobians, kernel_of, step_jacobians
from rnnsym.errors import RnnsymError
from rnnsym.files import write_text
from rnnsym.language.model import Model

Array = NDArray[np.float64]
#: The size of everything whose size is not said.
SIZE = 32


@dataclass(frozen=True)
class Flow:
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

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Write `flow.csv`, `distance.csv` and the figure as `flow.svg` and `flow.png`; returns the paths.

        Raises FileExistsError where one is there already, unless `force`; RnnsymError without matplotlib.
        """
        from rnnsym.dynamics.plots import save

        return save([self], folder, force=force)

    def _repr_svg_(self) -> str | None:
        """The figure in a notebook; without matplotlib the numbers are shown as text."""
        from rnnsym.dynamics.plots import figure_svg

        try:
            return figure_svg([self])
        except RnnsymError:
            return None

    def __repr__(self) -> str:
        decay = self.decay()
        parts = ", ".join(f"{d}: {decay[d]:.3g}" for d in _marks(self.length))
        return f"Flow of {self.name}, mean ||ds[t]/ds[t-d]|| by d: {parts}"


def flow(
    model: Model,
    length: int = 50,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    scale: float = 1.0,
    *,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    name: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Flow:
    """How gradients flow through `length` steps of a model.

    params, inputs: arrays as kernels take them, inputs `(T, B, size)`; where they are not given, the kernel's own
    initial parameters, matrices times `scale`, and normal sequences. sizes: numbers for symbolic sizes, 32 where not
    given. progress: called with how many steps of all are done. Raises RnnsymError where nothing is read at a lag.

    >>> model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(d[t], h[t])")
    >>> found = flow(model, length=20, sizes={"n_h": 8, "n_x": 3})
    >>> found.states, found.norms.shape
    ((('h', 8, 1),), (21, 21))
    >>> bool((found.decay() <= found.bound() + 1e-12).all())
    True
    """
    if length < model.timing.minimum_length:
        raise RnnsymError(f"{model.name} needs at least {model.timing.minimum_length} steps, not {length}")
    numbers = _sizes(model, sizes or {})
    if params is None:
        params = {
            key: array * scale if array.ndim == 2 else array
            for key, array in kernel_of(model).init(seed, **numbers).items()
        }
    if inputs is None:
        inputs = draw_inputs(model, length, numbers, seed)
    elif model.sequences:
        length = len(inputs[model.sequences[0]])
    # Products of many Jacobians lose digits: all of it in double precision, whatever the kernel was trained in.
    params, inputs = ({key: np.asarray(value, float) for key, value in found.items()} for found in (params, inputs))
    with np.errstate(all="ignore"):
        jacobians = step_jacobians(model, params, inputs, length)
    if not np.isfinite(jacobians.matrices).all():
        raise RnnsymError(
            f"the states of {model.name} are not finite within {length} steps: give parameters and inputs with which "
            "they stay so"
        )
    return of_jacobians(jacobians, name or model.name, slope_bound(model, params), progress)


def _sizes(model: Model, given: Mapping[str, int]) -> dict[str, int]:
    symbols = sorted({str(s) for shape in model.shapes.values() for size in shape for s in size.free_symbols})
    unknown = sorted(set(given) - set(symbols))
    if unknown:
        raise RnnsymError(f"{model.name} has no size {', '.join(unknown)}; it has {', '.join(symbols) or 'none'}")
    return {symbol: given.get(symbol, SIZE) for symbol in symbols}


def draw_inputs(model: Model, length: int, sizes: Mapping[str, int], seed: int) -> dict[str, Array]:
    """One example: sequences and values from a normal distribution; positive where the model needs it so.

    Values before the first step are drawn smaller, so that the flow begins where states are unsaturated.
    """
    random = np.random.default_rng([seed, 1])
    positive = positive_variables(model)
    found = {}
    for key in model.input_keys:
        own = tuple(size_number(size, sizes) for size in model.shapes[variable(key)])
        shape = (length, 1, *own) if key in model.sequences else (1, *own)
        early = "[" in key
        drawn = (
            random.uniform(0.3, 0.7, shape)
            if variable(key) in positive
            else random.normal(0, 0.1 if early else 1, shape)
        )
        found[key] = drawn
    return found


def of_jacobians(
    jacobians: StepJacobians,
    name: str,
    slope: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Flow:
    """The flow that follows from the Jacobians of the single steps."""
    steps = jacobians.matrices
    length, batch, total, _ = steps.shape
    states = [block for block in jacobians.blocks if block.lag == 0]
    own = {block.name: np.full((length + 1, length + 1), np.nan) for block in states}
    norms, bounds = np.full((length + 1, length + 1), np.nan), np.full((length + 1, length + 1), np.nan)
    stretch = _norm(steps)
    # For every k at once: products[k] is P[t, k], and the next step multiplies them all from the left.
    products = np.zeros((0, batch, total, total))
    for t in range(length + 1):
        if t:
            products = steps[t - 1] @ products
        products = np.concatenate([products, np.broadcast_to(np.eye(total), (1, batch, total, total))])
        norms[t, : t + 1] = _norm(products).mean(axis=1)
        factors = [np.prod(stretch[k:t], axis=0).mean() for k in range(t + 1)]
        bounds[t, : t + 1] = factors
        for block in states:
            own[block.name][t, : t + 1] = _norm(products[:, :, block.place, block.place]).mean(axis=1)
        if progress is not None:
            progress(t, length)
    values = np.linalg.svd(products[::-1], compute_uv=False).mean(axis=1)
    return Flow(name, _shown_states(jacobians.blocks), norms, bounds, own, values, slope)


def _shown_states(blocks: tuple[Block, ...]) -> tuple[tuple[str, int, int], ...]:
    lags: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for block in blocks:
        lags[block.name] = block.lag + 1
        sizes[block.name] = block.stop - block.start
    return tuple((name, sizes[name], lags[name]) for name in lags)


def _norm(matrices: Array) -> Array:
    """The spectral norm of matrices on the last two axes."""
    return np.asarray(np.linalg.norm(matrices, 2, axis=(-2, -1)))


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


def write_numbers(flow: Flow, folder: Path, stem: str, *, force: bool) -> list[Path]:
    """The two tables of a flow as files."""
    return [
        write_text(folder / f"{stem}.csv", flow.to_csv(), force=force),
        write_text(folder / f"{stem}-distance.csv", flow.to_csv_by_distance(), force=force),
    ]
