"""The adjoint of a variable at a time: what every equation that reads it passes back, added up."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Indexed, Integer, Symbol

from rnnsym.calculus.actions import Action, Outcome, State
from rnnsym.calculus.rules import adjoint_name, adjoint_of, contract, merged
from rnnsym.calculus.visits import GENERIC, lifetime, times_of
from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Select,
    Term,
    elements,
    indices_in,
    name_of,
    s,
    t,
    time_expression,
    time_of,
)
from rnnsym.equations.products import tidy
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, at_length, is_late, is_outside, point, shifted


def collect(action: Action, state: State) -> Outcome:
    """Add up what was passed back to a variable, for one time or for all t."""
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
    terms = [contract(_with_constants(term, state, set(indices)), set(indices)) for term in terms]
    terms = [term for term in terms if term.factors != (0,)]
    equation = Equation(
        adjoint_of(variable),
        action.time,
        indices,
        tuple(sorted(added(_united(terms, interval)), key=looks_ahead)),
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


def looks_ahead(term: Term) -> bool:
    """Whether a term reads the adjoint of another step; in print these stand last."""
    return term.when is not None and any(
        isinstance(element, Indexed) and element.args[1].has(t) and _is_elsewhere(element)
        for factor in term.factors
        for element in elements(factor)
    )


def _is_elsewhere(element: Indexed) -> bool:
    offset = time_of(element.args[1]).offset
    return offset > 0 or (offset < 0 and name_of(element).startswith(adjoint_name("")[:-1]))


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


def added(terms: list[Term]) -> list[Term]:
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


# Adjoints that are plain numbers are put in


def _is_constant(equation: Equation) -> bool:
    """Whether an adjoint is one plain number; a sum such as 1/n + 1 keeps its name."""
    return (
        len(equation.terms) <= 1
        and all(not elements(factor) for term in equation.terms for factor in term.factors)
        and all(term.when is None and not term.over for term in equation.terms)
    )


def _with_constants(term: Term, state: State, free: set[Symbol]) -> Term:
    """Adjoints that are plain numbers, such as that of the loss, put in."""
    for factor in term.factors:
        if isinstance(factor, Indexed) or factor.is_Symbol:
            for equation in state.adjoints:
                if equation.name == name_of(factor) and _is_constant(equation) and _covers(equation, factor):
                    value = equation.terms[0].factors if equation.terms else (Integer(0),)
                    rest = tuple(other for other in term.factors if other is not factor)
                    if equation.terms and _fills_a_part(factor, rest, free):
                        continue
                    return _with_constants(replace(term, factors=tidy((*value, *rest))), state, free)
    return term


def _fills_a_part(element: Expr, rest: tuple[Expr, ...], free: set[Symbol]) -> bool:
    """Whether an element alone has the index of a part that `Select` adds up over.

    With a number in its place, no vector would be left to set beside zeros: `[0; p]`.
    """
    parts = {part for factor in rest for select in factor.atoms(Select) for part in indices_in(select.args[1])}
    told = free.union(*(indices_in(found) for factor in rest for found in elements(factor)))
    return bool(parts & indices_in(element) - told)


def _covers(equation: Equation, element: Expr) -> bool:
    if equation.time is None:
        return True
    time = time_of(element.indices[0])
    if is_late(time):
        return equation.time == time
    return equation.time == (GENERIC if time.anchor else time) or (
        time.anchor == "" and time.offset >= 1 and equation.time == GENERIC
    )
