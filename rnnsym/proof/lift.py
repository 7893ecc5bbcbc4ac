"""Equations in index notation, as SymPy holds them, lifted to polynomials in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce

import sympy
from sympy import Expr, Indexed, KroneckerDelta, Symbol

from rnnsym.claims.syntax import Moment
from rnnsym.equations.indexed import INDEX_SET, Equation, Select, Term, Variable, access, elements
from rnnsym.language.timing import Interval
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of
from rnnsym.proof.atoms import (
    ONE,
    ZERO,
    Apply,
    Delta,
    Element,
    Place,
    Polynomial,
    Product,
    Size,
    TooLargeError,
    all_renamed,
    constant,
    enclosed,
    of_atom,
)
from rnnsym.proof.polynomial import canonical, counted, multiplied, powered

Variables = Mapping[str, Variable]
#: The index of a vector function's argument.
BOUND = "_"


def moment_of(expression: Expr) -> Moment:
    """A time: `t - 1`.

    >>> print(moment_of(Symbol("t", integer=True) - 1))
    t-1
    """
    result = Moment((), 0)
    for symbol, count in expression.as_coefficients_dict().items():
        result = result + (Moment((), int(count)) if symbol == 1 else Moment.of(str(symbol)).times(int(count)))
    return result


def ends(interval: Interval) -> tuple[Moment, Moment]:
    """The first and the last time of an interval."""
    low, high = interval.low, interval.high
    return (Moment(((low.anchor, 1),) if low.anchor else (), low.offset),
            Moment(((high.anchor, 1),) if high.anchor else (), high.offset))  # fmt: skip


def lifted_term(term: Term, free: frozenset[str], variables: Variables) -> Polynomial:
    """A term of an equation; its sums over time are over the letters that they have there."""
    bound = {index for factor in term.factors for index in bound_in(factor)}
    names = frozenset(i.name for factor in term.factors for i in (factor.free_symbols & INDEX_SET) - bound)
    whole = reduce(
        lambda product, factor: multiplied(product, lifted(factor, names | free, variables), names | free),
        term.factors,
        ONE,
    )
    sizes = sizes_of(term, variables)
    counts = {name: size_value(sizes[name]) for name in names - free if name in sizes}
    whole = counted(whole, counts, names | free)
    over = tuple((str(index), *ends(interval)) for index, interval in term.over)
    raw = [(Product(product.powers, (*over, *product.over)), number) for product, number in whole.terms]
    return canonical(raw, free)


def bound_in(expression: Expr) -> set[Symbol]:
    """The indices of whole vectors that functions take."""
    return {
        index
        for part in (expression, *expression.atoms(sympy.Function))
        if isinstance(operation_of(part), VectorFunction)
        for index in part.args[0].free_symbols & INDEX_SET
    }


def sizes_of(term: Term, variables: Variables) -> dict[str, Expr]:
    """How many elements each index of a term runs over."""
    known = dict(variables)
    return {
        index.name: size
        for factor in term.factors
        for place in elements(factor)
        if (found := access(place, known)).name in variables
        for index, size in zip(found.indices, variables[found.name].shape, strict=True)
        if index in INDEX_SET
    }


def size_value(size: Expr) -> Polynomial:
    """A size as a number."""
    if size.is_Integer:
        return constant(int(size))
    if size.is_Symbol:
        return of_atom(Size(size.name))
    parts = [size_value(part) for part in size.args]
    if size.is_Add:
        return reduce(lambda total, part: total + part, parts, ZERO)
    return reduce(lambda whole, part: multiplied(whole, part, frozenset()), parts, ONE)


def with_ones(value: Polynomial, equation: Equation) -> Polynomial:
    """The value of an equation, as it is put in where its indices may be summed."""
    names = [index.name for index in equation.indices]
    counts = {name: size_value(size) for name, size in zip(names, equation.variable.shape, strict=True)}
    return counted(value, counts, frozenset(names))


def lifted(expression: Expr, free: frozenset[str], variables: Variables) -> Polynomial:
    """An expression of elements; its indices are all free here, since terms say what is summed."""
    operation = operation_of(expression)
    if isinstance(operation, VectorFunction) and len(operation.indices[0][0]) > 1:
        raise TooLargeError(f"no polynomial for {operation.name}, a function of a whole matrix")
    if isinstance(operation, VectorFunction):
        argument = expression.args[0]
        (bound,) = (index for index in argument.indices if index in INDEX_SET)
        inner = all_renamed(lifted(argument, free | {bound.name}, variables), {bound.name: BOUND}, {})
        own = sorted(free - {bound.name})
        index = own[0] if operation.signature.endswith("(n)") and len(own) == 1 else ""
        return of_atom(Apply(operation.name, enclosed(inner), BOUND, index))
    if isinstance(operation, Elementwise) and operation.holds:
        return lifted(expression.args[0], free, variables)
    if isinstance(operation, Elementwise):
        argument = lifted(expression.args[0], free, variables)
        if operation.name == "sqrt" and not is_element(argument):
            return powered(argument, Fraction(1, 2), free)
        return of_atom(Apply(operation.name, enclosed(argument)))
    if isinstance(operation, Pairwise):
        return lifted(operation.expression(*expression.args), free, variables)
    if isinstance(expression, Indexed):
        return of_atom(element(expression, variables))
    if isinstance(expression, KroneckerDelta):
        first, second = sorted(index.name for index in expression.args)
        return of_atom(Delta(first, second))
    if isinstance(expression, Select):
        whole, part, offset, _ = expression.args
        return of_atom(Place(whole.name, part.name, str(offset)))
    if expression.is_Rational:
        return constant(Fraction(int(expression.p), int(expression.q)))
    if expression == sympy.pi:
        return of_atom(Apply("arctan", constant(1))).scaled(Fraction(4))
    if isinstance(expression, Symbol):
        if expression.name in variables and not expression.is_integer:
            return of_atom(Element(expression.name, (), ()))
        return of_atom(Size("@T" if expression.name == "T" else expression.name))
    if expression.is_Add:
        return reduce(lambda total, part: total + lifted(part, free, variables), expression.args, ZERO)
    if expression.is_Mul:
        return reduce(lambda whole, part: multiplied(whole, lifted(part, free, variables), free), expression.args, ONE)
    if expression.is_Pow and expression.exp.is_Rational:
        exponent = Fraction(int(expression.exp.p), int(expression.exp.q))
        return powered(lifted(expression.base, free, variables), exponent, free)
    raise TooLargeError(f"no polynomial for {expression}")


def is_element(value: Polynomial) -> bool:
    """Whether a value is one element, of which a function may have a name."""
    if len(value.terms) != 1 or value.terms[0][1] != 1 or value.terms[0][0].over:
        return False
    powers = value.terms[0][0].powers
    return len(powers) == 1 and isinstance(powers[0][0], Element) and powers[0][1] == 1


def element(expression: Expr, variables: Variables) -> Element:
    """An element of a variable."""
    found = access(expression, dict(variables))
    times = () if found.time is None else (moment_of(found.time),)
    return Element(found.name, times, tuple(index.name for index in found.indices))
