"""A model's named equations evaluated with displaced copies: the numbers a claim is compared with.

Nothing is differentiated here. A derivative is the complex step: one element of one value is displaced in each of
several copies, and what depends on it is computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

import numpy as np
from sympy import Expr, Indexed, Integer, KroneckerDelta, Number, Pow, Symbol

from rnnsym.checks.kits import Array, FloatKit
from rnnsym.checks.sizes import bound_sizes, sequence_length, size_number
from rnnsym.claims.syntax import Kind
from rnnsym.equations.indexed import INDEX_SET, Equation, Select, T, Term, access, elements, indices_in
from rnnsym.equations.indexed import t as t_symbol
from rnnsym.equations.system import System
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.language.timing import at_length
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of

STEP = 2.0**-100
#: A variable at a time; None for a variable without time.
Key = tuple[str, int | None]
Plan = tuple[list[Symbol], dict[Symbol, int]]


class Forward:
    """The values of a system's variables, each with a leading axis of copies (one, where nothing is displaced)."""

    def __init__(
        self,
        model: Model,
        system: System,
        params: Mapping[str, Any],
        inputs: Mapping[str, Any],
        length: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.model = model
        self.system = system
        self.length = sequence_length(model, inputs, length)
        self.sizes = bound_sizes(model, params, inputs, sizes)
        self.kit = FloatKit()
        # What SymPy says of an equation is asked once, for all copies.
        self._numbers: dict[Expr, int] = {}
        self._plans: dict[tuple[int, int], Plan] = {}
        self._accesses: dict[Expr, tuple[str, bool, Expr | None, int, list[Any]]] = {}
        # What reads a value, and what is being computed now.
        self._readers: dict[Key, set[Key]] = {}
        self._open: list[Key] = []
        self.equations: dict[str, list[Equation]] = {}
        for equation in system.equations:
            self.equations.setdefault(equation.name, []).append(equation)
        self.given: dict[Key, Array] = {}
        for name in model.param_keys:
            self._give((name, None), params[name])
        for name in model.inputs:
            self._give((name, None), inputs[name])
        for name in model.sequences:
            for step, row in enumerate(np.asarray(inputs[name]), 1):
                self._give((name, step), row)
        for name, time in model.given:
            self._give((name, at_length(time, self.length)), inputs[f"{name}[{time}]"])
        self.values: dict[Key, Array] = dict(self.given)

    def _give(self, key: Key, value: Any) -> None:
        self.given[key] = np.asarray(value, complex)[None]

    def number(self, size: Expr) -> int:
        """A size as a number."""
        if size not in self._numbers:
            self._numbers[size] = size_number(size, self.sizes)
        return self._numbers[size]

    def exists(self, key: Key) -> bool:
        """Whether a value is given or defined."""
        return key in self.given or any(True for _ in self._defining(key))

    def _defining(self, key: Key) -> Iterator[Equation]:
        name, time = key
        for equation in self.equations.get(name, []):
            if equation.interval is None or time in equation.interval.bounds(self.length):
                yield equation

    def value(self, key: Key) -> Array:
        """A value; zero where there is none, as adjoints and states beyond the ends are taken."""
        if self._open:
            self._readers.setdefault(key, set()).add(self._open[-1])
        if key not in self.values:
            self._open.append(key)
            try:
                self.values[key] = self._computed(key)
            finally:
                self._open.pop()
        return self.values[key]

    # Derivatives

    def derivative(self, kind: Kind, top: Key, bottom: Key) -> Array:
        """The derivative of each element of one value by each of another: its shape is that of both together."""
        shape = self.value(bottom).shape[1:]
        own = self.value(top).shape[1:]
        if not self.exists(top) or not self.exists(bottom):
            return np.zeros((*own, *shape))
        if kind is Kind.IMMEDIATE and top in self.added and bottom[1] is None:
            return np.asarray(sum(self.derivative(kind, part, bottom) for part in self.added[top]))
        count = int(np.prod(shape, dtype=int))
        displaced = self.value(bottom) + 1j * STEP * np.eye(count).reshape(count, *shape)
        other = self._displaced(bottom, self.held(kind, top, bottom))
        other.values[bottom] = displaced
        found = np.broadcast_to(other.value(top), (count, *own)).imag / STEP
        return np.moveaxis(found.reshape((*shape, *own)), tuple(range(len(shape))), tuple(range(-len(shape), 0)))

    @cached_property
    def added(self) -> dict[Key, list[Key]]:
        """The losses of single steps that the total loss adds up."""
        names = [d.target.name for d in self.model.losses if self.system.variables[d.target.name].timed]
        steps: list[Key] = [
            (name, time) for name in names for time in range(1, self.length + 1) if self.exists((name, time))
        ]
        return {(self.system.loss, None): steps} if steps else {}

    def held(self, kind: Kind, top: Key, bottom: Key) -> list[Key]:
        """What is held fixed in a derivative: for an immediate one all before the top's time.

        For one of the total loss it is all at other times than the bottom's, losses aside.
        """
        if kind is not Kind.IMMEDIATE:
            return []
        names = [name for name, variable in self.system.variables.items() if variable.timed]
        times = list(range(-self.length, self.length if top[1] is None else top[1]))
        if top in self.added:
            losses = {name for name, _ in self.added[top]}
            names = [name for name in names if name not in losses]
            times = [time for time in range(-self.length, self.length + 1) if time != bottom[1]]
        every = [(name, time) for name in names for time in times]
        return [key for key in every if self.exists(key) and not key[0].startswith("bar(")]

    def _displaced(self, key: Key, held: list[Key]) -> Self:
        """A copy in which a value may be another one: what depends on it is computed again, if it is not held."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.values = self.given | self.unaffected(key) | {key: self.value(key) for key in held}
        return other

    def unaffected(self, key: Key) -> dict[Key, Array]:
        """The values computed so far that do not depend on one of them."""
        affected, waiting = {key}, [key]
        while waiting:
            more = self._readers.get(waiting.pop(), set()) - affected
            affected |= more
            waiting += more
        return {known: value for known, value in self.values.items() if known not in affected}

    # Equations

    def _computed(self, key: Key) -> Array:
        name, time = key
        if name not in self.system.variables:
            raise RnnsymError(f"{name} is no variable of the model")
        total = np.zeros((1, *(self.number(size) for size in self.system.variables[name].shape)), complex)
        for equation in self._defining(key):
            for term in equation.terms:
                if term.when is None or time in term.when.bounds(self.length):
                    for times in self._bindings(term, time):
                        total = total + self._product(term, equation, times)
        return total

    def _bindings(self, term: Term, time: int | None) -> Iterator[dict[Expr, int]]:
        """Values of the time indices of a term."""
        times: dict[Expr, int] = {T: self.length} | ({} if time is None else {t_symbol: time})
        if not term.over:
            yield times
        for index, interval in term.over[:1]:
            for step in interval.bounds(self.length):
                yield {**times, index: step}

    def _product(self, term: Term, equation: Equation, times: dict[Expr, int]) -> Array:
        """The product over all indices at once, one axis each, then summed over those that the target lacks."""
        key = (id(term), id(equation))
        if key not in self._plans:
            self._plans[key] = self._plan(term, equation)
        every, lengths = self._plans[key]
        own = equation.indices
        value: Array = np.ones((1, *(lengths[index] for index in every)), complex)
        for factor in term.factors:
            value = value * self._factor(factor, every, lengths, times, equation)
        return np.asarray(value.sum(axis=tuple(range(len(own) + 1, len(every) + 1))))

    def _plan(self, term: Term, equation: Equation) -> Plan:
        """The indices of a term, those of the target first, and how far each runs."""
        own = list(equation.indices)
        inside = {index for f in term.factors if isinstance(operation_of(f), VectorFunction) for index in indices_in(f)}
        summed = {index for factor in term.factors for index in indices_in(factor)} - set(own) - inside
        return own + sorted(summed, key=str), self._lengths(term, equation)

    def _lengths(self, term: Term, equation: Equation) -> dict[Symbol, int]:
        lengths = dict(zip(equation.indices, map(self.number, equation.variable.shape), strict=True))
        for factor in term.factors:
            for element in elements(factor):
                found = access(element, self.system.variables)
                for index, size in zip(found.indices, self.system.variables[found.name].shape, strict=True):
                    if index in INDEX_SET:
                        lengths.setdefault(index, self.number(size))
        for select in (factor for factor in term.factors if isinstance(factor, Select)):
            lengths.setdefault(select.args[1], self.number(select.args[3]))
        return lengths

    def _factor(
        self, factor: Expr, every: list[Symbol], lengths: dict[Symbol, int], times: dict[Expr, int], equation: Equation
    ) -> Any:
        if isinstance(factor, Select | KroneckerDelta):
            one, part, offset = (*factor.args, Integer(0))[:3]
            grid = np.meshgrid(*(np.arange(lengths[index]) for index in every), indexing="ij", sparse=True)
            return (grid[every.index(one)] == grid[every.index(part)] + self.number(offset)).astype(float)[None]
        if isinstance(factor, Indexed) or (isinstance(factor, Symbol) and not factor.is_integer):
            value, indices = self._element(factor, times)
            return spread(value, indices, every)
        if isinstance(factor, Number) or not factor.args:
            return self._scalar(factor, times)
        operation = operation_of(factor)
        if isinstance(operation, VectorFunction):
            vector = operation.definition(self.kit, self._element(factor.args[0], times)[0])
            return spread(np.asarray(vector), list(equation.indices), every)
        parts = [self._factor(argument, every, lengths, times, equation) for argument in factor.args]
        if isinstance(operation, Elementwise):
            return operation.definition(self.kit, parts[0])
        if isinstance(operation, Pairwise):
            return operation.definition(self.kit, *np.broadcast_arrays(*parts))
        if isinstance(factor, Pow):
            return parts[0] ** (int(factor.exp) if factor.exp.is_Integer else parts[1])
        return sum(parts[1:], parts[0]) if factor.is_Add else np.prod(np.broadcast_arrays(*parts), axis=0)

    def _scalar(self, factor: Expr, times: dict[Expr, int]) -> float:
        """A number, a time or a size."""
        if not isinstance(factor, Symbol):
            return float(factor)
        return float(times[factor] if factor in times else self.sizes[factor.name])

    def _element(self, element: Expr, times: dict[Expr, int]) -> tuple[Array, list[Any]]:
        """The value that an element belongs to, and the indices of its axes."""
        if element not in self._accesses:
            found = access(element, self.system.variables)
            self._accesses[element] = found.name, found.time is not None, *anchored(found.time), list(found.indices)
        name, timed, anchor, offset, indices = self._accesses[element]
        time = offset + (0 if anchor is None else times[anchor]) if timed else None
        return self.value((name, time)), indices


def anchored(time: Expr | None) -> tuple[Expr | None, int]:
    """A time such as `t - 1` as its symbol and a number."""
    if time is None:
        return None, 0
    symbol = next(iter(time.free_symbols), None)
    return symbol, int(time if symbol is None else time - symbol)


def spread(value: Array, own: list[Any], every: list[Symbol]) -> Array:
    """An array with one axis for each index of `every` behind that of the copies."""
    present = [index for index in every if index in own]
    value = np.transpose(value, [0, *(own.index(index) + 1 for index in present)])
    return value.reshape(
        [value.shape[0], *(value.shape[1 + present.index(index)] if index in present else 1 for index in every)]
    )
