"""Links of the backward pass, and edits of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import Expr

from rnnsym.checks.kits import Array
from rnnsym.equations.indexed import Access, Equation, Term
from rnnsym.verify.functions.values import Node


@dataclass(frozen=True)
class Instance:
    """A link at one time: from the adjoint of `source` to that of `receiver`; `times` are its time indices."""

    source: Node
    receiver: Node
    times: Mapping[Expr, int]


@dataclass(frozen=True, eq=False)
class Link:
    """One term of the derivative of an equation by an element that it reads; `factors` is the coefficient."""

    number: int
    equation: Equation
    term: Term
    place: Access
    factors: tuple[Expr, ...]
    instances: tuple[Instance, ...]

    @property
    def source(self) -> str:
        return self.equation.name

    @property
    def receiver(self) -> str:
        return self.place.name

    @property
    def crosses_time(self) -> bool:
        """Whether it leads from a step to an earlier one."""
        return any(
            i.source[1] is not None and i.receiver[1] is not None and i.receiver[1] < i.source[1]
            for i in self.instances
        )


@dataclass(frozen=True)
class Limit:
    """Adjoints clipped element by element inside the loop: those of a variable, or what arrives from later steps.

    positive: what is negative becomes zero instead.
    """

    variable: str
    size: float
    carried: bool
    positive: bool = False

    def cut(self, array: Array) -> None:
        """Clip an array in place."""
        np.clip(array, 0.0 if self.positive else -self.size, np.inf if self.positive else self.size, out=array)


@dataclass(frozen=True)
class Edit:
    """A change of the backward pass, in words and in numbers.

    coefficients: for a link, the factors that stand in for its own. scales: for a link, a number for each instance.
    senders: for a link, the variable whose adjoint it takes instead of its source's. A pass that is a sum of several
    passes (truncation: one for each loss) has more than one of `parts`, each a further set of scales.
    """

    kind: str
    text: str
    rank: int = 1
    coefficients: Mapping[int, tuple[Expr, ...]] = field(default_factory=dict)
    arrays: Mapping[int, Any] = field(default_factory=dict)
    scales: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    senders: Mapping[int, str] = field(default_factory=dict)
    parts: tuple[Mapping[int, tuple[float, ...]], ...] = ({},)
    detail: Mapping[str, Any] = field(default_factory=dict)
    #: The gradient of an initial state is what arrives one step later: a loop that stops before the first step.
    stops_early: bool = False
    limit: Limit | None = None
    #: For a link whose coefficient is another, the instances where it is; all of them where nothing is said.
    only: Mapping[int, frozenset[int]] = field(default_factory=dict)
    #: Links that pass back to every earlier step what belongs to the last one.
    repeated: frozenset[int] = frozenset()
    #: The steps are gone through forwards in time.
    forwards: bool = False
    #: Variables for which what arrives from later steps is added up over all of these, instead of set anew.
    added_up: frozenset[str] = frozenset()
    #: Variables whose adjoint is never set anew: that of step t keeps that of step t+1.
    never_reset: frozenset[str] = frozenset()
    #: Variables whose adjoint at the last step starts at one instead of zero.
    from_one: frozenset[str] = frozenset()

    @property
    def replaced(self) -> frozenset[int]:
        """The links whose coefficient or sender is another."""
        return frozenset((*self.coefficients, *self.arrays, *self.senders))
