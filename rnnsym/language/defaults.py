"""What shapes variables have where the equations leave it open: each default settles one thing, and says if it did.

They apply in the order of `DEFAULTS`, the first that settles something; then shapes travel through the equations again.
"""

from __future__ import annotations

from collections.abc import Callable

from rnnsym.language.elements import elementwise_leaves, elementwise_parts
from rnnsym.language.numbers import (
    added_to_a_number,
    loss_of_scalars_is_scalar,
    made_of_scalars,
    number_is_scalar,
    row_of_weights,
    weighed_is_like_result,
)
from rnnsym.language.sizes import SCALAR, Size, is_open
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Binary, Call, Expression, Reference, Slice, Transpose
from rnnsym.operations import OPERATIONS, ROWS, Pairwise, Structural


def slice_leaves_a_rest(solver: Solver) -> bool:
    """`(W @ h[t])[:n]` of a vector of unknown size: n elements, and others."""
    for node in solver.nodes:
        if isinstance(node, Slice) and node.high is not None:
            shape = solver.infer(node.operand)
            if shape and is_open(shape[0]):
                solver.equal(shape[0], solver.sum_with_rest(node), node)
                return True
    return False


def _outer_of_vectors(solver: Solver) -> bool:
    """`v[t] @ k[t].T`: a value of each step beside the transpose of another makes an outer product."""
    for node in solver.nodes:
        if isinstance(node, Binary) and node.operator == "@" and isinstance(node.right, Transpose):
            parts = [*elementwise_parts(node.left), *elementwise_parts(node.right.operand)]
            if solver.infer(node.left) and solver.rank(node.left) != 1:
                continue
            for part in parts:
                if part.name in solver.vectors and part.name not in solver.known:
                    solver.expect(part, (solver.own_size(part),))
                    return True
            if _weighed_is_vector(solver, node.right.operand):
                return True
            for leaf in elementwise_leaves(node.left) if solver.rank(node.right) == 1 else ():
                if solver.infer(leaf) is None:  # what stands before a row is a column
                    solver.expect(leaf, (solver.own_size(node.left),))
                    if solver.changed:
                        return True
    return False


def _weighed_is_vector(solver: Solver, node: Expression) -> bool:
    """`(W @ x[t]).T`: weights times a value of each step make a vector."""
    for leaf in elementwise_leaves(node):
        match leaf:
            case Binary("@", Reference(name, None), right) if solver.infer(leaf) is None and name not in solver.vectors:
                for part in elementwise_parts(right):
                    if part.name in solver.vectors and part.name not in solver.known:
                        solver.expect(part, (solver.own_size(part),))
                        return True
                if len(solver.infer(right) or ()) == 1:
                    solver.expect(leaf, (solver.own_size(leaf),))
                    if solver.changed:
                        return True
    return False


def _transposed_is_vector(solver: Solver) -> bool:
    """`q[t].T @ n[t]`: a value of each step is a vector, transposed too, where nothing makes it a matrix."""
    for node in solver.nodes:
        if isinstance(node, Transpose):
            for part in elementwise_parts(node.operand):
                if part.name in solver.vectors and part.name not in solver.known:
                    solver.expect(part, (solver.own_size(part),))
                    return True
    return False


def _transposed_is_matrix(solver: Solver) -> bool:
    """`W.T`: what nothing makes a row is a matrix."""
    for node in solver.nodes:
        if (
            isinstance(node, Transpose)
            and isinstance(node.operand, Reference)
            and node.operand.name not in solver.known
            and node.operand.name not in solver.vectors
        ):
            solver.expect(node.operand, (solver.own_size(node), solver.own_size(node.operand)))
            return True
    return False


def _is_timed_transpose(solver: Solver, node: Expression) -> bool:
    return isinstance(node, Transpose) and any(part.name in solver.vectors for part in elementwise_parts(node.operand))


def _operand_is_vector(solver: Solver) -> bool:
    """`W @ x[t]`, `W @ (a * x[t])`: a value of each step, or made of one, is a vector beside @.

    It is said before partners are compared: `(v.T @ x[t]) * h[t]` is no row beside h[t].
    """
    for node in solver.nodes:
        if isinstance(node, Binary) and node.operator == "@":
            for operand in (node.left, node.right):
                for part in elementwise_parts(operand) if solver.infer(operand) is None else ():
                    if part.name in solver.vectors and part.name not in solver.known:
                        solver.expect(part, (solver.own_size(part),))
                        return True
    return False


