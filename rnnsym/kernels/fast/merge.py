"""Steps that have an equation of their own, as those of a recurrence that begins with them.

`h[1] = f(W h[0] + U x)` before `h[t] = f(W h[t-1])` is one equation for all steps, with a term that is there at step 1
only; a sum over the later steps plus the same at step 1 is a sum over all steps. It is a program before and after.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Indexed, Integer

from rnnsym.equations.indexed import INDICES, Equation, Term, name_of, t, term_indices, with_indices
from rnnsym.kernels.schedule import GENERIC, Program
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval

#: The steps that a loop begins with, and the one before.
BEFORE, FIRST, SECOND = Time("", 0), Time("", 1), Time("", 2)


def merged(program: Program) -> Program:
    """The program with its first step in its loops, where the equations of that step allow it."""
    absent = frozenset(program.variables) - values_before(program)
    forward = _merged(program.forward, absent)
    if forward == program.forward:
        return program
    backward = (_with_first(equation, absent) for equation in _merged(program.backward, frozenset()))
    return replace(program, forward=forward, backward=tuple(backward))


def values_before(program: Program) -> frozenset[str]:
    """The variables that have a value one step before the first one."""
    before = {name for name, time in program.given if time == BEFORE}
    return frozenset(before | {e.name for e in program.forward if e.time == BEFORE})


def _merged(equations: tuple[Equation, ...], absent: frozenset[str]) -> tuple[Equation, ...]:
    found: list[Equation] = []
    for equation in equations:
        group = [e for e in equations if e.name == equation.name]
        first = next((e for e in group if e.time == FIRST), None)
        rest = next((e for e in group if e.time == GENERIC), None)
        if first is None or rest is None or rest.interval is None or rest.interval.low != SECOND:
            found.append(equation)
        elif equation is rest:
            found.append(_one(first, rest, rest.interval, absent))
        elif equation is not first:
            found.append(equation)
    return tuple(found)


def _one(first: Equation, rest: Equation, interval: Interval, absent: frozenset[str]) -> Equation:
    """Both equations as one; what only one of them has is there at its steps alone."""
    waiting = {_key(term, first): term for term in first.terms}
    terms = []
    for term in rest.terms:
        when = term.when or interval
        if waiting.pop(_key(term.replaced({t: Integer(1)}), rest), None) is not None or _vanishes(term, absent):
            when = Interval(FIRST, when.high)
        terms.append(replace(term, when=None if when == Interval(FIRST, interval.high) else when))
    mapping = dict(zip(first.indices, rest.indices, strict=True))
    for term in waiting.values():
        alone = with_indices(term, mapping, set(rest.indices))
        terms.append(replace(alone, when=Interval(FIRST, FIRST)))
    return replace(rest, terms=tuple(terms), interval=Interval(FIRST, interval.high))


def _with_first(equation: Equation, absent: frozenset[str]) -> Equation:
    """An equation whose sums over the later steps, and terms at these, begin one step earlier where they can.

    They can where the same at the first step stands beside them, or where they are zero there.
    """
    waiting = {_key(term, equation): term for term in equation.terms if not term.over}
    terms: list[tuple[Term, Term]] = []
    for old in equation.terms:
        term = old
        if len(term.over) == 1 and term.over[0][1].low == SECOND:
            symbol, interval = term.over[0]
            step = replace(term, over=()).replaced({symbol: Integer(1)})
            if waiting.pop(_key(step, equation), None) is not None or _vanishes(term, absent):
                term = replace(term, over=((symbol, Interval(FIRST, interval.high)),))
        elif term.when is not None and term.when.low == SECOND and _vanishes(term, absent):
            whole = Interval(FIRST, term.when.high)
            term = replace(term, when=None if whole == equation.interval else whole)
        terms.append((old, term))
    return replace(equation, terms=tuple(term for old, term in terms if old.over or old in waiting.values()))


def _vanishes(term: Term, absent: frozenset[str]) -> bool:
    """Whether a term is zero at the first step: a factor is a value before it that nothing gives, a row of zeros."""
    return any(isinstance(f, Indexed) and name_of(f) in absent and f.indices[0] == t - 1 for f in term.factors)


def _key(term: Term, equation: Equation) -> Expr:
    """A term with its indices in standard names, so that two of them can be compared."""
    names = [*equation.indices, *sorted(term_indices(term) - set(equation.indices), key=str)]
    return with_indices(term, dict(zip(names, INDICES, strict=False)), set()).product
