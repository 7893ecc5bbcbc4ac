"""What an expression is made of element by element."""

from __future__ import annotations

from collections.abc import Iterable

from rnnsym.language.syntax import Binary, Call, Expression, Negative, Reference
from rnnsym.operations import OPERATIONS, Pairwise, is_like_argument


def elementwise_parts(node: Expression) -> Iterable[Reference]:
    """The variables that have the shape of the expression, where none of them is a scalar."""
    return (leaf for leaf in elementwise_leaves(node) if isinstance(leaf, Reference))


def elementwise_leaves(node: Expression) -> Iterable[Expression]:
    """What an expression is made of element by element."""
    match node:
        case Negative(operand) | Binary("**", operand):
            yield from elementwise_leaves(operand)
        case Binary("+" | "-" | "*" | "/", left, right):
            yield from elementwise_leaves(left)
            yield from elementwise_leaves(right)
        case Call(function, arguments) if is_like_argument(function) or isinstance(OPERATIONS[function], Pairwise):
            for argument in arguments:
                yield from elementwise_leaves(argument)
        case _:
            yield node
