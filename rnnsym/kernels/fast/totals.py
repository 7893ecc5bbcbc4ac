"""Sums over time: what adds up in them, and what stands between the values of the steps and a sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr, Indexed, Symbol

from rnnsym.equations.indexed import INDICES, Equation, Role, Term, Variable, elements, name_of, t
from rnnsym.kernels.fast.normal import Irregular, is_elementwise
from rnnsym.kernels.schedule import GENERIC
from rnnsym.language.syntax import free_name
from rnnsym.language.timing import Interval


def mixed(
    equations: tuple[Equation, ...], names: set[str], variables: dict[str, Variable]
) -> list[tuple[Equation, ...]]:
    """Each equation; one that adds something to a sum over time as two, the sum under a name, and what reads it."""
    found: list[tuple[Equation, ...]] = []
    for equation in equations:
        over = tuple(term for term in equation.terms if goes_along(term))
        if equation.name not in names or not over or len(over) == len(equation.terms):
            found.append((equation,))
            continue
        name = free_name(f"{equation.name}_sum", variables)
        variables[name] = replace(equation.variable, name=name)
        others = tuple(term for term in equation.terms if not goes_along(term))
        total = replace(equation, variable=variables[name], terms=over)
        read = Term((variables[name].at(None, *equation.indices),))
        found.append((total, replace(equation, terms=(read, *others))))
    return found


def check_sums(sums: Iterable[Equation], interval: Interval) -> None:
    for equation in sums:
        for term in equation.terms:
            if len(term.over) != 1 or term.over[0][1] != interval or term.over[0][0] != t:
                raise Irregular(f"{equation.label} sums over other steps")
            if not _is_timed(term):
                raise Irregular(f"{equation.label} adds the same at every step")


def goes_along(term: Term) -> bool:
    """Whether a term is a sum over time of what changes with the step."""
    return bool(term.over) and _is_timed(term)


def _is_timed(term: Term) -> bool:
    """Whether a term changes with the step: what does not would be added once for each chunk."""
    return any(factor.has(t) for factor in term.factors)


def bare_sums(
    adjoints: tuple[Equation, ...],
    sums: tuple[Equation, ...],
    steps: tuple[Equation, ...],
    variables: dict[str, Variable],
    interval: Interval,
) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """Sums of outer products of two single values each: products on one side get a name."""
    named = {e.terms[0].product: e.target for e in steps if _is_product(e, variables)}
    added: list[Equation] = []

    def side(factors: tuple[Expr, ...], index: Symbol, size: Expr) -> Expr:
        if len(factors) == 1 and isinstance(factors[0], Indexed):
            return factors[0]
        standard = tuple(factor.xreplace({index: INDICES[0]}) for factor in factors)
        key = Term(standard).product
        if key not in named:
            name = free_name(
                "_".join(dict.fromkeys(name_of(e) for factor in factors for e in elements(factor))), variables
            )
            variables[name] = Variable(name, (size,), True, Role.INTERMEDIATE)
            named[key] = variables[name].at(t, INDICES[0])
            added.append(Equation(variables[name], GENERIC, (INDICES[0],), (Term(standard),), interval))
        return named[key].xreplace({INDICES[0]: index})

    def rewritten(term: Term, equation: Equation) -> Term:
        if len(equation.indices) != 2:
            return term
        groups = [tuple(f for f in term.factors if index in f.free_symbols) for index in equation.indices]
        if sum(map(len, groups)) != len(term.factors) or not all(groups) or set(groups[0]) & set(groups[1]):
            return term
        if any(not isinstance(e, Indexed) for f in term.factors for e in elements(f)):
            return term
        parts = zip(groups, equation.indices, equation.variable.shape, strict=True)
        return replace(term, factors=tuple(side(*part) for part in parts))

    changed = tuple(
        replace(equation, terms=tuple(rewritten(term, equation) for term in equation.terms)) for equation in sums
    )
    return (*adjoints, *added), changed


def written_out(equations: tuple[Equation, ...], loss: str, others: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """Single statements, with the sums over time that the loss alone reads written out in it: E + R, E being a sum."""
    for total in equations:
        readers = [e for e in (*equations, *others) if total.name in e.reads]
        if total.name == loss or total.indices or not total.terms or not all(term.over for term in total.terms):
            continue
        if [reader.name for reader in readers] != [loss] or readers[0] not in equations:
            continue
        terms: list[Term] = []
        for term in readers[0].terms:
            rest = tuple(factor for factor in term.factors if factor != total.target)
            if len(rest) == len(term.factors):
                terms.append(term)
                continue
            if term.over or term.when or len(term.factors) - len(rest) > 1 or any(not f.is_number for f in rest):
                break
            terms += [replace(inner, factors=(*rest, *inner.factors)) for inner in total.terms]
        else:
            whole = replace(readers[0], terms=tuple(terms))
            changed = tuple(whole if e is readers[0] else e for e in equations if e is not total)
            return written_out(changed, loss, others)
    return equations


def inlined(
    steps: tuple[Equation, ...], totals: tuple[Equation, ...], others: tuple[Equation, ...]
) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """Totals of scalars that nothing else reads, written as sums of what these are: no value a step is needed."""
    for total in totals:
        for term in total.terms:
            (first, *more) = term.factors
            name = "" if more or not (isinstance(first, Indexed) or first.is_Symbol) else name_of(first)
            own = [e for e in steps if e.name == name]
            readers = [e for e in (*steps, *totals, *others) if name in e.reads]
            if len(own) != 1 or readers != [total] or term.factors[0] != own[0].target or own[0].terms[0].over:
                continue
            inner = tuple(replace(part, over=term.over) for part in own[0].terms)
            if any(part.when or not _is_timed(part) for part in inner):
                continue
            position = total.terms.index(term)
            changed = replace(total, terms=(*total.terms[:position], *inner, *total.terms[position + 1 :]))
            totals = tuple(changed if e is total else e for e in totals)
            steps = tuple(e for e in steps if e.name != name)
            return inlined(steps, totals, others)
    return steps, totals


def _is_product(equation: Equation, variables: dict[str, Variable]) -> bool:
    return len(equation.terms) == 1 and equation.indices == INDICES[:1] and is_elementwise(equation, variables)
