"""Gradients by SymPy's scalar calculus: every element of every variable at every time is a scalar of its own.

Each equation becomes one scalar expression an element, in symbols for the elements that it reads. `sympy.diff` gives
the local partial derivatives, and the chain rule, taken forwards over the scalars of all time steps in many digits,
gives total derivatives of the loss. Values are never put in place of their symbols: an expression that held h[t-1]
written out would double with every step. For tiny sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy import Expr, Symbol

from rnnsym.checks.kits import Array, Floor, Held, IfPositive, PreciseKit, SymbolicKit
from rnnsym.checks.reference import Evaluation, Key
from rnnsym.checks.sizes import batch_size
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.language.timing import at_length

#: One element of a variable at a time.
Scalar = tuple[Key, tuple[int, ...]]
#: A scalar's total derivatives: by the number of an element of the data, only those that are not zero.
Totals = dict[int, Any]


def scalar_calculus(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, digits: int = 30, length: int | None = None
) -> dict[str, Array]:
    """The gradient of the loss in every parameter and input, as object arrays of mpmath numbers.

    params: `(rows, columns)` or `(rows,)`; inputs: sequences `(T, [B,] size)`, values given at one time `([B,] size)`.
    With a batch, the loss is summed over it.

    >>> model = Model("h[t] = w * h[t-1] + x[t]" + chr(10) + "L = sum(h[t])", sizes={"h": (), "w": ()})
    >>> print(scalar_calculus(model, {"w": 2.0}, {"x": [1.0, 1.0], "h[0]": 3.0})["w"])
    16.0
    """
    kit = PreciseKit(digits + 10)
    batch = batch_size(model, inputs)
    if batch is None:
        return _one_example(model, params, inputs, kit, length)
    axes = {key: int(key in model.sequences) for key in model.input_keys}
    found = []
    for number in range(batch):
        example = {key: np.take(inputs[key], number, axis=axis) for key, axis in axes.items()}
        found.append(_one_example(model, params, example, kit, length))
    gradients = {key: sum((one[key] for one in found[1:]), start=found[0][key]) for key in model.parameters}
    return gradients | {key: np.stack([one[key] for one in found], axis=axis) for key, axis in axes.items()}


def _one_example(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], kit: PreciseKit, length: int | None
) -> dict[str, Array]:
    values = Evaluation(model, params, inputs, length=length, kit=kit)
    values.loss()
    given = {key: params[key] for key in model.param_keys} | {key: inputs[key] for key in model.input_keys}
    places = [scalar for name in given for scalar in _elements(model, values, name)]
    totals: dict[Scalar, Totals] = {scalar: {number: kit.context.mpf(1)} for number, scalar in enumerate(places)}
    partials = LocalPartials(values)
    for key in list(values.values):  # in the order of computation
        if values.definition(key) is not None:
            _differentiate(partials, key, totals, kit.context)
    gradient: Totals = {}
    for key in values.loss_keys():
        _add(gradient, totals[key, ()], kit.context.mpf(1))
    flat = np.empty(len(places), dtype=object)
    flat[:] = [gradient.get(number, kit.context.mpf(0)) for number in range(len(places))]
    parts = np.split(flat, np.cumsum([np.size(data) for data in given.values()])[:-1])
    shaped = {name: part.reshape(np.shape(data)) for (name, data), part in zip(given.items(), parts, strict=True)}
    return {name: gradient for name, gradient in shaped.items() if name not in model.fixed}


def _elements(model: Model, values: Evaluation, name: str) -> Iterator[Scalar]:
    """The scalars of one array of the data, in the order of its elements."""
    keys: list[Key] = [(name, None)]
    if name in model.sequences:
        keys = [(name, time) for time in range(1, values.length + 1)]
    for variable, time_given in model.given:
        if name == f"{variable}[{time_given}]":
            keys = [(variable, at_length(time_given, values.length))]
    for key in keys:
        yield from ((key, place) for place in np.ndindex(values.values[key].array.shape))


def _differentiate(partials: LocalPartials, key: Key, totals: dict[Scalar, Totals], context: Any) -> None:
    """The chain rule at one equation: the sum of local partial times total derivative of what is read."""
    reads, rows = partials.of(key)
    scalars = [(read, place) for read in reads for place in np.ndindex(partials.values.values[read].array.shape)]
    numbers = [partials.values.values[read].array[place] for read, place in scalars]
    number = Numerical(dict(zip(map(_symbol, range(len(numbers))), numbers, strict=True)), context)
    for place, row in rows:
        total = totals[key, place] = {}
        for position, partial in row:
            _add(total, totals[scalars[position]], number(partial))


def _add(total: Totals, other: Totals, factor: Any) -> None:
    if factor:
        for number, derivative in other.items():
            total[number] = total.get(number, 0) + factor * derivative


class Row(NamedTuple):
    """For one element of a variable: the scalars that it reads, by position, each with the partial derivative."""

    place: tuple[int, ...]
    partials: list[tuple[int, Expr]]


class LocalPartials:
    """The partial derivatives of each equation, in the symbols v0, v1, ... for the scalars that it reads.

    They are the same at all time steps, unless two reads fall together (x[1] and x[t-1] do at t = 2).
    """

    def __init__(self, values: Evaluation) -> None:
        self.values = values
        self._known: dict[tuple[Any, ...], list[Row]] = {}

    def of(self, key: Key) -> tuple[list[Key], list[Row]]:
        """The values that the equation for `key` reads, and the partial derivatives of its elements."""
        definition = self.values.definition(key)
        assert definition is not None
        every = list(self.values.needs(definition.value, key[1]))
        reads = list(dict.fromkeys(every))
        pattern = (definition.target, *(reads.index(read) for read in every))
        if pattern not in self._known:
            self._known[pattern] = [
                Row(place, _partials(expression)) for place, expression in np.ndenumerate(self._expressions(key, reads))
            ]
        return reads, self._known[pattern]

    def _expressions(self, key: Key, reads: list[Key]) -> Array:
        symbols: dict[Key, Array] = {}
        count = 0
        for read in reads:
            shape = self.values.values[read].array.shape
            symbols[read] = np.empty(shape, dtype=object)
            for place in np.ndindex(shape):
                symbols[read][place] = _symbol(count)
                count += 1
        return self.values.expression(key, symbols, SymbolicKit())


def _symbol(position: int) -> Symbol:
    return Symbol(f"v{position}", real=True)


def _partials(expression: Expr) -> list[tuple[int, Expr]]:
    positions = sorted(int(symbol.name[1:]) for symbol in expression.free_symbols)
    return [(position, expression.diff(_symbol(position))) for position in positions]


class Numerical:
    """SymPy expressions as numbers of an mpmath context; shared parts are computed once.

    >>> x = Symbol("x")
    >>> import mpmath
    >>> print(Numerical({x: mpmath.mpf(2)}, mpmath.mp)(x**2 + sympy.exp(x - 2)))
    5.0
    """

    def __init__(self, values: Mapping[Symbol, Any], context: Any) -> None:
        self.values = values
        self.context = context
        self.known: dict[Expr, Any] = {}
        self.functions: dict[Any, Callable[[Any], Any]] = {
            sympy.exp: context.exp,
            sympy.log: context.log,
            sympy.tanh: context.tanh,
            sympy.sin: context.sin,
            sympy.cos: context.cos,
            sympy.atan: context.atan,
            sympy.erf: context.erf,
            Floor: context.floor,
            Held: lambda x: x,
        }

    def __call__(self, expression: Expr) -> Any:
        if expression not in self.known:
            self.known[expression] = self._number(expression)
        return self.known[expression]

    def _number(self, expression: Expr) -> Any:
        if isinstance(expression, Symbol):
            return self.values[expression]
        if isinstance(expression, sympy.Rational):
            return self.context.mpf(expression.p) / expression.q
        if isinstance(expression, sympy.Float):  # the zeros beside a diagonal
            return self.context.mpf(str(expression))
        if isinstance(expression, IfPositive):
            x, above, below = expression.args
            return self(above if self(x) > 0 else below)
        parts = [self(part) for part in expression.args]
        if isinstance(expression, sympy.Add):
            return self.context.fsum(parts)
        if isinstance(expression, sympy.Mul):
            return self.context.fprod(parts)
        if isinstance(expression, sympy.Pow):
            exponent = expression.args[1]
            return parts[0] ** (int(exponent) if exponent.is_Integer else parts[1])
        if expression.func in self.functions:
            return self.functions[expression.func](*parts)
        if isinstance(expression, sympy.core.numbers.NumberSymbol):
            return self.context.mpf(expression.evalf(self.context.dps))
        raise RnnsymError(f"the scalar calculus does not know the function {expression.func.__name__}")
