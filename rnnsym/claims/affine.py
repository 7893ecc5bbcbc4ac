"""Affine times: `t - 1`, `T + t - i`, and the larger or smaller of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """An affine time: whole multiples of letters (T is the length) plus a constant.

    >>> print(Moment.of("T") + Moment.of("t") - Moment.of("i"), Moment.of("t", -1), Moment((), 0))
    T-i+t t-1 0
    """

    terms: tuple[tuple[str, int], ...]
    offset: int = 0

    @classmethod
    def of(cls, letter: str, offset: int = 0) -> Moment:
        return cls(((letter, 1),), offset)

    @property
    def letters(self) -> frozenset[str]:
        """The time indices in it, T aside."""
        return frozenset(letter for letter, _ in self.terms) - {"T"}

    @property
    def is_constant(self) -> bool:
        """Whether it is a number or T plus a number."""
        return not self.letters

    def __add__(self, other: Moment) -> Moment:
        count = dict(self.terms)
        for letter, times in other.terms:
            count[letter] = count.get(letter, 0) + times
        kept = tuple(sorted((letter, times) for letter, times in count.items() if times))
        return Moment(kept, self.offset + other.offset)

    def __sub__(self, other: Moment) -> Moment:
        return self + other.times(-1)

    def times(self, number: int) -> Moment:
        return Moment(tuple((letter, n * number) for letter, n in self.terms if n * number), self.offset * number)

    def moved(self, times: Mapping[str, Moment]) -> Moment:
        """The time with letters exchanged."""
        if not any(letter in times for letter, _ in self.terms):
            return self
        result = Moment((), self.offset)
        for letter, count in self.terms:
            result = result + times.get(letter, Moment.of(letter)).times(count)
        return result

    def at(self, times: Mapping[str, int]) -> int:
        """The number, for numbers of its letters, T among them."""
        return self.offset + sum(count * times[letter] for letter, count in self.terms)

    def __str__(self) -> str:
        shown = ""
        for letter, count in self.terms:
            size = "" if abs(count) == 1 else str(abs(count))
            shown += ("-" if count < 0 else "+" if shown else "") + size + letter
        return f"{shown}{self.offset:+d}" if shown and self.offset else shown or str(self.offset)


@dataclass(frozen=True)
class Extreme:
    """The largest or smallest of several times: the bound of a truncated sum. `function` is max or min."""

    function: str
    moments: tuple[Moment, ...]

    def at(self, times: Mapping[str, int]) -> int:
        values = [moment.at(times) for moment in self.moments]
        return max(values) if self.function == "max" else min(values)

    @property
    def letters(self) -> frozenset[str]:
        return frozenset().union(*(moment.letters for moment in self.moments))

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.moments))})"


Bound = Moment | Extreme
