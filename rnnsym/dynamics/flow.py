"""The flow of gradients through time: products of Jacobians along a trajectory, their norms and singular values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnsym.checks.data import positive_variables
from rnnsym.checks.sizes import size_number, variable
from rnnsym.dynamics.bounds import slope_bound
from rnnsym.dynamics.jacobians import Block, StepJacobians, kernel_of, step_jacobians
from rnnsym.dynamics.norms import Array, Norms
from rnnsym.dynamics.plots import figure_svg, save
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model

#: The size of everything whose size is not said.
SIZE = 32


class Flow(Norms):
    """How a gradient at one step reaches earlier ones: the numbers of `Norms`, and their figure."""

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Write `flow.csv`, `distance.csv` and the figure as `flow.svg` and `flow.png`; returns the paths.

        Raises FileExistsError where one is there already, unless `force`; RnnsymError without matplotlib.
        """
        return save([self], folder, force=force)

    def _repr_svg_(self) -> str | None:
        """The figure in a notebook; without matplotlib the numbers are shown as text."""
        try:
            return figure_svg([self])
        except RnnsymError:
            return None


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
