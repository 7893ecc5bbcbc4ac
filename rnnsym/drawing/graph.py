"""The unrolled graph of a model: its values at T steps, and every read between them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from sympy import Expr, Integer, Mul, Symbol

from rnnsym.calculus.rules import partial_derivatives
from rnnsym.equations.indexed import Access, Equation, Role, T, Term, Variable, accesses, t
from rnnsym.equations.system import System


@dataclass(frozen=True)
class Value:
    """A variable at one time step; `time` is None where it has no time."""

    name: str
    time: int | None

    def __str__(self) -> str:
        return self.name if self.time is None else f"{self.name}[{self.time}]"


@dataclass(frozen=True)
class Edge:
    """`target` reads `source`, multiplied by `parameter` where there is one.

    `carries`: whether a gradient passes, which a derivative that is zero everywhere (that of a step) stops.
    """

    source: Value
    target: Value
    parameter: str | None
    carries: bool = True


@dataclass(frozen=True)
class Use:
    """A parameter that the equation of a value reads."""

    value: Value
    parameter: str
    carries: bool = True


@dataclass(frozen=True)
class Graph:
    """Values in the order of the model's text, what is handed in first, and the reads between them."""

    length: int
    loss: Value
    values: tuple[Value, ...]
    edges: tuple[Edge, ...]
    uses: tuple[Use, ...]
    given: frozenset[Value]
    variables: Mapping[str, Variable]

    def role(self, value: Value) -> Role:
        return self.variables[value.name].role

    @functools.cached_property
    def readers_by_target(self) -> dict[Value, tuple[Edge, ...]]:
        """The reads of each value that reads another."""
        found: dict[Value, tuple[Edge, ...]] = {}
        for edge in self.edges:
            found[edge.target] = (*found.get(edge.target, ()), edge)
        return found


def unroll(system: System, length: int) -> Graph:
    r"""The graph of a system at t = 1..length.

    >>> from rnnsym.equations.lowering import lower
    >>> from rnnsym.language.model import Model
    >>> graph = unroll(lower(Model("h[t] = tanh(W @ h[t-1])\nE = squared_error(d, h[T])", inputs=("d",))), 2)
    >>> [f"{edge.source} -> {edge.target}" for edge in graph.edges]
    ['h[0] -> a[1]', 'h[1] -> a[2]', 'a[1] -> h[1]', 'a[2] -> h[2]', 'd -> E', 'h[2] -> E']
    """
    edges: dict[Edge, None] = {}
    uses: dict[Use, None] = {}
    for equation in system.equations:
        for time in times(equation, length):
            target = Value(equation.name, time)
            for term in equation.terms:
                for read in _reads(term, equation, time, length, system):
                    edges.update(dict.fromkeys(read.edges(target)))
                    uses.update(dict.fromkeys(read.uses(target)))
    targets = [Value(e.name, time) for e in system.equations for time in times(e, length)]
    sources = [Value(name, time) for name in system.sequences for time in range(1, length + 1)]
    values = tuple(dict.fromkeys([*sources, *(edge.source for edge in edges), *targets]))
    return Graph(
        length,
        Value(system.loss, None),
        values,
        _merged(edges),
        tuple(uses),
        frozenset(values) - frozenset(targets),
        system.variables,
    )


def times(equation: Equation, length: int) -> Iterable[int | None]:
    """The steps at which an equation holds, for a given T."""
    return (None,) if equation.interval is None else equation.interval.bounds(length)


@dataclass(frozen=True)
class _Read:
    """What one term of an equation reads, its times as numbers, and which of it a gradient reaches."""

    sources: tuple[tuple[Value, bool], ...]
    parameters: tuple[tuple[str, bool], ...]

    def edges(self, target: Value) -> Iterator[Edge]:
        parameter = self.parameters[0][0] if self.parameters else None
        return (Edge(source, target, parameter, carries) for source, carries in self.sources)

    def uses(self, target: Value) -> Iterator[Use]:
        return (Use(target, name, carries) for name, carries in self.parameters)


def _reads(term: Term, equation: Equation, time: int | None, length: int, system: System) -> Iterator[_Read]:
    """A term as it stands at one time; a sum over time is one of them for every summand."""
    if time is not None and term.when is not None and time not in term.when.bounds(length):
        return
    indices = [index for index, _ in term.over]
    found = [(place, _carries(term, equation, place.element)) for place in accesses(term, system.variables)]
    for moment in product(*(interval.bounds(length) for _, interval in term.over)):
        numbers: dict[Symbol, Expr] = {T: Integer(length)}
        if time is not None:
            numbers[t] = Integer(time)
        numbers |= dict(zip(indices, map(Integer, moment), strict=True))
        parameters = tuple((p.name, c) for p, c in found if system.variables[p.name].role is Role.PARAMETER)
        sources = tuple(
            (_value(p, numbers), c) for p, c in found if system.variables[p.name].role is not Role.PARAMETER
        )
        yield _Read(sources, parameters)


def _value(place: Access, numbers: dict[Symbol, Expr]) -> Value:
    return Value(place.name, None if place.time is None else int(place.time.xreplace(numbers)))


@functools.lru_cache(maxsize=10_000)
def _carries(term: Term, equation: Equation, element: Expr) -> bool:
    """Whether the term's derivative with respect to an element is more than zero everywhere."""
    return any(Mul(*factors) != 0 for factors in partial_derivatives(term, equation, element))


def _merged(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Each read once, however many terms repeat it."""
    found: dict[tuple[Value, Value, str | None], Edge] = {}
    for edge in edges:
        key = (edge.source, edge.target, edge.parameter)
        found[key] = replace(edge, carries=edge.carries or (key in found and found[key].carries))
    return tuple(found.values())


def of_states(graph: Graph) -> Graph:
    """The graph between the author's own variables: what was named for the derivation alone is passed over."""

    def hidden(value: Value) -> bool:
        return graph.role(value) is Role.INTERMEDIATE

    @functools.cache
    def inherited(value: Value) -> tuple[tuple[Edge, ...], tuple[Use, ...]]:
        """The reads of a value, through hidden ones back to those that are shown."""
        edges: list[Edge] = []
        uses = list(uses_of.get(value, ()))
        for edge in graph.readers_by_target.get(value, ()):
            if not hidden(edge.source):
                edges.append(edge)
                continue
            earlier, used = inherited(edge.source)
            uses += [Use(value, u.parameter, u.carries and edge.carries) for u in used]
            edges += [Edge(e.source, value, e.parameter or edge.parameter, e.carries and edge.carries) for e in earlier]
        return tuple(edges), tuple(uses)

    uses_of: dict[Value, list[Use]] = {}
    for use in graph.uses:
        uses_of.setdefault(use.value, []).append(use)
    shown = tuple(value for value in graph.values if not hidden(value))
    parts = [inherited(value) for value in shown]
    return replace(
        graph,
        values=shown,
        edges=_merged(edge for edges, _ in parts for edge in edges),
        uses=tuple(dict.fromkeys(use for _, uses in parts for use in uses)),
    )