def _left_operand_is_matrix(solver: Solver) -> bool:
    """`W @ x[t]` with x[t] a vector: W is a matrix."""
    for node in solver.nodes:
        if isinstance(node, Binary) and node.operator == "@" and solver.infer(node.left) is None:
            right = solver.infer(node.right)
            if right and not _is_timed_transpose(solver, node.left):
                solver.expect(node.left, (solver.own_size(node.left), right[0]))
            if solver.changed:
                return True
    return False


def _right_operand_follows(solver: Solver) -> bool:
    """`W @ b` with W a matrix: b is a vector; `x[t] @ W` with x[t] a vector: W is a matrix. Inner products first.

    `M[t] @ W`, a matrix of each step times what is written large: W is a matrix.
    """
    for node in reversed(solver.nodes):
        if isinstance(node, Binary) and node.operator == "@" and solver.infer(node.right) is None:
            left = solver.infer(node.left)
            if left:
                weighed = any(part.name in solver.timed for part in elementwise_parts(node.left))
                other = node.right
                large = isinstance(other, Reference) and other.time is None and other.name[0].isupper()
                vector = len(left) == 2 and not (weighed and large)
                rest = () if vector or _is_timed_transpose(solver, node.right) else (solver.own_size(node.right),)
                solver.expect(node.right, (left[-1], *rest))
            if solver.changed:
                return True
    return False


def _both_operands_are_matrices(solver: Solver) -> bool:
    """`W @ V @ x[t]`: of two parameters multiplied, the left one is a matrix."""
    for node in solver.nodes:
        if isinstance(node, Binary) and node.operator == "@" and solver.infer(node.left) is None:
            solver.expect(node.left, (solver.own_size(node.left), solver.own_size(node)))
            if solver.changed:
                return True
    return False


def _partner(scalar: bool) -> Callable[[Solver], bool]:
    """A symbol combined elementwise has its partner's shape; numbers and declared scalars fix nothing."""

    def default(solver: Solver) -> bool:
        for node in solver.nodes:
            match node:
                case Binary("+" | "-" | "*" | "/", left, right):
                    pair = (left, right)
                case Call(function, (left, right)) if isinstance(OPERATIONS[function], Pairwise):
                    pair = (left, right)
                case _:
                    continue
            for operand, other in (pair, pair[::-1]):
                shape = solver.infer(other)
                if solver.infer(operand) is not None or shape is None or (shape == SCALAR) != scalar:
                    continue
                if shape == SCALAR and not solver.fixes(other):
                    continue
                solver.expect(operand, shape)
                if solver.changed:
                    return True
        return False

    return default


def _argument_is_vector(solver: Solver) -> bool:
    """`softmax(a + b)`, `norm(a)`: what may be a vector or a matrix is a vector."""
    for node in solver.nodes:
        if isinstance(node, Call) and node.function in (*ROWS, "dot") and solver.infer(node.arguments[0]) is None:
            solver.expect(node.arguments[0], (solver.own_size(node.arguments[0]),))
            if solver.changed:
                return True
    return False


def _timed_is_vector(solver: Solver) -> bool:
    for name in solver.names:
        if name in solver.vectors and name not in solver.known:
            solver.learn(name, (Size(name),))
            return True
    return False


def _operands_are_like_result(solver: Solver) -> bool:
    """`h[t] = a * b` with only h[t] known: what is combined elementwise has the shape of the result."""
    for definition in solver.definitions:
        if solver.infer(definition.value) is None:
            with solver.assumption():
                solver.expect(definition.value, solver.known.get(definition.target.name))
            if solver.changed:
                return True
    return False


def _operands_are_like_argument(solver: Solver) -> bool:
    """`dot(a + b, v)`: what is combined elementwise, where a vector or a matrix is wanted, is one."""
    for node in solver.nodes:
        if isinstance(node, Call) and isinstance(OPERATIONS[node.function], Structural):
            for argument in node.arguments:
                if solver.infer(argument) is None:
                    with solver.assumption():
                        solver.infer(node)
                    if solver.changed:
                        return True
    return False


DEFAULTS: tuple[Callable[[Solver], bool], ...] = (
    made_of_scalars,
    row_of_weights,
    added_to_a_number,
    _outer_of_vectors,
    _operand_is_vector,
    _operands_are_like_argument,
    _partner(scalar=False),
    _transposed_is_matrix,
    _transposed_is_vector,
    _left_operand_is_matrix,
    _right_operand_follows,
    weighed_is_like_result,
    _partner(scalar=True),
    loss_of_scalars_is_scalar,
    number_is_scalar,
    _argument_is_vector,
    _timed_is_vector,
    _operands_are_like_result,
    _both_operands_are_matrices,
)
