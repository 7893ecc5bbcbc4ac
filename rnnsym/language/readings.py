"""Several ways to read a model's equations, tried in order until the shapes of one fit.

Vectors are rows where all weights stand on the right; else they are columns. Where a default does not fit the other
equations, the variables that defaults settled are tried as matrices, vectors or scalars.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sympy import Expr

from rnnsym.errors import ModelError
from rnnsym.language.defaults import elementwise_parts, is_elementwise
from rnnsym.language.rows import with_columns
from rnnsym.language.settle import settle
from rnnsym.language.shapes import sizes_of, solved
from rnnsym.language.solver import SizeDeclaration, Solver
from rnnsym.language.syntax import Binary, Definition, Reference

#: How many variables may be something else than defaults say, and how many readings are tried.
MAX_EXCHANGED = 3
MAX_TRIED = 100


@dataclass(frozen=True)
class Reading:
    """Equations, the variables that have to be vectors in them, and how many axes some variables are said to have."""

    definitions: tuple[Definition, ...]
    rows: frozenset[str] = frozenset()
    ranks: Mapping[str, int] = field(default_factory=dict)


def solve_shapes(
    definitions: tuple[Definition, ...],
    declared: Mapping[str, SizeDeclaration],
    text: str,
    inputs: Iterable[str] = (),
) -> tuple[dict[str, tuple[Expr, ...]], tuple[Definition, ...]]:
    """The shape of each variable, as SymPy sizes, and the definitions with what the shapes settle.

    `inputs` without a time index are vectors by default, too. Raises ModelError where two sizes clash, or where nothing
    fixes a shape, in the first reading; the message lists what is known.
    """
    inputs = tuple(inputs)
    problem: ModelError | None = None
    waiting = [Reading(definitions)]
    exchanged, rows = with_columns(definitions)
    if exchanged != definitions:
        waiting.insert(0, Reading(exchanged, rows))
    for reading in waiting:
        solver = Solver(reading.definitions, declared, text, inputs, reading.ranks)
        try:
            shapes = solved(solver)
        except ModelError as found:
            problem = problem or found
            if len(reading.ranks) < MAX_EXCHANGED:
                more = [
                    Reading(reading.definitions, reading.rows, {**reading.ranks, name: rank})
                    for name, rank in alternatives(solver)
                ]
                waiting += more[: MAX_TRIED - len(waiting)]
            continue
        try:
            settled = settle(reading.definitions, functools.partial(sizes_of, solver), text)
        except ModelError as found:
            problem = problem or found
            continue
        fits = all(len(shapes[name]) < 2 for name in reading.rows)
        if fits and (not reading.ranks or is_plausible(solver)):
            return shapes, settled
    assert problem is not None
    raise problem


def alternatives(solver: Solver) -> Iterable[tuple[str, int]]:
    """What else variables that defaults settled may be, and how many axes they then have.

    What is made element by element of others may be a number, a parameter that is written small a vector. A variable
    with an equation may be a matrix, and so may a parameter that is written large.
    """
    values = {definition.target.name: definition.value for definition in solver.definitions}
    ranks = {name: len(solver.known[name]) for name in solver.guessed}
    for name, rank in ranks.items():
        if rank and name in values and is_elementwise(values[name]):
            yield name, 0
    parameters = [name for name in ranks if name not in values and name not in solver.vectors]
    right = {node.right.name for node in solver.nodes if isinstance(node, Binary) and node.operator == "@"
             and isinstance(node.right, Reference)} - {*values, *solver.vectors, *solver.declared}  # fmt: skip
    for name in sorted(right):
        if name[0].islower() and len(solver.known.get(name, (None, None))) == 2:
            yield name, 1
    for name, rank in ranks.items():
        if rank != 2 and (name in values or (name in parameters and name[0].isupper())):
            yield name, 2


def is_plausible(solver: Solver) -> bool:
    """Whether nothing undeclared is a tensor, and no matrix an input beside `@`, or read by nothing as a loss is."""
    nodes = list(solver.nodes)
    computed = {definition.target.name for definition in solver.definitions}
    products = [node for node in nodes if isinstance(node, Binary) and node.operator == "@"]
    beside = {part.name for node in products for side in (node.left, node.right) for part in elementwise_parts(side)}
    read = {node.name for node in nodes if isinstance(node, Reference)}
    vectors = (solver.vectors - computed) & beside | (set(solver.names) - read)
    return all(
        len(shape) < (2 if name in vectors else 3)
        for name, shape in solver.known.items()
        if name not in solver.declared
    )
