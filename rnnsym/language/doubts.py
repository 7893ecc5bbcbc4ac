"""What may be meant otherwise in a reading that fits: letters and products tell.

A name written large is a matrix for a reader. Where defaults made a vector of it, and an inner product of what was a
matrix times a vector, other readings are worth trying; where none fits better, the model says how it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from rnnsym.errors import ModelError, Span
from rnnsym.language.elements import elementwise_parts
from rnnsym.language.grouping import Product, is_loose
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Binary, Call, Expression, Reference


@dataclass(frozen=True)
class Doubt:
    """Names that may be matrices, and the places of products that may be grouped otherwise."""

    names: frozenset[str] = frozenset()
    places: frozenset[Span] = frozenset()


def doubts(solver: Solver) -> Doubt:
    """What is in doubt, once all shapes are known."""
    names: set[str] = set()
    places: set[Span] = set()
    for node in solver.nodes:
        found = {part.name for part in doubtful(solver, node)} if isinstance(node, Binary) else set()
        names |= found
        if is_loose(node) and solver.rank(node.left.left):
            places |= {node.span for part in elementwise_parts(node.left.right) if part.name in found}
    return Doubt(frozenset(names), frozenset(places))


def doubtful(solver: Solver, node: Expression) -> Iterator[Reference]:
    """The variables of a product that are written as matrices, and were read as vectors."""
    match node:
        case Binary("@", left, right) | Call("dot", (left, right)):
            ranks = (solver.rank(left), solver.rank(right))
        case _:
            return
    if ranks == (1, 1) and not solver.rank(node):
        for side in (left, right):
            yield from (part for part in elementwise_parts(side) if _is_open(solver, part))
    if ranks == (1, 2) and _is_small(right) and right.name not in solver.declared:
        yield from (part for part in elementwise_parts(left) if part.time is not None and _is_open(solver, part))


def _is_small(node: Expression) -> TypeGuard[Reference]:
    return isinstance(node, Reference) and node.time is None and node.name[0].islower()


def _is_open(solver: Solver, part: Reference) -> bool:
    """Whether a variable is written large, and nothing but a default or its partner makes it a vector."""
    if not part.name[0].isupper() or part.name in solver.declared:
        return False
    defined = any(definition.target.name == part.name for definition in solver.definitions)
    return part.name in solver.guessed if defined else part.time is None


def loose_products(solver: Solver) -> Iterator[Product]:
    """The products `a * B @ c` in which a is no number, as far as is known."""
    return (node for node in solver.nodes if is_loose(node) and _known_rank(solver, node.left.left) != 0)


def _known_rank(solver: Solver, node: Expression) -> int | None:
    try:
        return solver.rank(node)
    except ModelError:  # it is where the shapes clash
        return None
