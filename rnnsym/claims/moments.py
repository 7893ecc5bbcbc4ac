"""The times at which an equation of a claim speaks, for sequences of one length."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Equation, Range
from rnnsym.claims.syntax import Derivative, Moment, Node, Sequence, Sum, Variable
from rnnsym.claims.written import ClaimError

Times = dict[str, int]


@dataclass(frozen=True)
class Moments:
    """The times of sequences of one length. `exists`: whether a variable has a value at a time."""

    length: int
    exists: Callable[[str, int], bool] | None = None

    def choices(self, equation: Equation) -> Iterator[Times]:
        """The times at which an equation is said to hold."""
        letters = equation.letters
        told = {found.letter: found for found in equation.ranges}
        for numbers in itertools.product(range(self.length + 2), repeat=len(letters)):
            times = {"T": self.length, **dict(zip(letters, numbers, strict=True))}
            inside = all(within(self.bounds(found, times), times[letter]) for letter, found in told.items()
                         if letter in times)  # fmt: skip
            if inside and self._reached(equation, times, told) and self._natural(equation.left, times, frozenset(told)):
                yield times

    def _reached(self, equation: Equation, times: Times, told: Mapping[str, Range]) -> bool:
        """Whether every letter is a time that there is: of h[t-1] an equation speaks up to t = T."""
        if equation.defines is not None:
            return True
        return all(number <= self.length for letter, number in times.items() if letter not in told)

    def bounds(self, found: Range, times: Times) -> tuple[int, int]:
        """The ends of a range as numbers."""
        return (
            1 if found.low is None else found.low.at(times),
            self.length if found.high is None else found.high.at(times),
        )

    def _natural(self, left: Node, times: Times, told: frozenset[str]) -> bool:
        """Whether a left side speaks of times that there are: 1 to T, and for what is differentiated by, 0 too."""
        match left:
            case Derivative(_, Variable(_, top), Variable(name, bottom)) if top is not None and bottom is not None:
                early = bottom.at(times)
                return 1 <= top.at(times) <= self.length and 0 <= early <= top.at(times) and self._given(name, early)
            case Derivative(_, top, bottom):
                found = [variable.time for variable in (top, bottom) if variable.time is not None]
            case Variable(_, time):
                found = [] if time is None else [time]
            case Sequence(_, sequence_times) | Sum(
                (Sequence(_, sequence_times),)
            ):  # a sum: what is said of it elsewhere
                found = list(sequence_times)
            case _:
                found = [Moment.of(letter) for letter in times if letter != "T"]
        return all(
            1 <= time.at(times) <= self.length for time in found if not time.is_constant and not time.letters <= told
        )

    def _given(self, name: str, time: int) -> bool:
        """Whether there is a value at a time before the first."""
        return time >= 1 or self.exists is None or self.exists(name, time)

    def matched(self, equation: Equation, numbers: tuple[int, ...]) -> tuple[int, Times] | None:
        """What the letters of a definition stand for at these times, and how particular it is; None: not its times."""
        assert isinstance(equation.left, Sequence)
        times: Times = {"T": self.length}
        particular = 0
        told = {found.letter: found for found in equation.ranges}
        for moment, number in zip(equation.left.times, numbers, strict=True):
            rest = [(letter, count) for letter, count in moment.terms if letter not in times]
            if len(rest) > 1 or (rest and abs(rest[0][1]) != 1):
                raise ClaimError(f"the times of {shown(equation.left)} cannot be told from their numbers")
            if not rest:
                if moment.at(times) != number:
                    return None
                particular += 2
                continue
            letter, count = rest[0]
            times[letter] = (number - (moment - Moment.of(letter).times(count)).at(times)) * count
            if letter not in told and not 1 <= number <= self.length:
                return None
        for letter, found in told.items():
            if letter in times and not within(self.bounds(found, times), times[letter]):
                return None
            particular += 1
        return particular, times


def within(ends: tuple[int, int], number: int) -> bool:
    return ends[0] <= number <= ends[1]
