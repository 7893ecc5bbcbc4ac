"""Equations that a C kernel computes together: matrix products, and the elementwise work at their end.

A phase goes over its columns in panels and over its rows in tiles; what the matrix products of a tile give stays in
registers or the nearest cache until all that is computed from it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sympy import Expr, KroneckerDelta

from rnnsym.equations.indexed import INDICES, Equation, Role, Term, Variable, accesses, t, time_of
from rnnsym.kernels.fast.forms import Matvec, is_plain, matvec_of
from rnnsym.kernels.schedule import GENERIC


@dataclass(frozen=True)
class Phase:
    """Equations of one shape, in order; `products` are the sums of matrix-vector products in them, by a name."""

    equations: tuple[Equation, ...]
    products: tuple[tuple[str, tuple[Matvec, ...]], ...]
    elementwise: tuple[Equation, ...]

    @property
    def shape(self) -> tuple[Expr, ...]:
        return self.equations[0].variable.shape

    @property
    def names(self) -> frozenset[str]:
        return frozenset(equation.name for equation in self.equations)


def is_fusable(equation: Equation, variables: dict[str, Variable]) -> bool:
    """Whether an equation can be part of a phase: matrix products and elementwise terms, at the step itself."""
    if equation.time != GENERIC or not equation.terms:
        return False
    for term in equation.terms:
        if term.when is not None or term.over:
            return False
        if any(found.time is not None and not found.time.has(t) for found in accesses(term, variables)):
            return False
        if product_of(term, equation, variables) is None and not _is_elementwise(term, equation, variables):
            return False
    return True


def product_of(term: Term, equation: Equation, variables: dict[str, Variable]) -> Matvec | None:
    """A term as the product of a fixed matrix and a vector, where it is that and nothing else."""
    found = matvec_of(term, equation, variables)
    if found is None or not variables[str(found.vector.base.label.name)].timed:
        return None
    return found if variables[found.matrix_name].role is Role.PARAMETER else None


def _is_elementwise(term: Term, equation: Equation, variables: dict[str, Variable]) -> bool:
    """Whether a term works element by element, on values of the target's shape and on scalars."""
    known = {t, *equation.indices}
    for factor in term.factors:
        if not is_plain(factor) or factor.has(KroneckerDelta):
            return False
        if any(symbol.is_integer and symbol not in known for symbol in factor.free_symbols):
            return False
    return not term.over and all(one.indices in ((), equation.indices) for one in accesses(term, variables))


def phases(
    equations: Sequence[Equation], variables: dict[str, Variable], reorder: bool = True, many: bool = False
) -> list[Phase | Equation]:
    """Equations, each after what it needs of the same step, as phases; what fits in none stands alone.

    reorder: equations may be done before others that stand before them, where they do not wait for them.
    many: each is done for many steps at once, and therefore after what it needs of any of them.
    """
    waiting = list(equations)
    found: list[Phase | Equation] = []
    while waiting:
        first = (
            next(e for e in waiting if not _needs(e, variables, many) & _others(e, waiting)) if reorder else waiting[0]
        )
        if not is_fusable(first, variables):
            waiting.remove(first)
            found.append(first)
            continue
        group: list[Equation] = []
        for equation in tuple(waiting):
            fits = is_fusable(equation, variables) and equation.variable.shape == first.variable.shape
            if fits and _joins(equation, group, waiting, variables, many):
                group.append(equation)
                waiting.remove(equation)
            elif not reorder:
                break
        found.append(_phase(group, variables))
    return found


def _others(equation: Equation, waiting: Iterable[Equation]) -> set[str]:
    return {other.name for other in waiting if other is not equation}


def _needs(equation: Equation, variables: dict[str, Variable], many: bool) -> set[str]:
    """What an equation reads of its own step, or of any."""
    return {found.name for term in equation.terms for found in accesses(term, variables) if many or found.time == t}


def _joins(
    equation: Equation, group: list[Equation], waiting: list[Equation], variables: dict[str, Variable], many: bool
) -> bool:
    own = {other.name for other in group}
    if _needs(equation, variables, many) & _others(equation, waiting) or equation.name in own:
        return False
    for term in equation.terms:
        product = product_of(term, equation, variables)
        for found in accesses(term, variables):
            # A matrix product needs the whole vector first, and another step is not done yet.
            if found.name in own and ((product and found.time == t) or (many and found.time != t)):
                return False
    return True


def _phase(group: list[Equation], variables: dict[str, Variable]) -> Phase:
    products: list[tuple[str, tuple[Matvec, ...]]] = []
    elementwise = []
    for equation in group:
        found = [product_of(term, equation, variables) for term in equation.terms]
        if not any(found):
            elementwise.append(equation)
            continue
        name = f"product {equation.name}"
        variables[name] = Variable(name, equation.variable.shape, True, Role.INTERMEDIATE)
        products.append((name, tuple(one for one in found if one is not None)))
        kept = [term for term, one in zip(equation.terms, found, strict=True) if one is None]
        standard = equation.indices or INDICES[:1]
        elementwise.append(replace(equation, terms=(*kept, Term((variables[name].at(t, *standard),)))))
    return Phase(tuple(group), tuple(products), tuple(elementwise))


def moved(
    stages: Sequence[tuple[bool, tuple[Equation, ...]]],
    readers: dict[str, list[tuple[Equation, int | None]]],
    variables: dict[str, Variable],
) -> list[tuple[bool, tuple[Equation, ...]]]:
    """Stages with elementwise equations moved into the loop that alone reads them: no place in memory is needed."""
    result = [(loop, list(equations)) for loop, equations in stages]
    for (before, early), (after, late) in pairwise(result):
        if before or not after:
            continue
        inside = {equation.name: equation.variable.shape for equation in late}
        changed = True
        while changed:
            changed = False
            for equation in reversed(early):
                own = readers.get(equation.name, [])
                if not own or any(e.name not in inside or offset != 0 for e, offset in own):
                    continue
                if any(inside[e.name] != equation.variable.shape for e, _ in own):
                    continue
                if not is_fusable(equation, variables) or any(
                    product_of(x, equation, variables) for x in equation.terms
                ):
                    continue
                early.remove(equation)
                late.insert(0, equation)
                inside[equation.name] = equation.variable.shape
                changed = True
                break
    return [(loop, tuple(equations)) for loop, equations in result if equations]


def readers_of(
    equations: Iterable[Equation], variables: dict[str, Variable]
) -> dict[str, list[tuple[Equation, int | None]]]:
    """Who reads a variable, and at which step relative to its own; None where it is not relative."""
    found: dict[str, list[tuple[Equation, int | None]]] = {}
    for equation in equations:
        for term in equation.terms:
            for access in accesses(term, variables):
                offset = None
                if access.time is not None and access.time.has(t):
                    offset = time_of(access.time).offset
                found.setdefault(access.name, []).append((equation, offset))
    return found
