"""Functions of whole vectors and matrices in a compiled kernel: each is a call, for every example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sympy import Expr, Indexed

from rnnsym.equations.indexed import INDICES, Equation, whole_function
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends.native.expressions import index_name, size_code
from rnnsym.kernels.backends.native.storage import Place, Storage
from rnnsym.kernels.backends.native.syntax import Syntax
from rnnsym.kernels.schedule import GENERIC
from rnnsym.kernels.when import time_code
from rnnsym.operations import VectorFunction, operation_of

#: Functions of a vector that share their exponentials.
SHARED = {"softmax", "log_softmax"}

#: Functions that give a number: what is called with the size of the vector and where it is.
NUMBERS: dict[str, Callable[[Syntax, str, str], str]] = {
    "logsumexp": lambda syntax, size, given: f"softmax_of({size}, {given}, {syntax.nowhere}, {syntax.nowhere})",
    "max_elements": lambda syntax, size, given: f"highest_of({size}, {given})",
}
#: Functions that give as much as they take.
ARRAYS = {*SHARED, "softmax_rows", "inverse"}


class Places(Protocol):
    """What knows where the values of an equation are."""

    @property
    def storage(self) -> Storage: ...
    @property
    def syntax(self) -> Syntax: ...
    def target(self, equation: Equation) -> Place:
        """The place of what an equation defines."""
        ...

    def row(self, element: Expr) -> tuple[Place, str]:
        """Where the row of an element begins."""
        ...


def share(equation: Equation, other: Equation) -> bool:
    """Whether two equations are the softmax of a vector and its logarithm, which share their exponentials."""
    names, arguments = set(), set()
    for one in (equation, other):
        function, operation = _function(one)
        if function is None or operation is None:
            return False
        names.add(operation.name)
        arguments.add(function.args[0].base)
    together = (equation.time, equation.interval) == (other.time, other.interval)
    return names == SHARED and len(arguments) == 1 and together


def function_lines(nest: Places, *equations: Equation) -> list[str]:
    """The calls for an equation that is a function of a whole vector or matrix, or for two equations that share."""
    syntax = nest.syntax
    targets: dict[str, Place] = {}
    starts: dict[str, str] = {}
    for equation in equations:
        function, operation = _function(equation)
        assert function is not None
        assert operation is not None
        argument = function.args[0]
        if not isinstance(argument, Indexed):
            raise RnnsymError(
                f"the {syntax.name} backend cannot write {equation.label}, {operation.name} of an expression: "
                "give the expression an equation of its own"
            )
        if operation.name not in NUMBERS.keys() | ARRAYS:
            raise RnnsymError(
                f"the {syntax.name} backend has no code for {operation.name}, which {equation.label} is: "
                f"of whole vectors it has {', '.join(sorted(NUMBERS.keys() | ARRAYS))}; backend='numpy' has all"
            )
        place = targets[operation.name] = nest.target(equation)
        starts[operation.name] = place.at(
            "t" if equation.time == GENERIC else time_code(equation.time) if equation.time else ""
        )
    source, row = nest.row(argument)
    first = next(iter(targets.values()))
    shape = [size_code(size) for size in source.variable.shape]
    # What is the same for all examples is computed once.
    each = first.batch and source.batch
    given = f"{row} + b * {source.apart}" if each else row
    outs = {name: f"{start} + b * {targets[name].apart}" if each else start for name, start in starts.items()}
    lines = []
    (name, *_) = targets
    if name in NUMBERS:
        lines.append(syntax.store(starts[name], "b" if each else "0", NUMBERS[name](syntax, shape[0], given)))
    elif name == "inverse":
        order = nest.storage.room("order", shape[0])
        lines.append(syntax.statement(f"inverse_of({shape[0]}, {given}, {outs[name]}, {order})"))
    elif name == "softmax_rows":
        row = index_name(INDICES[0])
        rows = f"{given} + {row} * {shape[1]}, {outs[name]} + {row} * {shape[1]}"
        call = syntax.statement(f"softmax_of({shape[1]}, {rows}, {syntax.nowhere})")
        lines += syntax.loop(row, shape[0], [call])
    else:
        weights, logarithms = (outs.get(name, syntax.nowhere) for name in ("softmax", "log_softmax"))
        lines.append(syntax.statement(f"softmax_of({shape[0]}, {given}, {weights}, {logarithms})"))
    if each:
        return syntax.loop("b", "B", lines)
    if first.batch:
        copies = [
            syntax.copy(f"{start} + (b + 1) * {targets[name].apart}", start, targets[name].size)
            for name, start in starts.items()
        ]
        lines += syntax.loop("b", "B - 1", copies)
    return lines


def _function(equation: Equation) -> tuple[Expr | None, VectorFunction | None]:
    """The function that an equation is, where it is one of a whole vector or matrix, and its entry."""
    function = whole_function(equation)
    operation = operation_of(function) if function is not None else None
    return (function, operation) if isinstance(operation, VectorFunction) else (None, None)
