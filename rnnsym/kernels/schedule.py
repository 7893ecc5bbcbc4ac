"""Equations in the order in which a kernel computes them: the form on which optimisations work.

A statement is still an equation in index notation. What turns it into array code is only which of its indices are
bound by a loop: in a loop block time is a number, elsewhere it is an axis, and the batch is an axis everywhere.
A pass takes a program and gives a program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Function

from rnnsym.calculus.rules import adjoint_name
from rnnsym.calculus.visits import nodes
from rnnsym.equations.indexed import (
    Equation,
    Role,
    Term,
    Variable,
    access,
    accesses,
    is_element,
    name_of,
    time_of,
    whole_function,
)
from rnnsym.equations.system import System
from rnnsym.language.order import order
from rnnsym.language.syntax import Time, free_name
from rnnsym.language.timing import Interval, is_late, is_outside
from rnnsym.operations import COMPOSITIONS, FUNCTIONS, Elementwise, operation_of

GENERIC = Time("t", 0)


@dataclass(frozen=True)
class Program:
    """What a kernel has to compute, before it is ordered: forward equations, adjoint equations, all variables."""

    variables: dict[str, Variable]
    forward: tuple[Equation, ...]
    backward: tuple[Equation, ...]
    loss: str
    minimum_length: int
    sequences: tuple[str, ...]
    given: tuple[tuple[str, Time], ...]
    fixed: frozenset[str] = frozenset()
    wanted: tuple[str, ...] = ()  # the keys whose gradients are handed out
    outputs: tuple[str, ...] = ()  # the variables that are handed out, in a program without a loss

    @property
    def system(self) -> System:
        return System(
            self.variables, self.forward, self.loss, self.minimum_length, self.sequences, self.given, self.fixed
        )


@dataclass(frozen=True)
class Block:
    """Statements that run once, or in a loop over the times of `interval`, upwards or downwards (direction -1)."""

    statements: tuple[Equation, ...]
    interval: Interval | None = None
    direction: int = 1


@dataclass(frozen=True)
class Schedule:
    """The blocks of the forward and of the backward pass, in order."""

    program: Program
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]


def schedule(program: Program) -> Schedule:
    """Order a program's equations into blocks."""
    return Schedule(
        program,
        blocks(program.forward, program, 1),
        blocks(program.backward, program, -1),
    )


def blocks(equations: tuple[Equation, ...], program: Program, direction: int) -> tuple[Block, ...]:
    """Equations that only wait for each other in one direction of time share a loop; `direction` is the usual one."""
    found = []
    for block in order(nodes(equations, program.variables), direction, program.minimum_length):
        members = tuple(equations[position] for position in block.members)
        found.append(Block(members, _hull(members) if block.loop else None, block.direction or direction))
    return tuple(found)


def _hull(members: tuple[Equation, ...]) -> Interval:
    """The times of a loop: from the earliest start to the latest end of its statements."""
    intervals = [member.interval for member in members if member.interval is not None]
    lows = sorted((interval.low for interval in intervals), key=lambda time: (time.anchor, time.offset))
    highs = sorted((interval.high for interval in intervals), key=lambda time: (time.anchor, time.offset))
    # Nobody knows whether step 2 is before step T: a loop that holds both starts at 1.
    return Interval(lows[0] if lows[0].anchor == lows[-1].anchor else Time("", 1), highs[-1])


def program(system: System, adjoints: tuple[Equation, ...], wanted: Iterable[str]) -> Program:
    """The forward equations, and the adjoints that the gradients of `wanted` need (`W`, `x`, `h[0]`)."""
    wanted = tuple(wanted)
    variables = {**system.variables, **{equation.name: equation.variable for equation in adjoints}}
    keep: list[Equation] = []
    waiting = [equation for key in wanted for equation in adjoints if _gives(equation, key)]
    while waiting:
        equation = waiting.pop()
        if equation in keep:
            continue
        keep.append(equation)
        for term in equation.terms:
            for found in accesses(term, variables):
                waiting += [other for other in adjoints if other.name == found.name and _reaches(other, found.time)]
    backward = tuple(equation for equation in adjoints if equation in keep)
    return Program(
        variables,
        system.equations,
        backward,
        system.loss,
        system.minimum_length,
        system.sequences,
        system.given,
        system.fixed,
        wanted,
    )


