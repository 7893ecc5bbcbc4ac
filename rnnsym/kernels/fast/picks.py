"""Inputs that may be given as classes: whole numbers that say which element is one.

Where such an input is one factor of a product, the product with it picks an element, and the sum over it is one. So
equations in which it stands in no other way need no rows of zeros and ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, Indexed, Rational

from rnnsym.equations.indexed import (
    Equation,
    Term,
    elements,
    elements_in,
    elements_of,
    indices_in,
    name_of,
    t,
    term_indices,
)
from rnnsym.kernels.fast.forms import is_elementwise, matvec_of
from rnnsym.kernels.fast.kinds import CHUNK, OUTPUT, SEQUENCE
from rnnsym.kernels.fast.layout import Layout


def picked(layout: Layout) -> tuple[str, ...]:
    """The sequences that may be classes in what is written for many steps at once."""
    plan = layout.plan
    found = [name for name, kind in layout.kinds.items() if kind == SEQUENCE and len(layout.shapes[name]) == 1]
    batch = {e.name for stage in plan.backward.stages if not stage.loop for e in stage.equations}
    every = (*plan.before, *plan.forward.equations, *plan.between, *plan.backward.equations, *plan.after)

    def is_free(name: str) -> bool:
        readers = [e for e in every if name in {name_of(element) for element in elements_of(e)}]
        sums = [e for e in plan.backward.sums if name in {name_of(element) for element in elements_of(e)}]
        return (
            bool(readers or sums)
            and all(e.name == plan.program.loss and _are_dots(e, name) for e in sums)
            and all(
                e.name in batch and layout.kinds[e.name] in (CHUNK, OUTPUT) and _is_split(e, name, layout)
                for e in readers
            )
        )

    return tuple(name for name in found if is_free(name))


def read_in_loss(name: str, layout: Layout, inputs: tuple[str, ...]) -> bool:
    """Whether a value is read once, in a product of the loss with an input that may be classes."""
    plan = layout.plan
    every = (*plan.before, *plan.forward.equations, *plan.between, *plan.backward.equations, *plan.after)
    terms = [
        (e.name, term)
        for e in plan.backward.sums
        for term in e.terms
        if name in {name_of(x) for x in elements_in(term)}
    ]
    if len(terms) != 1 or terms[0][0] != plan.program.loss or any(name in e.reads for e in every):
        return False
    pair = dot_pair(terms[0][1], layout.shapes)
    return pair is not None and any(name_of(f) in inputs for f in pair)


def dot_pair(term: Term, shapes: Mapping[str, tuple[Expr, ...]]) -> tuple[Indexed, Indexed] | None:
    """The two values of which a term is the inner product, times a number."""
    found = [f for f in term.factors if isinstance(f, Indexed)]
    if len(found) != 2 or any(not isinstance(f, Indexed | Rational) for f in term.factors):
        return None
    first, second = found
    alike = shapes[name_of(first)] == shapes[name_of(second)] and first.indices[1:] == second.indices[1:]
    return (first, second) if alike and len(set(first.indices)) == len(first.indices) else None


def factor_of(term: Term, name: str) -> Indexed | None:
    """The input where it is one factor of a term, at the step of the equation, and nothing else of it is there."""
    own = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) == name]
    inside = [e for f in term.factors for e in elements(f) if name_of(e) == name]
    return own[0] if len(own) == len(inside) == 1 and own[0].indices[0] == t else None


def rest_of(term: Term, factor: Indexed) -> Term:
    """What is multiplied with the input."""
    return replace(term, factors=tuple(f for f in term.factors if f is not factor))


def _are_dots(equation: Equation, name: str) -> bool:
    """Whether each term of a loss is a number times the input times one vector."""
    for term in equation.terms:
        if any(name_of(e) == name for f in term.factors for e in elements(f)):
            factor = factor_of(term, name)
            others = [] if factor is None else [f for f in rest_of(term, factor).factors if not isinstance(f, Rational)]
            if factor is None or len(others) != 1 or not isinstance(others[0], Indexed):
                return False
            if tuple(others[0].indices[1:]) != tuple(factor.indices[1:]):
                return False
    return True


def _is_split(equation: Equation, name: str, layout: Layout) -> bool:
    """Whether the input stands alone in its terms: in the index of the target, or summed over by itself."""
    if len(equation.indices) != 1 or is_elementwise(equation, layout.plan.variables):
        return False
    for term in equation.terms:
        if name not in {name_of(e) for f in term.factors for e in elements(f)}:
            continue
        factor = factor_of(term, name)
        if factor is None or term.when is not None or term.over or matvec_of(term, equation, layout.plan.variables):
            return False
        index: Expr = factor.indices[1]
        rest = rest_of(term, factor)
        summed = index not in equation.indices
        if summed and any(index in indices_in(f) for f in rest.factors):
            return False
        if term_indices(rest) - set(equation.indices):
            return False
    return True
