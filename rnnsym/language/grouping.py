"""How products without parentheses are grouped: `z[t] * W @ x[t]` is `z[t] * (W @ x[t])` where W is a matrix.

Operators bind as in Python, from left to right, so that the text says `(z[t] * W) @ x[t]`. Papers mean the other.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import TypeGuard

from rnnsym.errors import Span
from rnnsym.language.expand import rebuild
from rnnsym.language.syntax import Binary, Definition, Expression, children


@dataclass(frozen=True)
class Product(Binary):
    """A matrix product whose left side is an elementwise one; for annotations alone."""

    left: Binary


def is_loose(node: Expression) -> TypeGuard[Product]:
    """Whether a product reads `a * B @ c`, without parentheses.

    >>> from rnnsym.language.reader import read
    >>> [is_loose(read(f"y[t] = {text}")[0].value) for text in ("a * B @ c", "(a * B) @ c", "a * (B @ c)")]
    [True, False, False]
    """
    if not (isinstance(node, Binary) and node.operator == "@" and isinstance(node.left, Binary)):
        return False
    own, left = node.span, node.left.span
    return node.left.operator == "*" and (own.line, own.start) == (left.line, left.start) and own != left


def regrouped(definitions: tuple[Definition, ...], places: Set[Span]) -> tuple[Definition, ...]:
    """The same equations with `a * (B @ c)` for `a * B @ c` at these places."""
    return tuple(Definition(found.target, _regrouped(found.value, places), found.span) for found in definitions)


def _regrouped(node: Expression, places: Set[Span]) -> Expression:
    found = rebuild(node, [_regrouped(child, places) for child in children(node)])
    # A product that goes on, `a * B @ C @ d`, stands behind one that was regrouped.
    if is_loose(found) and (node.span in places or not is_loose(node)):
        inner = Binary("@", found.left.right, found.right, found.span)
        return Binary("*", found.left.left, inner, found.span)
    return found
