r"""Trees at other times: a letter exchanged for a time, sums and equations told backwards turned forwards.

Authors who count from the last step write `\delta_{T-k}` and `\sum_{k=0}^{T-1} \delta_{T-k}`: with t = T - k these are
`\delta_t` and a sum over t, which is what everything else is made for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from rnnsym.claims.claim import Equation, Range
from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import (
    Extreme,
    Moment,
    Node,
    TimeProduct,
    TimeSum,
    Variable,
    children,
    walk,
    with_children,
)

LENGTH = Moment.of("T")


def at_one_time(equation: Equation) -> Equation:
    """An equation that is said of a single time, t = T, with that time in it."""
    for told in equation.ranges:
        if isinstance(told.low, Moment) and told.low == told.high and not told.low.letters:
            left, right = (at_times(side, {told.letter: told.low}) for side in (equation.left, equation.right))
            rest = tuple(other for other in equation.ranges if other is not told)
            return at_one_time(replace(equation, left=left, right=right, ranges=rest))
    return equation


def forwards(equation: Equation) -> Equation:
    """An equation that counts from the last step, as one that counts from the first."""
    left, right = turned(equation.left), turned(equation.right)
    ranges = equation.ranges
    for letter in equation.letters:
        ends = [end for told in ranges for end in (told.low, told.high) if told.letter != letter and end is not None]
        if letter == "T" or any(letter in end.letters for end in ends):
            continue
        if {count for side in (left, right) for count in counts(side, letter)} == {-1}:
            time = LENGTH - Moment.of(letter)
            left, right = at_times(left, {letter: time}), at_times(right, {letter: time})
            ranges = tuple(mirrored(told) if told.letter == letter else told for told in ranges)
    return replace(equation, left=left, right=right, ranges=ranges)


def mirrored(told: Range) -> Range:
    """A range of T - t for one of t; an end that is not told stays open."""
    low, high = (LENGTH - end if isinstance(end, Moment) else end for end in (told.high, told.low))
    return Range(told.letter, low, high)


def turned(node: Node) -> Node:
    """A tree in which sums and products over k that reads T - k alone run over that time."""
    parts = children(node)
    node = with_children(node, tuple(map(turned, parts))) if parts else node
    match node:
        case TimeSum(index, Moment() as low, Moment() as high, operand) if set(counts(operand, index)) == {-1}:
            inner = at_times(operand, {index: LENGTH - Moment.of(index)})
            return replace(node, low=LENGTH - high, high=LENGTH - low, operand=inner)
        case TimeProduct(index, Moment() as first, Moment() as last, falls, operand) if set(counts(operand, index)) == {
            -1
        }:
            inner = at_times(operand, {index: LENGTH - Moment.of(index)})
            return replace(node, first=LENGTH - first, last=LENGTH - last, descending=not falls, operand=inner)
    return node


def counts(node: Node, letter: str) -> Iterator[int]:
    """How often a letter is counted in each time of a tree that has it."""
    for part in walk(node):
        if isinstance(part, TimeSum | TimeProduct) and part.index == letter:
            yield 0  # another letter of this name
        for moment in times(part):
            if (count := dict(moment.terms).get(letter, 0)) != 0:
                yield count


def times(part: object) -> Iterator[Moment]:
    """The times that stand in a node itself."""
    if isinstance(part, Moment):
        yield part
    elif isinstance(part, Extreme):
        yield from part.moments
    elif isinstance(part, tuple):
        for own in part:
            if isinstance(own, Moment):
                yield own
    elif isinstance(part, Node):
        for field in fields(part):
            value = getattr(part, field.name)
            if field.name != "shape" and (isinstance(value, Variable) or not isinstance(value, Node)):
                yield from times(value)
