"""Gradients by evaluation alone: the complex step, central differences, and the complex step in many digits.

Nothing is differentiated here. Every element of every parameter and input is displaced in a copy of the data, and one
pass over the model's equations evaluates a few hundred copies. With a batch, the loss is summed over it; since no
equation lets examples meet, one copy displaces an input in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnsym.checks.kits import Array, FloatKit, Kit, PreciseKit, objects
from rnnsym.checks.reference import evaluate
from rnnsym.checks.sizes import batch_size, variable
from rnnsym.errors import ShapeError
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, walk
from rnnsym.operations import OPERATIONS, Elementwise

#: The complex step has no cancellation, so that it may be tiny; its square has to vanish against 1.
COMPLEX_STEP = 2.0**-100
#: A power of two is added without rounding to most numbers. Error of the fourth-order formula: about 1e-13.
LARGEST_STEP = 2.0**-11
SMALLEST_STEP = 2.0**-17
#: Where two steps disagree by more than this, relative to the gradient, smaller ones are tried.
CONVERGED = 1e-8
FINEST_STEP = 2.0**-23
#: How many numbers the perturbed copies of one pass may hold.
COPIES = 400_000


def loss(model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, length: int | None = None) -> float:
    """The total loss, summed over the batch where there is one: inputs `(T, [B,] size)` and `(B, size)`.

    >>> model = Model("E = squared_error(x, w)", sizes={"x": "n"}, inputs=("x",))
    >>> loss(model, {"w": [1.0, 2.0]}, {"x": [[0.0, 2.0], [3.0, 2.0]]})
    2.5
    """
    return float(Displaced(model, params, inputs, FloatKit(), length).losses().sum())


def kink_margin(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, length: int | None = None
) -> float:
    """The smallest distance of an argument from a kink, such as relu's at 0; infinite where nothing has one.

    Zero where the complex step has no value: far out it overflows, where a sigmoid of the real number is merely 1.
    """
    kit = FloatKit(watch=True)
    one, other = ({key: np.add(array, 1j * COMPLEX_STEP) for key, array in data.items()} for data in (params, inputs))
    finite = np.all(np.isfinite(Displaced(model, one, other, kit, length).losses()))
    return kit.margin if finite else 0.0


def holds_values(model: Model) -> bool:
    """Whether a function of the model has a derivative that is not that of its values, as stop_gradient has."""
    entries = [OPERATIONS[n.function] for d in model.core for n in walk(d.value) if isinstance(n, Call)]
    return any(isinstance(entry, Elementwise) and entry.holds for entry in entries)


def complex_step(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, length: int | None = None
) -> dict[str, Array]:
    """The gradient of the loss in every parameter and input, each in its own shape, exact up to rounding.

    >>> model = Model("h[t] = w * h[t-1] + x[t]" + chr(10) + "L = sum(h[t])", sizes={"h": (), "w": ()})
    >>> complex_step(model, {"w": 2.0}, {"x": [1.0, 1.0], "h[0]": 3.0})
    {'w': array(16.), 'x': array([3., 1.]), 'h[0]': array(6.)}
    """
    data = Displaced(model, params, inputs, FloatKit(), length)
    return data.gradients(data.change(1j * COMPLEX_STEP).imag / COMPLEX_STEP)


def central_differences(
    model: Model,
    params: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    length: int | None = None,
    step: float | None = None,
) -> dict[str, Array]:
    """The gradient by four evaluations an element (Richardson's extrapolation of central differences).

    The step is kept small enough not to reach the next kink. Near a pole, as of a matrix that is nearly singular, it is
    made smaller until two steps agree.
    """
    data = Displaced(model, params, inputs, FloatKit(), length)
    if step is not None:
        return data.gradients(_rates(data, step)[0])
    # An argument moves by some multiple of the step; twenty is ample for weights of order one.
    room = kink_margin(model, params, inputs, length=length) / 20
    step = 2.0 ** np.floor(np.log2(min(max(room, SMALLEST_STEP), LARGEST_STEP)))
    best, doubt = _rates(data, step)
    while doubt > CONVERGED and (step := step / 8) >= FINEST_STEP:
        finer, uncertain = _rates(data, step)
        if uncertain < doubt:
            best, doubt = finer, uncertain
    return data.gradients(best)


def _rates(data: Displaced, step: float) -> tuple[Array, float]:
    """The extrapolated rates, and how far they are from those of the larger step alone, at most."""
    near = data.change(step) - data.change(-step)
    far = data.change(2 * step) - data.change(-2 * step)
    rates = (8 * near - far) / (12 * step)
    scale = np.max(np.abs(rates), initial=0.0)
    # The correction is the error of the plain formula, and its square stands for that of the extrapolated one.
    return rates, float((np.max(np.abs(rates - near / (2 * step)), initial=0.0) / scale) ** 2) if scale else 0.0


def precise(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, digits: int = 30, length: int | None = None
) -> dict[str, Array]:
    """The gradient to so many decimal digits, as object arrays of mpmath numbers: slow, for tiny sizes."""
    kit = PreciseKit(digits + 15)
    step = kit.context.mpf(10) ** -(digits * 3 // 5)  # its square is below the last digit
    data = Displaced(model, params, inputs, kit, length)
    changed = data.change(kit.context.mpc(0, step))
    return data.gradients(objects(changed, lambda value: kit.context.im(value) / step))


def relative_difference(one: Mapping[str, Any], other: Mapping[str, Any], floor: float = 1e-3) -> float:
    """The largest difference of two gradients, over the size of the largest element of either.

    The whole gradient sets the scale: an element far below the others is a difference of large terms, and holds no
    more than their rounding. So is a whole gradient below `floor`, such as that of a mean of softmax.

    >>> relative_difference({"w": [1.0, 4.0]}, {"w": [1.0, 3.0]})
    0.25
    """
    if {key: np.shape(value) for key, value in one.items()} != {key: np.shape(value) for key, value in other.items()}:
        raise ShapeError("these are gradients of different variables")
    pairs = [(np.asarray(one[key]), np.asarray(other[key])) for key in one]
    scale = max((abs(value) for pair in pairs for array in pair for value in array.flat), default=0.0)
    differences = [abs(x - y) for a, b in pairs for x, y in zip(a.flat, b.flat, strict=True)]
    if not all(np.isfinite(float(difference)) for difference in differences):
        return float("inf")
    return float(max(differences, default=0.0) / max(scale, floor))


@dataclass(frozen=True)
class Source:
    """An array of the data. `batched`: its examples stand on the axis before those of its value."""

    key: str
    array: Array
    rank: int
    is_parameter: bool
    is_sequence: bool
    batched: bool

    @property
    def batch_axis(self) -> int:
        return self.array.ndim - self.rank - 1

    @property
    def places(self) -> tuple[int, ...]:
        """The shape of what is displaced: one example's."""
        shape = self.array.shape
        return shape[: self.batch_axis] + shape[self.batch_axis + 1 :] if self.batched else shape


class Displaced:
    """The data of a model with one element displaced in each of many copies."""

    def __init__(
        self, model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], kit: Kit, length: int | None
    ) -> None:
        self.model, self.kit, self.length = model, kit, length
        missing = [*(set(model.param_keys) - set(params)), *(set(model.input_keys) - set(inputs))]
        if missing:
            raise ShapeError(f"the data lack {', '.join(sorted(missing))}")
        #: None for a single example, without an axis for the batch.
        self.batch = batch_size(model, inputs)
        self.sources = [self._source(key, params[key], True) for key in model.param_keys]
        self.sources += [self._source(key, inputs[key], False) for key in model.input_keys]

    def _source(self, key: str, data: Any, is_parameter: bool) -> Source:
        batched = self.batch is not None and not is_parameter
        rank = len(self.model.shapes[variable(key)])
        return Source(key, self.kit.array(data), rank, is_parameter, key in self.model.sequences, batched)

    def losses(self) -> Array:
        """The loss of each example, `(B,)`, or `()` without a batch."""
        params = {source.key: source.array for source in self.sources if source.is_parameter}
        inputs = {source.key: source.array for source in self.sources if not source.is_parameter}
        found = evaluate(self.model, params, inputs, length=self.length, kit=self.kit)
        return np.broadcast_to(found, () if self.batch is None else (self.batch,))

    def change(self, offset: Any) -> Array:
        """The losses with each element displaced by `offset` in turn: `(elements,)` or `(elements, B)`."""
        return np.concatenate([self._pass(chunk, offset) for chunk in self._chunks()] or [self._pass([], offset)])

    def gradients(self, rates: Array) -> dict[str, Array]:
        """What `change` says of each element, put in the shapes of the data."""
        found: dict[str, Array] = {}
        start = 0
        for source in self.sources:
            count = int(np.prod(source.places, dtype=int))
            part = rates[start : start + count]
            start += count
            if self.batch is not None and not source.batched:
                part = part.sum(axis=-1)
            shaped = part.reshape((*source.places, *part.shape[1:]))
            if source.key in self.model.fixed:
                continue
            found[source.key] = np.moveaxis(shaped, -1, source.batch_axis) if source.batched else shaped
        return found

    def _chunks(self) -> Iterator[list[tuple[int, int]]]:
        """The elements as (source, place), in runs that fit one pass."""
        total = sum(source.array.size for source in self.sources) * (self.batch or 1)
        every = [(n, place) for n, s in enumerate(self.sources) for place in range(int(np.prod(s.places, dtype=int)))]
        width = max(1, COPIES // max(total, 1))
        return (every[start : start + width] for start in range(0, len(every), width))

    def _pass(self, chunk: list[tuple[int, int]], offset: Any) -> Array:
        arrays = [self._copies(n, source, chunk, offset) for n, source in enumerate(self.sources)]
        params = {s.key: array for s, array in zip(self.sources, arrays, strict=True) if s.is_parameter}
        inputs = {s.key: array for s, array in zip(self.sources, arrays, strict=True) if not s.is_parameter}
        found = evaluate(self.model, params, inputs, length=self.length, kit=self.kit)
        return np.broadcast_to(found, (len(chunk),) if self.batch is None else (len(chunk), self.batch))

    def _copies(self, number: int, source: Source, chunk: list[tuple[int, int]], offset: Any) -> Array:
        """The copies of an array, with an axis for them before the value's and the batch's."""
        front = int(source.is_sequence)
        array = source.array
        if self.batch is not None and not source.batched:
            array = np.expand_dims(array, front)
        array = np.expand_dims(array, front)
        mine = [(copy, place) for copy, (owner, place) in enumerate(chunk) if owner == number]
        if not mine:
            return array
        copies = np.repeat(array, len(chunk), axis=front)
        if array.dtype != object:
            copies = copies.astype(np.result_type(array, offset))
        for copy, place in mine:
            index: list[Any] = list(np.unravel_index(place, source.places)) if source.places else []
            index.insert(front, copy)
            if self.batch is not None:
                index.insert(front + 1, slice(None))
            copies[tuple(index)] = copies[tuple(index)] + offset
        return copies
