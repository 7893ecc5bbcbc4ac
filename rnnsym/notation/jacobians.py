"""Matrix notation of Jacobians: elementwise factors become diagonal matrices.

`(1 - h[i]**2) W[i, j]` is diag(1 - h²) W.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, KroneckerDelta, Symbol

from rnnsym.equations.indexed import Kind
from rnnsym.notation.builder import Builder
from rnnsym.notation.parts import Axes, NoMatrixForm, Part, hadamard
from rnnsym.notation.tree import (
    Chain,
    Diagonal,
    Identity,
    IndexSum,
    Leaf,
    Minus,
    Node,
    Plus,
    Scaled,
    chain,
    minus,
    plus,
    transposed,
)


class JacobianBuilder(Builder):
    """Builds a term with two free indices as a product of matrices; vectors as ever."""

    def _product(self, factors: tuple[Expr, ...], free: Axes, sizes: Mapping[Symbol, Expr], full: bool = False) -> Node:
        same = [f for f in factors if isinstance(f, KroneckerDelta) and set(f.args) == set(free)]
        if len(free) == 2 and same:
            row, column = free
            rest = tuple(factor.xreplace({column: row}) for factor in factors if factor not in same)
            number, parts = self.numbered(rest)
            parts = self._contracted(parts, {row})
            vectors = [part for part in parts if part.axes]
            if any(len(part.axes) > 1 for part in vectors):
                raise NoMatrixForm
            body: Node = Diagonal(hadamard(vectors)) if vectors else Identity()
            return self._assembled(number, [part for part in parts if not part.axes], (), body)
        return super()._product(factors, free, sizes, full)

    def _body(self, parts: list[Part], free: Axes) -> Node:
        matrices = [part for part in parts if len(part.axes) == 2]
        if len(free) != 2 or not matrices:
            return super()._body(parts, free)
        left = [part for part in parts if part.axes == free[:1]]
        right = [part for part in parts if part.axes == free[1:]]
        turned = [part if part.axes == free else Part(transposed(part.node), free, part.divides) for part in matrices]
        middle = turned[0].node if len(turned) == 1 and not turned[0].divides else hadamard(turned)
        before = [Diagonal(hadamard(left))] if left else []
        after = [Diagonal(hadamard(right))] if right else []
        return chain(*before, middle, *after) if before or after else middle


def flipped(node: Node) -> Node:
    """The transpose, where one-step derivatives are themselves written transposed (denominator layout)."""
    match node:
        case Leaf(variable):
            known = variable.partial is not None and variable.partial.kind is not Kind.SIGNAL
            return node if known else transposed(node)
        case Plus(parts):
            return plus(tuple(flipped(part) for part in parts))
        case Minus(operand):
            return minus(flipped(operand))
        case Scaled(number, above, below, operand):
            return Scaled(number, above, below, None if operand is None else flipped(operand))
        case Chain(parts):
            return chain(*(flipped(part) for part in reversed(parts)))
        case Diagonal() | Identity():
            return node
        case IndexSum(operand, free, indices):
            return IndexSum(operand, tuple(reversed(free)), indices)
        case _:
            return transposed(node)
