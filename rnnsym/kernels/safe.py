"""Expressions in the forms that lose no accuracy: log(1 - sigmoid(x)) is minus infinity long before it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy import Expr, Float, Pow

from rnnsym.equations.indexed import Equation, Term, access, elements, is_element, name_of, whole_function
from rnnsym.kernels.schedule import GENERIC, Program, may_be_outside
from rnnsym.language.timing import is_late
from rnnsym.operations import FUNCTIONS, SAFE_FORMS, Elementwise, applied, operation_of

#: A root that is smaller is taken for so much where something is divided by it: a gradient that is then multiplied by
#: the slope of a saturated gate, which is zero, is zero and not infinity times zero.
LEAST_ROOT = Float("1e-30")
#: An exponential whose own negative is exponentiated, exp(-exp(a)), is taken for so much where it is larger: there the
#: outer one is zero, and so is its gradient, and not zero times infinity.
LARGEST_EXPONENT = Float("1e38")


def safe_forms(program: Program) -> Program:
    """What the table has a safe form for, in that form; `y` is seen as `sigmoid(a)` where an equation says so."""
    once = Counter(equation.name for equation in program.forward)
    general: dict[str, tuple[Equation, Expr]] = {}
    for equation in program.forward:
        whole = whole_function(equation)
        known = equation.time in (GENERIC, None) and once[equation.name] == 1
        if whole is not None and known and isinstance(operation_of(whole), Elementwise):
            general[equation.name] = equation, whole

    def opened(element: Expr) -> Expr:
        found = access(element, program.variables)
        late = any(other == found.name and is_late(time) for other, time in program.given)
        if found.name not in general or may_be_outside(found.time, late):
            return element
        own, whole = general[found.name]
        here = access(own.target, program.variables)
        moved = dict(zip(here.indices, found.indices, strict=True))
        if found.time is not None:
            moved[here.time] = found.time
        return whole.xreplace(moved)

    def safe(expression: Expr) -> Expr:
        seen = expression.xreplace({element: opened(element) for element in elements(expression)})
        for written, safely in SAFE_FORMS:
            if (match := seen.match(written)) is not None:
                return safely.xreplace(match)
        return expression

    def above_zero(factor: Expr) -> Expr:
        """The reciprocal of a root, finite where the root is zero."""
        if not (isinstance(factor, Pow) and factor.exp == -1):
            return factor
        root = opened(factor.base) if is_element(factor.base) else factor.base
        if not isinstance(root, FUNCTIONS["sqrt"]) or not _is_difference(root.args[0], program):
            return factor
        return Pow(applied("maximum", factor.base, LEAST_ROOT), factor.exp)

    twice = _exponentiated_twice(program)

    def below_infinity(factor: Expr) -> Expr:
        """An exponential, finite where the one above it is zero."""
        if _exponent(factor) not in twice:
            return factor
        return applied("minimum", factor, LARGEST_EXPONENT)

    def finite(equation: Equation) -> Equation:
        terms = tuple(
            replace(term, factors=tuple(below_infinity(above_zero(factor)) for factor in term.factors))
            for term in equation.terms
        )
        return replace(equation, terms=terms)

    def rewritten(term: Term) -> Term:
        factors = tuple(factor.replace(_may_be_unsafe, safe) for factor in term.factors)
        return term if factors == term.factors else replace(term, factors=factors)

    def better(old: Equation) -> Equation:
        return replace(old, terms=tuple(map(rewritten, old.terms)))

    backward = tuple(finite(better(equation)) for equation in program.backward)
    return replace(program, forward=tuple(map(better, program.forward)), backward=backward)


def _is_difference(argument: Expr, program: Program) -> bool:
    """Whether something is taken off something else, as in `1 - a ** 2`, which a gate rounds to zero."""
    name = name_of(argument) if is_element(argument) else ""
    terms = [term for equation in program.forward if equation.name == name for term in equation.terms]
    return any(factor.is_negative for term in terms for factor in term.factors[:1])


def _exponentiated_twice(program: Program) -> set[str]:
    """The names of all `a` in exp(-exp(a)), with any number before the inner exponential."""
    inner = {
        equation.name: _exponent(equation.terms[0].factors[-1])
        for equation in program.forward
        if len(equation.terms) == 1 and all(factor.is_number for factor in equation.terms[0].factors[:-1])
    }
    outer = {_exponent(factor) for equation in program.forward for term in equation.terms for factor in term.factors}
    return {name for above, name in inner.items() if name and above in outer}


def _exponent(factor: Expr) -> str:
    """The name of `a` where a factor is exp(a); an empty text for others."""
    return name_of(factor.args[0]) if isinstance(factor, FUNCTIONS["exp"]) and is_element(factor.args[0]) else ""


def _may_be_unsafe(expression: Expr) -> bool:
    if isinstance(expression, Pow):
        return not expression.exp.is_Integer
    return any(isinstance(expression, type(written)) for written, _ in SAFE_FORMS)
