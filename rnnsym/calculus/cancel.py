"""Adjoints that cancel in others, and are better put in than named: softmax after cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Expr, Pow

from rnnsym.calculus.actions import Action, Outcome, State
from rnnsym.calculus.collect import added, looks_ahead
from rnnsym.calculus.rules import substituted
from rnnsym.calculus.visits import GENERIC
from rnnsym.equations.indexed import Equation, Role, Term, accesses, elements, indices_in, is_element, name_of
from rnnsym.equations.products import tidy


def eliminable(state: State, name: str) -> Iterator[Action]:
    """Once the adjoint of `name` is there: an earlier adjoint that cancels in it (softmax after cross-entropy)."""
    variable = state.system.variables[name]
    if variable.role is Role.PARAMETER:
        return
    for equation in state.adjoint_equations(name):
        for term in equation.terms:
            for factor in term.factors:
                origin = name_of(factor) if is_element(factor) else ""
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
    terms = _apart(source)
    explicit = [term for term in terms if _is_explicit(term, state)]
    if not explicit or len(explicit) > 2 or len(terms) > 3 or any(term.over for term in terms):
        return False
    free = set(equation.indices)
    gain = False
    for term in equation.terms:
        element = _read(term, source.name)
        if element is None:
            continue
        for share in explicit:
            after = substituted(term, element, (share,), free, source.indices)
            scalars = sum(not indices_in(factor) for factor in share.factors)  # a mask, or a weight of the example
            most = len(term.factors) + max(scalars - 1, 0)
            if term.when is not None or any(len(new.factors) > most for new in after):
                return False
            full = len(term.factors) - 1 + len(share.factors)
            gain |= all(len(new.factors) < full - 1 for new in after)
            gain |= _divides(share) and not any(map(_divides, after))
    return gain


def _read(term: Term, name: str) -> Expr | None:
    """The factor of a term that is an element of a variable."""
    return next((f for f in term.factors if is_element(f) and name_of(f) == name), None)


def _divides(term: Term) -> bool:
    return any(isinstance(factor, Pow) and factor.exp.is_negative for factor in term.factors)


def _apart(source: Equation) -> tuple[Term, ...]:
    """The terms of an adjoint; a scalar that is a sum of fractions, one by one."""
    found: list[Term] = []
    for term in source.terms:
        whole = next((f for f in term.factors if isinstance(f, Add) and f.atoms(Pow) and not indices_in(f)), None)
        if whole is None:
            found.append(term)
            continue
        place = term.factors.index(whole)
        before, after = term.factors[:place], term.factors[place + 1 :]
        found += [replace(term, factors=(*before, *tidy((part,)), *after)) for part in whole.args]
    return tuple(found)


def cancel(action: Action, state: State) -> Outcome:
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
        element = _read(term, source.name)
        terms += (
            [term]
            if element is None
            else substituted(term, element, _apart(source), set(before.indices), source.indices)
        )
    # What is subtracted stands last: y - d.
    after = replace(before, terms=tuple(sorted(added(terms), key=_stands_late)))
    state.adjoints[position] = after
    return Outcome(before, (after,))


def _stands_late(term: Term) -> tuple[bool, bool]:
    return looks_ahead(term), bool(term.factors[0].is_negative)
