r"""Equations whose shapes do not fit, as trees all the same: what does not fit has no shape.

>>> from rnnsym.claims.combine import Misfit
>>> from rnnsym.claims.brief import shown
>>> from rnnsym.claims.syntax import Moment, Variable
>>> from sympy import Symbol
>>> n = Symbol("n")
>>> one, other = (Variable(name, Moment.of("t"), (n, n**0)) for name in ("a", "b"))
>>> product = Product(Way.MATRIX, (one, other), None)
>>> joined(Product(Way.MATRIX, (one, Transpose(other, (n**0, n))), None)).shape
(n, n)
>>> try:
...     joined(product)
... except Misfit as misfit:
...     print(misfit)
a[t] is n × 1 and b[t] is n × 1: the matrix product needs 1 = n
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rnnsym.claims import combine
from rnnsym.claims.combine import Misfit
from rnnsym.claims.resolve import Resolver
from rnnsym.claims.strength import combined, split
from rnnsym.claims.syntax import (
    Call,
    Diagonal,
    Negative,
    Node,
    Power,
    Prime,
    Product,
    Quotient,
    Stack,
    Sum,
    TimeSum,
    Transpose,
    Way,
    children,
    with_children,
)
from rnnsym.errors import Span


class LooseResolver(Resolver):
    """Resolves an expression and leaves what does not fit as it stands."""

    def made(self, span: Span, make: Callable[..., Node], *arguments: Any) -> Node:
        try:
            return make(*arguments)
        except Misfit:
            found = unfitting(make, arguments)
            return found if found is not None else super().made(span, make, *arguments)


def unfitting(make: Callable[..., Node], arguments: tuple[Any, ...]) -> Node | None:
    """A node whose parts do not fit; None for one that cannot be without."""
    if make is combine.add:
        return Sum(tuple(arguments[0]), None)
    if make is combined:
        return run(*arguments)
    if make is combine.quotient:
        return Quotient(arguments[0], arguments[1], None)
    if make is combine.diagonal:
        return Diagonal(arguments[0], None)
    if make is combine.stack:
        return Stack(tuple(arguments[0]), arguments[1], None)
    return None


def run(nodes: list[Node], signs: list[str]) -> Node | None:
    """Factors and the signs between them: the elementwise product last."""
    if not set(signs) <= {"", "⊙", "⊘"}:
        return None
    found: list[Node] = []
    for (part, _), sign in split(nodes, signs, ("⊙", "⊘")):
        try:
            node = combine.chain(part)
        except Misfit:
            node = Product(Way.MATRIX, tuple(part), None)
        if sign == "⊘":
            before = found[0] if len(found) == 1 else Product(Way.HADAMARD, tuple(found), None)
            found = [Quotient(before, node, None)]
        else:
            found.append(node)
    return found[0] if len(found) == 1 else Product(Way.HADAMARD, tuple(found), None)


def joined(node: Node) -> Node:
    """A tree put together again, every shape from those of the parts; raises Misfit where they do not fit."""
    parts = tuple(map(joined, children(node)))
    match node:
        case Sum():
            return combine.add(parts)
        case Product(Way.HADAMARD):
            return combine.hadamard(parts)
        case Product(Way.MATRIX | Way.SCALAR):
            return combine.chain(parts)
        case Quotient():
            return combine.quotient(*parts)
        case Transpose():
            return combine.transpose(*parts)
        case Diagonal():
            return combine.diagonal(*parts)
        case Stack(_, across):
            return combine.stack(parts, across)
        case Power(_, exponent, matrix):
            return combine.power(parts[0], exponent, not matrix)
        case Negative() | TimeSum() | Prime():
            return replace(with_children(node, parts), shape=parts[0].shape)
        case Call() if parts[0].shape != node.operand.shape and node.shape == node.operand.shape:
            return replace(with_children(node, parts), shape=parts[0].shape)
    return with_children(node, parts) if parts else node
