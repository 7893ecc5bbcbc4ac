"""The derived equations evaluated as they stand: index by index, term by term, no contraction planned.

This says whether the derivation is right, apart from the code that is generated from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sympy import Expr, Indexed, Integer, KroneckerDelta, Number, Pow, Symbol

from rnnsym.checks.kits import Array, FloatKit
from rnnsym.checks.sizes import batch_size, bound_sizes, sequence_length
from rnnsym.derivation import Derivation
from rnnsym.equations.indexed import INDEX_SET, Equation, Select, T, Term, access, elements, indices_in, name_of
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model
from rnnsym.language.timing import at_length
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of


def derived_gradients(
    derivation: Derivation, params: Mapping[str, Any], inputs: Mapping[str, Any], length: int | None = None
) -> dict[str, Array]:
    """The gradient by the derived equations: params `(rows, columns)`, inputs `(T, B, size)` and `(B, size)`.

    >>> from rnnsym import Model, derive
    >>> d = derive(Model("h[t] = w * h[t-1] + x[t]" + chr(10) + "L = sum(h[t])", sizes={"h": (), "w": ()}))
    >>> derived_gradients(d, {"w": 2.0}, {"x": [[1.0], [1.0]], "h[0]": [3.0]})["w"]
    array(16.)
    """
    model = derivation.model
    batch = batch_size(model, inputs) or 1
    axes = {key: int(key in model.sequences) for key in model.input_keys}
    found = []
    for number in range(batch):
        example = {key: np.take(np.asarray(inputs[key], float), number, axis=axis) for key, axis in axes.items()}
        values = Evaluation(model, (*derivation.system.equations, *derivation.adjoints), params, example, length)
        found.append(values.gradients())
    total = {key: np.asarray(sum(one[key] for one in found)) for key in model.parameters}
    return total | {key: np.stack([one[key] for one in found], axis=axis) for key, axis in axes.items()}


class Evaluation:
    """Values of one example by any equations in index notation, computed when they are asked for."""

    def __init__(
        self,
        model: Model,
        equations: Iterable[Equation],
        params: Mapping[str, Any],
        inputs: Mapping[str, Any],
        length: int | None = None,
    ) -> None:
        self.model = model
        self.equations: dict[str, list[Equation]] = {}
        self.variables = dict(lower(model).variables)
        for equation in equations:
            self.equations.setdefault(equation.name, []).append(equation)
            self.variables[equation.name] = equation.variable
        self.length = sequence_length(self.model, inputs, length)
        self.sizes: dict[Expr, int] = {}
        bound = bound_sizes(self.model, params, inputs)
        for shape in self.model.shapes.values():
            for size in shape:
                self.sizes |= {symbol: bound[str(symbol)] for symbol in size.free_symbols}
        self.kit = FloatKit()
        self.values: dict[tuple[str, int | None], Array] = {}
        for name in self.model.param_keys:
            self.values[name, None] = np.asarray(params[name], float)
        for key, value in inputs.items():
            self._take(key, np.asarray(value, float))

    def _take(self, key: str, value: Array) -> None:
        if key in self.model.sequences:
            self.values |= {(key, step): row for step, row in enumerate(value, 1)}
            return
        for name, time in self.model.given:
            if key == f"{name}[{time}]":
                self.values[name, at_length(time, self.length)] = value
        if key in self.model.inputs:
            self.values[key, None] = value

    def gradients(self) -> dict[str, Array]:
        """The gradient of every parameter and input by its key."""
        found = {name: self.value(f"bar({name})", None) for name in (*self.model.parameters, *self.model.inputs)}
        for name in self.model.sequences:
            found[name] = np.stack([self.value(f"bar({name})", step) for step in range(1, self.length + 1)])
        for name, time in self.model.given:
            found[f"{name}[{time}]"] = self.value(f"bar({name})", at_length(time, self.length))
        return found

    def value(self, name: str, time: int | None) -> Array:
        """A variable at a time; recursion goes from step to step, so what it needs is computed from the far end."""
        key = (name, time)
        if key not in self.values:
            self.values[key] = self._computed(name, time)
        return self.values[key]

    def _computed(self, name: str, time: int | None) -> Array:
        variable = self.variables[name]
        shape = tuple(self.number(size) for size in variable.shape)
        total = np.zeros(shape)
        for equation in self.equations.get(name, []):
            if equation.interval is not None and time not in equation.interval.bounds(self.length):
                continue
            for term in equation.terms:
                if term.when is None or time in term.when.bounds(self.length):
                    total = total + self._term(term, equation, time)
        return total

    def number(self, size: Expr) -> int:
        """A size as a number."""
        return int(size.xreplace(self.sizes))

    def _term(self, term: Term, equation: Equation, time: int | None) -> Array:
        times: dict[Expr, int] = {T: self.length}
        if time is not None:
            times[Symbol("t", integer=True)] = time
        total = np.zeros(())
        for bound in self._bindings(term, times):
            total = total + self._product(term, equation, bound)
        return total

    def _bindings(self, term: Term, times: dict[Expr, int]) -> Iterator[dict[Expr, int]]:
        """Values of the time indices that are summed."""
        if not term.over:
            yield times
        for index, interval in term.over[:1]:
            for step in interval.bounds(self.length):
                yield {**times, index: step}

    def _product(self, term: Term, equation: Equation, times: dict[Expr, int]) -> Array:
        """The product over all indices at once, one axis each, then summed over those that the target lacks."""
        own = list(equation.indices)
        summed = {index for factor in term.factors for index in indices_in(factor)} - set(own) - self._bound(term)
        every = own + sorted(summed, key=str)
        lengths = self._lengths(term, equation)
        value: Array = np.ones(tuple(lengths[index] for index in every))
        for factor in term.factors:
            value = value * self._factor(factor, every, lengths, times, equation)
        return np.asarray(value.sum(axis=tuple(range(len(own), len(every)))))

    def _bound(self, term: Term) -> set[Symbol]:
        """The indices inside vector functions: these take the whole vector."""
        return {index for f in term.factors if isinstance(operation_of(f), VectorFunction) for index in indices_in(f)}

    def _lengths(self, term: Term, equation: Equation) -> dict[Symbol, int]:
        lengths = dict(zip(equation.indices, map(self.number, equation.variable.shape), strict=True))
        for factor in term.factors:
            for element in elements(factor):
                found = access(element, self.variables)
                for index, size in zip(found.indices, self.variables[found.name].shape, strict=True):
                    if index in INDEX_SET:
                        lengths.setdefault(index, self.number(size))
        for select in (factor for factor in term.factors if isinstance(factor, Select)):
            lengths.setdefault(select.args[1], self.number(select.args[3]))
        return lengths

    def _factor(
        self, factor: Expr, every: list[Symbol], lengths: dict[Symbol, int], times: dict[Expr, int], equation: Equation
    ) -> Any:
        if isinstance(factor, Select | KroneckerDelta):
            whole, part, offset = (*factor.args, Integer(0))[:3]
            grid = np.meshgrid(*(np.arange(lengths[index]) for index in every), indexing="ij", sparse=True)
            return (grid[every.index(whole)] == grid[every.index(part)] + self.number(offset)).astype(float)
        if isinstance(factor, Indexed) or (isinstance(factor, Symbol) and not factor.is_integer):
            return self._element(factor, every, times)
        operation = operation_of(factor)
        if isinstance(operation, VectorFunction):
            vector = operation.definition(self.kit, self._element(factor.args[0], [], times))
            return self._spread(np.asarray(vector), list(equation.indices), every)
        parts = [self._factor(argument, every, lengths, times, equation) for argument in factor.args]
        if isinstance(operation, Elementwise):
            return operation.definition(self.kit, parts[0])
        if isinstance(operation, Pairwise):
            return operation.definition(self.kit, *np.broadcast_arrays(*parts))
        if isinstance(factor, Number) or not factor.args:
            return float(factor.xreplace({**times, **self.sizes}))
        if isinstance(factor, Pow):
            return parts[0] ** parts[1]
        return sum(parts[1:], parts[0]) if factor.is_Add else np.prod(np.broadcast_arrays(*parts), axis=0)

    def _element(self, element: Expr, every: list[Symbol], times: dict[Expr, int]) -> Array:
        """An element as an array with one axis for each index of `every` (of its own, where `every` is empty)."""
        found = access(element, self.variables)
        time = None if found.time is None else int(found.time.xreplace(times))
        value = self.value(name_of(element), time)
        return self._spread(value, list(found.indices), every) if every else value

    def _spread(self, value: Array, own: list[Any], every: list[Symbol]) -> Array:
        present = [index for index in every if index in own]
        value = np.transpose(value, [own.index(index) for index in present])
        return value.reshape([value.shape[present.index(index)] if index in present else 1 for index in every])
