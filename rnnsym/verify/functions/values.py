"""Values of a model's equations in index notation, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sympy import Expr, Function, Indexed, KroneckerDelta, Pow, Symbol

from rnnsym.checks.data import Data
from rnnsym.checks.kits import Array, FloatKit
from rnnsym.checks.sizes import sequence_length, size_number
from rnnsym.equations.indexed import (
    INDEX_SET,
    Access,
    Equation,
    Select,
    T,
    Term,
    access,
    elements,
    indices_in,
    name_of,
    t,
)
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.language.timing import at_length
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of

#: A value of a variable: its name, and its time where it has one.
Node = tuple[str, int | None]
Times = Mapping[Expr, int]


class Values:
    """The values of all variables for given data: `(B, *shape)`, parameters `(1, *shape)`.

    `order` are the nodes that were computed, each behind those that it was computed from.
    """

    def __init__(self, model: Model, system: System, data: Data) -> None:
        self.model, self.system, self.data = model, system, data
        self.length = sequence_length(model, data.inputs)
        self.kit = FloatKit()
        self.known: dict[Node, Array] = {}
        self.order: list[Node] = []
        self._sizes: dict[Expr, int] = {}
        self._times: dict[Expr, tuple[Expr | None, int]] = {}
        self._places: dict[Expr, Access] = {}
        for name in model.param_keys:
            self.known[name, None] = np.asarray(data.params[name], float)[None]
        for name in model.sequences:
            self.known |= {(name, step): np.asarray(row, float) for step, row in enumerate(data.inputs[name], 1)}
        for name, time in model.given:
            self.known[name, at_length(time, self.length)] = np.asarray(data.inputs[f"{name}[{time}]"], float)
        for name in model.inputs:
            self.known[name, None] = np.asarray(data.inputs[name], float)
        self._equations = {
            (equation.name, time): equation
            for equation in system.equations
            for time in ((None,) if equation.interval is None else equation.interval.bounds(self.length))
        }
        with np.errstate(all="ignore"):
            for node in self._equations:
                self.value(*node)

    def value(self, name: str, time: int | None) -> Array:
        """A variable at a time; zero at times for which it has no value, as an edited pass may ask for one."""
        node = (name, time)
        if node not in self.known:
            if node not in self._equations:
                return np.zeros((1, *self.lengths(self.system.variables[name].shape)))
            equation = self._equations[node]
            axes = list(equation.indices)
            lengths = self.lengths(equation.variable.shape)
            total: Array = np.zeros((1, *lengths))
            for term in equation.terms:
                if term.when is None or time in term.when.bounds(self.length):
                    for times in self.moments(term, time):
                        total = total + self.product(term.factors, axes, times, equation)
            self.known[node] = np.broadcast_to(total, (total.shape[0], *lengths))
            self.order.append(node)
        return self.known[node]

    def equation(self, node: Node) -> Equation | None:
        """The equation that gives a value; None for what is handed in."""
        return self._equations.get(node)

    def moments(self, term: Term, time: int | None) -> Iterator[dict[Expr, int]]:
        """The numbers that the time indices of a term stand for: one choice for each member of a sum over time."""
        times: dict[Expr, int] = {T: self.length} if time is None else {T: self.length, t: time}
        if not term.over:
            yield times
        for index, interval in term.over[:1]:
            for step in interval.bounds(self.length):
                yield {**times, index: step}

    def lengths(self, shape: Iterable[Expr]) -> tuple[int, ...]:
        """Sizes as numbers."""
        return tuple(self._size(size) for size in shape)

    def _size(self, size: Expr) -> int:
        if size not in self._sizes:
            self._sizes[size] = size_number(size, self.data.sizes)
        return self._sizes[size]

    def moment(self, time: Expr | None, times: Times) -> int | None:
        """The time of an access as a number."""
        if time is None:
            return None
        if time not in self._times:
            symbol = next(iter(time.free_symbols), None)
            self._times[time] = (symbol, int(time - symbol if symbol is not None else time))
        anchor, offset = self._times[time]
        return offset + (times[anchor] if anchor is not None else 0)

    def number(self, factor: Expr, times: Times) -> float:
        """A factor without elements: a number, a size or T."""
        if factor.is_Number:
            return float(factor)
        known = {symbol: self.data.sizes[symbol.name] for symbol in factor.free_symbols if symbol not in times}
        return float(factor.subs(dict(times)).subs(known))

    def place(self, element: Expr) -> Access:
        """What an element says."""
        if element not in self._places:
            self._places[element] = access(element, self.system.variables)
        return self._places[element]

    # Products of factors

    def product(
        self,
        factors: Iterable[Expr],
        keep: list[Any],
        times: Times,
        equation: Equation,
        known: Mapping[Any, int] | None = None,
    ) -> Array:
        """The product with the axes (B, *keep), summed over all other indices.

        An index of `keep` that no factor has gets an axis of length one. known: lengths of indices that the equation
        does not have.
        """
        factors = tuple(factors)
        bound = {index for f in factors if isinstance(operation_of(f), VectorFunction) for index in indices_in(f)}
        inside = set().union(*(indices_in(factor) for factor in factors)) if factors else set()
        summed = sorted(inside - set(keep) - bound, key=str)
        every = [*keep, *summed]
        lengths = {**(known or {}), **self._index_lengths(factors, equation)}
        result: Array = np.ones((1,) * (len(every) + 1))
        for factor in factors:
            result = result * self._factor(factor, every, lengths, times, equation)
        # A summed index that stands in a factor has its full length.
        return np.asarray(result.sum(axis=tuple(range(len(keep) + 1, len(every) + 1))))

    def _index_lengths(self, factors: tuple[Expr, ...], equation: Equation) -> dict[Any, int]:
        found = dict(zip(equation.indices, self.lengths(equation.variable.shape), strict=True))
        for factor in factors:
            for element in elements(factor):
                place = self.place(element)
                for index, size in zip(place.indices, self.system.variables[place.name].shape, strict=True):
                    if index in INDEX_SET and index not in found:
                        found[index] = self.lengths((size,))[0]
        for select in (factor for factor in factors if isinstance(factor, Select)):
            found.setdefault(select.args[1], *self.lengths(select.args[3:]))
        return found

    def _factor(
        self, factor: Expr, every: list[Any], lengths: Mapping[Any, int], times: Times, equation: Equation
    ) -> Array:
        """A factor as an array with the axes (B, *every), of length one where it has no such index."""
        if isinstance(factor, Select | KroneckerDelta):
            one, other = factor.args[:2]
            offset = int(self.number(factor.args[2], times)) if len(factor.args) > 2 else 0
            same = np.arange(lengths[one])[:, None] == np.arange(lengths[other])[None, :] + offset
            return self._spread(same[None].astype(float), [one, other], every)
        if isinstance(factor, Indexed) or (factor.is_Symbol and name_of(factor) in self.system.variables):
            place = self.place(factor)
            return self._spread(self.value(place.name, self.moment(place.time, times)), list(place.indices), every)
        operation = operation_of(factor)
        if isinstance(operation, VectorFunction):
            place = self.place(factor.args[0])
            found = np.asarray(operation.definition(self.kit, self.value(place.name, self.moment(place.time, times))))
            return self._spread(found, list(equation.indices), every)
        if not elements(factor) and not indices_in(factor) and not factor.atoms(Function):
            return np.full((1,) * (len(every) + 1), self.number(factor, times))
        parts = [self._factor(argument, every, lengths, times, equation) for argument in factor.args]
        if isinstance(operation, Elementwise):
            return np.asarray(operation.definition(self.kit, parts[0]))
        if isinstance(operation, Pairwise):
            return np.asarray(operation.definition(self.kit, *np.broadcast_arrays(*parts)))
        if isinstance(factor, Pow):
            return np.asarray(parts[0] ** parts[1])
        total = parts[0]
        for part in parts[1:]:
            total = total + part if factor.is_Add else total * part
        return total

    @staticmethod
    def _spread(value: Array, own: list[Any], every: list[Any]) -> Array:
        """Axes in the order of `every`, of length one where `own` lacks an index; a plain number takes one element."""
        for axis in reversed(range(len(own))):
            if not isinstance(own[axis], Symbol):
                value = np.take(value, int(own[axis]), axis=axis + 1)
        own = [index for index in own if isinstance(index, Symbol)]
        if len(set(own)) < len(own):
            axes = [own.index(index) + 1 for index in own]
            letters = [chr(96 + axis) for axis in axes]
            value = np.einsum(f"Z{''.join(letters)}->Z{''.join(dict.fromkeys(letters))}", value)
            own = list(dict.fromkeys(own))
        present = [index for index in every if index in own]
        value = np.transpose(value, [0, *(own.index(index) + 1 for index in present)])
        return value.reshape(
            [value.shape[0], *(value.shape[1 + present.index(index)] if index in present else 1 for index in every)]
        )
