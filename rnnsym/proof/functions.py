"""Functions of the operations' table, and their derivatives, as polynomials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import sympy

from rnnsym.claims.syntax import Moment, Node
from rnnsym.equations.indexed import access, elements, whole_function
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction
from rnnsym.proof.atoms import ONE, ZERO, Element, Polynomial, constant, of_atom
from rnnsym.proof.leaves import Axes, Leaves, UnprovenError
from rnnsym.proof.lift import BOUND, lifted, size_value
from rnnsym.proof.polynomial import apart, canonical, counted, fresh, instantiated, multiplied, powered
from rnnsym.proof.times import Context


@dataclass(frozen=True)
class Functions(Leaves):
    """Translates the application of functions; what they are applied to is left to `node`."""

    def _call(self, function: str, operand: Node, axes: Axes, context: Context) -> Polynomial:
        assert operand.shape is not None
        if function == "sum_elements":
            inner: Axes = tuple(None if size == 1 else fresh() for size in operand.shape)
            known = frozenset(axis for axis in inner if axis)
            counts = {axis: size_value(size) for axis, size in zip(inner, operand.shape, strict=True) if axis}
            found = counted(self.node(operand, inner, context), counts, known)
            return canonical(apart(found, known), frozenset())
        operation = OPERATIONS[function]
        if isinstance(operation, VectorFunction) and operation.of_matrix:
            return self._of_matrix(function, operand, axes, context)
        if isinstance(operation, VectorFunction):
            place = 0 if operand.shape[0] != 1 else 1
            bound: Axes = (BOUND, None) if place == 0 else (None, BOUND)
            argument = self._argument(self.node(operand, bound, context), BOUND)
            index = next((axis for axis in axes if axis), "")
            return self.theory.applied(function, argument, True, index)
        index = next((axis for axis in axes if axis), "")
        return self.theory.applied(function, self._argument(self.node(operand, axes, context), index), False, "")

    def _of_matrix(self, function: str, operand: Node, axes: Axes, context: Context) -> Polynomial:
        """A function of a whole matrix, by the name that the model has for it."""
        inner: Axes = (fresh(), fresh())
        known = frozenset(axis for axis in inner if axis)
        argument = canonical(self.node(operand, inner, context).terms, known)
        values = {name: (indices, value) for name, indices, value in self.theory.definitions}
        for equation in self.theory.system.equations:
            whole = whole_function(equation)
            if whole is None or whole.func.__name__ != function or equation.interval is not None:
                continue
            place = access(elements(whole)[0], self.theory.variables)
            order = tuple(axis or "" for axis in inner)
            written = [of_atom(Element(place.name, (), order))]
            if place.name in values:
                indices, value = values[place.name]
                written.append(instantiated(value, dict(zip(indices, order, strict=True)), {}))
            if argument in [canonical(one.terms, known) for one in written]:
                return of_atom(Element(equation.name, (), tuple(axis or "" for axis in axes)))
        raise UnprovenError(f"{function} of this matrix has no name in the model")

    def _argument(self, argument: Polynomial, index: str) -> Polynomial:
        """An argument that is written out, by the name that the model has for it: W h + U x + b is a."""
        if len(argument.terms) == 1 and len(argument.terms[0][0].powers) == 1:
            return argument
        moments = {time for product, _ in argument.terms for atom, _ in product.powers
                   if isinstance(atom, Element) for time in atom.times}  # fmt: skip
        for name, indices, value in self.theory.definitions:
            if len(indices) > 1 or bool(indices) != bool(index):
                continue
            timed = self.theory.variables[name].timed
            for moment in sorted(moments, key=str) if timed else [None]:
                for lag in range(3) if timed else [0]:
                    time = None if moment is None else moment + Moment((), lag)
                    times = {} if time is None else {"t": time}
                    known = instantiated(value, dict.fromkeys(indices, index), times)
                    if canonical(known.terms, frozenset({index})) == argument:
                        return of_atom(Element(name, () if time is None else (time,), (index,) if index else ()))
        return argument

    def _prime(self, function: str, operand: Node, axes: Axes, context: Context) -> Polynomial:
        operation = OPERATIONS[function]
        assert isinstance(operation, Elementwise)
        free = frozenset(axis for axis in axes if axis)
        index = next((axis for axis in axes if axis), "")
        x, y = sympy.Symbol("x"), sympy.Symbol("y")
        argument = self._argument(self.node(operand, axes, context), index)
        values = {x: argument, y: self.theory.applied(function, argument, False, "")}
        return self._expression(operation.derivative(x, y), values, free)

    def _expression(
        self, expression: sympy.Expr, values: Mapping[sympy.Symbol, Polynomial], free: frozenset[str]
    ) -> Polynomial:
        """A derivative of the operations' table, with values for its argument and its result."""
        if expression in values:
            return values[expression]
        if expression.is_Rational:
            return constant(Fraction(int(expression.p), int(expression.q)))
        parts = [self._expression(part, values, free) for part in expression.args]
        if expression.is_Add:
            return reduce(lambda total, part: total + part, parts, ZERO)
        if expression.is_Mul:
            return reduce(lambda one, other: multiplied(one, other, free), parts, ONE)
        if expression.is_Pow:
            return powered(parts[0], Fraction(int(expression.exp.p), int(expression.exp.q)), free)
        if expression == sympy.pi:
            return lifted(expression, free, {})
        return self.theory.applied(expression.func.__name__, parts[0], False, "")
