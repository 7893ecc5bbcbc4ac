"""Products of a matrix with a concatenation, written as products of its slices with the parts: W [h; x] = W1 h + W2 x.

It is a program before and after: the slices are variables of their own, each with an equation that cuts it out, and the
gradient of the whole matrix is put together of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sympy import Expr, Indexed, Symbol

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Select,
    Term,
    Variable,
    elements,
    fresh,
    indices_in,
    name_of,
    t,
    term_indices,
    with_indices,
)
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.schedule import GENERIC, Program
from rnnsym.language.syntax import free_name


@dataclass(frozen=True)
class Part:
    """A part of a concatenation: what stands there, in index `INDICES[0]`, from which place on, and its size."""

    terms: tuple[Term, ...]
    offset: Expr
    size: Expr


@dataclass
class Work:
    """The program while it is rewritten. slices: by matrix, axis and offset, the variable of that slice."""

    variables: dict[str, Variable]
    slices: dict[tuple[str, int, Expr], Variable] = field(default_factory=dict)
    added: list[Equation] = field(default_factory=list)

    def name(self, hint: str) -> str:
        return free_name(hint, self.variables)


def sliced(program: Program) -> Program:
    """The program without concatenations that only parameters are multiplied with; others stay as they are."""
    work = Work(dict(program.variables))
    found = _sliceable(program)
    if not found:
        return program
    whole = set(found)
    parts = {name: _named_parts(name, terms, program, work) for name, terms in found.items()}
    adjoints = {adjoint_name(name): name for name in whole}
    backs = {e.name: e for e in program.backward if e.name in adjoints}
    forward = [_rewritten(e, parts, adjoints, backs, work) for e in program.forward if e.name not in whole]
    backward = [_rewritten(e, parts, adjoints, backs, work) for e in program.backward if e.name not in adjoints]
    matrices = {matrix for matrix, _, _ in work.slices}
    final: list[Equation] = []
    for equation in backward:
        of = equation.variable.adjoint_of
        final += assembled(equation, parts, work) if of in matrices and equation.time is None else [equation]
    return replace(
        program,
        variables=work.variables,
        forward=(*cuts(work), *work.added, *forward),
        backward=tuple(final),
    )


# What can be cut


def _concatenations(program: Program) -> dict[str, dict[Expr, list[Term]]]:
    """Variables that one equation at every step puts together of parts: the terms of each part, by offset."""
    found: dict[str, dict[Expr, list[Term]]] = {}
    for equation in program.forward:
        own = [e for e in program.forward if e.name == equation.name]
        if len(own) != 1 or equation.time != GENERIC or len(equation.indices) != 1:
            continue
        (index,) = equation.indices
        parts: dict[Expr, list[Term]] = {}
        for term in equation.terms:
            selects = [f for f in term.factors if isinstance(f, Select) and f.args[0] == index]
            if len(selects) != 1 or term.when is not None or term.over or any(_has_more(term, selects[0])):
                break
            parts.setdefault(selects[0].args[2], []).append(term)
        else:
            if parts:
                found[equation.name] = parts
    return found


def _has_more(term: Term, select: Expr) -> Iterable[bool]:
    """Whether a factor of a part is anything else than a value in the part's own index."""
    for factor in term.factors:
        if factor is not select:
            yield factor.has(Select) or not indices_in(factor) <= {select.args[1]}


def _sliceable(program: Program) -> dict[str, dict[Expr, list[Term]]]:
    """The concatenations that, with all others of the same matrices, stand in products with parameters alone."""
    found = _concatenations(program)
    matrices = {name: _matrices_of(name, program) for name in found}
    while True:
        known = {name for name in found if matrices[name] is not None}
        bad = set(found) - known
        for name in known:
            for matrix in matrices[name] or ():
                readers = [other for other in known if matrix in (matrices[other] or ())]
                layouts = {tuple(found[other]) for other in readers}
                if len(layouts) > 1 or not _is_cut_alone(matrix, set(known), program):
                    bad.add(name)
        if not bad:
            return found
        found = {name: terms for name, terms in found.items() if name not in bad}


