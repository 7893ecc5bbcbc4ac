"""How shapes travel downwards, from an expression to its parts, and to and fro through all equations."""

from __future__ import annotations

from rnnsym.language.inference import Inference
from rnnsym.language.sizes import SCALAR, Shape, rank_name
from rnnsym.language.syntax import Binary, Call, Expression, Negative, Reference, Transpose, walk
from rnnsym.operations import OPERATIONS, Pairwise, is_like_argument


class Solver(Inference):
    """What is known of the shapes so far, and all rules by which more becomes known."""

    # Downwards: what an expression has to be

    def expect(self, node: Expression, shape: Shape | None) -> None:
        if shape is None or (shape and self.infer(node) == SCALAR and not self.fixes(node)):
            return  # numbers and declared scalars broadcast
        match node:
            case Reference(name):
                if name not in self.known:
                    self.learn(name, shape)
                else:
                    self.same(self.known[name], shape, node)
            case Negative(operand) | Binary("**", operand):
                self.expect(operand, shape)
            case Transpose(operand):
                self.expect(operand, shape[::-1])
            case Binary("@", left, right):
                self._expect_product(node, left, right, shape)
            case Binary(_, left, right):
                self._expect_combined(left, right, shape)
            case Call(function, arguments) if is_like_argument(function):
                self.expect(arguments[0], shape)
            case Call(function, (left, right)) if isinstance(OPERATIONS[function], Pairwise):
                self._expect_combined(left, right, shape)
            case _:
                found = self.infer(node)
                if found is not None:
                    self.same(found, shape, node)

    def _expect_product(self, node: Expression, left: Expression, right: Expression, shape: Shape) -> None:
        one, other = self.infer(left), self.infer(right)
        if one == SCALAR:
            self.expect(right, shape)
        elif len(shape) == 2 and len(one or ()) < 3 and 1 in (len(one or ()), len(other or ())):  # a column times a row
            self.expect(left, shape[:1])
            self.expect(right, shape[1:])
        elif one is not None and other is None and len(one) + len(shape) in (1, 3):
            # A vector or a matrix remains: rank(left) + rank(right) - 2 = rank(product).
            rank = len(shape) + 2 - len(one)
            self.expect(right, (one[-1], *shape[len(one) - 1 :])[:rank])
        elif one is not None and other is None and len(shape) + 2 - len(one) in (1, 2):
            self.expect(right, (one[-1], *shape[len(one) - 1 :]))
        elif one is None and other is not None and len(shape) + 2 - len(other) in (1, 2):
            rank = len(shape) + 2 - len(other)
            self.expect(left, (*shape[: rank - 1], other[0]))
        elif one is None and other is None and len(shape) == 2 and not _may_be_row(right):
            # rank(left) + rank(right) = 4: both are matrices.
            inner = self.own_size(node)
            self.expect(left, (shape[0], inner))
            self.expect(right, (inner, shape[1]))
        elif one is not None and other is not None:
            found = (*one[:-1], *other[1:])
            if len(found) != len(shape):
                raise self.error(
                    f"the product is a {rank_name(found)}, and a {rank_name(shape)} is needed here",
                    left,
                    self.bindings(),
                )
            self.same(found, shape, left)

    def _expect_combined(self, left: Expression, right: Expression, shape: Shape) -> None:
        for operand, other in ((left, right), (right, left)):
            if not shape:  # both parts of a scalar are scalars
                self.expect(operand, SCALAR)
            elif self.infer(other) == SCALAR or self.infer(operand) or (self.assuming and self.infer(operand) is None):
                self.expect(operand, shape)


def _may_be_row(node: Expression) -> bool:
    """Whether an expression could be a transposed vector."""
    return any(isinstance(found, Transpose) for found in walk(node))
