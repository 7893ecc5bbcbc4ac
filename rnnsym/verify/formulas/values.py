"""The values of a model and all adjoints of its derivation, for several draws of data at once, in either arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr, KroneckerDelta, Symbol

from rnnsym.checks.data import Data
from rnnsym.checks.kits import Array, FloatKit
from rnnsym.claims.forward import STEP, Forward, Key
from rnnsym.claims.syntax import Kind
from rnnsym.equations.indexed import Equation, Select
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.verify.formulas.field import FieldKit, Residue


def with_adjoints(system: System, adjoints: Sequence[Equation]) -> System:
    """A model's equations, followed by those of all adjoints."""
    variables = system.variables | {equation.variable.name: equation.variable for equation in adjoints}
    return replace(system, variables=variables, equations=(*system.equations, *adjoints))


class Values(Forward):
    """Values with a leading axis of draws. `kit` is the arithmetic: None for floating point.

    Values that neither the data nor an equation gives are zero, as states and adjoints beyond the ends are.
    """

    def __init__(
        self, model: Model, system: System, draws: Sequence[Data], length: int, kit: FieldKit | None = None
    ) -> None:
        self.exact = kit
        self._numbers: dict[Expr, int] = {}
        single = [self._single(model, system, data, length, kit) for data in draws]
        self.__dict__.update(single[0].__dict__)
        self.count = len(draws)
        self.given = {key: np.concatenate([one.given[key] for one in single]) for key in single[0].given}
        self.values: dict[Key, Array] = dict(self.given)

    @classmethod
    def _single(cls, model: Model, system: System, data: Data, length: int, kit: FieldKit | None) -> Values:
        one = object.__new__(cls)
        one.exact, one._numbers = kit, {}
        Forward.__init__(one, model, system, data.params, data.inputs, length, data.sizes)
        one.kit = kit or FloatKit()  # type: ignore[assignment]
        return one

    def number(self, size: Expr) -> int:
        if size not in self._numbers:
            self._numbers[size] = super().number(size)
        return self._numbers[size]

    def _give(self, key: Key, value: Any) -> None:
        self.given[key] = np.asarray(value, complex if self.exact is None else object)[None]

    def real(self, key: Key) -> Array:
        """A value without the imaginary part that complex steps use."""
        found = self.value(key)
        found = found if self.exact is not None else np.real(found)
        return np.broadcast_to(found, (self.count, *found.shape[1:]))

    def derivative(self, kind: Kind, top: Key, bottom: Key) -> Array:
        """The derivative of each element of one value by each of another, by displacing them, for every draw."""
        shape, own = self.value(bottom).shape[1:], self.value(top).shape[1:]
        if not self.exists(top) or not self.exists(bottom):
            return np.zeros((self.count, *own, *shape)) if self.exact is None else self._zeros((*own, *shape))
        if kind is Kind.IMMEDIATE and top in self.added and bottom[1] is None:
            return np.asarray(sum(self.derivative(kind, part, bottom) for part in self.added[top]))
        size = int(np.prod(shape, dtype=int))
        other = self._displaced(bottom, self.held(kind, top, bottom))
        other.repeat(size)
        units = np.tile(np.eye(size, dtype=int).reshape(size, *shape), (self.count, *(1 for _ in shape)))
        steps = 1j * STEP * units if self.exact is None else UNITS(units)
        other.values[bottom] = np.repeat(self.real(bottom), size, axis=0) + steps
        found = other.value(top)
        found = found.imag / STEP if self.exact is None else SLOPES(found)
        found = np.broadcast_to(found, (self.count * size, *own)).reshape((self.count, *shape, *own))
        order = (0, *range(1 + len(shape), found.ndim), *range(1, 1 + len(shape)))
        return np.transpose(found, order)

    def _zeros(self, shape: tuple[int, ...]) -> Array:
        return np.full((self.count, *shape), Residue(0), dtype=object)

    def repeat(self, times: int) -> None:
        """Makes this copy have so many displaced ones of each draw; a value that is the same for all stands once."""
        self.count *= times
        self.values = {
            key: value if len(value) == 1 else np.repeat(value, times, axis=0) for key, value in self.values.items()
        }

    def _factor(
        self, factor: Expr, every: list[Symbol], lengths: dict[Symbol, int], times: dict[Expr, int], equation: Equation
    ) -> Any:
        if isinstance(factor, Select | KroneckerDelta):
            one, part = factor.args[:2]
            offset = self.number(factor.args[2]) if len(factor.args) > 2 else 0
            grid = np.meshgrid(*(np.arange(lengths[index]) for index in every), indexing="ij", sparse=True)
            return (grid[every.index(one)] == grid[every.index(part)] + offset).astype(int)[None]
        return super()._factor(factor, every, lengths, times, equation)

    def _scalar(self, factor: Expr, times: dict[Expr, int]) -> Any:
        if isinstance(factor, Symbol):
            return self.kit.number(Fraction(times[factor] if factor in times else self.sizes[factor.name]))
        return self.kit.number(Fraction(int(factor.p), int(factor.q))) if factor.is_Rational else float(factor)


def _slope(number: Any) -> Residue:
    return Residue(number.slope if isinstance(number, Residue) else 0)


UNITS: Any = np.frompyfunc(lambda unit: Residue(0, int(unit)), 1, 1)
SLOPES: Any = np.frompyfunc(_slope, 1, 1)


def field_data(model: Model, data: Data, kit: FieldKit) -> Data:
    """Random elements of the field in place of numbers."""
    params = {name: kit.random(np.shape(array)) for name, array in data.params.items()}
    inputs = {name: kit.random(np.shape(array)) for name, array in data.inputs.items()}
    return Data(params, inputs, data.sizes)


__all__ = ["Values", "field_data", "with_adjoints"]