def _matrices_of(name: str, program: Program) -> frozenset[str] | None:
    """The parameters that a concatenation is multiplied with; None where it, or its adjoint, stands anywhere else."""
    adjoint = adjoint_name(name)
    backs = [e for e in program.backward if e.name == adjoint]
    if len(backs) > 1 or any(e.time != GENERIC or len(e.indices) != 1 for e in backs):
        return None
    if any(_product(term, e.indices[0], program) is None for e in backs for term in e.terms):
        return None
    matrices = {name_of(m) for e in backs for term in e.terms if (m := _product(term, e.indices[0], program))}
    for equation in (*program.forward, *program.backward):
        for term in equation.terms:
            read = [e for f in term.factors for e in elements(f)]
            own = [e for e in read if name_of(e) == name]
            if own and not _is_operand(own, term, equation, program):
                return None
            if own and len(equation.indices) == 1:
                matrices |= {name_of(m) for m in [_product(term, own[0].indices[1], program)] if m is not None}
            if any(name_of(e) == adjoint for e in read) and not _is_selected(adjoint, term):
                return None
    return frozenset(matrices)


def _product(term: Term, index: Symbol, program: Program) -> Indexed | None:
    """The one parameter in a term that is a matrix with this index."""
    touching = [
        f
        for f in term.factors
        if index in indices_in(f)
        and isinstance(f, Indexed)
        and len(f.indices) == 2
        and program.variables[name_of(f)].role is Role.PARAMETER
    ]
    others = [f for f in term.factors if index in indices_in(f) and f not in touching]
    plain = len(others) <= 1 and all(isinstance(f, Indexed) for f in others)
    return touching[0] if len(touching) == 1 and plain and term.when is None else None


def _is_operand(own: list[Indexed], term: Term, equation: Equation, program: Program) -> bool:
    """Whether the concatenation stands once in a term, at this step, with a parameter or in its gradient."""
    if len(own) != 1 or own[0].indices[0] != t or own[0] not in term.factors:
        return False
    index = own[0].indices[1]
    touching = [f for f in term.factors if index in indices_in(f)]
    if index in equation.indices:
        return equation.variable.role is Role.ADJOINT and len(equation.indices) == 2 and touching == [own[0]]
    return len(touching) == 2 and _product(term, index, program) is not None


def _is_selected(adjoint: str, term: Term) -> bool:
    """Whether a term takes one part of the adjoint of a concatenation."""
    own = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) == adjoint]
    inside = [e for f in term.factors for e in elements(f) if name_of(e) == adjoint]
    if len(own) != 1 or len(inside) != 1:
        return False
    selects = [f for f in term.factors if isinstance(f, Select)]
    return len(selects) == 1 and selects[0].args[0] == own[0].indices[1]


def _is_cut_alone(matrix: str, found: set[str], program: Program) -> bool:
    """Whether every product with a matrix is one with these concatenations, so that only slices of it are used."""
    whole = found | {adjoint_name(name) for name in found}
    for equation in (*program.forward, *program.backward):
        for term in equation.terms:
            names = {name_of(e) for f in term.factors for e in elements(f)}
            if matrix in names and not names & found and equation.name not in whole:
                return False
            if equation.variable.adjoint_of == matrix and not names & found:
                return False
    return True


# Rewriting


def _named_parts(name: str, parts: dict[Expr, list[Term]], program: Program, work: Work) -> tuple[Part, ...]:
    """The parts of a concatenation, each one value; what is composed gets a name."""
    (equation,) = [e for e in program.forward if e.name == name]
    found: list[Part] = []
    for offset, terms in parts.items():
        inner = []
        for term in terms:
            (select,) = [f for f in term.factors if isinstance(f, Select)]
            size = select.args[3]
            rest = replace(term, factors=tuple(f for f in term.factors if f is not select))
            inner.append(with_indices(rest, {select.args[1]: INDICES[0]}, set()))
        single = len(inner) == 1 and len(inner[0].factors) == 1
        element = inner[0].factors[0]
        if not (single and isinstance(element, Indexed) and work.variables[name_of(element)].timed):
            variable = Variable(work.name(f"{name}_part{len(found) + 1}"), (size,), True, Role.INTERMEDIATE)
            work.variables[variable.name] = variable
            work.added.append(replace(equation, variable=variable, indices=INDICES[:1], terms=tuple(inner)))
            inner = [Term((variable.at(t, INDICES[0]),))]
        found.append(Part(tuple(inner), offset, size))
    return tuple(found)


def slice_of(matrix: Indexed, axis: int, part: Part, work: Work) -> Expr:
    """The element of a slice at the place of the element of the whole."""
    name = name_of(matrix)
    key = (name, axis, part.offset)
    if key not in work.slices:
        shape = list(work.variables[name].shape)
        shape[axis] = part.size
        number = sum(known[0] == name for known in work.slices) + 1
        variable = Variable(work.name(f"{name}_{number}"), tuple(shape), False, Role.PARAMETER)
        work.variables[variable.name] = variable
        work.slices[key] = variable
    return work.slices[key].at(None, *matrix.indices)


