"""Parts of a vector of products with parameters, written as products with the rows of the parts.

Where only parts of `u = W h + b` are read, as in `f, g = split(u)`, these are `f = W1 h + b1` and `g = W2 h + b2`. The
adjoint of u is put together of those of the parts; products and sums with it are products and sums with the parts. It
is a program before and after, as in `concat`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Indexed, Integer, expand

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Select,
    Term,
    elements,
    indices_in,
    name_of,
    t,
    with_indices,
)
from rnnsym.kernels.fast.concat import Part, Work, assembled, cuts, slice_of
from rnnsym.kernels.schedule import GENERIC, Program


@dataclass(frozen=True)
class _Split:
    """A vector that is read in parts: its equation, those of its parts, that of its adjoint, and its parameters."""

    whole: Equation
    parts: tuple[Equation, ...]
    adjoint: Equation
    parameters: frozenset[str]


def unsplit(program: Program) -> Program:
    """The program without vectors of which only parts are read, where they are sums of products with parameters."""
    for name in [equation.name for equation in program.forward]:
        whole = [equation for equation in program.forward if equation.name == name]
        split = _split(whole[0], program) if len(whole) == 1 else None
        program = program if split is None else _without(split, program)
    return program


# What can be written so


def _split(whole: Equation, program: Program) -> _Split | None:
    if not _is_generic(whole) or len(whole.indices) != 1:
        return None
    parameters = _parameters(whole, program)
    parts = tuple(e for e in program.forward if whole.name in e.reads)
    backs = [e for e in program.backward if e.name == adjoint_name(whole.name)]
    if not parameters or not parts or len(backs) != 1 or not _is_generic(backs[0]):
        return None
    names = [e.name for e in program.forward]
    if any(not _is_cut(part, whole.name) or names.count(part.name) != 1 for part in parts):
        return None
    parts = _in_order(parts, whole.variable.shape[0])
    split = _Split(whole, parts, backs[0], parameters)
    return split if parts and _is_joined(backs[0], parts) and _stands_in_products(split, program) else None


def _is_generic(equation: Equation) -> bool:
    return equation.time == GENERIC and all(term.when is None and not term.over for term in equation.terms)


def _parameters(equation: Equation, program: Program) -> frozenset[str]:
    """The one parameter of every term that has the index of the equation; nothing where a term has no such form."""
    found = set()
    for term in equation.terms:
        touching = [f for f in term.factors if equation.indices[0] in indices_in(f)]
        if len(touching) != 1 or not isinstance(touching[0], Indexed):
            return frozenset()
        variable = program.variables[name_of(touching[0])]
        if (
            variable.role is not Role.PARAMETER
            or variable.timed
            or len(set(touching[0].indices)) != len(variable.shape)
        ):
            return frozenset()
        found.add(variable.name)
    return frozenset(found)


def _is_cut(part: Equation, whole: str) -> bool:
    """Whether an equation takes one part of the vector at its own step, and nothing else."""
    if not _is_generic(part) or len(part.terms) != 1 or len(part.terms[0].factors) != 2 or len(part.indices) != 1:
        return False
    select, element = sorted(part.terms[0].factors, key=lambda f: not isinstance(f, Select))
    return (
        isinstance(select, Select)
        and isinstance(element, Indexed)
        and name_of(element) == whole
        and tuple(element.indices) == (t, select.args[0])
        and select.args[1] == part.indices[0]
    )


def _offset(part: Equation) -> Expr:
    (select,) = [f for f in part.terms[0].factors if isinstance(f, Select)]
    return select.args[2]


def _in_order(parts: tuple[Equation, ...], size: Expr) -> tuple[Equation, ...]:
    """The parts as they stand in a vector of that size, each where another one ends; nothing where they do not."""
    found: list[Equation] = []
    offset: Expr = Integer(0)
    while next_ := [part for part in parts if part not in found and expand(_offset(part) - offset) == 0]:
        found.append(next_[0])
        offset += next_[0].variable.shape[0]
    return tuple(found) if len(found) == len(parts) and expand(offset - size) == 0 else ()


def _is_joined(adjoint: Equation, parts: tuple[Equation, ...]) -> bool:
    """Whether the adjoint is put together of the adjoints of the parts, and nothing else."""
    wanted = {(adjoint_name(part.name), _offset(part)) for part in parts}
    found = set()
    for term in adjoint.terms:
        if len(term.factors) != 2:
            return False
        select, element = sorted(term.factors, key=lambda f: not isinstance(f, Select))
        if not isinstance(select, Select) or not isinstance(element, Indexed):
            return False
        if select.args[0] != adjoint.indices[0] or tuple(element.indices) != (t, select.args[1]):
            return False
        found.add((name_of(element), select.args[2]))
    return found == wanted and len(adjoint.terms) == len(parts)


def _stands_in_products(split: _Split, program: Program) -> bool:
    """Whether adjoint and parameters stand in products of the two and in gradients of the parameters alone."""
    back = split.adjoint.name
    for equation in (*program.forward, *program.backward):
        gradient = equation.variable.adjoint_of in split.parameters and equation.variable.role is Role.ADJOINT
        for term in equation.terms:
            own = [e for f in term.factors for e in elements(f) if isinstance(e, Indexed) and name_of(e) == back]
            weights = [e for f in term.factors for e in elements(f) if name_of(e) in split.parameters]
            if equation is split.whole:
                continue
            if not own and not weights:
                if gradient:
                    return False
                continue
            if len(own) != 1 or own[0] not in term.factors:
                return False
            index = own[0].indices[1]
            touching = [f for f in term.factors if index in indices_in(f) and f != own[0]]
            if gradient:
                if weights or touching or index not in equation.indices or own[0].indices[0] != t:
                    return False
            elif len(weights) != 1 or touching != weights or index in equation.indices:
                return False
    return True


# Rewriting


def _without(split: _Split, program: Program) -> Program:
    work = Work(dict(program.variables))
    parts = tuple(
        Part((Term((program.variables[adjoint_name(e.name)].at(t, INDICES[0]),)),), _offset(e), e.variable.shape[0])
        for e in split.parts
    )
    by_name = {e.name: part for e, part in zip(split.parts, parts, strict=True)}
    forward = [
        _product(e, split, by_name[e.name], work) if e.name in by_name else e
        for e in program.forward
        if e is not split.whole
    ]
    backward: list[Equation] = []
    for equation in program.backward:
        if equation is split.adjoint:
            continue
        if equation.variable.adjoint_of in split.parameters and equation.variable.role is Role.ADJOINT:
            backward += assembled(equation, {split.adjoint.name: parts}, work)
        else:
            terms = tuple(new for term in equation.terms for new in _in_parts(term, split, parts, work))
            backward.append(replace(equation, terms=terms))
    sliced = [e for e in forward if e.time is None and e.variable.role is Role.PARAMETER]
    rest = [e for e in forward if e not in sliced]
    return replace(
        program,
        variables=work.variables,
        forward=(*sliced, *cuts(work), *rest),
        backward=tuple(backward),
    )


def _product(equation: Equation, split: _Split, part: Part, work: Work) -> Equation:
    """A part as what the vector is there."""
    index = split.whole.indices[0]
    terms = []
    for term in split.whole.terms:
        (weight,) = [f for f in term.factors if index in indices_in(f)]
        cut = slice_of(weight, tuple(weight.indices).index(index), part, work)
        inner = replace(term, factors=tuple(cut if f is weight else f for f in term.factors))
        terms.append(with_indices(inner, {index: equation.indices[0]}, set()))
    return replace(equation, terms=tuple(terms))


def _in_parts(term: Term, split: _Split, parts: tuple[Part, ...], work: Work) -> Iterable[Term]:
    """A product with the adjoint as the sum of those with its parts."""
    own = next((f for f in term.factors if isinstance(f, Indexed) and name_of(f) == split.adjoint.name), None)
    if own is None:
        yield term
        return
    time, index = own.indices
    (weight,) = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) in split.parameters]
    axis = tuple(weight.indices).index(index)
    for part in parts:
        cut = slice_of(weight, axis, part, work)
        element = part.terms[0].factors[0].xreplace({INDICES[0]: index}).xreplace({t: time})
        yield replace(term, factors=tuple(element if f is own else cut if f is weight else f for f in term.factors))
