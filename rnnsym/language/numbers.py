"""Defaults that decide what is a number and what numbers multiply, among those of `defaults`."""

from __future__ import annotations

from collections.abc import Iterable

from rnnsym.language.elements import elementwise_parts
from rnnsym.language.sizes import SCALAR
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Binary, Call, Expression, Negative, Reference, Transpose, children, walk
from rnnsym.operations import OPERATIONS, Pairwise, is_like_argument


def made_of_scalars(solver: Solver) -> bool:
    """`i[t] = exp(a[t] - m[t])` with a and m declared scalars: so is i; and m, where `m[t] = max(a[t], m[t-1])`."""
    for name in solver.names:
        values = [d.value for d in solver.definitions if d.target.name == name]
        read = {node.name for value in values for node in walk(value) if isinstance(node, Reference)}
        if name in solver.known or not read:
            continue
        # A state has to be made of numbers of each step beside itself.
        numbers = {other for other in read if solver.known.get(other) == SCALAR and other in solver.timed}
        if (name not in read or numbers) and all(_is_number(solver, value, name) for value in values):
            solver.learn(name, SCALAR)
            return True
    return False


def _is_number(solver: Solver, node: Expression, state: str) -> bool:
    """Whether an expression is a scalar, if the variable `state` is one."""
    match node:
        case Reference(name) if name == state:
            return True
        case Negative() | Binary("+" | "-" | "*" | "/" | "**"):
            return all(_is_number(solver, child, state) for child in children(node))
        case Call(function, arguments) if is_like_argument(function) or isinstance(OPERATIONS[function], Pairwise):
            return all(_is_number(solver, argument, state) for argument in arguments)
    reads_it = any(isinstance(found, Reference) and found.name == state for found in walk(node))
    return not reads_it and solver.infer(node) == SCALAR


def row_of_weights(solver: Solver) -> bool:
    """`w.T @ x[t]` with x[t] a vector: a name that begins small and always stands so is one too, a number comes out."""
    for node in solver.nodes:
        match node:
            case Binary("@", Transpose(Reference(name, None)), right) if name[0].islower():
                if name in solver.known or name in solver.vectors or not _always_transposed(solver, name):
                    continue
                for part in elementwise_parts(right) if solver.infer(right) is None else ():
                    if part.name in solver.vectors and part.name not in solver.known:
                        solver.expect(part, (solver.own_size(part),))
                shape = solver.infer(right)
                if shape is not None and len(shape) == 1:
                    solver.learn(name, shape)
                    return True
    return False


def _always_transposed(solver: Solver, name: str) -> bool:
    """Whether a parameter is read as `name.T @ ...` and never otherwise."""
    nodes = solver.nodes
    read = sum(1 for node in nodes if isinstance(node, Reference) and node.name == name)
    rows = sum(
        1 for node in nodes
        if isinstance(node, Binary) and node.operator == "@"
        and isinstance(node.left, Transpose) and node.left.operand == Reference(name, None, node.span)
    )  # fmt: skip
    return read == rows


def added_to_a_number(solver: Solver) -> bool:
    """`dot(w, x[t]) + b`: a parameter that is added to an inner product, and read nowhere else, is a number too."""
    nodes = solver.nodes
    for node in nodes:
        if isinstance(node, Binary) and node.operator in "+-":
            for operand, other in ((node.left, node.right), (node.right, node.left)):
                if (
                    isinstance(operand, Reference) and operand.time is None
                    and operand.name not in solver.known and operand.name not in solver.vectors
                    and solver.infer(other) == SCALAR and _has_inner_product(solver, other)
                    and sum(1 for found in nodes if isinstance(found, Reference) and found.name == operand.name) == 1
                ):  # fmt: skip
                    solver.learn(operand.name, SCALAR)
                    return True
    return False


def _has_inner_product(solver: Solver, node: Expression) -> bool:
    return any(
        (isinstance(found, Call) and found.function == "dot")
        or (isinstance(found, Binary) and found.operator == "@" and solver.infer(found) == SCALAR)
        for found in walk(node)
    )


def weighed_is_like_result(solver: Solver) -> bool:
    """`P[t] = s[t] * A + r[t] * B` with s[t] and r[t] numbers: A and B have the shape of P."""
    for definition in solver.definitions:
        shape = solver.known.get(definition.target.name)
        for factors in map(_factors, _terms(definition.value)) if shape else ():
            waiting = [factor for factor in factors if solver.infer(factor) != SCALAR]
            match waiting:
                case [Reference(name, None)] if len(factors) > 1 and name not in solver.known:
                    solver.expect(waiting[0], shape)
                    return True
    return False


def _terms(node: Expression) -> Iterable[Expression]:
    """The terms of a sum, also inside functions that go element by element."""
    match node:
        case Binary("+" | "-", left, right):
            yield from _terms(left)
            yield from _terms(right)
        case Negative(operand):
            yield from _terms(operand)
        case Call(function, (operand,)) if is_like_argument(function):
            yield from _terms(operand)
        case _:
            yield node


def _factors(node: Expression) -> list[Expression]:
    if isinstance(node, Binary) and node.operator == "*":
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def loss_of_scalars_is_scalar(solver: Solver) -> bool:
    """`E[t] = (h[t] - d[t]) ** 2` with h declared a scalar, E read by nothing: a loss, and so is d."""
    read = {node.name for node in solver.nodes if isinstance(node, Reference)}
    for definition in solver.definitions:
        scalars = [
            node for node in walk(definition.value)
            if isinstance(node, Reference) and node.name in solver.declared and solver.known[node.name] == SCALAR
        ]  # fmt: skip
        name = definition.target.name
        if scalars and name not in read and name not in solver.known and solver.infer(definition.value) is None:
            solver.learn(name, SCALAR)
            return True
    return False


def number_is_scalar(solver: Solver) -> bool:
    """`c = 3`: what numbers and declared scalars alone define, in every equation for it, is a scalar."""
    for definition in solver.definitions:
        name = definition.target.name
        values = [other.value for other in solver.definitions if other.target.name == name]
        if name not in solver.known and all(solver.infer(value) == SCALAR for value in values):
            solver.learn(name, SCALAR)
            return True
    return False