def _rewritten(
    equation: Equation,
    parts: dict[str, tuple[Part, ...]],
    adjoints: dict[str, str],
    backs: dict[str, Equation],
    work: Work,
) -> Equation:
    """An equation with slices in its products, and parts of adjoints written out."""
    terms: list[Term] = []
    for term in equation.terms:
        whole = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) in parts]
        selected = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) in adjoints]
        if selected:
            terms += _back(term, selected[0], parts[adjoints[name_of(selected[0])]], backs, equation, work)
        elif whole and whole[0].indices[1] not in equation.indices:
            terms += _forth(term, whole[0], parts[name_of(whole[0])], work)
        else:
            terms.append(term)
    return replace(equation, terms=tuple(terms))


def _forth(term: Term, whole: Indexed, parts: Iterable[Part], work: Work) -> Iterable[Term]:
    index = whole.indices[1]
    (matrix,) = [f for f in term.factors if f is not whole and index in indices_in(f)]
    axis = tuple(matrix.indices).index(index)
    for part in parts:
        cut = slice_of(matrix, axis, part, work)
        element = part.terms[0].factors[0].xreplace({INDICES[0]: index})
        yield replace(term, factors=tuple(cut if f is matrix else element if f is whole else f for f in term.factors))


def _back(
    term: Term, adjoint: Indexed, parts: Iterable[Part], backs: dict[str, Equation], equation: Equation, work: Work
) -> Iterable[Term]:
    """A part of the adjoint of a concatenation as what it is: products with slices."""
    (select,) = [f for f in term.factors if isinstance(f, Select)]
    (part,) = [part for part in parts if part.offset == select.args[2]]
    back = backs[name_of(adjoint)]
    rest = tuple(f for f in term.factors if f is not select and f is not adjoint)
    taken = term_indices(term) | set(equation.indices)
    for inner in back.terms:
        (row,) = back.indices
        (matrix,) = [f for f in inner.factors if isinstance(f, Indexed) and row in f.indices and len(f.indices) == 2]
        cut = slice_of(matrix, tuple(matrix.indices).index(row), part, work)
        product = replace(inner, factors=tuple(cut if f is matrix else f for f in inner.factors))
        product = with_indices(product, {row: select.args[1]}, taken).replaced({t: adjoint.indices[0]})
        yield replace(term, factors=(*product.factors, *rest))


def cuts(work: Work) -> Iterable[Equation]:
    """Each slice, cut out of its matrix."""
    for (name, axis, offset), variable in work.slices.items():
        indices = INDICES[: len(variable.shape)]
        (summed,) = fresh(set(indices), 1)
        places = tuple(summed if position == axis else index for position, index in enumerate(indices))
        factors = (work.variables[name].at(None, *places), Select(summed, indices[axis], offset, variable.shape[axis]))
        yield Equation(variable, None, indices, (Term(factors),))


def assembled(gradient: Equation, parts: dict[str, tuple[Part, ...]], work: Work) -> Iterable[Equation]:
    """The gradients of the slices of a matrix, and its own, put together of them."""
    name = gradient.variable.adjoint_of
    whole: list[Term] = []
    for (matrix, axis, offset), variable in work.slices.items():
        if matrix != name:
            continue
        terms = []
        for term in gradient.terms:
            values = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) in parts]
            if len(values) != 1:
                raise Irregular(f"the gradient of {name} is more than products with a concatenation")
            (value,) = values
            if gradient.indices[axis] != value.indices[1]:
                continue
            for part in parts[name_of(value)]:
                if part.offset == offset:
                    element = part.terms[0].factors[0].xreplace({INDICES[0]: value.indices[1]})
                    terms.append(replace(term, factors=tuple(element if f is value else f for f in term.factors)))
        own = replace(
            gradient.variable, name=adjoint_name(variable.name), shape=variable.shape, adjoint_of=variable.name
        )
        work.variables[own.name] = own
        yield replace(gradient, variable=own, terms=tuple(terms))
        (inner,) = fresh(set(gradient.indices), 1)
        places = tuple(inner if position == axis else index for position, index in enumerate(gradient.indices))
        whole.append(Term((Select(gradient.indices[axis], inner, offset, own.shape[axis]), own.at(None, *places))))
    yield replace(gradient, terms=tuple(whole))
