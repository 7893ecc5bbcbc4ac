"""Small pieces of source: sizes, positions, slices, and the steps that a statement works on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr, Rational

from rnnsym.kernels.numpy_code import size_code


@dataclass(frozen=True)
class Rows:
    """The steps of a statement, as source: positions from `low` to `high`, in a chunk that begins at `start`.

    count: how many they are. length: how many there may be, by the name of that number.
    """

    low: str
    high: str
    start: str
    count: str
    length: str = ""


#: A chunk of the forward pass, a chunk of the backward pass, and a part of one.
FORWARD = Rows("start", "stop", "start", "count", "rows")
BLOCK = Rows("start", "stop", "start", "count", "block")
PART = Rows("low", "high", "start", "size", "part")


def shape_code(shape: tuple[Expr, ...]) -> list[str]:
    """The sizes of a shape as source, ready to stand in a product."""
    codes = [size_code(size) for size in shape]
    return [f"({code})" if " " in code else code for code in codes]


def in_order(direction: int, size: str) -> str:
    """Where the chunks of a segment begin, in the order in which a region takes them."""
    return f"range(0, steps, {size})" if direction > 0 else f"range((steps - 1) // {size} * {size}, -1, -{size})"


def plus(base: str, offset: int) -> str:
    """A position so many steps after another one."""
    if not base:
        return str(offset)
    return base if not offset else f"{base} {'+' if offset > 0 else '-'} {abs(offset)}"


def cut_code(first: int, count: int, distance: int) -> str:
    """Positions at equal distances as an index."""
    if count == 1:
        return str(first)
    step = f":{distance}" if distance > 1 else ""
    return f"{first}:{first + (count - 1) * distance + 1}{step}"


def number_of(scale: Expr) -> Fraction | float:
    """A number of an equation as one for the source."""
    return Fraction(int(scale.p), int(scale.q)) if isinstance(scale, Rational) else float(scale)


def literal(value: Fraction | float) -> str:
    """A number as source."""
    return repr(float(value))


def words(code: str) -> set[str]:
    """The names in a piece of source."""
    return set("".join(c if c.isalnum() or c == "_" else " " for c in code).split())


def indented(lines: Iterable[str], depth: int) -> str:
    """Lines as a block of source at some depth."""
    return "\n".join("    " * depth + line if line else "" for line in lines)
