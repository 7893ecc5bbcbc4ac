"""Kinds of number in which a model can be evaluated: float64 and complex128, mpmath at any precision, SymPy.

A kit holds the few functions that the definitions in the operations' table are made of, for arrays of one kind of
number. mpmath's and SymPy's numbers live in object arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import sympy
from mpmath.ctx_mp import MPContext
from numpy.typing import NDArray

from rnnsym.operations import Numbers

Array = NDArray[Any]
Function = Callable[[Any], Any]


class Kit(Numbers, Protocol):
    """`Numbers`, and how the numbers and the data of a model are taken in."""

    def number(self, value: Fraction) -> Any:
        """An exact number of the model's text in this kind of number."""

    def array(self, values: Any) -> Array:
        """Data in this kind of number."""


def _each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    """A function of numbers, element by element over object arrays."""
    found: Callable[..., Any] = np.frompyfunc(function, arguments, 1)
    return found


class FloatKit:
    """float64, or complex128 where the data are complex.

    With `watch`, `margin` is the smallest distance from a kink that a function met: central differences must not
    step over one. An exact zero does not count, since it is there by construction (as in relu(relu(x))).
    """

    exp: Function = np.exp
    log: Function = np.log
    sqrt: Function = np.sqrt
    tanh: Function = np.tanh
    sin: Function = np.sin
    cos: Function = np.cos
    arctan: Function = np.arctan

    def __init__(self, watch: bool = False) -> None:
        self.watch = watch
        self.margin = float("inf")

    def erf(self, x: Any) -> Any:
        """The error function; of a complex number with a tiny imaginary part, as the complex step has it."""
        real = np.asarray(_each(math.erf)(np.real(x)), dtype=np.float64)
        slope = 2 / math.sqrt(math.pi) * np.exp(-(np.real(x) ** 2))
        return real + 1j * slope * np.imag(x) if np.iscomplexobj(x) else real

    def held(self, x: Any) -> Any:
        return np.real(x)

    def offset(self, x: Any) -> Any:
        return np.max(np.real(x), axis=-1, keepdims=True)

    def floor(self, x: Any) -> Any:
        real = np.real(x)
        if self.watch:
            distances = np.abs(real - np.round(real))
            self.margin = min(self.margin, float(np.min(distances, where=distances > 0, initial=np.inf)))
        return np.floor(real)

    def number(self, value: Fraction) -> Any:
        return np.float64(value.numerator / value.denominator)

    def array(self, values: Any) -> Array:
        found = np.asarray(values)
        return found if np.iscomplexobj(found) else found.astype(np.float64)

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        if self.watch:
            distances = np.abs(np.real(x))
            self.margin = min(self.margin, float(np.min(distances, where=distances > 0, initial=np.inf)))
        return np.where(np.real(x) > 0, positive, otherwise)


def objects(values: Any, convert: Callable[[Any], Any]) -> Array:
    """An object array of the same shape, each element converted."""
    source = np.asarray(values)
    found = np.empty(source.shape, dtype=object)
    for place in np.ndindex(source.shape):
        found[place] = convert(source[place])
    return found


class PreciseKit:
    """mpmath's real and complex numbers with so many decimal digits.

    >>> print(PreciseKit(30).number(Fraction(1, 3)))
    0.333333333333333333333333333333
    """

    def __init__(self, digits: int) -> None:
        # A context of our own: mpmath's global precision belongs to the user.
        context: Any = MPContext()
        context.dps = digits
        self.context = context
        self.exp: Function = _each(context.exp)
        self.log: Function = _each(context.log)
        self.sqrt: Function = _each(context.sqrt)
        self.tanh: Function = _each(context.tanh)
        self.sin: Function = _each(context.sin)
        self.cos: Function = _each(context.cos)
        self.arctan: Function = _each(context.atan)
        self.erf: Function = _each(context.erf)
        self.held: Function = _each(context.re)
        self.floor: Function = _each(lambda x: context.floor(context.re(x)))
        self._select = _each(lambda x, above, below: above if context.re(x) > 0 else below, 3)

    def offset(self, x: Any) -> Any:
        return 0  # its exponents have no end

    def number(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def array(self, values: Any) -> Array:
        found = np.asarray(values)
        # What is mpmath's already stays as it is; a float64 is taken exactly.
        return found if found.dtype == object else objects(found, lambda value: self.context.mpmathify(value.item()))

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        return self._select(x, positive, otherwise)


class Flat(sympy.Function):  # type: ignore[misc]
    """A function of one number that stays as it is written, and whose derivative is zero."""

    nargs = 1

    @classmethod
    def eval(cls, *arguments: Any) -> None:
        """Stay as written."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sympy.Integer(0)


class Held(Flat):
    """`Held(x)` is x, held fixed."""


class Floor(Flat):
    """`Floor(x)` is the largest whole number that is not above x."""


class IfPositive(sympy.Function):  # type: ignore[misc]
    """`IfPositive(x, above, below)`: SymPy's Piecewise without its simplifications, which are slow."""

    nargs = 3

    @classmethod
    def eval(cls, *arguments: Any) -> None:
        """Stay as written."""

    def fdiff(self, argindex: int = 1) -> Any:
        x = self.args[0]
        return (sympy.Integer(0), IfPositive(x, 1, 0), IfPositive(x, 0, 1))[argindex - 1]


class SymbolicKit:
    """SymPy expressions."""

    exp: Function = _each(sympy.exp)
    log: Function = _each(sympy.log)
    sqrt: Function = _each(sympy.sqrt)
    tanh: Function = _each(sympy.tanh)
    sin: Function = _each(sympy.sin)
    cos: Function = _each(sympy.cos)
    arctan: Function = _each(sympy.atan)
    erf: Function = _each(sympy.erf)
    held: Function = _each(Held)
    floor: Function = _each(Floor)
    select = staticmethod(_each(IfPositive, 3))

    def offset(self, x: Any) -> Any:
        return 0

    def number(self, value: Fraction) -> Any:
        return sympy.Rational(value.numerator, value.denominator)

    def array(self, values: Any) -> Array:
        return np.asarray(values, dtype=object)
