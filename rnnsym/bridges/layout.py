"""How a framework keeps parameters in an array: a small language of blocks.

    U_i; U_f; U_g; U_o      blocks one below the other (vectors one after the other)
    U_i.T | U_f.T           blocks side by side, each transposed
    -W_z                    a block with the other sign
    [W, R]                  along an axis of its own in front: one entry for each direction, or for each kind of bias

A parameter that stands in several places is the sum of what stands there: so two biases that only count together are
bridged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer

from rnnsym.errors import ModelError, Span

Shape = tuple[Expr, ...]

TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z]\w*)(?P<turned>\.T\b)?|(?P<sign>[\[\],;|-]))")


@dataclass(frozen=True)
class Block:
    """A parameter, or its transpose, with a sign."""

    name: str
    turned: bool = False
    negative: bool = False


@dataclass(frozen=True)
class Joined:
    """Parts along an axis: 0 one below the other, 1 side by side, None along a new axis in front."""

    parts: tuple[Layout, ...]
    axis: int | None


Layout = Block | Joined


@dataclass(frozen=True)
class Placed:
    """A block with the place where it stands: for each axis its number (an Integer alone) or its first and last end."""

    block: Block
    place: tuple[Expr | tuple[Expr, Expr], ...]


def parse(text: str) -> Layout:
    """A layout from its text; raises ModelError with the place that cannot be read.

    >>> parse("a; -b.T").parts[1]
    Block(name='b', turned=True, negative=True)
    """
    return _Parser(text).layout()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def layout(self) -> Layout:
        found = self._whole()
        if self._peek():
            raise self._error("something is left over")
        return found

    def _whole(self) -> Layout:
        if self._peek() != "[":
            return self._series(";", 0)
        self._next()
        parts = [self._series(";", 0)]
        while self._peek() == ",":
            self._next()
            parts.append(self._series(";", 0))
        if self._peek() != "]":
            raise self._error("a bracket is not closed")
        self._next()
        return Joined(tuple(parts), None)

    def _series(self, sign: str, axis: int) -> Layout:
        def inner() -> Layout:
            return self._series("|", 1) if axis == 0 else self._block()

        parts = [inner()]
        while self._peek() == sign:
            self._next()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), axis)

    def _block(self) -> Layout:
        negative = self._peek() == "-"
        if negative:
            self._next()
        match = TOKEN.match(self.text, self.at)
        if match is None or not match["name"]:
            raise self._error("here stands no parameter")
        self.at = match.end()
        return Block(match["name"], bool(match["turned"]), negative)

    def _peek(self) -> str:
        match = TOKEN.match(self.text, self.at)
        if match is None:
            if self.text[self.at :].strip():
                raise self._error("this is not part of a layout")
            return ""
        return match["sign"] or match["name"]

    def _next(self) -> None:
        match = TOKEN.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _error(self, problem: str) -> ModelError:
        start = min(self.at, max(len(self.text) - 1, 0))
        advice = 'write for example  "U_i; U_f"  for blocks below each other, or  "U_i.T | U_f.T"  side by side'
        return ModelError(f"a layout cannot be read: {problem}", self.text, Span(1, start, start + 1), advice)


def blocks(layout: Layout) -> Iterator[Block]:
    """The blocks in their order."""
    if isinstance(layout, Block):
        yield layout
    else:
        for part in layout.parts:
            yield from blocks(part)


def shape(layout: Layout, shapes: Mapping[str, Shape]) -> Shape:
    """The sizes of the array; raises ModelError where blocks do not fit together."""
    if isinstance(layout, Block):
        if layout.name not in shapes:
            raise ModelError(f"a layout names '{layout.name}', which is no parameter of the model")
        own = shapes[layout.name]
        return own[::-1] if layout.turned else own
    found = [shape(part, shapes) for part in layout.parts]
    first = found[0]
    if layout.axis is None:
        if any(other != first for other in found):
            raise ModelError(f"a layout puts arrays of different shapes together: {', '.join(map(str, found))}")
        return (Integer(len(found)), *first)
    axis = layout.axis
    if any(len(other) != len(first) or len(other) <= axis for other in found):
        raise ModelError(f"a layout joins arrays that do not fit: {', '.join(map(str, found))}")
    if any(other[:axis] + other[axis + 1 :] != first[:axis] + first[axis + 1 :] for other in found):
        raise ModelError(f"a layout joins arrays that do not fit: {', '.join(map(str, found))}")
    total: Expr = Integer(0)
    for other in found:
        total = total + other[axis]
    return (*first[:axis], total, *first[axis + 1 :])


def placed(layout: Layout, shapes: Mapping[str, Shape]) -> Iterator[Placed]:
    """Where each block stands in the array."""
    yield from _placed(layout, shapes, tuple((Integer(0), size) for size in shape(layout, shapes)))


def _placed(
    layout: Layout, shapes: Mapping[str, Shape], place: tuple[Expr | tuple[Expr, Expr], ...]
) -> Iterator[Placed]:
    if isinstance(layout, Block):
        yield Placed(layout, place)
        return
    if layout.axis is None:
        for number, part in enumerate(layout.parts):
            yield from _placed(part, shapes, (Integer(number), *place[1:]))
        return
    # Entries of an axis in front stand before the axes of the blocks.
    axis = layout.axis + sum(1 for entry in place if not isinstance(entry, tuple))
    span = place[axis]
    assert isinstance(span, tuple)
    start = span[0]
    for part in layout.parts:
        stop = start + shape(part, shapes)[layout.axis]
        yield from _placed(part, shapes, (*place[:axis], (start, stop), *place[axis + 1 :]))
        start = stop
