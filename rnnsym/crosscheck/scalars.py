"""Gradients by SymPy's scalar calculus: every element of every variable at every time is a symbol of its own.

Each equation at each time step becomes one scalar expression an element, in the symbols of the elements that it reads.
`sympy.diff` gives the local partial derivatives, and the chain rule, taken forwards over these scalars in many digits,
gives total derivatives of the loss. Values are never put in place of their symbols: an expression that held h[t-1]
written out would double with every step. For tiny sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol
from sympy.logic.boolalg import BooleanTrue

from rnnsym.crosscheck.kits import Array, PreciseKit, SymbolicKit
from rnnsym.crosscheck.reference import Evaluation, Key
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.language.timing import at_length

#: A scalar's total derivatives: by input (its number), only those that are not zero.
Totals = dict[int, Any]


def scalar_calculus(
    model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], *, digits: int = 30, length: int | None = None
) -> dict[str, Array]:
    """The gradient of the loss in every parameter and input of one example, as object arrays of mpmath numbers.

    params: `(rows, columns)` or `(rows,)`; inputs: sequences `(T, size)`, values given at one time `(size,)`.

    >>> model = Model("h[t] = w * h[t-1] + x[t]" + chr(10) + "L = sum(h[t])", sizes={"h": (), "w": ()})
    >>> print(scalar_calculus(model, {"w": 2.0}, {"x": [1.0, 1.0], "h[0]": 3.0})["w"])
    16.0
    """
    kit = PreciseKit(digits + 10)
    values = Evaluation(model, params, inputs, length=length, kit=kit)
    values.loss()
    given = {key: (params if key in model.parameters else inputs)[key] for key in (*model.parameters, *model.input_keys)}
    one = kit.context.mpf(1)
    places = [place for name in given for place in _elements(model, values, name)]
    totals: dict[Symbol, Totals] = {symbol: {number: one} for number, symbol in enumerate(places)}
    symbolic = _Symbolic(model, params, inputs, values)
    for key in list(values.values):
        if values.definition(key) is not None:
            _differentiate(symbolic, key, totals, kit)
    gradient: Totals = {}
    for key in values.loss_keys():
        _add(gradient, totals[symbolic.symbols(key)[()]], one)
    flat = np.empty(len(places), dtype=object)
    flat[:] = [gradient.get(number, kit.context.mpf(0)) for number in range(len(places))]
    ends = np.cumsum([np.size(data) for data in given.values()])
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(np.shape(data)) for (name, data), part in zip(given.items(), parts, strict=True)}


def _elements(model: Model, values: Evaluation, name: str) -> Iterator[Symbol]:
    """The symbols of one array of the data, in the order of its elements."""
    keys: list[Key] = [(name, None)]
    if name in model.sequences:
        keys = [(name, time) for time in range(1, values.length + 1)]
    for variable, time in model.given:
        if name == f"{variable}[{time}]":
            keys = [(variable, at_length(time, values.length))]
    for key in keys:
        yield from (_symbol(key, place) for place in np.ndindex(values.values[key].array.shape))


def _symbol(key: Key, place: tuple[int, ...]) -> Symbol:
    name, time = key
    return Symbol(f"{name}@{time}{list(place)}", real=True)


class _Symbolic(Evaluation):
    """An evaluation in which every value that an equation reads is a fresh array of symbols."""

    def __init__(self, model: Model, params: Mapping[str, Any], inputs: Mapping[str, Any], values: Evaluation) -> None:
        super().__init__(model, params, inputs, length=values.length, sizes=values.sizes, kit=SymbolicKit())
        self.numbers: dict[Symbol, Any] = {}
        for key, tensor in values.values.items():
            symbols = np.empty(tensor.array.shape, dtype=object)
            for place in np.ndindex(symbols.shape):
                symbols[place] = _symbol(key, place)
                self.numbers[symbols[place]] = tensor.array[place]
            self.values[key] = tensor._replace(array=symbols)

    def symbols(self, key: Key) -> Array:
        return self.values[key].array

    def expressions(self, key: Key) -> Array:
        """An equation at a time, in the symbols of what it reads."""
        definition = self.definition(key)
        assert definition is not None
        return self._completed(self._evaluate(definition.value, key[1]), key[0]).array


def _differentiate(symbolic: _Symbolic, key: Key, totals: dict[Symbol, Totals], kit: PreciseKit) -> None:
    """The chain rule at one equation: the sum of local partial times total derivative of what is read."""
    expressions, symbols = symbolic.expressions(key), symbolic.symbols(key)
    for place in np.ndindex(symbols.shape):
        expression = sympy.sympify(expressions[place])
        number = Numerical(symbolic.numbers, kit.context)
        total: Totals = {}
        for symbol in sorted(expression.free_symbols, key=str):
            _add(total, totals[symbol], number(expression.diff(symbol)))
        totals[symbols[place]] = total


def _add(total: Totals, other: Totals, factor: Any) -> None:
    if factor:
        for number, derivative in other.items():
            total[number] = total.get(number, 0) + factor * derivative


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
        if isinstance(expression, sympy.Piecewise):
            return self(next(value for value, condition in expression.args if self._holds(condition)))
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

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, BooleanTrue):
            return True
        if isinstance(condition, sympy.And | sympy.Or):
            combine = all if isinstance(condition, sympy.And) else any
            return combine(self._holds(part) for part in condition.args)
        left, right = (self(part) for part in condition.args)
        match condition:
            case sympy.StrictGreaterThan():
                return bool(left > right)
            case sympy.GreaterThan():
                return bool(left >= right)
            case sympy.StrictLessThan():
                return bool(left < right)
            case sympy.LessThan():
                return bool(left <= right)
        raise RnnsymError(f"the scalar calculus does not know the condition {condition}")
