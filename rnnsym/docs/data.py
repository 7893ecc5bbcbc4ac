"""Numbers for a model, from a TOML file beside the page: given as arrays, or drawn, or as words of a sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsym.docs.kinds import OptionError
from rnnsym.errors import RnnsymError
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model
from rnnsym.pipeline import generate

Array = NDArray[np.float64]
#: What a data file may hold.
KEYS = ("sizes", "seed", "rate", "steps", "params", "inputs", "words", "examples", "example", "held_out")
MAX_BYTES = 1_000_000


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
            key: value[:, None] if shape_of(self.kernel, key)[0] == "T" else value[None]
            for key, value in self.inputs.items()
        }


def shape_of(kernel: Kernel, key: str) -> tuple[str, ...]:
    return kernel.shapes[key]


@dataclass(frozen=True)
class Words:
    """How sentences become inputs: each word one-hot, each class one-hot."""

    input: str
    target: str
    output: str
    vocabulary: tuple[str, ...]
    classes: tuple[str, ...]

    def inputs(self, sentence: str, label: str) -> dict[str, Array]:
        return {
            self.input: np.array([self._one_hot(word, self.vocabulary) for word in sentence.split()]),
            self.target: self._one_hot(label, self.classes),
        }

    def _one_hot(self, word: str, known: tuple[str, ...]) -> Array:
        if word not in known:
            raise RnnsymError(f"'{word}' is not one of: {', '.join(known)}")
        return np.array([float(word == other) for other in known])


@dataclass(frozen=True)
class DataFile:
    """A data file for one model."""

    path: Path
    model: Model
    content: Mapping[str, Any]

    def __post_init__(self) -> None:
        for key in self.content:
            if key not in KEYS:
                raise RnnsymError(f"{self.path}: there is no '{key}' in a data file; there are: {', '.join(KEYS)}")

    @cached_property
    def kernel(self) -> Kernel:
        return generate(self.model, sizes=self.content.get("sizes", {}))

    @property
    def words(self) -> Words:
        try:
            found = dict(self.content["words"])
            vocabulary, classes = tuple(found.pop("vocabulary")), tuple(found.pop("classes"))
            return Words(vocabulary=vocabulary, classes=classes, **found)
        except (KeyError, TypeError) as error:
            raise RnnsymError(
                f"{self.path}: [words] holds input, target, output, vocabulary and classes ({error})"
            ) from None

    def examples(self, key: str = "examples") -> list[tuple[str, str]]:
        """Sentences with their classes, from lists of two texts."""
        return [(str(sentence), str(label)) for sentence, label in self.content.get(key, [])]

    @property
    def params(self) -> dict[str, Array]:
        """Those that are given; the others as `init` draws them, in sizes that fit."""
        given = {name: np.asarray(value, float) for name, value in self.content.get("params", {}).items()}
        self._check(given, self.model.parameters, "params")
        if len(given) == len(self.model.parameters):
            return {name: given[name] for name in self.model.parameters}
        return self.kernel.init(int(self.content.get("seed", 0)), **self._sizes(given)) | given

    def _sizes(self, given: Mapping[str, Array]) -> dict[str, int]:
        """The sizes that arrays show, by their names."""
        return {
            name: size
            for key, value in given.items()
            for name, size in zip(self.kernel.shapes[key], value.shape, strict=False)
        }

    def numbers(self) -> Numbers:
        """The values of the one example of the file."""
        given = {key: np.asarray(value, float) for key, value in self.content.get("inputs", {}).items()}
        captions: tuple[str, ...] = ()
        if "example" in self.content:
            sentence, label = self.content["example"]
            given |= self.words.inputs(sentence, label)
            captions = tuple(sentence.split())
        return self.of(given, self.params, captions)

    def of(self, given: dict[str, Array], params: dict[str, Array], captions: tuple[str, ...] = ()) -> Numbers:
        """Values for one example; initial states that are not given are zero."""
        kernel = self.kernel
        sizes = self._sizes(params)
        for name, time in self.model.given:
            key = f"{name}[{time}]"
            given.setdefault(key, np.zeros([sizes[size] for size in kernel.shapes[key][1:]]))
        self._check(given, self.model.input_keys, "inputs")
        missing = [key for key in self.model.input_keys if key not in given]
        if missing:
            raise RnnsymError(f"{self.path}: [inputs] has no {' and no '.join(missing)}")
        return Numbers(kernel, params, given, captions, float(self.content.get("rate", 0.1)))

    def _check(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for name in given:
            if name not in known:
                raise RnnsymError(f"{self.path}: [{where}] names {name}; there are: {', '.join(known)}")


def read(model: Model, name: str, folder: Path) -> DataFile:
    """The data file of a block; raises OptionError where it cannot be read."""
    path = folder / name
    try:
        content = path.read_bytes()[:MAX_BYTES].decode("utf-8")
        return DataFile(path, model, tomllib.loads(content))
    except OSError as error:
        raise OptionError(f"data: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"data: {path}: {error}") from None
