"""One reverse sweep over named equations. Every action is recorded, and can be applied again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Expr, Indexed, Integer

from rnnsym.calculus.rules import Contribution, adjoint_name, adjoint_of, contract, contribution, merged, substituted
from rnnsym.equations.indexed import (
    INDICES,
    Access,
    Equation,
    Role,
    Term,
    Variable,
    access,
    accesses,
    dependencies,
    elements,
    indices_in,
    name_of,
    s,
    t,
    time_expression,
    time_of,
)
from rnnsym.equations.lowering import System, tidy
from rnnsym.language.order import Node, Read, order
from rnnsym.language.syntax import Time
from rnnsym.language.timing import WHOLE, Interval, at_length, is_late, is_outside, point, shifted, times_outside

GENERIC = Time("t", 0)


@dataclass(frozen=True)
class Action:
    """One application of a rule.

    rule: "seed", "contribution", "collect", "substitute" or "cancel".
    subject: the variable whose adjoint is concerned.
    equation: for a contribution, the position of the equation; element: the element of it that is differentiated.
    time: for a collected adjoint, the time that it is for.
    """

    rule: str
    subject: str
    equation: int = -1
    element: Expr | None = None
    time: Time | None = None


@dataclass
class State:
    """What a sweep has so far: contributions that wait to be collected, and adjoint equations."""

    system: System
    contributions: dict[str, list[Contribution]] = field(default_factory=dict)
    adjoints: list[Equation] = field(default_factory=list)

    @cached_property
    def influential(self) -> frozenset[str]:
        return influential(self.system)

    @cached_property
    def adjoint_variables(self) -> dict[str, str]:
        """The variable of each adjoint."""
        return {adjoint_name(name): name for name in self.system.variables}

    def with_adjoint(self, equation: Equation) -> None:
        self.adjoints.append(equation)

    def adjoint_equations(self, variable: str) -> list[Equation]:
        return [equation for equation in self.adjoints if equation.variable.adjoint_of == variable]


@dataclass(frozen=True)
class Outcome:
    """The equation that an action was applied to, and what came of it (an equation or the terms of one)."""

    before: Equation | None
    after: tuple[Equation, ...] | Contribution


def sweep(system: System) -> tuple[State, list[tuple[Action, Outcome]]]:
    """Derive the adjoint of every variable of the system."""
    state = State(system)
    record = []
    for action in plan(system, state):
        record.append((action, apply(action, state)))
    return state, record


def plan(system: System, state: State) -> Iterator[Action]:
    """The actions in the order of the sweep: from the loss backwards, one variable after the other."""
    yield Action("seed", system.loss)
    moving = moved(system)
    for name in backwards(system):
        if name != system.loss:
            if name not in moving:
                continue  # a number, or made of fixed parameters: nothing asks for its adjoint
            for position, element in system.readers.get(name, ()):
                yield Action("contribution", name, position, element)
            for time in times_of(system, name):
                yield Action("collect", name, time=time)
        yield from _eliminable(state, name)


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


# Applying an action


def apply(action: Action, state: State) -> Outcome:
    """Carry out one action; the state changes, and what was done is returned."""
    return RULES[action.rule](action, state)


def _seed(action: Action, state: State) -> Outcome:
    loss = state.system.variables[action.subject]
    equation = Equation(adjoint_of(loss), None, (), (Term((Integer(1),)),))
    state.with_adjoint(equation)
    return Outcome(None, (equation,))


def _contribution(action: Action, state: State) -> Outcome:
    equation = state.system.equations[action.equation]
    assert action.element is not None
    if equation.name not in state.influential:
        return Outcome(equation, Contribution(action.subject, None, ()))
    found = contribution(equation, action.element, state.system.variables)
    state.contributions.setdefault(action.subject, []).append(found)
    return Outcome(equation, found)


def influential(system: System) -> frozenset[str]:
    """The variables on which the loss depends."""
    return dependencies([system.loss], system.equations, system.variables)


def _collect(action: Action, state: State) -> Outcome:
    variable = state.system.variables[action.subject]
    interval = (
        None
        if action.time is None
        else lifetime(state.system, action.subject)
        if action.time == GENERIC
        else point(action.time)
    )
    terms: list[Term] = []
    for found in state.contributions.get(action.subject, []):
        for term in found.terms:
            terms += [
                _in_step(moved, found.time, state) if found.time != action.time else moved
                for moved in _at(term, found.time, action.time, interval, state.system.minimum_length)
            ]
    indices = INDICES[: len(variable.shape)]
    terms = [contract(_with_constants(term, state), set(indices)) for term in terms]
    terms = [term for term in terms if term.factors != (0,)]
    equation = Equation(
        adjoint_of(variable),
        action.time,
        indices,
        tuple(sorted(_added(_united(terms, interval)), key=_looks_ahead)),
        interval,
    )
    state.with_adjoint(equation)
    return Outcome(None, (equation,))


def _in_step(term: Term, frame: Time | None, state: State) -> Term:
    """A term that counts at one time only, with the values of that time written as those of t.

    They are the same there; and the order of computation is plain: bar(h)[1] at t = 1 is bar(h)[t].
    """
    if frame is None or frame == GENERIC or term.when is None:
        return term
    mapping = {}
    for element in {e for factor in term.factors for e in elements(factor) if isinstance(e, Indexed)}:
        origin = state.adjoint_variables.get(name_of(element), name_of(element))
        if not state.system.variables[origin].timed:
            continue
        time = time_of(element.args[1])
        if time.anchor == frame.anchor and GENERIC in times_of(state.system, origin):
            mapping[element] = element.func(element.base, t + time.offset - frame.offset, *element.args[2:])
    return term.replaced(mapping)


def _stands_late(term: Term) -> tuple[bool, bool]:
    return _looks_ahead(term), bool(term.factors[0].is_negative)


def _looks_ahead(term: Term) -> bool:
    """Whether a term reads the adjoint of another step; in print these stand last."""
    return term.when is not None and any(
        isinstance(element, Indexed) and element.args[1].has(t) and _is_elsewhere(element)
        for factor in term.factors
        for element in elements(factor)
    )


def _is_elsewhere(element: Indexed) -> bool:
    offset = time_of(element.args[1]).offset
    return offset > 0 or (offset < 0 and name_of(element).startswith(adjoint_name("")[:-1]))


def lifetime(system: System, name: str) -> Interval:
    """The steps at which a variable has a value: those of its general equation and of the boundary equations."""
    general = next((e.interval for e in system.defining(name) if e.time == GENERIC), None)
    if general is None:
        return WHOLE
    fixed = [e.time for e in system.defining(name) if e.time is not None and not is_outside(e.time)]
    starts = [general.low, *(time for time in fixed if not time.anchor)]
    ends = [general.high, *(time for time in fixed if time.anchor == "T")]
    return Interval(min(starts, key=lambda time: time.offset), max(ends, key=lambda time: time.offset))


def _at(term: Term, frame: Time | None, time: Time | None, whole: Interval | None, shortest: int) -> list[Term]:
    """A contribution as it counts at `time`: for all t, at a fixed time, or for a variable without time."""
    if frame is None or frame == time:
        if frame == GENERIC and term.when is not None and whole is not None:
            return [replace(term, when=merged(term.when, whole))]
        return [term]
    if time == GENERIC:
        if is_outside(frame):
            return []
        # A sum over t inside an equation about t runs over s.
        over = tuple((s if index == t else index, interval) for index, interval in term.over)
        return [replace(term.replaced({t: s}), when=point(frame), over=over)]
    if frame == GENERIC and time is not None and is_late(time):
        assert term.when is not None
        if not term.when.high.anchor or term.when.high.offset < time.offset:
            return []
        if term.when.low.anchor and term.when.low.offset > time.offset:
            return []
        always = at_length(term.when.low, shortest) <= at_length(time, shortest)
        return [replace(term.replaced({t: time_expression(time)}), when=None if always else term.when)]
    if frame == GENERIC and time is not None and not time.anchor:
        assert term.when is not None
        if term.when.low.anchor or term.when.low.offset > time.offset:
            return []
        if not term.when.high.anchor and term.when.high.offset < time.offset:
            return []
        always = at_length(term.when.high, shortest) >= time.offset
        return [replace(term.replaced({t: time_expression(time)}), when=None if always else term.when)]
    return []


def _united(terms: list[Term], whole: Interval | None) -> list[Term]:
    """Terms that differ only in the times at which they count, one after the other: one term over all these times."""
    found: list[Term] = []
    for term in terms:
        for position, other in enumerate(found):
            if term.when is None or other.when is None or (term.factors, term.over) != (other.factors, other.over):
                continue
            first, second = (
                (term.when, other.when) if term.when.high == shifted(other.when.low, -1) else (other.when, term.when)
            )
            if first.high == shifted(second.low, -1):
                joined = Interval(first.low, second.high)
                found[position] = replace(other, when=None if joined == whole else joined)
                break
        else:
            found.append(term)
    return found


def _added(terms: list[Term]) -> list[Term]:
    """Terms that differ by a number only, added up."""
    found: dict[tuple[object, ...], Term] = {}
    for term in terms:
        number, rest = (
            (term.factors[0], term.factors[1:])
            if term.factors and term.factors[0].is_Number
            else (Integer(1), term.factors)
        )
        key = (rest, term.when, term.over)
        if key in found:
            old = found[key].factors
            number = number + (old[0] if old[0].is_Number else 1)
        found[key] = replace(term, factors=tidy((number, *rest)))
    return [term for term in found.values() if term.factors != (0,)]


# Adjoints that are better put in than named


def _is_constant(equation: Equation) -> bool:
    """Whether an adjoint is one plain number; a sum such as 1/n + 1 keeps its name."""
    return (
        len(equation.terms) <= 1
        and all(not elements(factor) for term in equation.terms for factor in term.factors)
        and all(term.when is None and not term.over for term in equation.terms)
    )


def _with_constants(term: Term, state: State) -> Term:
    """Adjoints that are plain numbers, such as that of the loss, put in."""
    for factor in term.factors:
        if isinstance(factor, Indexed) or factor.is_Symbol:
            for equation in state.adjoints:
                if equation.name == name_of(factor) and _is_constant(equation) and _covers(equation, factor):
                    value = equation.terms[0].factors if equation.terms else (Integer(0),)
                    rest = tuple(other for other in term.factors if other is not factor)
                    return _with_constants(replace(term, factors=tidy((*value, *rest))), state)
    return term


def _covers(equation: Equation, element: Expr) -> bool:
    if equation.time is None:
        return True
    time = time_of(element.indices[0])
    if is_late(time):
        return equation.time == time
    return equation.time == (GENERIC if time.anchor else time) or (
        time.anchor == "" and time.offset >= 1 and equation.time == GENERIC
    )


def _eliminable(state: State, name: str) -> Iterator[Action]:
    """Once the adjoint of `name` is there: an earlier adjoint that cancels in it (softmax after cross-entropy)."""
    variable = state.system.variables[name]
    if variable.role is Role.PARAMETER:
        return
    for equation in state.adjoint_equations(name):
        for term in equation.terms:
            for factor in term.factors:
                origin = name_of(factor) if isinstance(factor, Indexed) else ""
                for source in state.adjoints:
                    general = source.name == origin and source.time in (GENERIC, None)
                    if general and _only_reader(source, name, state) and _cancels(source, equation, state):
                        yield Action("cancel", name, element=factor, time=equation.time)
                        return


def _is_explicit(term: Term, state: State) -> bool:
    """Whether a share is given by forward values alone, at every time."""
    known = not any(name_of(e) in state.adjoint_variables for factor in term.factors for e in elements(factor))
    return known and term.when is None and not term.over


def _only_reader(source: Equation, name: str, state: State) -> bool:
    """Whether nothing but the adjoint of `name` needs an adjoint: its variable is defined from `name` alone."""
    variable = source.variable.adjoint_of or ""
    read = {
        place.name
        for eq in state.system.defining(variable)
        for term in eq.terms
        for place in accesses(term, state.system.variables)
    }
    return read <= {name, variable}


def _cancels(source: Equation, equation: Equation, state: State) -> bool:
    """Whether factors cancel where the explicit share of one adjoint is put into another.

    What is left of y bar(y) is then finite even where bar(y) = -target / y is not.
    """
    explicit = [term for term in source.terms if _is_explicit(term, state)]
    if len(explicit) != 1 or len(source.terms) > 3 or any(term.over for term in source.terms):
        return False
    free = set(equation.indices)
    gain = False
    for term in equation.terms:
        element = next(
            (factor for factor in term.factors if isinstance(factor, Indexed) and name_of(factor) == source.name), None
        )
        if element is None:
            continue
        after = substituted(term, element, tuple(explicit), free, source.indices)
        scalars = sum(not indices_in(factor) for factor in explicit[0].factors)  # a mask, or a weight of the example
        if term.when is not None or any(len(new.factors) > len(term.factors) + max(scalars - 1, 0) for new in after):
            return False
        full = len(term.factors) - 1 + len(explicit[0].factors)
        gain |= all(len(new.factors) < full - 1 for new in after)
    return gain


def _cancel(action: Action, state: State) -> Outcome:
    """Put one adjoint into the other."""
    position = next(
        number
        for number, equation in enumerate(state.adjoints)
        if equation.variable.adjoint_of == action.subject and equation.time == action.time
    )
    assert action.element is not None
    before = state.adjoints[position]
    source = next(e for e in state.adjoints if e.name == name_of(action.element) and e.time in (GENERIC, None))
    terms: list[Term] = []
    for term in before.terms:
        element = next(
            (factor for factor in term.factors if isinstance(factor, Indexed) and name_of(factor) == source.name), None
        )
        terms += (
            [term] if element is None else substituted(term, element, source.terms, set(before.indices), source.indices)
        )
    # What is subtracted stands last: y - d.
    after = replace(before, terms=tuple(sorted(_added(terms), key=_stands_late)))
    state.adjoints[position] = after
    return Outcome(before, (after,))


RULES = {"seed": _seed, "contribution": _contribution, "collect": _collect, "cancel": _cancel}
