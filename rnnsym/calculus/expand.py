"""The gradient at a fixed length with every adjoint put in: one product for each path and each term on it."""

from __future__ import annotations

from sympy import Expr, Integer

from rnnsym.calculus.rules import adjoint_name, substituted
from rnnsym.equations.indexed import Equation, Role, T, Term, Variable, accesses, t
from rnnsym.equations.system import System
from rnnsym.errors import RnnsymError

#: More products than anyone reads.
LIMIT = 200


def expanded_gradient(
    system: System, adjoints: tuple[Equation, ...], name: str, length: int, limit: int = LIMIT
) -> tuple[Equation, tuple[Term, ...]]:
    """The equation of a gradient, and its terms for T = length without adjoints, at times that are numbers.

    Raises RnnsymError where there are more than `limit` of them.
    """
    variables = {**system.variables, **{equation.name: equation.variable for equation in adjoints}}
    defining: dict[str, list[Equation]] = {}
    for equation in adjoints:
        defining.setdefault(equation.name, []).append(equation)
    (own,) = [equation for equation in adjoints if equation.name == adjoint_name(name) and equation.time is None]
    free = set(own.indices)
    waiting = _at(own, None, length)
    found: list[Term] = []
    while waiting:
        term = waiting.pop(0)
        element = _adjoint(term, variables)
        if element is None:
            found.append(term)
        else:
            place = next(place for place in accesses(term, variables) if place.element == element)
            number = None if place.time is None else int(place.time)
            into: list[Term] = []
            for equation in defining[place.name]:
                if equation.interval is not None and number not in equation.interval.bounds(length):
                    continue
                products = tuple(_at(equation, number, length))
                into += substituted(term, element, products, free, equation.indices)
            waiting = [new for new in into if new.factors != (0,)] + waiting
        if len(found) + len(waiting) > limit:
            raise RnnsymError(
                f"dE/d{name} at T = {length} has more than {limit} terms with every adjoint put in; "
                "take fewer steps, or read the unrolled form, which names the adjoints"
            )
    return own, tuple(found)


def _adjoint(term: Term, variables: dict[str, Variable]) -> Expr | None:
    return next(
        (place.element for place in accesses(term, variables) if variables[place.name].role is Role.ADJOINT), None
    )


def _at(equation: Equation, number: int | None, length: int) -> list[Term]:
    """The terms of an equation at one time, sums over time written out."""
    found = []
    for term in equation.terms:
        if term.when is not None and number is not None and number not in term.when.bounds(length):
            continue
        ends: dict[Expr, Expr] = {T: Integer(length)}
        if number is not None:
            ends[t] = Integer(number)
        every = [Term(term.factors)]
        for index, interval in term.over:
            every = [one.replaced({index: Integer(step)}) for one in every for step in interval.bounds(length)]
        found += [one.replaced(ends) for one in every]
    return found
