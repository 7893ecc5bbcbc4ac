"""Equations whose vectors are rows: `q[t] = x[t] @ W`, in which `k[t].T @ v[t]` is an outer product.

The language has columns. In a model that multiplies its weights from the right, and none from the left, transposes of
rows are exchanged where two of them meet: `k.T @ v` becomes `k @ v.T`, and `q @ k.T`, which is a number, `q.T @ k`.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from rnnsym.language.expand import rebuild
from rnnsym.language.syntax import (
    Binary,
    Call,
    Definition,
    Expression,
    Negative,
    Reference,
    Transpose,
    children,
    references,
    walk,
)
from rnnsym.operations import OPERATIONS, Elementwise, Pairwise, VectorFunction


def with_columns(definitions: tuple[Definition, ...]) -> tuple[tuple[Definition, ...], frozenset[str]]:
    r"""The same equations with columns for rows, and the variables that have to be vectors then; none without rows.

    >>> from rnnsym.language.reader import read
    >>> found, rows = with_columns(read("k[t] = x[t] @ W\nS[t] = S[t-1] + k[t].T @ k[t]"))
    >>> type(found[1].value.right.right).__name__
    'Transpose'
    >>> sorted(rows)
    ['x']
    """
    rows, multiplied = _rows(definitions)
    return tuple(Definition(d.target, _exchanged(d.value, rows), d.span) for d in definitions), multiplied


def _rows(definitions: tuple[Definition, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The variables that are rows, and those of them that weights multiply from the right."""
    timed = {node.name for d in definitions for node in (d.target, *references(d.value)) if node.time is not None}
    found: set[str] = set()
    for definition in definitions:
        for node in walk(definition.value):
            if isinstance(node, Binary) and node.operator == "@":
                if _is_weight(node.left, timed) and any(part.name in timed for part in references(node.right)):
                    return frozenset(), frozenset()
                if _is_weight(node.right, timed) and isinstance(node.left, Reference):
                    found.add(node.left.name)
    found &= timed
    multiplied = frozenset(found)
    while found:
        more = {d.target.name for d in definitions if d.target.name in timed and _is_row(d.value, found, timed)} - found
        if not more:
            break
        found |= more
    return frozenset(found), multiplied


def _is_weight(node: Expression, timed: Set[str]) -> bool:
    node = node.operand if isinstance(node, Transpose) else node
    return isinstance(node, Reference) and node.name not in timed


def _is_row(node: Expression, rows: Set[str], timed: Set[str]) -> bool:
    """Whether an expression is a row, or its transpose, for what is in it element by element."""
    return any(
        (isinstance(leaf, Reference) and leaf.name in rows)
        or (
            isinstance(leaf, Binary)
            and leaf.operator == "@"
            and (_is_weight(leaf.right, timed) or (isinstance(leaf.right, Reference) and leaf.right.name not in rows))
            and _is_row(leaf.left, rows, timed)
        )
        for leaf in _leaves(node)
    )


def _leaves(node: Expression) -> Iterator[Expression]:
    match node:
        case Call(function) if not isinstance(OPERATIONS[function], Elementwise | Pairwise | VectorFunction):
            if function == "named":
                yield from _leaves(node.arguments[0])
        case Negative() | Transpose() | Call() | Binary("+" | "-" | "*" | "/" | "**"):
            for child in children(node):
                yield from _leaves(child)
        case _:
            yield node


def _exchanged(node: Expression, rows: frozenset[str]) -> Expression:
    node = rebuild(node, [_exchanged(child, rows) for child in children(node)])
    match node:
        case Binary("@", Transpose(left), right) if not isinstance(right, Transpose) and _both(left, right, rows):
            return Binary("@", left, Transpose(right, right.span), node.span)
        case Binary("@", left, Transpose(right)) if not isinstance(left, Transpose) and _both(left, right, rows):
            return Binary("@", Transpose(left, left.span), right, node.span)
    return node


def _both(left: Expression, right: Expression, rows: frozenset[str]) -> bool:
    """Whether two rows meet; `ones` is one beside another."""
    found = [_is_row(side, rows, set()) for side in (left, right)]
    ones = [isinstance(side, Call) and side.function == "ones" for side in (left, right)]
    return any(found) and all(row or one for row, one in zip(found, ones, strict=True))
