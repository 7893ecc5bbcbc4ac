"""Numbers of a prime field, each with a derivative: arithmetic without rounding.

Functions that are not polynomials are opaque: tanh of an argument is a random element of the field, the same one for
the same argument. Their derivatives are those of calculus in terms of the output: 1 - y**2 and the derivative of
y = tanh(x) are the same number. Two formulas that agree at random points of a field of 2**61 elements are equal as
formulas, but for a chance of about their degree in 2**61.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.errors import RnnsymError

#: A Mersenne prime.
PRIME = 2**61 - 1


class InexactError(RnnsymError):
    """Something that has no meaning in a field, such as a power that is no whole number."""


class Residue:
    """An element of the field, and the derivative that it carries."""

    __slots__ = ("slope", "value")

    def __init__(self, value: int, slope: int = 0) -> None:
        self.value, self.slope = value % PRIME, slope % PRIME

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = residue(other)
        return Residue(self.value + other.value, self.slope + other.slope)

    def __neg__(self) -> Residue:
        return Residue(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = residue(other)
        return Residue(self.value - other.value, self.slope - other.slope)

    def __rsub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return residue(other) - self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = residue(other)
        if not self.slope and not other.slope:
            return Residue(self.value * other.value)
        return Residue(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self * residue(other).inverse()

    def __rtruediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return residue(other) * self.inverse()

    def inverse(self) -> Residue:
        if not self.value:
            raise InexactError("a division by zero")
        found = pow(self.value, -1, PRIME)
        return Residue(found, -found * found * self.slope)

    def __pow__(self, exponent: Any) -> Residue:
        if isinstance(exponent, float | Fraction) and exponent == int(exponent):
            exponent = int(exponent)
        if isinstance(exponent, Residue) or not isinstance(exponent, int | np.integer):
            raise InexactError(f"the power {exponent} is no whole number")
        if exponent < 0:
            return self.inverse() ** -int(exponent)
        before = pow(self.value, max(int(exponent) - 1, 0), PRIME)
        return Residue(before * self.value if exponent else 1, int(exponent) * before * self.slope)

    def __eq__(self, other: object) -> bool:
        return self.value == residue(other).value

    def __hash__(self) -> int:
        return hash(self.value)

    @property
    def is_positive(self) -> bool:
        """Whether it is taken to be positive, where a function asks."""
        return 0 < self.value <= PRIME // 2

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"{self.value} + {self.slope}ε"


def residue(number: Any) -> Residue:
    """A whole number or fraction as element of the field."""
    if isinstance(number, Residue):
        return number
    if isinstance(number, int | np.integer):
        return Residue(int(number))
    if isinstance(number, Fraction):
        return Residue(number.numerator * Residue(number.denominator).inverse().value)
    if isinstance(number, complex) and not number.imag:
        number = number.real
    if isinstance(number, float):
        return residue(Fraction(number).limit_denominator(10**6))
    raise InexactError(f"{number!r} is no element of a field")


class FieldKit:
    """The functions of the operations' table over the field, opaque.

    >>> import numpy as np
    >>> kit = FieldKit(seed=0)
    >>> x = np.array([Residue(3, 1)], dtype=object)
    >>> y = kit.tanh(x)
    >>> (y == kit.tanh(x)).all(), y[0].slope == (1 - y[0] ** 2).value
    (np.True_, True)
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._known: dict[tuple[str, int], int] = {}
        rules: dict[str, Callable[[Residue, Residue], Residue]] = {
            "exp": lambda x, y: y,
            "log": lambda x, y: x.inverse(),
            "sqrt": lambda x, y: (2 * y).inverse(),
            "tanh": lambda x, y: 1 - y * y,
            "sin": lambda x, y: self._opaque("cos", x),
            "cos": lambda x, y: -self._opaque("sin", x),
            "arctan": lambda x, y: (1 + x * x).inverse(),
            "erf": lambda x, y: self._opaque("2 / sqrt(pi)", Residue(0)) * self._opaque("exp", -(x * x)),
            "held": lambda x, y: Residue(0),
            "floor": lambda x, y: Residue(0),
        }
        for name, slope in rules.items():
            setattr(self, name, np.frompyfunc(self._function(name, slope), 1, 1))
        self._select = np.frompyfunc(lambda x, above, below: above if residue(x).is_positive else below, 3, 1)

    def _opaque(self, name: str, x: Residue) -> Residue:
        key = (name, x.value)
        if key not in self._known:
            self._known[key] = self._random.randrange(1, PRIME)
        return Residue(self._known[key])

    def _function(self, name: str, slope: Callable[[Residue, Residue], Residue]) -> Callable[[Any], Residue]:
        def value(given: Any) -> Residue:
            x = residue(given)
            y = self._opaque(name, Residue(x.value))
            return Residue(y.value, slope(Residue(x.value), y).value * x.slope) if x.slope else y

        return value

    def offset(self, x: Any) -> Any:
        return 0

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        return self._select(x, positive, otherwise)

    def number(self, value: Fraction) -> Residue:
        return residue(value)

    def array(self, values: Any) -> Array:
        """Whole numbers as elements of the field."""
        source = np.asarray(values, dtype=object)
        return np.asarray(np.frompyfunc(residue, 1, 1)(source), dtype=object)

    def random(self, shape: tuple[int, ...]) -> Array:
        """Random elements of the field."""
        found = np.empty(shape, dtype=object)
        for place in np.ndindex(shape):
            found[place] = Residue(self._random.randrange(PRIME))
        return found
