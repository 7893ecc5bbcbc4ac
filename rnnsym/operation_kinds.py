"""The kinds of operations: what an entry of the table in `rnnsym.operations` holds.

- `Elementwise`: a function of one number, applied to each element;
- `Pairwise`: a function of two numbers, applied to pairs of elements;
- `VectorFunction`: a function of a whole vector, with its Jacobian in index notation;
- `Abbreviation`: short for an expression in the model's own language, and replaced by it;
- `Structural`: sums of products of elements, which equations in index notation express directly, without a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import sympy
from sympy import Expr, Rational


class Numbers(Protocol):
    """What a definition may use: the functions of some kind of number (complex, mpmath, SymPy)."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cos: Callable[[Any], Any]
    arctan: Callable[[Any], Any]

    def erf(self, x: Any) -> Any:
        """The error function."""

    def held(self, x: Any) -> Any:
        """The same value, which does not move with what it depends on: its derivative is zero."""

    def floor(self, x: Any) -> Any:
        """The largest whole number that is not above (the real part of) x; its derivative is zero."""

    def offset(self, x: Any) -> Any:
        """What to take off all elements of x so that `exp` does not overflow: it does not move; zero for none."""

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        """`positive` where (the real part of) x is above zero, else `otherwise`."""


@dataclass(frozen=True)
class Elementwise:
    """A function of one number.

    `derivative(x, y)` is in SymPy, with y standing for the output; `definition(numbers, x)` is what the independent
    checks evaluate, in any kind of number; `code` is NumPy source with `{x}` for the argument. `kinks` are the points
    without a derivative, `domain` the open interval of arguments, `slope` the largest derivative in size (None:
    unbounded), `image` the least and the largest value (or what values come close to), `letter` the name that a
    pre-activation gets. `holds`: the derivative is zero by decree, and not that of the values.
    """

    name: str
    definition: Callable[[Numbers, Any], Any]
    derivative: Callable[[Expr, Expr], Expr]
    latex: str
    code: str
    text: str = ""
    kinks: tuple[Fraction, ...] = ()
    domain: tuple[float, float] = (float("-inf"), float("inf"))
    slope: Fraction | None = None
    image: tuple[Any, Any] = (-sympy.oo, sympy.oo)
    letter: str = "a"
    arity: tuple[int, int | None] = (1, 1)
    signature: str = "*->*"
    #: (f, a, b, c) where this function of x is a + b f(c x): kernels then share the calls of f.
    through: tuple[str, Rational, Rational, Rational] | None = None
    holds: bool = False


@dataclass(frozen=True)
class Pairwise:
    """A function of two numbers, applied to pairs of elements; a scalar goes with every element of the other.

    `derivatives(x, y, z)` are those by the first and by the second argument, z standing for the output;
    `expression(x, y)` says the same function in functions of one number. `latex`, `text` and `code` are templates with
    `{x}` and `{y}`, which stand in brackets or are powers. `positive`: the first argument has to be above zero.
    """

    name: str
    definition: Callable[[Numbers, Any, Any], Any]
    derivatives: Callable[[Expr, Expr, Expr], tuple[Expr, Expr]]
    expression: Callable[[Expr, Expr], Expr]
    latex: str
    code: str
    text: str
    positive: bool = False
    letter: str = "a"
    arity: tuple[int, int | None] = (2, 2)


@dataclass(frozen=True)
class VectorFunction:
    """A function of a vector, or of a matrix, whose elements depend on all elements of the argument.

    `jacobian(x, y, i, k)` gives d y[i] / d x[k] as a list of products of factors in index notation, where `x(k)` and
    `y(i)` are the elements; i is None where the output is a scalar. Of a matrix, i and k are pairs, and an element is
    `y(i, j)`. `latex` and `text` may be templates with `{x}` for the argument. `simplex`: the output has elements above
    zero that sum to one.
    """

    name: str
    definition: Callable[[Numbers, Any], Any]
    jacobian: Callable[[Callable[..., Expr], Callable[..., Expr], Any, Any], list[tuple[Expr, ...]]]
    latex: str
    code: str
    signature: str
    text: str = ""
    letter: str = "a"
    arity: tuple[int, int | None] = (1, 1)
    simplex: bool = False

    @property
    def indices(self) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        """The letters of the argument, alone in a list, and of the result."""
        before, after = (tuple(part.strip("()").split(",")) for part in self.signature.split("->"))
        return (before,), () if after == ("",) else after

    @property
    def of_matrix(self) -> bool:
        """Whether the argument is a matrix as a whole."""
        return len(self.indices[0][0]) == 2


@dataclass(frozen=True)
class Abbreviation:
    """`name(parameters)` stands for `expansion`, an expression of the model's language.

    `more`: the same with further parameters, each with its own expansion. `loss`: it compares a target with an output.
    """

    name: str
    parameters: tuple[str, ...]
    expansion: str
    more: tuple[tuple[tuple[str, ...], str], ...] = ()
    loss: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        counts = [len(parameters) for parameters, _ in self.forms]
        return (min(counts), max(counts))

    @property
    def forms(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Every list of parameters with what it stands for."""
        return ((self.parameters, self.expansion), *self.more)


@dataclass(frozen=True)
class Structural:
    """An operation that index notation expresses by itself.

    `signature` says which elements are multiplied and which indices are summed: `(i,j),(j)->(i)` is a matrix times a
    vector; an index that stands twice on the right is a diagonal. A `*` is any shape, `+` a concatenation.
    """

    name: str
    signature: str
    arity: tuple[int, int | None]

    @property
    def indices(self) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]] | None:
        """The letters of each argument and of the result; None for what is no sum of products."""
        if "*" in self.signature or "+" in self.signature:
            return None
        before, after = self.signature.split("->")
        letters = [tuple(part.split(",")) if part else () for part in before.strip("()").split("),(") if before]
        return tuple(letters), tuple(letter for letter in after.strip("()").split(",") if letter)

    @property
    def is_scalar(self) -> bool:
        """Whether the result is a scalar, whatever the arguments are."""
        return self.signature.endswith("->()")


Operation = Elementwise | Pairwise | VectorFunction | Abbreviation | Structural