def _gives(adjoint: Equation, key: str) -> bool:
    """Whether an equation gives the gradient of `W`, `x` or `h[0]`, and not that of another time."""
    name, _, rest = key.partition("[")
    if adjoint.name != adjoint_name(name):
        return False
    return f"{name}[{adjoint.time}]" == key if rest else adjoint.time in (None, GENERIC)


def _reaches(adjoint: Equation, time: Expr | None) -> bool:
    """Whether an equation may define a value that is read at `time`."""
    if time is None or adjoint.time is None:
        return True
    read = time_of(time)
    if is_outside(read):
        return adjoint.time == read
    return adjoint.time.anchor != "" or adjoint.time == read or read.anchor == "t"


# Passes


def share_functions(program: Program) -> Program:
    """A function of a variable that stands inside several products is computed once, under a name: `tanh_c = tanh(c)`.

    A function of a function's output is computed in its safe form where the table has one: log(softmax(o)).
    """
    uses: dict[tuple[str, str], int] = {}
    for equation in (*program.forward, *program.backward):
        for term in equation.terms:
            for key in {key for factor in term.factors for key in _applications(factor)}:
                uses[key] = uses.get(key, 0) + 1
    for (function, name), count in uses.items():
        safe = _safe_form(program, function, name)
        if safe is not None or (count > 1 and _is_general(program, name)):
            program = _shared(program, function, name, safe)
    return program


def _applications(expression: Expr) -> set[tuple[str, str]]:
    """The elementwise functions of single variables inside an expression: ("tanh", "c")."""
    found = set()
    for application in expression.atoms(Function):
        argument = application.args[0]
        if isinstance(operation_of(application), Elementwise) and is_element(argument):
            found.add((application.func.__name__, name_of(argument)))
    return found


def _is_general(program: Program, name: str) -> bool:
    """Whether one equation defines a variable at every step (or it has no time), so that a function of it can too."""
    own = [equation for equation in program.forward if equation.name == name]
    return len(own) == 1 and own[0].time in (None, GENERIC)


def _safe_form(program: Program, function: str, name: str) -> tuple[str, Expr] | None:
    own = [equation for equation in program.forward if equation.name == name]
    if len(own) != 1 or own[0].time not in (None, GENERIC):
        return None
    inner = whole_function(own[0])
    operation = None if inner is None else operation_of(inner)
    if inner is None or operation is None:
        return None
    safe = COMPOSITIONS.get((function, operation.name))
    return None if safe is None else (safe, inner.args[0])


def _shared(program: Program, function: str, name: str, safe: tuple[str, Expr] | None) -> Program:
    """Name `function(name)` and put the name wherever it stands (not where it is a whole equation by itself)."""
    (own,) = [equation for equation in program.forward if equation.name == name]
    label = free_name(f"{function}_{name}", program.variables)
    variable = Variable(label, own.variable.shape, own.variable.timed, Role.INTERMEDIATE)
    value = FUNCTIONS[function](own.target) if safe is None else FUNCTIONS[safe[0]](safe[1])
    equation = Equation(variable, own.time, own.indices, (Term((value,)),), own.interval)
    variables = {**program.variables, label: variable}

    late = any(other == name and is_late(time) for other, time in program.given)

    def renamed(target: Equation) -> Equation:
        return replace(
            target, terms=tuple(_renamed(term, function, name, variable, variables, late) for term in target.terms)
        )

    position = program.forward.index(own) + 1
    forward = tuple(renamed(e) for e in program.forward)
    return replace(
        program,
        variables=variables,
        forward=(*forward[:position], equation, *forward[position:]),
        backward=tuple(renamed(e) for e in program.backward),
    )


def may_be_outside(time: Expr | None, late: bool) -> bool:
    """Whether a time may lie beyond the steps, where values are given and functions of them not computed.

    late: whether the variable has a value after step T; without one, nothing reads it there.
    """
    if time is None:
        return False
    read = time_of(time)
    if read.anchor == "T":
        return read.offset > 0
    return read.offset < 0 or (late and read.offset > 0) if read.anchor else read.offset < 1


def _renamed(
    term: Term, function: str, name: str, variable: Variable, variables: dict[str, Variable], late: bool
) -> Term:
    mapping = {}
    for factor in term.factors:
        for application in factor.atoms(Function):
            argument = application.args[0]
            if application.func.__name__ == function and is_element(argument):
                found = access(argument, variables)
                if found.name == name and not may_be_outside(found.time, late):
                    mapping[application] = variable.at(found.time, *found.indices)
    return term.replaced(mapping) if mapping else term
