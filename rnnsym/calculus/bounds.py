"""Bounds of one-step Jacobians: how much a step can stretch what goes through it.

A Jacobian is a sum of products. Every product is bounded by the product of the norms of its factors: the spectral norm
of a matrix, the largest element of a diagonal, the Euclidean norm of a vector beside. How large an elementwise factor
can get follows from the images in the table of operations; where nothing bounds it, its largest value stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Poly, Pow, S, Symbol, oo, real_roots
from sympy.polys.polyerrors import PolynomialError

from rnnsym.calculus.onestep import OneStep
from rnnsym.equations.indexed import Equation, Kind, Role, Select, Term, elements, indices_in, name_of, whole_function
from rnnsym.operations import Elementwise, VectorFunction, operation_of

Span = tuple[Expr, Expr]


@dataclass(frozen=True)
class Norm:
    """The norm of something that has no bound of its own.

    kind: "spectral" of a matrix, "largest" absolute value of the elements of `expression`, "length" of a vector, "step"
    of a Jacobian within the same step, "absolute" value of a scalar.
    """

    kind: str
    expression: Expr


@dataclass(frozen=True)
class BoundTerm:
    """A number times norms; `carry`: the term hands an element on to the same element, by no weights."""

    number: Expr
    norms: tuple[Norm, ...]
    carry: bool = False

    @property
    def changes(self) -> bool:
        """Whether it depends on the time."""
        return any(norm.kind != "spectral" for norm in self.norms)


@dataclass(frozen=True)
class StepBound:
    """`equation`, a one-step Jacobian, has at most the norm sum of `terms`; None where a term has none by this rule."""

    equation: Equation
    terms: tuple[BoundTerm, ...] | None

    @property
    def carries(self) -> tuple[Term, ...]:
        """The terms of the Jacobian that hand elements on by themselves."""
        return tuple(
            term for term in self.equation.terms if any(isinstance(factor, KroneckerDelta) for factor in term.factors)
        )


def step_bounds(step: OneStep) -> tuple[StepBound, ...]:
    """A bound for every one-step Jacobian, in the order of `jacobians()`."""
    ranges = Ranges(step)
    found = []
    for equation in step.jacobians():
        terms = [_bound(term, equation, step, ranges) for term in equation.terms]
        whole = None if any(term is None for term in terms) else tuple(term for term in terms if term is not None)
        found.append(StepBound(equation, whole))
    return tuple(found)


class Ranges:
    """Between which values the elements of variables, and expressions of them, can lie."""

    def __init__(self, step: OneStep) -> None:
        self.step = step
        self.memo: dict[str, Span] = {}

    def variable(self, name: str) -> Span:
        """The least and the largest value of a computed variable's elements."""
        if name not in self.memo:
            self.memo[name] = (-oo, oo)  # what depends on itself has no bound by this rule
            found = [self._equation(equation) for equation in self.step.system.defining(name)]
            if found:
                self.memo[name] = (min(low for low, _ in found), max(high for _, high in found))
        return self.memo[name]

    def _equation(self, equation: Equation) -> Span:
        whole = whole_function(equation)
        operation = None if whole is None else operation_of(whole)
        if isinstance(operation, VectorFunction):
            return (S.Zero, S.One) if operation.simplex else (-oo, oo)
        total: Span = (S.Zero, S.Zero)
        for term in equation.terms:
            summed = {index for factor in term.factors for index in indices_in(factor)} - set(equation.indices)
            if term.over or summed:
                return (-oo, oo)
            total = _plus(total, self.product(term.factors))
        return total

    def product(self, factors: tuple[Expr, ...]) -> Span:
        """The range of a product; factors of one and the same element are taken together."""
        groups: dict[object, list[Expr]] = {}
        for place, factor in enumerate(factors):
            atoms = _atoms(factor)
            groups.setdefault(next(iter(atoms)) if len(atoms) == 1 else place, []).append(factor)
        span: Span = (S.One, S.One)
        for group in groups.values():
            span = _times(span, self.of(Mul(*group)))
        return span

    def of(self, expression: Expr) -> Span:
        """The range of an elementwise expression."""
        if expression.is_number:
            return (expression, expression)
        if isinstance(expression, Indexed):
            return self.variable(name_of(expression))
        operation = operation_of(expression)
        if isinstance(operation, Elementwise):
            low, high = operation.image
            return (S(low), S(high))
        atoms = _atoms(expression)
        if len(atoms) == 1 and not expression.is_Pow:
            (atom,) = atoms
            exact = _extremes(expression, atom, self.of(atom)) if atom != expression else None
            if exact is not None:
                return exact
        if isinstance(expression, Add):
            total: Span = (S.Zero, S.Zero)
            for part in expression.args:
                total = _plus(total, self.of(part))
            return total
        if isinstance(expression, Mul):
            span: Span = (S.One, S.One)
            for part in expression.args:
                span = _times(span, self.of(part))
            return span
        if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
            low, high = self.of(expression.base)
            ends = [low**expression.exp, high**expression.exp]
            least = S.Zero if low < 0 < high and expression.exp % 2 == 0 else min(ends)
            return (least, max(ends))
        return (-oo, oo)


