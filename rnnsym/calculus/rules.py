"""The chain rule in index notation: what one equation passes back to one variable that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Add, Dummy, Expr, Mul, Pow, Symbol

from rnnsym.equations.indexed import (
    INDEX_SET,
    INDICES,
    Access,
    Equation,
    Role,
    Term,
    Variable,
    access,
    indices_in,
    t,
    time_of,
    whole_function,
    with_indices,
)
from rnnsym.equations.products import contract as contract
from rnnsym.equations.products import tidy
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.operations import VectorFunction, operation_of


@dataclass(frozen=True)
class Contribution:
    """Terms of the adjoint of a variable at `time`: `Time("t", 0)` for every t, a fixed time, or None."""

    variable: str
    time: Time | None
    terms: tuple[Term, ...]


def adjoint_name(name: str) -> str:
    """How the adjoint of a variable is called.

    >>> adjoint_name("h")
    'bar(h)'
    """
    return f"bar({name})"


def adjoint_of(variable: Variable) -> Variable:
    """The derivative of the total loss with respect to a variable: the same shape, the same times."""
    return Variable(
        adjoint_name(variable.name), variable.shape, variable.timed, Role.ADJOINT, variable.name, variable.label
    )


def contribution(equation: Equation, element: Expr, variables: Mapping[str, Variable]) -> Contribution:
    """What `equation` passes back to the variable of `element`, one of the elements that its right side reads.

    Through y = f(x) the adjoint of x gets, for every element of y, its adjoint times the partial derivative of that
    element (the chain rule); indices that x does not have are summed, and time t where x was read at a lag is t
    shifted by that lag.
    """
    found = access(element, dict(variables))
    adjoint = adjoint_of(equation.variable).at(equation.time, *equation.indices)
    terms = [
        _in_frame_of(replace(term, factors=tidy((*factors, adjoint))), equation, found)
        for term, factors in _gathered(equation, element)
    ]
    return Contribution(found.name, _frame(found), tuple(term for term in terms if term.factors != (0,)))


def _gathered(equation: Equation, element: Expr) -> list[tuple[Term, tuple[Expr, ...]]]:
    """The partial derivatives of all terms; several elementwise ones as one factor: (h - g) in place of h and -g."""
    every = [(term, factors) for term in equation.terms for factors in partial_derivatives(term, equation, element)]
    own = set(equation.indices)
    plain = [
        (term, factors)
        for term, factors in every
        if term.when is None and not term.over and all(indices_in(factor) <= own for factor in factors)
    ]
    if len(plain) < 2:
        return every
    together = (Term(()), (Add(*(Mul(*factors) for _, factors in plain)),))
    place = every.index(plain[0])
    return [*every[:place], together, *(pair for pair in every[place:] if pair not in plain)]


def partial_derivatives(term: Term, equation: Equation, element: Expr) -> list[tuple[Expr, ...]]:
    """The derivative of a product with respect to an element that occurs in it, as products of factors in order."""
    results = []
    for position, factor in enumerate(term.factors):
        if not factor.has(element):
            continue
        before, after = term.factors[:position], term.factors[position + 1 :]
        for inner in factor_derivatives(factor, equation, element):
            results.append((*before, *inner, *after))
    return results


def factor_derivatives(factor: Expr, equation: Equation, element: Expr) -> list[tuple[Expr, ...]]:
    """The derivative of one factor, as products of factors.

    Powers and functions by the chain rule, so that their inner derivatives stay factors; a vector function by the
    table's Jacobian; anything else by SymPy.
    """
    if factor == element:
        return [()]
    operation = operation_of(factor)
    if isinstance(operation, VectorFunction):
        return _vector_derivatives(operation, factor, equation, element)
    if isinstance(factor, Pow) and factor.exp.is_Number:
        outer = (factor.exp, Pow(factor.base, factor.exp - 1))
        return [tidy((*outer, *inner)) for inner in factor_derivatives(factor.base, equation, element)]
    if operation is not None:
        found = []
        for position, argument in enumerate(factor.args, start=1):
            if not argument.has(element):
                continue
            slope = factor.fdiff(position)
            if whole_function(equation) == factor:
                slope = slope.xreplace({factor: equation.target})  # in terms of the output, as papers print it
            found += [tidy((slope, *inner)) for inner in factor_derivatives(argument, equation, element)]
        return found
    place = Dummy()
    return [tidy((sympy.diff(factor.xreplace({element: place}), place).xreplace({place: element}),))]


def _vector_derivatives(
    operation: VectorFunction, factor: Expr, equation: Equation, element: Expr
) -> list[tuple[Expr, ...]]:
    """D y[i] / d x[k] by the table, where k is the index, or the indices, at which the function reads its argument."""
    argument = factor.args[0]
    assert argument == element, "the argument of a vector function is a variable"
    read = [index for index in argument.indices if index in INDEX_SET]
    return operation.jacobian(
        lambda *index: argument.xreplace(dict(zip(read, index, strict=True))),
        lambda *index: equation.variable.at(equation.time, *index),
        _alone(equation.indices),
        _alone(read),
    )


def _alone(indices: Sequence[Symbol]) -> Any:
    """The one index of a vector, the indices of a matrix, or None."""
    return tuple(indices) if len(indices) > 1 else indices[0] if indices else None


def _frame(found: Access) -> Time | None:
    if found.time is None:
        return None
    time = time_of(found.time)
    return Time("t", 0) if time.anchor == "t" else time


def _in_frame_of(term: Term, equation: Equation, found: Access) -> Term:
    """Seen from the variable that receives: its own time and its canonical indices, everything else summed."""
    generic = equation.time == Time("t", 0)
    when, over = term.when, term.over
    if generic:
        when = when or equation.interval
    time = None if found.time is None else time_of(found.time)
    if time is not None and time.anchor == "t":
        ranges = dict(over)
        whole = when if generic else ranges.pop(t)
        assert whole is not None
        term = replace(term.replaced({t: t - time.offset}), when=whole.shifted(time.offset), over=tuple(ranges.items()))
    elif generic:
        assert when is not None
        term = replace(term, when=None, over=(*over, (t, when)))
    else:
        term = replace(term, when=None)
    canonical = INDICES[: len(found.indices)]
    mapping: dict[Symbol, Expr] = {}
    for old, new in zip(found.indices, canonical, strict=True):
        assert isinstance(old, Symbol), f"{found.element} is read at one element only"
        mapping[old] = new
    return contract(with_indices(term, mapping, set(canonical)), set(canonical))


def substituted(
    term: Term, element: Expr, products: tuple[Term, ...], free: set[Symbol], indices: tuple[Symbol, ...]
) -> list[Term]:
    """A term with `element` (a factor of it) replaced by the sum of `products`, whose free indices are `indices`."""
    others = list(term.factors)
    others.remove(element)
    place = [index for index in element.args[1:] if index in INDEX_SET] if element.args else []
    # Where the element has a time, it is its first index: of t, or a fixed one.
    time = next((argument for argument in element.args[1:2] if argument not in INDEX_SET), None)
    found = []
    for product in products:
        taken = set().union(*(indices_in(factor) for factor in others), free) if others else set(free)
        moved = with_indices(product, dict(zip(indices, place, strict=True)), taken)
        if time is not None and time != t:
            moved = moved.replaced({t: time})
        found.append(replace(term, factors=tidy((*moved.factors, *others)), when=term.when or moved.when))
    return [contract(candidate, free) for candidate in found]


def merged(when: Interval, whole: Interval) -> Interval | None:
    """The part of `when` inside `whole`; None where that is all of it."""
    low = whole.low if not when.low.anchor and not whole.low.anchor and when.low.offset < whole.low.offset else when.low
    high = whole.high if when.high.anchor and whole.high.anchor and when.high.offset > whole.high.offset else when.high
    return None if (low, high) == (whole.low, whole.high) else Interval(low, high)
