"""Values that are computed again, and functions written as another function of a scaled argument."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Function, Indexed, IndexedBase

from rnnsym.equations.indexed import (
    INDICES,
    Access,
    Equation,
    Role,
    Term,
    Variable,
    accesses,
    name_of,
    t,
    whole_function,
)
from rnnsym.kernels.fast.normal import is_elementwise
from rnnsym.language.syntax import free_name
from rnnsym.operations import FUNCTIONS, Elementwise, operation_of


def accesses_of(equation: Equation, variables: dict[str, Variable]) -> list[Access]:
    """What an equation reads, with times."""
    return [found for term in equation.terms for found in accesses(term, variables)]


# Values that are cheaper to compute again than to keep


def computed_again(
    steps: tuple[Equation, ...],
    second: tuple[Equation, ...],
    once: tuple[Equation, ...],
    variables: dict[str, Variable],
) -> tuple[Equation, ...]:
    """Forward values that the backward region computes again: few operations on values that are kept anyway.

    What is read at another step than its own, or at one fixed step, is not among them.
    """
    own = {e.name: e for e in steps}
    every = (*steps, *second, *once)
    lagged = {f.name for e in every for f in accesses_of(e, variables) if f.time is not None and f.time != t}
    needed = [name for name in own if any(name in e.reads for e in (*second, *once))]
    fixed = {name for name in needed if not _is_cheap(own[name], variables) or name in lagged}
    again: list[Equation] = []
    changed = True
    while changed:
        changed = False
        for name in needed:
            if name in fixed or own[name] in again:
                continue
            reads = own[name].reads & set(own)
            if reads <= fixed | {e.name for e in again}:
                again.append(own[name])
                changed = True
        rest = [name for name in needed if name not in fixed and own[name] not in again]
        if not changed and rest:
            fixed.add(rest[0])
            changed = True
    return tuple(e for e in steps if e in again)


def renamed(
    groups: tuple[tuple[Equation, ...], ...], again: tuple[Equation, ...], variables: dict[str, Variable]
) -> tuple[tuple[Equation, ...], ...]:
    """The same equations with what is computed again under names of its own, which are added to the variables."""
    mapping: dict[Expr, Expr] = {}
    names: dict[str, str] = {}
    for equation in again:
        old = variables[equation.name]
        name = free_name(f"{old.name}_again", variables)
        variables[name] = replace(old, name=name, label=old.label or old.name, role=Role.INTERMEDIATE)
        names[old.name] = name
        mapping[IndexedBase(old.name)] = IndexedBase(name)

    def changed(equation: Equation) -> Equation:
        variable = variables[names[equation.name]] if equation.name in names else equation.variable
        return replace(equation, variable=variable, terms=tuple(term.replaced(mapping) for term in equation.terms))

    return tuple(tuple(changed(equation) for equation in group) for group in groups)


def _is_cheap(equation: Equation, variables: dict[str, Variable]) -> bool:
    if not is_elementwise(equation, variables):
        return False
    functions = sum(len(factor.atoms(Function)) for term in equation.terms for factor in term.factors)
    products = sum(len(term.factors) - 1 for term in equation.terms) + len(equation.terms) - 1
    return functions <= 1 and products <= 1


# Functions that are another function of a scaled argument


def folded(
    steps: tuple[Equation, ...], others: tuple[Equation, ...], variables: dict[str, Variable]
) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """A function that is a + b f(c x), such as the sigmoid, as that; c goes into the sums that x is made of.

    Parameters times c get names, which are added to the variables; their equations come second.
    """
    scaled: dict[tuple[str, Expr], Equation] = {}
    for equation in steps:
        function = whole_function(equation)
        operation = None if function is None else operation_of(function)
        if function is None or not isinstance(operation, Elementwise) or operation.through is None:
            continue
        name, shift, scale, inner = operation.through
        argument = name_of(function.args[0]) if isinstance(function.args[0], Indexed) else ""
        parts = _scalable(argument, equation, steps, others, variables)
        if parts is None:
            continue
        written = Term((shift,)), Term((scale, FUNCTIONS[name](function.args[0])))

        def changed(
            e: Equation,
            own: str = equation.name,
            terms: tuple[Term, ...] = written,
            argument: str = argument,
            inner: Expr = inner,
            parts: frozenset[str] = parts,
        ) -> Equation:
            if e.name == own:
                return replace(e, terms=terms)
            if e.name in parts:
                return replace(e, terms=tuple(replace(term, factors=(inner, *term.factors)) for term in e.terms))
            if e.name == argument:
                return replace(e, terms=tuple(_scaled(term, inner, scaled, variables) for term in e.terms))
            return e

        steps = tuple(changed(e) for e in steps)
    return steps, tuple(scaled.values())


def _scalable(
    argument: str,
    reader: Equation,
    steps: tuple[Equation, ...],
    others: tuple[Equation, ...],
    variables: dict[str, Variable],
) -> frozenset[str] | None:
    """The variables to scale so that an argument is scaled: those that it is the sum of, if nothing else reads them.

    Products with a parameter are scaled with it. None where scaling would take more than that.
    """
    by_name = {e.name: e for e in steps}
    if argument not in by_name:
        return None
    terms = by_name[argument].terms
    inner = {
        name_of(term.factors[0]) for term in terms if len(term.factors) == 1 and isinstance(term.factors[0], Indexed)
    }
    inner = {name for name in inner if variables[name].timed}
    if any(
        _parameter(term, variables) is None and not (len(term.factors) == 1 and isinstance(term.factors[0], Indexed))
        for term in terms
    ):
        return None
    readers = {own: [e.name for e in (*steps, *others) if own in e.reads] for own in (argument, *inner)}
    if readers[argument] != [reader.name]:
        return None
    if any(own not in by_name or readers[own] != [argument] for own in inner):
        return None
    return frozenset(inner)


def _parameter(term: Term, variables: dict[str, Variable]) -> Indexed | None:
    """The one parameter of a term, with the term's index."""
    own = [f for f in term.factors if isinstance(f, Indexed) and not variables[name_of(f)].timed]
    others = [f for f in term.factors if isinstance(f, Indexed) and variables[name_of(f)].timed]
    plain = len(own) + len(others) == len(term.factors) and all(
        variables[name_of(f)].role is Role.PARAMETER and len(f.indices) == 1 for f in own
    )
    return own[0] if own and plain and term.when is None and not term.over else None


def _scaled(term: Term, scale: Expr, scaled: dict[tuple[str, Expr], Equation], variables: dict[str, Variable]) -> Term:
    """A product with a parameter, with that times a number in its place."""
    own = _parameter(term, variables)
    if own is None:
        return term
    name = name_of(own)
    if (name, scale) not in scaled:
        code = free_name(f"{name}_scaled", variables)
        old = variables[name]
        variables[code] = Variable(code, old.shape, False, Role.INTERMEDIATE)
        terms = (Term((scale, old.at(None, *INDICES[:1]))),)
        scaled[name, scale] = Equation(variables[code], None, INDICES[:1], terms)
    element = scaled[name, scale].variable.at(None, *own.indices)
    return replace(term, factors=tuple(element if f is own else f for f in term.factors))
