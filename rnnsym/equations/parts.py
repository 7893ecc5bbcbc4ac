"""Facts of expressions that say how they are written in index notation."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr

from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Reference,
    Slice,
    Transpose,
    walk,
)
from rnnsym.operations import OPERATIONS, Operation, Pairwise, Structural, VectorFunction, gives_scalar

Shape = tuple[Expr, ...]


def shape_of(node: Expression, shapes: Mapping[str, Shape]) -> Shape:
    """The sizes of an expression, by those of the variables."""
    match node:
        case Number():
            return ()
        case Reference(name):
            return shapes[name]
        case Negative(operand) | Binary("**", operand):
            return shape_of(operand, shapes)
        case Transpose(operand):
            return shape_of(operand, shapes)[::-1]
        case Binary("@", left, right):
            return (*shape_of(left, shapes)[:-1], *shape_of(right, shapes)[1:])
        case Binary(_, left, right):
            return shape_of(left, shapes) or shape_of(right, shapes)
        case Call(function, arguments):
            parts = [shape_of(argument, shapes) for argument in arguments]
            operation = OPERATIONS[function]
            if function == "concat":
                return (Add(*(size for (size,) in parts)),)
            if isinstance(operation, Pairwise):
                return parts[0] or parts[1]
            if isinstance(operation, Structural) and operation.indices is not None:
                letters, result = operation.indices
                sizes = {letter: size for part, shape in zip(letters, parts, strict=True)
                         for letter, size in zip(part, shape, strict=True)}  # fmt: skip
                return tuple(sizes[letter] for letter in result)
            return () if gives_scalar(function) else parts[0]
        case Constant(_, shape):
            return shape
        case Slice(operand, low, high):
            return ((shape_of(operand, shapes)[0] if high is None else high) - low,)
    raise AssertionError(f"no shape for {node}")


def complement_of(node: Expression) -> Expression | None:
    """The variable, or the function, that an expression is one minus; None where it is something else."""
    match node:
        case Binary("-", Number(value), Reference() | Call() as part):
            return part if value == 1 and not is_number(part) else None
    return None


def is_number(node: Expression) -> bool:
    """Whether an expression is made of numbers and sizes."""
    match node:
        case Number() | Call("size") | Constant("π" | "steps_T"):
            return True
        case Negative(operand) | Binary("**", operand):
            return is_number(operand)
        case Binary("+" | "-" | "*" | "/", left, right):
            return is_number(left) and is_number(right)
    return False


def letter_of(node: Expression) -> str:
    """What a part that several places share is called: m for a mean, s for another scalar, a for an array."""
    match node:
        case Call("mean_elements"):
            return "m"
        case Call("sqrt"):
            return "s"
    return "a"


def result_letter(operation: Operation) -> str:
    """What the result of a function of a whole array is called: P for a matrix, p otherwise, v for a concatenation."""
    if isinstance(operation, VectorFunction):
        return "P" if len(operation.indices[1]) > 1 else "p"
    return "v"


def binds_time(node: Expression) -> bool:
    return any(isinstance(found, Call) and found.function.endswith("_time") for found in walk(node))
