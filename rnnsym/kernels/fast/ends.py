"""Adjoints of single values beyond the steps that the recurrence of the steps gives as well."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer

from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    T,
    Term,
    elements,
    name_of,
    t,
    term_indices,
    with_indices,
)
from rnnsym.kernels.fast.forms import has_parts
from rnnsym.kernels.fast.normal import Normal
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval

#: The step before the first and the one after the last.
BEFORE, BEYOND = Time("", 0), Time("T", 1)


def is_continued(edge: Equation, adjoints: tuple[Equation, ...], cycle: frozenset[str]) -> bool:
    """Whether the adjoint of a value beyond the steps is what the recurrence says, without its outside part."""
    general = [e for e in adjoints if e.name == edge.name]
    if len(general) != 1 or edge.time not in (BEFORE, BEYOND) or has_parts(general[0]):
        return False
    whole = Interval(Time("", 1), Time("T", -1)) if edge.time == BEFORE else Interval(Time("", 2), Time("T", 0))
    later = [term for term in general[0].terms if term.when == whole]
    if any(not cycle & {name_of(e) for factor in term.factors for e in elements(factor)} for term in later):
        return False
    end = _end_of(edge)
    inner = {_shape_of(term, general[0], end) for term in later}
    return inner == {_shape_of(term, edge, end) for term in edge.terms}


def _end_of(edge: Equation) -> Expr:
    """The time of a value beyond the steps."""
    return Integer(0) if edge.time == BEFORE else T + 1


def _shape_of(term: Term, equation: Equation, time: Expr) -> tuple[Expr, ...]:
    """A term at a time with its indices in standard names, so that two of them can be compared."""
    names = [*equation.indices, *sorted(term_indices(term) - set(equation.indices), key=str)]
    mapping: dict[Expr, Expr] = dict(zip(names, INDICES, strict=False))
    return with_indices(term, mapping, set()).replaced({t: time}).factors


def continued(edge: Equation, work: Normal) -> Equation:
    delay, step = (1, Integer(1)) if edge.time == BEFORE else (-1, T)
    element = work.carried[edge.name, delay].xreplace({t: step})
    return replace(edge, indices=INDICES[: len(edge.indices)], terms=(Term((element,)),))
