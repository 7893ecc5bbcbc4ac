"""Jacobians of the joint state from one step to the next, as numbers along a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnsym.dynamics.probe import Held, Probe, probe, regions, states_of
from rnnsym.errors import RnnsymError
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model
from rnnsym.language.syntax import references
from rnnsym.language.timing import at_length
from rnnsym.pipeline import generate

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A part of the joint state: variable `name`, `lag` steps back, at `start` to `stop` of the state."""

    name: str
    lag: int
    start: int
    stop: int

    @property
    def place(self) -> slice:
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class StepJacobians:
    """The Jacobians ds[t]/ds[t-1] of the joint state s, for t = 1..T.

    matrices: `(T, B, N, N)`. blocks: what s is made of. Where a variable is read over several lags, s[t] holds its
    last values (companion form). Values read at a fixed step, such as a context c = h[1], are held.
    """

    matrices: Array
    blocks: tuple[Block, ...]


def step_jacobians(
    model: Model, params: Mapping[str, Array], inputs: Mapping[str, Array], length: int
) -> StepJacobians:
    """The Jacobian of every step along the trajectory that a model's kernel computes, by derived adjoints.

    params `(rows, columns)`; inputs: sequences `(T, B, size)`, others `(B, size)`. Raises RnnsymError where no
    variable is read at a lag, or one is read at a later time.

    >>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(d[t], h[t])")
    >>> params, inputs = {"W": np.eye(2)}, {"h[0]": np.zeros((1, 2)), "d": np.zeros((3, 1, 2))}
    >>> step_jacobians(model, params, inputs, 3).matrices[0, 0]
    array([[1., 0.],
           [0., 1.]])
    """
    for definition in model.core:
        for read in references(definition.value):
            if (
                read.name in model.defined
                and read.time is not None
                and read.time.anchor == "t"
                and read.time.offset > 0
            ):
                raise RnnsymError(
                    f"{definition.target} reads {read}, a later value: the flow is followed forwards in time only"
                )
    states = states_of(model, length)
    if not states:
        raise RnnsymError(f"{model.name} reads no variable at an earlier step: there is no flow through time")
    trajectory = Trajectory(model, params, inputs, length)
    blocks = _blocks(states, {name: trajectory.size(name) for name in states})
    matrices = np.zeros((length, trajectory.batch, blocks[-1].stop, blocks[-1].stop))
    for earlier, block in pairwise(blocks):
        if block.lag:  # what was v[t-1] at the last step is v[t-2] now
            matrices[:, :, np.r_[block.place], np.r_[earlier.place]] = 1
    place = {(block.name, block.lag): block.place for block in blocks}
    for pieces, times in regions(model, length).items():
        step = probe(model, pieces, length)
        if step is None:
            continue
        chosen = np.array(times) - 1
        for (target, held), slopes in _slopes(step, trajectory, params).items():
            matrices[chosen, :, place[target, 0], place[held.name, held.lag - 1]] = slopes[chosen]
    return StepJacobians(matrices, blocks)


@lru_cache(maxsize=8)
def kernel_of(model: Model) -> Kernel:
    """The kernel of a model, generated once for all trajectories."""
    return generate(model)


def _slopes(step: Probe, trajectory: Trajectory, params: Mapping[str, Array]) -> dict[tuple[str, Held], Array]:
    """The derivative of every state with respect to every earlier value, `(T, B, rows, columns)`.

    One backward pass gives them all: the batch holds every example once for each row, seeded with that row's unit.
    """
    rows = [(name, row) for name in step.seeds for row in range(trajectory.size(name))]
    data = {held.key: trajectory.held(held) for held in (*step.lags, *step.held)}
    data |= {name: trajectory.inputs[name] for name in step.model.sequences if name in trajectory.inputs}
    data |= {seed: trajectory.zeros(name) for name, seed in step.seeds.items()}
    data = {key: np.repeat(array, len(rows), axis=1) for key, array in data.items()}
    data |= {name: np.repeat(trajectory.untimed(name), len(rows), axis=0) for name in step.untimed}
    for number, (name, row) in enumerate(rows):
        seed = data[step.seeds[name]]
        seed.reshape(*seed.shape[:2], -1)[:, number :: len(rows), row] = 1.0
    own = {name: params[name] for name in step.model.param_keys}
    _, gradients = kernel_of(step.model).loss_and_grad(own, data)
    found = {}
    for held in step.lags:
        slopes = gradients[held.key].reshape(trajectory.length, trajectory.batch, len(rows), -1)
        for name in step.seeds:
            found[name, held] = slopes[:, :, [number for number, (target, _) in enumerate(rows) if target == name]]
    return found


def _blocks(states: Mapping[str, int], sizes: Mapping[str, int]) -> tuple[Block, ...]:
    found, start = [], 0
    for name, lags in states.items():
        for lag in range(lags):
            found.append(Block(name, lag, start, start + sizes[name]))
            start += sizes[name]
    return tuple(found)


class Trajectory:
    """Every value of a model at every step, as its kernel computes them."""

    def __init__(self, model: Model, params: Mapping[str, Array], inputs: Mapping[str, Array], length: int) -> None:
        self.inputs, self.length = inputs, length
        #: The keys of the values that are handed in for one step, `h[0]` or `x[T]`.
        self.given = {(found, at_length(time, length)): f"{found}[{time}]" for found, time in model.given}
        options = {} if model.sequences else {"length": length}
        _, self.values = kernel_of(model).forward(params, inputs, **options)
        first = next(iter(inputs), None)
        #: B; a model without any input is one example.
        self.batch = 1 if first is None else inputs[first].shape[1 if first in model.sequences else 0]

    def size(self, name: str) -> int:
        return int(np.prod(self._all(name).shape[2:], dtype=int))

    def zeros(self, name: str) -> Array:
        return np.zeros((self.length, self.batch, *self._all(name).shape[2:]))

    def untimed(self, name: str) -> Array:
        return np.asarray(self.inputs[name] if name in self.inputs else self.values[name])

    def held(self, held: Held) -> Array:
        """A value as the probe's input: `(T, B, ...)`; zeros for steps at which it is not there."""
        found = self.zeros(held.name)
        for time in range(1, self.length + 1):
            value = self.at(held.name, time - held.lag if held.time is None else held.time)
            if value is not None:
                found[time - 1] = value
        return found

    def at(self, name: str, time: int) -> Array | None:
        """The value of a variable at a step, or None."""
        if (name, time) in self.given:
            return self.inputs[self.given[name, time]]
        if name in self.inputs:
            return self.inputs[name][time - 1] if 1 <= time <= self.length else None
        array = self._all(name)
        row = time + len(array) - 1 - self.length
        return array[row] if 0 <= row < len(array) else None

    def _all(self, name: str) -> Array:
        if name in self.values:
            return np.asarray(self.values[name])
        if name in self.inputs:
            return np.asarray(self.inputs[name])
        found = next(array for key, array in self.inputs.items() if key.partition("[")[0] == name)
        return np.asarray(found)[None]
