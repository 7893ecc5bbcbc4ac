"""The error of one time as it travels back: `signal(h)[k]` is the derivative of E[t] by h[k], for a fixed t >= k.

Along all paths from h[k] to the loss of time t, those through other states of the same step included. So a signal
obeys the recurrence of the adjoints, with the loss of one time alone at its start; the sum over t is the adjoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Expr, Symbol

from rnnsym.calculus.onestep import OneStep, Target
from rnnsym.calculus.rules import contract
from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Kind,
    Partial,
    Role,
    Term,
    Variable,
    elements,
    name_of,
    t,
    with_indices,
)
from rnnsym.equations.products import tidy


def signal_of(variable: Variable, loss: str) -> Variable:
    """The derivative of the loss of one time with respect to a state, as a variable of its shape."""
    name = f"{Kind.SIGNAL.value}({variable.name})"
    partial = Partial(loss, variable.name, Kind.SIGNAL, 0)
    return Variable(name, variable.shape, True, Role.PARTIAL, label=variable.label, partial=partial)


def local(step: OneStep, target: Target) -> Iterator[Equation]:
    """The derivatives of the states that hold the other states of the same step fixed."""
    for equation in step.derivatives(target):
        terms = tuple(term for term in equation.terms if not _goes_through_a_state(term))
        if terms:
            yield replace(equation, terms=terms)


def _goes_through_a_state(term: Term) -> bool:
    names = (name_of(element) for factor in term.factors for element in elements(factor))
    return any(name.startswith((f"{Kind.STEP.value}(", f"{Kind.IMMEDIATE.value}(")) for name in names)


def passed_back(step: OneStep, state: str) -> tuple[tuple[int, Term], ...]:
    """What the signal of a state is made of: terms of signals at time t + lag, each with the lag and its times."""
    return tuple(
        (lag, term)
        for lag in range(step.states[state] + 1)
        for term in _weighted(step, Target(state, lag), len(step.variables[state].shape))
    )


def gathered(step: OneStep, parameter: str) -> tuple[Term, ...]:
    """What the signals at time t add to the gradient of a parameter."""
    return tuple(_weighted(step, Target(parameter, None), len(step.variables[parameter].shape)))


def _weighted(step: OneStep, target: Target, rank: int) -> Iterator[Term]:
    """The signals of the states times their local derivatives by the target, in the target's time and indices."""
    for equation in local(step, target):
        partial = equation.variable.partial
        assert partial is not None
        assert equation.interval is not None
        cut = len(equation.indices) - rank
        own, by = equation.indices[:cut], equation.indices[cut:]
        effect: Expr = signal_of(step.variables[partial.of], step.system.loss).at(t, *own)
        lag = target.lag or 0
        for term in equation.terms:
            product = contract(Term(tidy((*term.factors, effect))), set(by))
            mapping: dict[Symbol, Expr] = dict(zip(by, INDICES[:rank], strict=True))
            moved = contract(with_indices(product, mapping, set(INDICES[:rank])), set(INDICES[:rank]))
            yield replace(moved.replaced({t: t + lag}), when=equation.interval.shifted(-lag))
