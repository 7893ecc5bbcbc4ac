"""What the shapes settle: rows and columns beside `@`, and the sizes of the constants `I` and `ones`.

`u.T` of a vector is a row. A column times a row is the outer product, a row times a column the inner one; two vectors
of which none is transposed have an inner product too. After this pass no vector is transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import Expr, Integer, expand

from rnnsym.errors import ModelError, Span
from rnnsym.language.expand import rebuild
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Definition,
    Expression,
    Negative,
    Part,
    Reference,
    Slice,
    Transpose,
    children,
)
from rnnsym.operations import OPERATIONS, ROWS, Elementwise, Pairwise, Structural

#: How many axes an expression has, where that is known.
Rank = Callable[[Expression], int | None]
NOWHERE = Span(0, 0, 0)


def is_row(node: Expression, rank: Rank) -> bool:
    """Whether a vector was transposed, and is a row."""
    if rank(node) != 1:
        return False
    match node:
        case Transpose(operand):
            return not is_row(operand, rank)
        case Negative(operand) | Binary("**", operand):
            return is_row(operand, rank)
        case Binary("@", left, right):
            return rank(right) == 2 and is_row(left, rank)
        case Binary(_, left, right):
            return is_row(left, rank) or is_row(right, rank)
        case Call("named", (operand,)):
            return is_row(operand, rank)
        case Call(function, arguments) if isinstance(OPERATIONS[function], Elementwise | Pairwise):
            return any(is_row(argument, rank) for argument in arguments)
    return False


def _is_transposed(node: Expression) -> bool:
    """Whether a transposed vector stands in an expression element by element, rather than in a product."""
    if isinstance(node, Binary) and node.operator == "@":
        return False
    return isinstance(node, Transpose) or any(map(_is_transposed, children(node)))


def is_outer(left: Expression, right: Expression, rank: Rank) -> bool:
    """Whether a product is that of a column with a row."""
    return rank(left) == 1 and is_row(right, rank) and not is_row(left, rank)


def is_inner(node: Expression, rank: Rank) -> bool:
    """Whether a number is the inner product of two vectors: it may stand before `@`, as in `(q.T @ k) @ v`."""
    return isinstance(node, Binary) and node.operator == "@" and rank(node) == 0


def inner_products(node: Expression, rank: Rank) -> Iterator[Expression]:
    """The products of two vectors of which a number is made element by element: `q.T @ k` in `2 * (q.T @ k)`."""
    if rank(node) != 0:
        return
    match node:
        case Binary("@", left, right) if rank(left) == rank(right) == 1:
            yield node
        case Negative(operand):
            yield from inner_products(operand, rank)
        case Binary("+" | "-" | "*" | "/", left, right):
            yield from inner_products(left, rank)
            yield from inner_products(right, rank)


def settle(definitions: tuple[Definition, ...], shape: Callable[[Expression], tuple[Expr, ...]], text: str) -> tuple[
    Definition, ...
]:  # fmt: skip
    """The definitions without transposed vectors, and with constants that know their sizes.

    Raises ModelError where a row stands in place of a column.
    """
    return tuple(
        Definition(found.target, _Settling(shape, text).settled(found.value), found.span) for found in definitions
    )


class _Settling:
    def __init__(self, shape: Callable[[Expression], tuple[Expr, ...]], text: str) -> None:
        self.shape = shape
        self.text = text

    def rank(self, node: Expression) -> int:
        return len(self.shape(node))

    def settled(self, node: Expression) -> Expression:
        self._check(node)
        parts = [self.settled(child) for child in children(node)]
        match node:
            case Transpose(operand) if self.rank(operand) < 2:
                return parts[0]
            case Binary("@", left, right) if is_outer(left, right, self.rank):
                return Call("outer", (parts[0], parts[1]), node.span)
            case Binary("@", left, _) if self.rank(left) == 0:
                return Binary("*", parts[0], parts[1], node.span)
            case Part(_, place, names):
                before = sum((self.size_of(name) for name in names[:place]), Integer(0))
                high = None if place == len(names) - 1 else before + self.size_of(names[place])
                part = Slice(parts[0], before, high, node.span)
                return part if self.rank(node) else Call("sum_elements", (part,), node.span)
            case Call("concat", arguments):
                one = Constant("ones", (Integer(1),), node.span)
                parts = [
                    part if self.rank(argument) else Binary("*", part, one, node.span)
                    for argument, part in zip(arguments, parts, strict=True)
                ]
            case Call("dot", (left, _)) if self.rank(left) == 2:
                return Call("sum_elements", (Binary("*", parts[0], parts[1], node.span),), node.span)
            case Call(function, (operand,)) if function in ROWS and self.rank(operand) == 2:
                return Call(ROWS[function], tuple(parts), node.span)
            case Slice(operand):
                self._check_bounds(node, self.shape(operand)[0])
            case Call(function, ()) if isinstance(OPERATIONS[function], Structural):
                return Constant(function, self.shape(node), node.span)
        return rebuild(node, parts)

    def size_of(self, name: str) -> Expr:
        shape = self.shape(Reference(name, None, NOWHERE))
        return shape[0] if shape else Integer(1)

    def _check_bounds(self, node: Slice, size: Expr) -> None:
        """A slice ends within its vector."""
        if node.high is None:
            return
        if any(count < 0 for count in expand(size - node.high).as_coefficients_dict().values()):
            raise ModelError(f"the slice ends at {node.high}, and the vector has {size} elements", self.text, node.span)

    def _check(self, node: Expression) -> None:
        if not isinstance(node, Binary):
            return
        left, right = node.left, node.right
        rows = [is_row(part, self.rank) for part in (left, right)]
        if node.operator == "@" and rows[1] and (rows[0] or self.rank(left) == 2):
            what = "a row" if rows[0] else "a matrix"
            raise ModelError(
                f"{what} cannot multiply a row", self.text, right.span, "drop the .T: a column stands on the right"
            )
        if node.operator in "+-":
            for part, other in ((left, right), (right, left)):
                for product in inner_products(part, self.rank) if self.rank(other) == 2 else ():
                    raise ModelError(
                        "this inner product is a number, and is added to every element of a matrix",
                        self.text,
                        product.span,
                        "an outer product is  v @ k.T  or  outer(v, k); a number that is meant gets a name of its own",
                    )
        # What `q.T @ S` gives may be added to columns; only what is itself transposed may not.
        rows = [row and _is_transposed(part) for row, part in zip(rows, (left, right), strict=True)]
        if (
            node.operator != "@"
            and self.rank(left) == self.rank(right) == 1
            and any(rows)
            and not all(is_row(part, self.rank) for part in (left, right))
        ):
            raise ModelError(
                f"a row and a column cannot be combined by {node.operator}",
                self.text,
                node.span,
                "transpose both or none",
            )
