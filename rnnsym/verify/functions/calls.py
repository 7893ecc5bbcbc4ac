"""Calling a person's function: arrays as it wants them, and what it returns as the model names it."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.checks.sizes import variable
from rnnsym.errors import RnnsymError, suggestion
from rnnsym.language.model import Model

Function = Callable[..., Any]
Blocks = Sequence[Sequence[str]]
#: What a gradient may be called beside the name of its variable.
PREFIXES = ("d", "d_", "grad_", "g_", "bar_")
LOSSES = ("sum", "mean", "mean_time", "mean_batch")


class MalformedError(RnnsymError):
    """What a function did cannot be judged: the text says what was expected."""


@dataclass(frozen=True)
class Returned:
    """What a call gave: gradients by the model's names, the loss where one came, and what was noticed."""

    gradients: dict[str, Array]
    loss: float | None = None
    notes: tuple[str, ...] = ()
    single: bool = False


@dataclass(frozen=True)
class Convention:
    """How a function wants its arrays, and how it names what it returns.

    layout: "rows" for arrays (B, n), "columns" for (n, B), where vectors among the parameters are (n, 1).
    batch: "batched", or "single" for a function of one example, which is then called for each.
    names: the function's names of parameters and inputs, where they differ: {"W": "Whh"}.
    outputs: the function's names of the gradients, {"W": "dWhh"}; or, for a function that returns a tuple, the
    model's names in order. transpose: parameters that the function keeps transposed, as for x @ W.
    stack: arrays that are made of several of the model's, block by block: {"W": [["W_i", "U_i"], ["W_f", "U_f"]]};
    parameters are transposed before they are stacked.
    indices: inputs handed over as the index of the one in one-hot.
    """

    model: Model
    layout: str = "rows"
    batch: str = "batched"
    names: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] | Sequence[str] = ()
    transpose: tuple[str, ...] = ()
    stack: Mapping[str, Blocks] = field(default_factory=dict)
    indices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = (*self.model.param_keys, *self.model.input_keys)
        _chosen("layout", self.layout, ("rows", "columns"))
        _chosen("batch", self.batch, ("batched", "single"))
        outputs = self.outputs if isinstance(self.outputs, Mapping) else {name: name for name in self.outputs}
        stacked = [name for rows in self.stack.values() for row in rows for name in row]
        for option, given in (
            ("names", tuple(self.names)),
            ("outputs", tuple(outputs)),
            ("transpose", self.transpose),
            ("stack", tuple(stacked)),
            ("indices", self.indices),
        ):
            allowed = (*known, *self.stack) if option in ("names", "outputs") else known
            for name in given:
                if name not in allowed:
                    raise RnnsymError(f"{option}: {self.model.name} has no {name!r}; " + self._hint(name, allowed))
        for name in stacked:
            if name not in self.model.param_keys:
                raise RnnsymError(f"stack: {name} is not a parameter; only parameters can be stacked")
        for name in self.indices:
            if name not in self.model.input_keys:
                raise RnnsymError(
                    f"indices: {name} has no time index and is taken for a parameter; "
                    f'where it comes with each example, write Model(..., inputs=("{name}",))'
                )

    def _hint(self, name: str, allowed: Sequence[str]) -> str:
        """What to write for a name that the model does not have."""
        meant = next((own for own, theirs in self.names.items() if theirs == name), None)
        if meant is not None:
            return f"this is what the function calls {meant}: write {meant} here"
        return suggestion(name, allowed) or f"it has {', '.join(allowed)}"

    @property
    def arrays(self) -> dict[str, str]:
        """The array in which each parameter is kept that is kept with others, block by block."""
        return {name: target for target, rows in self.stack.items() for row in rows for name in row}

    @property
    def is_plain(self) -> bool:
        """Whether the function keeps to the contract as it stands."""
        return self == Convention(self.model)

    # Towards the function

    def arguments(
        self, params: Mapping[str, Array], inputs: Mapping[str, Array]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Copies of the arrays as the function wants them, by its names."""
        own = {name: self._parameter(name, params[name]) for name in self.model.param_keys}
        handed: dict[str, Any] = {}
        inside = {name for rows in self.stack.values() for row in rows for name in row}
        for target, rows in self.stack.items():
            handed[self.names.get(target, target)] = _block([[own[name] for name in row] for row in rows])
        handed |= {self.names.get(name, name): array for name, array in own.items() if name not in inside}
        given = {self.names.get(key, key): self._input(key, np.asarray(inputs[key])) for key in self.model.input_keys}
        return handed, given

    def _parameter(self, name: str, array: Array) -> Array:
        array = np.array(array)
        if name in self.transpose:
            array = array.T.copy()
        if self.layout == "columns" and array.ndim == 1:
            array = array[:, None]
        return array

    def _input(self, key: str, array: Array) -> Array:
        if key in self.indices:
            return np.asarray(np.argmax(array, axis=-1))
        if self.layout == "columns" and len(self.model.shapes[variable(key)]) == 1:
            array = np.swapaxes(array, -1, -2)
        return np.array(array)

    # Back from it

    def called(self, function: Function, params: Mapping[str, Array], inputs: Mapping[str, Array]) -> Returned:
        """What the function returns for these data, under the model's names; raises MalformedError."""
        if self.batch == "batched":
            return self._one(function, params, inputs)
        axes = {key: int(key in self.model.sequences) for key in self.model.input_keys}
        batch = next((np.shape(inputs[key])[axis] for key, axis in axes.items()), 1)
        found = []
        for number in range(batch):
            example = {key: np.take(inputs[key], [number], axis=axis) for key, axis in axes.items()}
            found.append(self._one(function, params, example))
        keys = list(found[0].gradients)
        gradients = {}
        for key in keys:
            every = [one.gradients[key] for one in found if key in one.gradients]
            gradients[key] = (
                sum(every[1:], start=every[0])
                if key in self.model.param_keys
                else np.concatenate(every, axis=axes[key])
            )
        losses = [one.loss for one in found if one.loss is not None]
        notes = tuple(dict.fromkeys(note for one in found for note in one.notes))
        return Returned(gradients, sum(losses) if losses else None, notes, any(one.single for one in found))

    def _one(self, function: Function, params: Mapping[str, Array], inputs: Mapping[str, Array]) -> Returned:
        own, given = self.arguments(params, inputs)
        if self.batch == "single":
            # One example has no axis for the batch, but stays a column in a layout of columns.
            given = {
                self.names.get(key, key): self._single(key, given[self.names.get(key, key)])
                for key in self.model.input_keys
            }
        before = {name: np.array(array) for name, array in (own | given).items()}
        returned = run(function, own, given)
        notes = tuple(
            f"the function changes its argument {name} in place; expected that it works on a copy"
            for name, array in (own | given).items()
            if not _same(before[name], array)
        )
        loss, gradients = self._parts(returned)
        found: dict[str, Array] = {}
        for name, value in gradients.items():
            for key, array in self._unpacked(name, value, params, before):
                found[key] = array
        single = any(np.asarray(value).dtype in (np.float32, np.float16) for value in gradients.values())
        return Returned(found, loss, notes, single)

    def _single(self, key: str, array: Array) -> Array:
        axis = int(key in self.model.sequences)
        if key in self.indices:
            return np.asarray(np.take(array, 0, axis=axis))
        columns = self.layout == "columns" and len(self.model.shapes[variable(key)]) == 1
        return array if columns else np.asarray(np.take(array, 0, axis=axis))

    def _parts(self, returned: Any) -> tuple[float | None, dict[str, Any]]:
        """A loss, where there is one, and the gradients by name."""
        expected = (
            'a dictionary of gradients such as {"'
            + (*self.model.param_keys, "W")[0]
            + '": array}, or (loss, dictionary)'
        )
        if not isinstance(self.outputs, Mapping) and self.outputs and isinstance(returned, tuple | list):
            named: dict[str, Any] = dict(zip(self.outputs, returned, strict=False))
            if len(returned) == len(self.outputs) + 1:
                return _number(returned[0]), dict(zip(self.outputs, returned[1:], strict=True))
            if len(returned) != len(self.outputs):
                raise MalformedError(
                    f"the function returned {len(returned)} values, and outputs= names {len(self.outputs)}: "
                    + ", ".join(self.outputs)
                )
            return None, named
        loss = None
        if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping):
            loss, returned = _number(returned[0]), returned[1]
        if not isinstance(returned, Mapping):
            raise MalformedError(f"the function returned {_described(returned)}; expected {expected}")
        if not returned:
            raise MalformedError(f"the function returned an empty dictionary; expected {expected}")
        return loss, {str(name): value for name, value in returned.items()}

    def _unpacked(
        self, name: str, value: Any, params: Mapping[str, Array], handed: Mapping[str, Array]
    ) -> Iterable[tuple[str, Array]]:
        """The gradients of the model's arrays that stand under a name of the function's."""
        key = self._key(name)
        if key in self.indices:
            raise MalformedError(f"{name}: {key} is handed over as indices, which have no gradient")
        array = checked(name, key, value, np.shape(handed[self.names.get(key, key)]), self._axes(key))
        if key in self.stack:
            for piece, part in _split(array, self.stack[key], lambda n: self._parameter(n, params[n]).shape):
                yield piece, self._parameter_back(piece, part)
        elif key in self.model.param_keys:
            yield key, self._parameter_back(key, array)
        else:
            yield key, self._input_back(key, array)

    def _axes(self, key: str) -> tuple[str, ...]:
        """What the axes of an array are called, for messages."""
        if key in self.stack:
            return ()
        sizes = tuple(str(size) for size in self.model.shapes[variable(key)])
        if key in self.model.param_keys:
            sizes = sizes[::-1] if key in self.transpose else sizes
            return (*sizes, "1") if self.layout == "columns" and len(sizes) == 1 else sizes
        columns = self.layout == "columns" and len(sizes) == 1
        batch = ("B",) if self.batch == "batched" else ("1",) if columns else ()
        inner = (*sizes, *batch) if columns else (*batch, *sizes)
        return ("T", *inner) if key in self.model.sequences else inner

    def _parameter_back(self, name: str, array: Array) -> Array:
        if self.layout == "columns" and len(self.model.shapes[name]) == 1:
            array = array[:, 0]
        return array.T if name in self.transpose else array

    def _input_back(self, key: str, array: Array) -> Array:
        rank = len(self.model.shapes[variable(key)])
        if self.layout == "columns" and rank == 1:
            array = np.swapaxes(array, -1, -2)
        if self.batch == "single" and not (self.layout == "columns" and rank == 1):
            array = np.expand_dims(array, int(key in self.model.sequences))
        return array

    def _key(self, name: str) -> str:
        outputs = self.outputs if isinstance(self.outputs, Mapping) else {}
        back = {shown: key for key, shown in (*self.names.items(), *outputs.items())}
        inside = {n for rows in self.stack.values() for row in rows for n in row}
        known = [*self.stack, *(k for k in (*self.model.param_keys, *self.model.input_keys) if k not in inside)]
        for candidate in (name, *(name[len(prefix) :] for prefix in PREFIXES if name.startswith(prefix))):
            key = back.get(candidate, candidate)
            if key in known:
                return key
        raise MalformedError(
            f"the function returned a gradient of {name!r}, which {self.model.name} does not have; "
            + (suggestion(name, known) or f"expected any of {', '.join(known)}")
            + (f' (or say which it is: outputs={{"{known[0]}": "{name}"}})' if known else "")
        )


