"""Values that are computed again, and functions written as another function of a scaled argument."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Function, Indexed, IndexedBase

from rnnsym.equations.indexed import (
    Access,
    Equation,
    Role,
    Term,
    Variable,
    accesses,
    name_of,
    reads_of,
    t,
    whole_function,
)
from rnnsym.kernels.fast.normal import is_elementwise
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
    needed = [name for name in own if any(name in reads_of(e) for e in (*second, *once))]
    fixed = {name for name in needed if not _is_cheap(own[name], variables) or name in lagged}
    again: list[Equation] = []
    changed = True
    while changed:
        changed = False
        for name in needed:
            if name in fixed or own[name] in again:
                continue
            reads = reads_of(own[name]) & set(own)
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
        name = f"{old.name}_again"
        while name in variables:
            name += "_"
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


def folded(steps: tuple[Equation, ...], others: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """A function that is a + b f(c x), such as the sigmoid, as that; c goes into the sums that x is made of."""
    for equation in steps:
        function = whole_function(equation)
        operation = None if function is None else operation_of(function)
        if function is None or not isinstance(operation, Elementwise) or operation.through is None:
            continue
        name, shift, scale, inner = operation.through
        parts = _scalable(function.args[0], equation, steps, others)
        if not parts:
            continue
        written = Term((shift,)), Term((scale, FUNCTIONS[name](function.args[0])))
        steps = tuple(
            replace(e, terms=written)
            if e.name == equation.name
            else replace(e, terms=tuple(replace(term, factors=(inner, *term.factors)) for term in e.terms))
            if e.name in parts
            else e
            for e in steps
        )
    return steps


def _scalable(
    argument: Expr, reader: Equation, steps: tuple[Equation, ...], others: tuple[Equation, ...]
) -> frozenset[str]:
    """The variables to scale so that an argument is scaled: those that it is the sum of, if nothing else reads them."""
    by_name = {e.name: e for e in steps}
    name = name_of(argument) if isinstance(argument, Indexed) else ""
    if name not in by_name:
        return frozenset()
    parts = [factor for term in by_name[name].terms for factor in term.factors]
    if any(len(term.factors) != 1 or not isinstance(term.factors[0], Indexed) for term in by_name[name].terms):
        return frozenset()
    inner = {name_of(part) for part in parts}
    readers = {own: [e.name for e in (*steps, *others) if own in reads_of(e)] for own in (name, *inner)}
    if readers[name] != [reader.name] or any(own not in by_name or readers[own] != [name] for own in inner):
        return frozenset()
    return frozenset(inner)
