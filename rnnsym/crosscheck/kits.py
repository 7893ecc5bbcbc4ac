"""Kinds of number in which a model can be evaluated: float64 and complex128, mpmath at any precision, SymPy.

A kit holds the few functions that the definitions in the operations' table are made of, for arrays of one kind of
number. mpmath's and SymPy's numbers live in object arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import sympy
from mpmath.ctx_mp import MPContext  # type: ignore[import-untyped]
from numpy.typing import NDArray

from rnnsym.operations import Numbers

Array = NDArray[Any]


class Kit(Numbers, Protocol):
    """`Numbers`, and how the numbers and the data of a model are taken in."""

    def number(self, value: Fraction) -> Any:
        """An exact number of the model's text in this kind of number."""

    def array(self, values: Any) -> Array:
        """Data in this kind of number."""


class FloatKit:
    """float64, or complex128 where the data are complex.

    With `watch`, `margin` is the smallest distance from a kink that a function met: central differences must not
    step over one. An exact zero does not count, since it is there by construction (as in relu(relu(x))).
    """

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)
    tanh = staticmethod(np.tanh)
    sin = staticmethod(np.sin)
    cos = staticmethod(np.cos)
    arctan = staticmethod(np.arctan)

    def __init__(self, watch: bool = False) -> None:
        self.watch = watch
        self.margin = float("inf")

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


def _each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    """A function of numbers, element by element over object arrays."""
    return np.frompyfunc(function, arguments, 1)


def objects(values: Any, convert: Callable[[Any], Any]) -> Array:
    """An object array of the same shape, each element converted."""
    source = np.asarray(values)
    found = np.empty(source.shape, dtype=object)
    for place in np.ndindex(source.shape):
        found[place] = convert(source[place])
    return found


class PreciseKit:
    """mpmath's real and complex numbers with so many decimal digits.

    >>> PreciseKit(30).number(Fraction(1, 3))
    mpf('0.3333333333333333333333333333333327')
    """

    def __init__(self, digits: int) -> None:
        # A context of our own: mpmath's global precision belongs to the user.
        self.context: Any = MPContext()
        self.context.dps = digits
        for name in ("exp", "log", "sqrt", "tanh", "sin", "cos"):
            setattr(self, name, _each(getattr(self.context, name)))
        self.arctan = _each(self.context.atan)
        self._select = _each(lambda x, positive, otherwise: positive if self.context.re(x) > 0 else otherwise, 3)

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cos: Callable[[Any], Any]
    arctan: Callable[[Any], Any]

    def number(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def array(self, values: Any) -> Array:
        found = np.asarray(values)
        # What is mpmath's already stays as it is; a float64 is taken exactly.
        return found if found.dtype == object else objects(found, lambda value: self.context.mpmathify(value.item()))

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        return self._select(x, positive, otherwise)


class SymbolicKit:
    """SymPy expressions; a function with a kink is a Piecewise."""

    exp = staticmethod(_each(sympy.exp))
    log = staticmethod(_each(sympy.log))
    sqrt = staticmethod(_each(sympy.sqrt))
    tanh = staticmethod(_each(sympy.tanh))
    sin = staticmethod(_each(sympy.sin))
    cos = staticmethod(_each(sympy.cos))
    arctan = staticmethod(_each(sympy.atan))
    select = staticmethod(_each(lambda x, positive, otherwise: sympy.Piecewise((positive, x > 0), (otherwise, True)), 3))

    def number(self, value: Fraction) -> Any:
        return sympy.Rational(value.numerator, value.denominator)

    def array(self, values: Any) -> Array:
        return objects(values, sympy.sympify)
