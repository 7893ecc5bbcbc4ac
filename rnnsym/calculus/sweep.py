"""One reverse sweep over named equations. Every action is recorded, and can be applied again."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Integer

from rnnsym.calculus.actions import Action, Outcome, State
from rnnsym.calculus.cancel import cancel, eliminable
from rnnsym.calculus.collect import collect
from rnnsym.calculus.rules import Contribution, adjoint_of, contribution
from rnnsym.calculus.visits import backwards, moved, times_of
from rnnsym.equations.indexed import Equation, Term
from rnnsym.equations.system import System


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
        yield from eliminable(state, name)


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


RULES = {"seed": _seed, "contribution": _contribution, "collect": collect, "cancel": cancel}
