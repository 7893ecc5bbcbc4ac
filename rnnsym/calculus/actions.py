"""What a sweep does, what it has so far, and what comes of an action."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from rnnsym.calculus.rules import Contribution, adjoint_name
from rnnsym.calculus.visits import influential
from rnnsym.equations.indexed import Equation
from rnnsym.equations.system import System
from rnnsym.language.syntax import Time


@dataclass(frozen=True)
class Action:
    """One application of a rule.

    rule: "seed", "contribution", "collect", "substitute" or "cancel".
    subject: the variable whose adjoint is concerned.
    equation: for a contribution, the position of the equation; element: the element of it that is differentiated.
    time: for a collected adjoint, the time that it is for.
    """

    rule: str
    subject: str
    equation: int = -1
    element: Expr | None = None
    time: Time | None = None


@dataclass
class State:
    """What a sweep has so far: contributions that wait to be collected, and adjoint equations."""

    system: System
    contributions: dict[str, list[Contribution]] = field(default_factory=dict)
    adjoints: list[Equation] = field(default_factory=list)

    @cached_property
    def influential(self) -> frozenset[str]:
        return influential(self.system)

    @cached_property
    def adjoint_variables(self) -> dict[str, str]:
        """The variable of each adjoint."""
        return {adjoint_name(name): name for name in self.system.variables}

    def with_adjoint(self, equation: Equation) -> None:
        self.adjoints.append(equation)

    def adjoint_equations(self, variable: str) -> list[Equation]:
        return [equation for equation in self.adjoints if equation.variable.adjoint_of == variable]


@dataclass(frozen=True)
class Outcome:
    """The equation that an action was applied to, and what came of it (an equation or the terms of one)."""

    before: Equation | None
    after: tuple[Equation, ...] | Contribution
