"""Numbers for a model, from a TOML file beside the page: given as arrays, or drawn, or as words of a sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsym.docs.kinds import OptionError
from rnnsym.errors import RnnsymError, suggestion
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model
from rnnsym.pipeline import generate

Array = NDArray[np.float64]
MAX_BYTES = 1_000_000
MAX_STEPS = 100_000


@dataclass(frozen=True)
class Numbers:
    """Values for a model. params and inputs are for one example: sequences (T, size), others (size,).

    captions: what each step reads, where it is a word. rate: of gradient descent.
    """

    kernel: Kernel
    params: dict[str, Array]
    inputs: dict[str, Array]
    captions: tuple[str, ...] = ()
    rate: float = 0.1

    @property
    def batch(self) -> dict[str, Array]:
        """The inputs as kernels take them: a batch of one."""
        return {
            key: value[:, None] if self.kernel.shapes[key][0] == "T" else value[None]
            for key, value in self.inputs.items()
        }


@dataclass(frozen=True)
class Words:
    """How sentences become inputs: each word one-hot, each class one-hot.

    input, target, output: variables of the model; what the network says of a sentence is read from the output.
    """

    input: str
    target: str
    output: str
    vocabulary: tuple[str, ...]
    classes: tuple[str, ...]

    def inputs(self, sentence: str, label: str) -> dict[str, Array]:
        return {
            self.input: np.array([one_hot(word, self.vocabulary) for word in sentence.split()]),
            self.target: one_hot(label, self.classes),
        }


def one_hot(word: str, known: tuple[str, ...]) -> Array:
    if word not in known:
        raise RnnsymError(f"'{word}' is not one of: {', '.join(known)}")
    return np.array([float(word == other) for other in known])


@dataclass(frozen=True)
class DataFile:
    """A data file for one model: what `FIELDS` has read. given, handed_in: `[params]` and `[inputs]`."""

    path: Path
    model: Model
    sizes: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    rate: float = 0.1
    steps: int = 200
    params: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    words: Words | None = None
    example: tuple[str, str] | None = None
    examples: tuple[tuple[str, str], ...] = ()
    held_out: tuple[tuple[str, str], ...] = ()

    @cached_property
    def kernel(self) -> Kernel:
        return generate(self.model, sizes=self.sizes)

    @cached_property
    def start(self) -> dict[str, Array]:
        """Every parameter: those that are given, and the others as `init` draws them, in sizes that fit."""
        self._check(self.params, self.model.param_keys, "params")
        if len(self.params) == len(self.model.param_keys):
            return {name: self.params[name] for name in self.model.param_keys}
        return self.kernel.init(self.seed, **self._sizes_of(self.params)) | self.params

    def numbers(self) -> Numbers:
        """The values of the one example of the file."""
        return self.sentence(*self.example, self.inputs) if self.example else self._numbers(self.inputs, ())

    def sentence(self, sentence: str, label: str, given: Mapping[str, Array] | None = None) -> Numbers:
        """The values of a sentence."""
        if self.words is None:
            raise RnnsymError(f"{self.path}: sentences need [words], which is not there")
        return self._numbers({**(given or {}), **self.words.inputs(sentence, label)}, tuple(sentence.split()))

    def _numbers(self, given: Mapping[str, Array], captions: tuple[str, ...]) -> Numbers:
        """Values for one example; initial states that are not given are zero."""
        inputs = dict(given)
        sizes = self._sizes_of(self.start)
        for name, time in self.model.given:
            key = f"{name}[{time}]"
            inputs.setdefault(key, np.zeros([sizes[size] for size in self.kernel.shapes[key][1:]]))
        self._check(inputs, self.model.input_keys, "inputs")
        missing = [key for key in self.model.input_keys if key not in inputs]
        if missing:
            raise RnnsymError(f"{self.path}: [inputs] has no {' and no '.join(missing)}")
        return Numbers(self.kernel, self.start, inputs, captions, self.rate)

    def _sizes_of(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        """The sizes that arrays show, by their names."""
        return {
            name: size
            for key, value in arrays.items()
            for name, size in zip(self.kernel.shapes[key], value.shape, strict=False)
        }

    def _check(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for name in given:
            if name not in known:
                raise RnnsymError(f"{self.path}: [{where}] names {name}; there are: {', '.join(known)}")


def read(model: Model, name: str, folder: Path) -> DataFile:
    """The data file of a block; raises OptionError where it cannot be read."""
    path = folder / name
    try:
        with open(path, "rb") as file:
            content = tomllib.loads(file.read(MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise OptionError(f"data: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(f"data: {path}: {error}") from None
    values = {}
    for key, value in content.items():
        if key not in FIELDS:
            advice = suggestion(key, FIELDS) or f"there are: {', '.join(FIELDS)}"
            raise OptionError(f"data: {path}: there is no '{key}' in a data file: {advice}")
        reader, expected = FIELDS[key]
        try:
            values[key] = reader(value)
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise OptionError(f"data: {path}: {key} is {expected}") from None
    return DataFile(path, model, **values)


# What stands in a data file. Each raises TypeError or ValueError for what it cannot read.


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def reader(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError
        return value

    return reader


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not np.isfinite(value):
        raise ValueError
    return float(value)


def _sizes(value: Any) -> dict[str, int]:
    return {name: _whole(1, 1000)(size) for name, size in value.items()}


def _arrays(value: Any) -> dict[str, Array]:
    found = {name: np.asarray(part) for name, part in value.items()}
    for array in found.values():
        if array.dtype.kind not in "if" or not np.isfinite(array).all():
            raise ValueError
    return {name: array.astype(float) for name, array in found.items()}


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise TypeError
    return tuple(value)


def _pair(value: Any) -> tuple[str, str]:
    sentence, label = _texts(value)
    if not sentence.split():
        raise ValueError
    return sentence, label


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple(_pair(part) for part in value)


def _words(value: Any) -> Words:
    lists = {name: _texts(value[name]) for name in ("vocabulary", "classes") if name in value}
    return Words(**{**value, **lists})


PAIR = 'a sentence and its class: ["this is good", "positive"]'
#: What a data file may hold: what reads it, and what to say where it cannot be read.
FIELDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sizes": (_sizes, "a table of sizes by name, as in n = 4"),
    "seed": (_whole(0, 10**9), "a whole number from 0 up"),
    "rate": (_number, "a number"),
    "steps": (_whole(1, MAX_STEPS), f"a whole number from 1 to {MAX_STEPS:,}"),
    "params": (_arrays, "a table of arrays of finite numbers, with rows of one length"),
    "inputs": (_arrays, "a table of arrays of finite numbers, with rows of one length"),
    "words": (_words, "a table of input, target, output, vocabulary and classes"),
    "example": (_pair, PAIR),
    "examples": (_pairs, f"a list; each entry is {PAIR}"),
    "held_out": (_pairs, f"a list; each entry is {PAIR}"),
}