def _chosen(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise RnnsymError(f"{option} is {' or '.join(map(repr, allowed))}, not {value!r}")


def _block(rows: list[list[Array]]) -> Array:
    return np.concatenate([np.concatenate(row, axis=-1) if len(row) > 1 else row[0] for row in rows], axis=0)


def _split(array: Array, rows: Blocks, shape: Callable[[str], tuple[int, ...]]) -> Iterable[tuple[str, Array]]:
    """The parts of a stacked array, in the shapes that they were stacked from."""
    down = 0
    for row in rows:
        height, across = shape(row[0])[0], 0
        for name in row:
            if array.ndim == 1:  # vectors stand one after the other, however they are listed
                height = shape(name)[0]
                yield name, array[down : down + height]
                down += height
                continue
            width = shape(name)[-1]
            yield name, array[down : down + height, across : across + width]
            across += width
        down += height if array.ndim > 1 else 0


# Calls that do not get out of hand


def run(function: Function, params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """What the function returns; whatever it raises becomes a MalformedError that says where."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(params, inputs)
    except MalformedError:
        raise
    except (Exception, SystemExit) as error:  # whatever it is, the judge goes on
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        place = next((frame for frame in reversed(own) if "site-packages" not in frame.filename), None)
        where = f"\n  line {place.lineno}, in {place.name}: {place.line}" if place is not None else ""
        shown = ", ".join(f"{name} {np.shape(array)}" for name, array in (params | inputs).items())
        raise MalformedError(
            f"the function raised {type(error).__name__}: {error}{where}\n  it was called as "
            f"function(params, inputs) with the arrays {shown}"
        ) from None


def checked(name: str, key: str, value: Any, wanted: tuple[int, ...], axes: tuple[str, ...]) -> Array:
    """A gradient as an array of finite numbers in the shape of its variable; axes of length one may come or go."""
    shape = f"({', '.join(axes)}{',' if len(axes) == 1 else ''}) = {wanted}" if axes else str(wanted)
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise MalformedError(
            f"{name} is {_described(value)}; expected an array of the shape {shape} of real numbers"
        ) from None
    if array.shape != wanted:
        if [n for n in array.shape if n != 1] != [n for n in wanted if n != 1]:
            raise MalformedError(
                f"{name} has the shape {array.shape}; expected {shape}, that of {key}"
                + _shape_advice(array.shape, wanted)
            )
        array = array.reshape(wanted)
    if not np.isfinite(array).all():
        bad = "NaN" if np.isnan(array).any() else "infinite"
        place = tuple(int(n) for n in np.argwhere(~np.isfinite(array))[0])
        count = int((~np.isfinite(array)).sum())
        raise MalformedError(
            f"{name} is {bad} at {list(place)} ({count} of {array.size} elements); expected finite numbers"
        )
    return array


def _shape_advice(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if shape == wanted[::-1]:
        return ": it is the transpose"
    for axis in range(len(shape)):
        if (*shape[:axis], *shape[axis + 1 :]) == wanted:
            return f": axis {axis}, of length {shape[axis]}, is not summed"
    return ""


def _number(value: Any) -> float:
    try:
        return float(np.asarray(value, dtype=float).reshape(()))
    except (TypeError, ValueError):
        raise MalformedError(f"the loss is {_described(value)}; expected one number") from None


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"{'a complex' if value.dtype.kind == 'c' else 'an'} array of the shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _same(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.array_equal(one, other, equal_nan=True))
