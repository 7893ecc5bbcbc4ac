"""The times for which an equation is proved: ranges of its letters, taken apart where a term counts for some only."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import replace

from rnnsym.claims.claim import Equation
from rnnsym.claims.syntax import Derivative, Extreme, Moment, Sequence, Variable, free_letters
from rnnsym.proof.adjoints import UndecidedError
from rnnsym.proof.atoms import Range
from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import FIRST, LENGTH, Context

ONE = Moment((), 1)


def contexts(equation: Equation, beside: Several[Equation], shortest: int, theory: Theory) -> Iterator[Context]:
    """The times for which an equation says something: those of its left side, from 1 to T.

    beside: all equations for the same sequence, where it defines one.
    """
    nothing = Context((), shortest, theory.after_the_end)
    told = {found.letter: found for found in equation.ranges}
    ranges: list[tuple[str, Moment, Moment]] = []
    left = equation.left
    letters = list(equation.letters)
    for letter in letters:
        if letter in told:
            low, high = told[letter].low or FIRST, told[letter].high or LENGTH
            if isinstance(low, Extreme) or isinstance(high, Extreme):
                raise UnprovenError("a range with max or min has no rule")
            ranges.append((letter, low, high))
            continue
        shift = shift_of(left, letter)
        ranges.append((letter, FIRST - shift, LENGTH - shift))
    if isinstance(left, Sequence):
        yield from apart_from_particular(left, beside, tuple(ranges), nothing)
    elif isinstance(left, Derivative) and len(letters) == 2 and left.top.time and left.bottom.time:
        top, bottom = letters if left.top.time.letters == {letters[0]} else letters[::-1]
        first = theory.first_time(left.bottom.name)
        yield nothing.adding((top, FIRST, LENGTH), (bottom, first, Moment.of(top)))
    elif isinstance(left, Derivative) and len(letters) == 1 and letters[0] not in told:
        yield nothing.adding(steps_of(left, letters[0], ranges[0], theory))
    else:
        yield nothing.adding(*ranges)


def steps_of(left: Derivative, letter: str, otherwise: Range, theory: Theory) -> Range:
    """The steps of which a derivative speaks: from the first whose earlier value there is."""
    if left.top.time is None or left.bottom.time is None:
        return otherwise
    early = theory.first_time(left.bottom.name) + left.top.time - left.bottom.time
    low = early if early.is_constant and early.offset > 1 else FIRST
    shift = left.top.time - Moment.of(letter)
    return letter, low - shift, LENGTH - shift


def shift_of(left: object, letter: str) -> Moment:
    """How far the time of a left side is from its letter."""
    times: list[Moment] = []
    if isinstance(left, Sequence):
        times = list(left.times)
    elif isinstance(left, Variable):
        times = [left.time] if left.time else []
    elif isinstance(left, Derivative):
        times = [variable.time for variable in (left.bottom, left.top) if variable.time]
    for time in times:
        if time == Moment.of(letter, time.offset):
            return Moment((), time.offset)
    return Moment((), 0)


def apart_from_particular(
    left: Sequence, beside: Several[Equation], ranges: tuple[Range, ...], nothing: Context
) -> Iterator[Context]:
    """A general equation does not speak of the times for which there is a particular one."""
    others = [e.left for e in beside if isinstance(e.left, Sequence) and e.left != left]
    for other in others:
        if any(free_letters(other)) or len(left.times) != 1 or not ranges:
            continue
        (point,) = other.times
        letter, low, high = ranges[0]
        shift = left.times[0] - Moment.of(letter)
        if low + shift == point:
            ranges = ((letter, low + ONE, high), *ranges[1:])
        elif high + shift == point:
            ranges = ((letter, low, high - ONE), *ranges[1:])
    diagonal = any(len(set(other.times)) == 1 and len(other.times) == 2 for other in others)
    if diagonal and len(ranges) == 2 and len(left.times) == 2:
        tau, k = left.times
        outer, inner = (ranges[0], ranges[1]) if ranges[0][0] in tau.letters else (ranges[1], ranges[0])
        shift = k - Moment.of(inner[0])
        if tau == Moment.of(outer[0]):
            yield nothing.adding(outer, (inner[0], FIRST - shift, tau - ONE - shift))
            yield nothing.adding(outer, (inner[0], tau + ONE - shift, LENGTH - shift))
            return
    yield nothing.adding(*ranges)


def told_length(equation: Equation) -> int:
    """The length from which on there are the times of a left side: of h[T-1], 2."""
    left = equation.left
    if isinstance(left, Sequence):
        times = left.times
    else:
        known = (left.bottom,) if isinstance(left, Derivative) else (left,) if isinstance(left, Variable) else ()
        times = tuple(variable.time for variable in known if variable.time is not None)
    for found in equation.ranges:  # from T-2 to T-1
        if isinstance(found.low, Moment) and isinstance(found.high, Moment) and found.low.terms == found.high.terms:
            times = (*times, found.low)
    late = (1 - time.offset for time in times if time.terms == LENGTH.terms)
    fixed = (time.offset for time in times if not time.terms)
    return max((*late, *fixed, 1))


def split(context: Context, undecided: UndecidedError) -> list[Context]:
    """Two contexts: a free letter up to a boundary, and beyond it."""
    for place, (letter, low, high) in enumerate(context.ranges):
        if letter == undecided.letter:
            one, other = list(context.ranges), list(context.ranges)
            one[place] = (letter, low, undecided.boundary)
            other[place] = (letter, undecided.boundary + ONE, high)
            return [replace(context, ranges=tuple(one)), replace(context, ranges=tuple(other))]
    raise UnprovenError("whether a term counts depends on the length")
