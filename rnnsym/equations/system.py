"""A model's equations in index notation, and what they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from rnnsym.equations.indexed import Equation, Variable, elements_of, name_of
from rnnsym.language.syntax import Time


@dataclass(frozen=True)
class System:
    """Named equations in index notation, and the variables that they speak of."""

    variables: dict[str, Variable]
    equations: tuple[Equation, ...]
    loss: str
    minimum_length: int
    #: The inputs with a value at every step, also where the equations are found to need them at some steps only.
    sequences: tuple[str, ...]
    #: The single values that are handed in, such as ("h", Time("", 0)).
    given: tuple[tuple[str, Time], ...]
    #: The parameters that are not learned.
    fixed: frozenset[str] = frozenset()

    def defining(self, name: str) -> tuple[Equation, ...]:
        """The equations that define a variable, boundary equations included."""
        return tuple(equation for equation in self.equations if equation.name == name)

    @cached_property
    def readers(self) -> dict[str, list[tuple[int, Expr]]]:
        """By variable: the positions of the equations that read it, each with the element that it reads."""
        found: dict[str, list[tuple[int, Expr]]] = {}
        for position, equation in enumerate(self.equations):
            for element in dict.fromkeys(elements_of(equation)):
                found.setdefault(name_of(element), []).append((position, element))
        return found
