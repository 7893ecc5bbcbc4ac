"""Several ways to read a model's equations, tried in order until the shapes of one fit.

Vectors are rows where all weights stand on the right; else they are columns. Where a default does not fit the other
equations, the variables that defaults settled are tried as matrices, vectors or scalars.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr

from rnnsym.errors import ModelError, Span
from rnnsym.language.doubts import doubts, loose_products
from rnnsym.language.elements import elementwise_leaves, elementwise_parts
from rnnsym.language.grouping import regrouped
from rnnsym.language.remarks import remarks
from rnnsym.language.rows import with_columns
from rnnsym.language.settle import settle
from rnnsym.language.shapes import sizes_of, solved
from rnnsym.language.sizes import SCALAR, SizeDeclaration
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Binary, Definition, Expression, Number, Reference

#: How many variables may be something else than defaults say, and how many readings are tried.
MAX_EXCHANGED = 3
MAX_TRIED = 100


@dataclass(frozen=True)
class Reading:
    """One way to read equations.

    rows: the variables that have to be vectors in it. ranks: how many axes some variables are said to have. places: of
    products `a * B @ c` that are read as `a * (B @ c)`.
    """

    definitions: tuple[Definition, ...]
    rows: frozenset[str] = frozenset()
    ranks: Mapping[str, int] = field(default_factory=dict)
    places: frozenset[Span] = frozenset()

    def grouped(self, places: frozenset[Span]) -> Reading:
        """The same with further products grouped from the right."""
        return replace(self, definitions=regrouped(self.definitions, places), places=self.places | places)


@dataclass(frozen=True)
class Solved:
    """The shape of each variable, as SymPy sizes, and the definitions with what the shapes settle.

    places: of products that are not grouped as they stand. remarks: on what a reader may not expect.
    """

    shapes: dict[str, tuple[Expr, ...]]
    definitions: tuple[Definition, ...]
    places: frozenset[Span]
    remarks: tuple[str, ...]


class Readings:
    """Tries readings of a model's equations, the plainest first."""

    def __init__(self, declared: Mapping[str, SizeDeclaration], text: str, inputs: Iterable[str]) -> None:
        self.declared, self.text, self.inputs = declared, text, tuple(inputs)
        #: What is wrong with the first reading.
        self.problem: ModelError | None = None
        #: Whether the shapes of the last reading clashed, or did not follow: others may.
        self.open = False

    def first(self, definitions: tuple[Definition, ...]) -> Solved:
        """The first reading that fits, or one that raises fewer doubts; ModelError where none does."""
        waiting = [Reading(definitions)]
        exchanged, rows = with_columns(definitions)
        if exchanged != definitions:
            waiting.insert(0, Reading(exchanged, rows))
        for reading in waiting:
            solver = self._solver(reading)
            found = self._solved(reading, solver)
            if found is not None:
                return self._surest(reading, solver, found)
            if self.open:
                waiting += list(self._others(reading, solver))[: MAX_TRIED - len(waiting)]
        assert self.problem is not None
        raise self.problem

    def _solver(self, reading: Reading) -> Solver:
        return Solver(reading.definitions, self.declared, self.text, self.inputs, reading.ranks)

    def _solved(self, reading: Reading, solver: Solver) -> Solved | None:
        """What a reading gives, if it fits."""
        self.open = False
        try:
            shapes = solved(solver)
        except ModelError as found:
            self.open = True
            self.problem = self.problem or found
            return None
        try:
            settled = settle(reading.definitions, functools.partial(sizes_of, solver), self.text)
        except ModelError as found:
            self.problem = self.problem or found
            return None
        fits = all(len(shapes[name]) < 2 for name in reading.rows)
        if fits and (not reading.ranks or is_plausible(solver)):
            return Solved(shapes, settled, reading.places, remarks(solver, reading.places))
        return None

    def _others(self, reading: Reading, solver: Solver) -> Iterable[Reading]:
        """Readings to try where one has failed."""
        loose = frozenset(node.span for node in loose_products(solver)) - reading.places
        if loose:
            yield reading.grouped(loose)
        if len(reading.ranks) < MAX_EXCHANGED:
            for name, rank in alternatives(solver):
                yield replace(reading, ranks={**reading.ranks, name: rank})

    def _surest(self, reading: Reading, solver: Solver, found: Solved) -> Solved:
        """The reading that fits, or one that fits too and leaves nothing in doubt."""
        doubt = doubts(solver)
        matrices = {**reading.ranks, **dict.fromkeys(doubt.names, 2)}
        tried = [replace(reading, ranks=matrices)] if doubt.names else []
        if doubt.places:
            tried.insert(0, reading.grouped(doubt.places))
            tried.append(replace(tried[0], ranks=matrices))
        for other in tried:
            solver = self._solver(other)
            better = self._solved(other, solver)
            if better is not None and not doubts(solver).names:
                return better
        return found


def solve_shapes(
    definitions: tuple[Definition, ...],
    declared: Mapping[str, SizeDeclaration],
    text: str,
    inputs: Iterable[str] = (),
) -> Solved:
    """The shapes of all variables, and the definitions with what they settle.

    `inputs` without a time index are vectors by default, too. Raises ModelError where two sizes clash, or where nothing
    fixes a shape, in the first reading; the message lists what is known.
    """
    return Readings(declared, text, inputs).first(definitions)


def alternatives(solver: Solver) -> Iterable[tuple[str, int]]:
    """What else variables that defaults settled may be, and how many axes they then have.

    What is made element by element of others and of inner products may be a number, what is a number beside one a
    vector, and a parameter that is written small, too. What has an equation may be a matrix, and so may a parameter
    that is written large.
    """
    values = {definition.target.name: definition.value for definition in solver.definitions}
    ranks = {name: len(solver.known[name]) for name in solver.guessed}
    for name, rank in ranks.items():
        if rank and name in values and _may_be_a_number(values[name], solver):
            yield name, 0
    for name, rank in ranks.items():
        if not rank and name in solver.vectors:
            yield name, 1
    parameters = [name for name in ranks if name not in values and name not in solver.vectors]
    right = {node.right.name for node in solver.nodes if isinstance(node, Binary) and node.operator == "@"
             and isinstance(node.right, Reference)} - {*values, *solver.vectors, *solver.declared}  # fmt: skip
    for name in sorted(right):
        if name[0].islower() and len(solver.known.get(name, (None, None))) == 2:
            yield name, 1
    for name, rank in ranks.items():
        if rank != 2 and (name in values or (name in parameters and name[0].isupper())):
            yield name, 2


def _may_be_a_number(value: Expression, solver: Solver) -> bool:
    """Whether a value is made element by element of variables, numbers, and inner products."""
    try:
        return all(
            isinstance(leaf, Reference | Number) or solver.infer(leaf) == SCALAR for leaf in elementwise_leaves(value)
        )
    except ModelError:  # sizes clash in what it is made of
        return False


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
