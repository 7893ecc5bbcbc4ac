"""Equations differentiated in a direction: the parameters move by `dot(W)`, and every variable that depends on them.

The derived equations are equations of the same kind as the model's. Differentiated in a direction once more, they give
the product of the Hessian with that direction (Pearlmutter 1994, "Fast exact multiplication by the Hessian"), with
no more work than the gradient itself: dot(bar(W)) is how the gradient of W changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rnnsym.calculus.rules import adjoint_name, contract, partial_derivatives
from rnnsym.equations.indexed import (
    Equation,
    Kind,
    Partial,
    Role,
    Variable,
    accesses,
    dependencies,
    index_sizes,
    term_indices,
)
from rnnsym.equations.products import tidy
from rnnsym.equations.system import System


def tangent_name(name: str) -> str:
    """How the change of a variable is called.

    >>> tangent_name("h")
    'dot(h)'
    """
    return f"dot({name})"


def tangent_of(variable: Variable) -> Variable:
    """The change of a variable as the parameters move: the same shape, the same times."""
    return Variable(
        tangent_name(variable.name),
        variable.shape,
        variable.timed,
        Role.PARTIAL,
        label=variable.label,
        partial=Partial(variable.name, "", Kind.TANGENT),
    )


def tangents(
    equations: Iterable[Equation], variables: Mapping[str, Variable], moving: Iterable[str]
) -> tuple[Equation, ...]:
    """The equation of the change of every variable that depends on those of `moving`, in the same order."""
    every = tuple(equations)
    names = dict(variables) | {equation.name: equation.variable for equation in every}
    moved = _moved(every, names, set(moving))
    return tuple(_tangent(equation, names, moved) for equation in every if equation.name in moved)


def _moved(equations: tuple[Equation, ...], variables: dict[str, Variable], moving: set[str]) -> set[str]:
    """The variables that change, those that move by themselves included."""
    readers: dict[str, set[str]] = {}
    for equation in equations:
        for term in equation.terms:
            for found in accesses(term, variables):
                readers.setdefault(found.name, set()).add(equation.name)
    waiting = list(moving)
    while waiting:
        found_readers = readers.get(waiting.pop(), set()) - moving
        moving = moving | found_readers
        waiting += found_readers
    return moving


def _tangent(equation: Equation, variables: dict[str, Variable], moved: set[str]) -> Equation:
    """The product and the chain rule: for each element that changes, the partial derivative by it times its change."""
    free = set(equation.indices)
    terms = []
    for term in equation.terms:
        sizes = index_sizes(term, variables)
        for found in accesses(term, variables):
            if found.name not in moved:
                continue
            change = tangent_of(variables[found.name]).at(found.time, *found.indices)
            for factors in partial_derivatives(term, equation, found.element):
                product = replace(term, factors=(*factors, change))
                # (m - b[i])**2, summed over i: of -b[i] the derivative by m keeps nothing, n times.
                alike = [sizes[index] for index in term_indices(term) - term_indices(product) - free]
                terms.append(contract(replace(term, factors=tidy((*alike, *product.factors))), free))
    kept = tuple(term for term in terms if term.factors != (0,))
    return replace(equation, variable=tangent_of(equation.variable), terms=kept)


def hessian_product(system: System, adjoints: tuple[Equation, ...], parameters: Iterable[str]) -> tuple[Equation, ...]:
    """The change of the gradient as the parameters move: the Hessian times the direction, with all that it needs.

    The equations of dot(bar(W)) for each parameter W, and those that they read, forward ones first.
    """
    names = tuple(parameters)
    every = tangents((*system.equations, *adjoints), system.variables, names)
    known = {**system.variables, **{e.name: e.variable for e in (*adjoints, *every)}}
    known |= {tangent_name(name): tangent_of(system.variables[name]) for name in names}
    needed = dependencies((tangent_name(adjoint_name(name)) for name in names), every, known)
    still = [
        e
        for e in adjoints
        if e.variable.adjoint_of in names and e.name not in {o.variable.partial.of for o in every if o.variable.partial}
    ]
    zeros = [replace(equation, variable=tangent_of(equation.variable), terms=()) for equation in still]
    return (*(equation for equation in every if equation.name in needed), *zeros)
