"""Which variables a sweep visits, in which order, and at which times they have adjoints."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr

from rnnsym.equations.indexed import Access, Equation, Role, Term, Variable, access, accesses, dependencies, time_of
from rnnsym.equations.system import System
from rnnsym.language.order import Node, Read, order
from rnnsym.language.syntax import Time
from rnnsym.language.timing import WHOLE, Interval, is_outside, times_outside

GENERIC = Time("t", 0)


def moved(system: System) -> frozenset[str]:
    """The variables that change with what is learned or handed in."""
    found = {
        name
        for name, variable in system.variables.items()
        if not system.defining(name) and variable.name not in system.fixed
    } | {name for name, _ in system.given}
    readers_of: dict[str, set[str]] = {}
    for equation in system.equations:
        for term in equation.terms:
            for place in accesses(term, system.variables):
                readers_of.setdefault(place.name, set()).add(equation.name)
    waiting = list(found)
    while waiting:
        more = readers_of.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return frozenset(found)


def influential(system: System) -> frozenset[str]:
    """The variables on which the loss depends."""
    return dependencies([system.loss], system.equations, system.variables)


def backwards(system: System) -> list[str]:
    """Variables from the loss to the parameters; the order of the forward equations, reversed."""
    position = {equation.name: number for number, equation in enumerate(system.equations)}
    forward = [
        name
        for block in order(nodes(system.equations, system.variables), shortest=system.minimum_length)
        for name in (system.equations[member].name for member in block.members)
    ]
    defined = list(dict.fromkeys(reversed(forward)))
    rest = [name for name in system.variables if name not in position]
    return defined + sorted(rest, key=lambda name: system.variables[name].role is not Role.PARAMETER)


def nodes(equations: tuple[Equation, ...], variables: dict[str, Variable]) -> list[Node]:
    """Equations as the order of computation sees them."""
    return [
        Node(
            equation.name,
            equation.time,
            equation.interval,
            tuple(
                dict.fromkeys(
                    _read(place, term, equation) for term in equation.terms for place in accesses(term, variables)
                )
            ),
        )
        for equation in equations
    ]


def _read(place: Access, term: Term, equation: Equation) -> Read:
    """One element that a term reads, with the times at which it does."""
    if place.time is None:
        return Read(place.name, None)
    time = time_of(place.time)
    over = {str(index): interval for index, interval in term.over}.get(time.anchor)
    if over is not None:
        return Read(place.name, Time("t", time.offset), over)
    when = term.when if equation.time == GENERIC else None
    if when is not None and when.is_point and time.anchor == when.low.anchor:
        # What counts at step T alone, and reads step T - 1, reads the step before.
        time = Time("t", time.offset - when.low.offset)
    return Read(place.name, time, None, when)


def against(equations: tuple[Equation, ...], system: System, direction: int) -> frozenset[str]:
    """The variables that are computed against the usual `direction` of time: 1 for the model's own, -1 for adjoints."""
    variables = {**system.variables, **{equation.name: equation.variable for equation in equations}}
    found = order(nodes(equations, variables), direction, system.minimum_length)
    return frozenset(equations[p].name for block in found if block.direction == -direction for p in block.members)


def times_of(system: System, name: str) -> list[Time | None]:
    """The times for which the adjoint of a variable needs an equation: all t, and each time beyond the steps 1..T."""
    if not system.variables[name].timed:
        return [None]
    fixed = {equation.time for equation in system.defining(name)}
    fixed |= {time for given, time in system.given if given == name}
    for position, element in system.readers.get(name, ()):
        fixed |= set(_times_read(system.equations[position], element, system))
    generic = GENERIC in fixed or name in system.sequences
    outside = [time for time in fixed if time is not None and is_outside(time)]
    others = [] if generic else [time for time in fixed if time is not None and time not in outside]
    ends = sorted(outside, key=lambda time: (time.anchor, abs(time.offset)))
    return [*([GENERIC] if generic else []), *sorted(others, key=str), *ends]


def _times_read(equation: Equation, element: Expr, system: System) -> Iterator[Time]:
    found = access(element, system.variables)
    assert found.time is not None
    time = time_of(found.time)
    if time.anchor != "t":
        yield time
        return
    yield GENERIC
    interval = equation.interval if equation.time == GENERIC else WHOLE
    assert interval is not None
    yield from times_outside(interval.shifted(time.offset))


def lifetime(system: System, name: str) -> Interval:
    """The steps at which a variable has a value: those of its general equation and of the boundary equations."""
    general = next((e.interval for e in system.defining(name) if e.time == GENERIC), None)
    if general is None:
        return WHOLE
    fixed = [e.time for e in system.defining(name) if e.time is not None and not is_outside(e.time)]
    starts = [general.low, *(time for time in fixed if not time.anchor)]
    ends = [general.high, *(time for time in fixed if time.anchor == "T")]
    return Interval(min(starts, key=lambda time: time.offset), max(ends, key=lambda time: time.offset))
