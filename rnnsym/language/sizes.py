"""Unification of sizes: which dimensions of which arrays have to be equal, and what their common name is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sympy import Expr, Integer, Symbol


@dataclass(eq=False)
class Size:
    """A dimension that may turn out equal to others. Follow `forward` to its representative (union-find)."""

    owner: str  # the variable it belongs to, for naming and for messages
    forward: Size | None = None
    value: str | int | None = None  # a declared name or number
    parts: tuple[Size, ...] = ()  # the size of a concatenation

    def root(self) -> Size:
        size = self
        while size.forward is not None:
            size = size.forward
        return size


Shape = tuple[Size, ...]
#: The shape of a number: it combines with anything and fixes nothing.
SCALAR: Shape = ()
#: What one of each rank is called, and several.
RANKS = (
    ("scalar", "scalars"),
    ("vector", "vectors"),
    ("matrix", "matrices"),
    ("tensor of order three", "tensors"),
)


class SizeClash(Exception):
    """Two sizes cannot be equal."""


class UndecidedSizes(SizeClash):
    """Two sums of sizes may be equal in several ways, or in none: more has to be known of their parts."""


def unify(one: Size, other: Size) -> bool:
    """Make two sizes equal; True where that was news. Raises SizeClash."""
    one, other = one.root(), other.root()
    if one is other:
        return False
    if is_open(other):
        one, other = other, one
    if is_open(one):
        if one in leaves(other):
            raise SizeClash(f"{describe(one)} against {describe(other)}, which holds it")
        one.forward = other
        return True
    if one.parts or other.parts:
        return _unify_sums(one, other)
    if one.value != other.value:
        raise SizeClash(f"{describe(one)} against {describe(other)}")
    one.forward = other
    return True


def is_open(size: Size) -> bool:
    """Whether nothing is known of a size yet."""
    size = size.root()
    return size.value is None and not size.parts


def _unify_sums(one: Size, other: Size) -> bool:
    """Sizes of concatenations: strike out what both hold; what is left must fit piece by piece or as numbers."""
    mine, yours = leaves(one), leaves(other)
    for leaf in list(mine):
        twin = next((size for size in yours if size is leaf or _same_value(size, leaf)), None)
        if twin is not None:
            mine.remove(leaf)
            yours.remove(twin)
    if not mine and not yours:
        return False
    if len(mine) == 1 and len(yours) == 1:
        return unify(mine[0], yours[0])
    for few, many in ((mine, yours), (yours, mine)):
        if len(few) == 1 and is_open(few[0]) and many:
            few[0].forward = Size(few[0].owner, parts=tuple(many))
            return True
    unknown = [size for size in (*mine, *yours) if is_open(size)]
    numbers = all(isinstance(size.value, int) for size in (*mine, *yours) if not is_open(size))
    if numbers and len(unknown) == 1:
        rest = [yours, mine][unknown[0] in yours]
        known = [size for size in (mine if unknown[0] in mine else yours) if size is not unknown[0]]
        value = sum(_number(size) for size in rest) - sum(_number(size) for size in known)
        if value > 0:
            unknown[0].value = value
            return True
    if numbers and not unknown and sum(map(_number, mine)) == sum(map(_number, yours)):
        return False
    problem = UndecidedSizes if unknown else SizeClash
    raise problem(f"{describe(one)} against {describe(other)}")


def unify_in_order(one: Size, other: Size) -> bool:
    """Sums of as many sizes: those of one of them, all open, are those of the other in order; False if not so."""
    mine, yours = leaves(one), leaves(other)
    if len(mine) != len(yours) or not (all(map(is_open, mine)) or all(map(is_open, yours))):
        return False
    news = [unify(first, second) for first, second in zip(mine, yours, strict=True)]
    return any(news)


def _same_value(one: Size, other: Size) -> bool:
    return one.value is not None and one.value == other.value


def _number(size: Size) -> int:
    assert isinstance(size.value, int)
    return size.value


def leaves(size: Size) -> list[Size]:
    """The sizes that a size is the sum of: itself, or a concatenation's parts."""
    size = size.root()
    return [leaf for part in size.parts for leaf in leaves(part)] if size.parts else [size]


def describe(size: Size) -> str:
    """For messages: `n`, `3`, `n+m`, or `the size of h` while it has no name."""
    size = size.root()
    if size.parts:
        return "+".join(describe(part) for part in size.parts)
    return str(size.value) if size.value is not None else f"size of {size.owner}"


def show(shape: Shape) -> str:
    """For messages: `(n, m)`."""
    return f"({', '.join(map(describe, shape))})"


def rank_name(shape: Shape) -> str:
    """For messages: what something of this shape is called."""
    return RANKS[len(shape)][0] if len(shape) < len(RANKS) else f"tensor of order {len(shape)}"


def to_sympy(size: Size) -> Expr:
    """The size as SymPy expression; every size has a name by now."""
    size = size.root()
    if size.parts:
        total: Expr = Integer(0)
        for part in size.parts:
            total = total + to_sympy(part)
        return total
    if isinstance(size.value, int):
        return Integer(size.value)
    return size_symbol(str(size.value))


#: How a size is declared: a name, a number, or a sum of them, `"n + 1"`.
SizeDeclaration = str | int | tuple[str | int, ...]

_SUMMAND = re.compile(r"(?:(?P<count>[1-9][0-9]{0,2})\s*\*\s*)?(?P<name>[^\W\d]\w*)|(?P<number>[1-9][0-9]*)")


def summands(size: str | int) -> list[str | int]:
    """The names and numbers of which a declared size is the sum; an empty list where it is none.

    >>> summands("2*n + m + 1"), summands("n - 1")
    (['n', 'n', 'm', 1], [])
    """
    found: list[str | int] = []
    for part in str(size).split("+"):
        read = _SUMMAND.fullmatch(part.strip())
        if read is None:
            return []
        found += [int(read["number"])] if read["number"] else [read["name"]] * int(read["count"] or 1)
    return found


def declaration(shape: tuple[Expr, ...]) -> tuple[str | int, ...]:
    """A shape as a declaration.

    >>> declaration((size_symbol("n") + 1, Integer(3)))
    ('n + 1', 3)
    """
    return tuple(int(size) if isinstance(size, Integer) else str(size) for size in shape)


def size_symbol(name: str) -> Symbol:
    """A named size. Its assumptions keep it apart from a variable or an index of the same name."""
    return Symbol(name, integer=True, positive=True)
