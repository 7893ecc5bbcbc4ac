"""Samples: draws of data with numbers for the free times; and arrays with one axis of samples in front."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.claims.syntax import Bound, Moment
from rnnsym.verify.formulas.field import Residue

Letters = dict[str, Array]
#: Relative to the largest element of the side that is true.
TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class Scope:
    """Samples: which draw each is of, and numbers for the times that are free, T among them."""

    draw: Array
    times: Letters
    inner: dict[Any, tuple[Scope, Array, Array]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.draw)

    def number(self, bound: Bound) -> Array:
        """A time as numbers."""
        if isinstance(bound, Moment):
            found = np.full(self.count, bound.offset)
            for letter, times in bound.terms:
                found = found + times * self.times[letter]
            return found
        pick = np.maximum if bound.function == "max" else np.minimum
        found = self.number(bound.moments[0])
        for moment in bound.moments[1:]:
            found = pick(found, self.number(moment))
        return found

    def over(self, index: str, first: Bound, last: Bound, falling: bool) -> tuple[Scope, Array, Array]:
        """A sample for each time of a sum: with the sample that it belongs to, and its place in the order."""
        key = (index, first, last, falling)
        if key not in self.inner:
            start, stop = self.number(first), self.number(last)
            counts = np.maximum(0, (start - stop if falling else stop - start) + 1)
            owner = np.repeat(np.arange(self.count), counts)
            place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
            times = {letter: numbers[owner] for letter, numbers in self.times.items()}
            times[index] = start[owner] + (-place if falling else place)
            self.inner[key] = Scope(self.draw[owner], times), owner, place
        return self.inner[key]


def equal(left: Array, right: Array) -> bool:
    """Whether two arrays are equal, up to rounding where they are of floating point."""
    return bool(np.all(same(left, right)))


def same(left: Array, right: Array) -> Array:
    """Sample by sample."""
    count = len(left)
    if not count:
        return np.ones(0, bool)
    if left.dtype == object or right.dtype == object:
        found = np.array(EQUAL(left, right), dtype=bool).reshape(count, -1)
        return np.asarray(found.all(axis=1))
    if not left.size or not right.size:
        return np.ones(count, bool)
    difference = np.abs(left - right).reshape(count, -1)
    scale = np.maximum(1e-3, np.abs(left).reshape(count, -1).max(axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(difference).all(axis=1) & (difference <= TOLERANCE * scale[:, None]).all(axis=1))


def multiplied(left: Array, right: Array) -> Array:
    """The matrix product at every sample; the right side may be the derivative of a vector by a matrix."""
    if right.ndim == 4:
        flat = np.matmul(left, right.reshape(*right.shape[:2], int(np.prod(right.shape[2:]))))
        return np.asarray(flat.reshape(*flat.shape[:2], *right.shape[2:]))
    if left.shape[1:] == (1, 1) or right.shape[1:] == (1, 1):
        return scaled(left, right)
    return np.asarray(np.matmul(left, right))


def scaled(left: Array, right: Array) -> Array:
    """The product element by element."""
    if left.ndim < right.ndim:
        left = left[..., None]
    elif right.ndim < left.ndim:
        right = right[..., None]
    return np.asarray(left * right)


EQUAL: Any = np.frompyfunc(lambda a, b: Residue(0) + a == Residue(0) + b, 2, 1)
