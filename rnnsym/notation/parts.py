"""Parts of a product on their way to matrix notation: nodes with the indices of their elements."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from rnnsym.notation.tree import ONES, Hadamard, Node, Power, SquaredNorm, transposed

Axes = tuple[Symbol, ...]


@dataclass(frozen=True)
class Part:
    """A node with its element indices: none for a scalar, one for a vector, two for a matrix."""

    node: Node
    axes: Axes
    divides: bool = False
    source: Expr | None = None  # the sum that it shows


class NoMatrixForm(Exception):
    """A term that only index notation can write."""


def hadamard(parts: list[Part]) -> Node:
    """An elementwise product of vectors or matrices."""
    above: list[Node] = []
    below: list[Node] = []
    for part in parts:
        if part.divides:
            below.append(part.node)
        elif isinstance(part.node, Hadamard):
            above += part.node.parts
            below += part.node.below
        else:
            above.append(part.node)
    if len(above) == 1 and not below:
        return above[0]
    return Hadamard(tuple(above or [ONES]), tuple(below))


def matrices_with(parts: list[Part], index: Symbol) -> int:
    """How many matrices have an index."""
    return sum(1 for part in parts if index in part.axes and len(part.axes) > 1)


def joined(parts: list[Part], free: set[Symbol]) -> list[Part]:
    """Matrices with the same two indices, not both free, as one elementwise product."""
    groups: dict[object, list[Part]] = {}
    for number, part in enumerate(parts):
        apart = len(part.axes) < 2 or set(part.axes) <= free
        groups.setdefault(number if apart else frozenset(part.axes), []).append(part)
    return [
        group[0]
        if len(group) == 1
        else Part(hadamard([oriented(part, group[0].axes) for part in group]), group[0].axes)
        for group in groups.values()
    ]


def squared(part: Part, parts: list[Part], free: set[Symbol]) -> Part:
    """A matrix of squares, all of them added up: a squared norm."""
    if len(part.axes) < 2 or part.divides or not isinstance(part.node, Power) or part.node.exponent != 2:
        return part
    others = {axis for other in parts if other is not part for axis in other.axes}
    return part if set(part.axes) & (free | others) else Part(SquaredNorm(part.node.base, matrix=True), ())


def oriented(part: Part, axes: Axes) -> Part:
    """A matrix with its axes in this order."""
    return part if part.axes == axes else Part(transposed(part.node), axes, part.divides)


def undivided(part: Part) -> Part:
    """A matrix that divides, as one over it."""
    return Part(hadamard([part]), part.axes) if part.divides else part
