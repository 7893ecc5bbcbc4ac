"""What the cells of this folder are written with: numbers, lists and loops, nothing of rnnsym and no arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

Vector = list[float]
Matrix = list[Vector]
#: Computes what a cell computes at one step: parameters, and what `Trace` holds, to the new values by their names.
Step = Callable[[SimpleNamespace, "Trace"], dict[str, Any]]


class Trace:
    """Values by name and time; `trace["h", -1]` is that of the step before."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self.inputs = inputs
        self.computed: dict[tuple[str, int], Any] = {}
        self.t = 0

    def __getitem__(self, key: str | tuple[str, int]) -> Any:
        name, lag = key if isinstance(key, tuple) else (key, 0)
        time = self.t + lag
        if (name, time) in self.computed:
            return self.computed[name, time]
        if time >= 1 and name in self.inputs:
            return self.inputs[name][time - 1]
        return self.inputs[f"{name}[{time}]"]


def sigmoid(a: float) -> float:
    """One over one plus e to the minus a."""
    return 1 / (1 + math.exp(-a))


def relu(a: float) -> float:
    """The larger of a and zero."""
    return max(a, 0.0)


def softplus(a: float) -> float:
    """The logarithm of one plus e to the a."""
    return math.log(1 + math.exp(a))


def plus(*vectors: Vector) -> Vector:
    """The sum, unit by unit."""
    return [sum(values) for values in zip(*vectors, strict=True)]


def inner(a: Iterable[float], b: Iterable[float]) -> float:
    """The sum of products."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def rows(*pairs: tuple[Matrix, Vector]) -> Vector:
    """For each unit the sum over all that it receives: matrices with the vectors that they weigh."""
    return [sum(inner(matrix[i], vector) for matrix, vector in pairs) for i in range(len(pairs[0][0]))]


def columns(matrix: Matrix) -> Matrix:
    """The transpose."""
    return [list(column) for column in zip(*matrix, strict=True)]


def each(function: Callable[..., float], *vectors: Vector) -> Vector:
    """A function of numbers, unit by unit."""
    return [function(*values) for values in zip(*vectors, strict=True)]


def softmax(a: Vector) -> Vector:
    """Shares that sum to one."""
    weights = [math.exp(x) for x in a]
    return [weight / sum(weights) for weight in weights]


def squared(target: Any, y: Any) -> float:
    """Half the squared distance, of vectors or of numbers."""
    pairs = zip(target, y, strict=True) if isinstance(target, list) else ((target, y),)
    return float(sum((a - b) ** 2 for a, b in pairs)) / 2


def cross_entropy(target: Sequence[float], logits: Vector) -> float:
    """Of a target distribution and the softmax of logits."""
    return -sum(d * math.log(y) for d, y in zip(target, softmax(logits), strict=True))
