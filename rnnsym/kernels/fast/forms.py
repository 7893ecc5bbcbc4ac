"""The forms of an equation: a sum of matrix-vector products, elementwise, or neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr, Indexed, Mul, Number

from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Select,
    Term,
    Variable,
    elements,
    indices_in,
    name_of,
    t,
    term_indices,
    with_indices,
)
from rnnsym.operations import Elementwise, operation_of

ROW, COLUMN = INDICES[0], INDICES[1]


class Irregular(Exception):
    """The program has no normal form of this kind; the message says why."""


@dataclass(frozen=True)
class Matvec:
    """`scale * matrix[..] vector[column]`, summed over the column; the row is the target's index."""

    scale: Expr
    matrix: Indexed
    vector: Indexed

    @property
    def transposed(self) -> bool:
        """Whether the matrix is summed over its first index."""
        return bool(self.matrix.indices[0] == COLUMN)

    @property
    def matrix_name(self) -> str:
        return name_of(self.matrix)

    @property
    def term(self) -> Term:
        factors = (self.matrix, self.vector)
        return Term(factors if self.scale == 1 else (self.scale, *factors))


def matvec_of(term: Term, equation: Equation, variables: dict[str, Variable]) -> Matvec | None:
    """A term as a product of a vector with a matrix that all examples share, where it is one and nothing else."""
    split = split_matvec(term, equation, variables)
    if split is None or len(split.vector) != 1 or not isinstance(split.vector[0], Indexed):
        return None
    if variables[name_of(split.matrix)].role is Role.INPUT:
        return None  # another matrix for each example
    scale = Mul(*split.rest)
    return Matvec(scale, split.matrix, split.vector[0]) if isinstance(scale, Number) else None


@dataclass(frozen=True)
class Split:
    """A term with one contraction: its matrix, the factors on the summed index, and those on the target's."""

    matrix: Indexed
    vector: tuple[Expr, ...]
    rest: tuple[Expr, ...]


def split_matvec(term: Term, equation: Equation, variables: dict[str, Variable]) -> Split | None:
    """The parts of `rest[i] * sum_j M[i, j] v[j]`, with i and j in standard names; None for any other term."""
    summed = term_indices(term) - set(equation.indices)
    if len(summed) != 1 or len(equation.indices) != 1 or term.over:
        return None
    term = with_indices(term, {equation.indices[0]: ROW}, set()) if equation.indices[0] != ROW else term
    (index,) = term_indices(term) - {ROW}
    if index != COLUMN:
        term = term.replaced({index: COLUMN})
    touching = [factor for factor in term.factors if COLUMN in indices_in(factor)]
    rest = tuple(factor for factor in term.factors if COLUMN not in indices_in(factor))
    matrices = [
        factor
        for factor in touching
        if isinstance(factor, Indexed)
        and len(factor.indices) == 2
        and set(factor.indices) == {ROW, COLUMN}
        and not variables[name_of(factor)].timed
    ]
    if len(matrices) != 1:
        return None
    vector = tuple(factor for factor in touching if factor is not matrices[0])
    timed = [e for factor in vector for e in elements(factor) if variables[name_of(e)].timed]
    if not timed or any(not e.indices[0].has(t) for e in timed):
        return None
    if any(indices_in(factor) != {COLUMN} or not is_plain(factor) for factor in vector):
        return None
    if any(not is_plain(factor) for factor in rest):
        return None
    return Split(matrices[0], vector, rest)


def is_plain(factor: Expr) -> bool:
    """Whether a factor is elementwise: no function of a whole vector, no part of a concatenation."""
    return not any(
        isinstance(node, Select) or (operation_of(node) is not None and not isinstance(operation_of(node), Elementwise))
        for node in (factor, *factor.atoms(Select), *_functions(factor))
    )


def _functions(factor: Expr) -> Iterable[Expr]:
    return (node for node in factor.args for node in (node, *_functions(node)) if operation_of(node) is not None)


def is_elementwise(equation: Equation, variables: dict[str, Variable]) -> bool:
    """Whether an equation works element by element, on values of its own shape and on scalars."""
    own = equation.indices
    if any(
        symbol.is_integer and symbol not in {t, *own}
        for e in equation.terms
        for f in e.factors
        for symbol in f.free_symbols
    ):
        return False
    for term in equation.terms:
        if term.over or term_indices(term) - set(own):
            return False
        for factor in term.factors:
            if not is_plain(factor):
                return False
            for element in elements(factor):
                if not isinstance(element, Indexed):
                    return False
                timed = variables[name_of(element)].timed
                if timed and not element.indices[0].has(t):
                    return False  # one step's value in an equation for many
                if tuple(element.indices[timed:]) != tuple(own):
                    return False
    return True


def has_parts(equation: Equation) -> bool:
    """Whether an equation takes a vector apart, or puts one together."""
    return any(factor.has(Select) for term in equation.terms for factor in term.factors)


def is_joined(equation: Equation) -> bool:
    """Whether an equation puts a vector together: terms say which of its elements they give."""
    return any(
        select.args[0] in equation.indices
        for term in equation.terms
        for factor in term.factors
        for select in factor.atoms(Select)
    )


def matvecs(equation: Equation, variables: dict[str, Variable]) -> tuple[Matvec, ...] | None:
    """The terms of an equation that is a sum of matrix-vector products, else None."""
    if any(term.when is not None for term in equation.terms):
        return None
    found = [matvec_of(term, equation, variables) for term in equation.terms]
    return tuple(one for one in found if one is not None) if found and all(one is not None for one in found) else None