def _atoms(expression: Expr) -> set[Expr]:
    """The elements and applied functions that an expression is a formula of."""
    if isinstance(expression, Indexed) or operation_of(expression) is not None:
        return {expression}
    if expression in elements(expression):
        return {expression}
    return set().union(*(_atoms(argument) for argument in expression.args)) if expression.args else set()


def _extremes(expression: Expr, atom: Expr, span: Span) -> Span | None:
    """The exact range of a polynomial in one element; None for what is none, or where the element has no bound."""
    low, high = span
    if low == -oo or high == oo:
        return None
    y = Symbol("y", real=True)
    try:
        polynomial = Poly(expression.xreplace({atom: y}), y, domain="QQ")
    except PolynomialError:
        return None
    places = [low, high, *(root for root in real_roots(polynomial.diff(y)) if low < root < high)]
    values = [polynomial.as_expr().xreplace({y: place}) for place in places]
    return (min(values), max(values))


def _plus(one: Span, other: Span) -> Span:
    return (one[0] + other[0], one[1] + other[1])


def _times(one: Span, other: Span) -> Span:
    ends = [S.Zero if S.Zero in (a, b) else a * b for a in one for b in other]
    return (min(ends), max(ends))


def _bound(term: Term, equation: Equation, step: OneStep, ranges: Ranges) -> BoundTerm | None:
    """A bound of one product; None where its factors are not in a row."""
    if len(equation.indices) != 2 or term.over:
        return None
    row, column = equation.indices
    number: Expr = S.One
    norms: list[Norm] = []
    places: dict[Symbol, list[Expr]] = {}
    edges: list[tuple[list[Symbol], Norm | None]] = []
    carry = False
    for factor in term.factors:
        indices = sorted(indices_in(factor), key=str)
        if isinstance(factor, KroneckerDelta) and set(factor.args) == {row, column}:
            carry = True
        elif isinstance(factor, Select):
            edges.append((indices, None))
        elif not indices:
            single = _size(factor, ranges, "absolute")
            number, norms = number * single[0], norms + list(single[1])
        elif len(indices) == 1:
            places.setdefault(indices[0], []).append(factor)
        elif len(indices) == 2 and isinstance(factor, Indexed):
            known = step.variables.get(name_of(factor))
            kind = "step" if name_of(factor).startswith(Kind.STEP.value) else "spectral"
            if kind == "spectral" and (known is None or known.role is not Role.PARAMETER):
                return None
            edges.append((indices, Norm(kind, factor)))
        else:
            return None
    if carry:
        places.setdefault(row, []).extend(places.pop(column, []) if column != row else [])
    ends = _ends(edges, set(places) | {row, column}, row, column, carry)
    if ends is None:
        return None
    for index, factors in places.items():
        largest = _elementwise(factors, ranges, index in ends)
        number, norms = number * largest[0], norms + list(largest[1])
    norms += [norm for _, norm in edges if norm is not None]
    return BoundTerm(number, tuple(norms), carry and not edges)


def _ends(
    edges: list[tuple[list[Symbol], Norm | None]], every: set[Symbol], row: Symbol, column: Symbol, carry: bool
) -> set[Symbol] | None:
    """The indices at which a vector stands beside the rest, as in u v^T; None where the factors are not in rows."""
    degree: dict[Symbol, int] = dict.fromkeys(every, 0)
    for indices, _ in edges:
        for index in indices:
            degree[index] = degree.get(index, 0) + 1
    if carry:
        return set() if not edges else None
    if any(count > 2 for count in degree.values()) or degree[row] > 1 or degree[column] > 1:
        return None
    # A free index must end a row; a summed index with one matrix only is where a vector ends a row.
    ends = {index for index, count in degree.items() if count < (1 if index in (row, column) else 2)}
    return None if any(degree[index] == 0 and index not in (row, column) for index in ends) else ends


def _elementwise(factors: list[Expr], ranges: Ranges, vector: bool) -> tuple[Expr, tuple[Norm, ...]]:
    """The largest element of a diagonal, or the length of a vector, as a number times norms."""
    groups: dict[object, list[Expr]] = {}
    for place, factor in enumerate(factors):
        atoms = _atoms(factor)
        groups.setdefault(next(iter(atoms)) if len(atoms) == 1 else place, []).append(factor)
    number: Expr = S.One
    norms: list[Norm] = []
    long = vector
    for group in groups.values():
        one = _size(Mul(*group), ranges, "length" if long else "largest")
        long = False
        number, norms = number * one[0], norms + list(one[1])
    return number, tuple(norms)


def _size(expression: Expr, ranges: Ranges, kind: str) -> tuple[Expr, tuple[Norm, ...]]:
    if kind == "length":
        simplex = isinstance(expression, Indexed) and _is_simplex(name_of(expression), ranges.step)
        return (S.One, ()) if simplex else (S.One, (Norm(kind, expression),))
    low, high = ranges.of(expression)
    largest = max(abs(low), abs(high))
    if largest == oo:
        return S.One, (Norm(kind, expression),)
    return largest, ()


def _is_simplex(name: str, step: OneStep) -> bool:
    """Whether a vector has elements above zero that sum to one: its length is at most one."""
    found = [whole_function(equation) for equation in step.system.defining(name)]
    operations = [None if one is None else operation_of(one) for one in found]
    return bool(found) and all(isinstance(one, VectorFunction) and one.simplex for one in operations)
