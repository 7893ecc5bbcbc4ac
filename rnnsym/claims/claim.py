"""A claim, read: what a person derived, as equations that may define sequences of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rnnsym.claims.syntax import Bound, Derivative, Kind, Node, Sequence, free_letters, walk
from rnnsym.errors import Span


@dataclass(frozen=True)
class Range:
    """The times at which an equation is said to hold; an end that is not told is None."""

    letter: str
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True)
class Equation:
    """`left = right`, for the times in `ranges` (where told).

    `left` is a Sequence where the equation defines one, else a Derivative, a Variable or another expression that is
    claimed to be equal. `given`: it comes from the `where` text, and is a definition that nobody has to prove.
    """

    left: Node
    right: Node
    ranges: tuple[Range, ...]
    span: Span = field(compare=False)
    source: str = field(default="", compare=False)
    given: bool = False

    @property
    def defines(self) -> str | None:
        """The sequence that it defines."""
        return self.left.name if isinstance(self.left, Sequence) else None

    @property
    def letters(self) -> tuple[str, ...]:
        """The times that are free in it, those of the left side first."""
        return tuple(dict.fromkeys((*free_letters(self.left), *free_letters(self.right))))


@dataclass(frozen=True)
class Claim:
    r"""What a person derived: equations in the order of the text, those of `where` first.

    `layout` and `convention` are how it was read, `assumed` what it leaves unsaid and how that was taken. `adjoints`
    says which of the claim's sequences is named after a variable, as `\bar{h}` or `\delta h` is: the author most likely
    means its adjoint. `raised_to_length`: the numbers under a T that may be a transpose or a power.
    `numbered`: elements with different numbers stand in an equation, and were taken for any two.
    `length`: the length that it states, as in T = 3.
    """

    equations: tuple[Equation, ...]
    text: str
    layout: str = "numerator"
    convention: str = "columns"
    adjoints: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    raised_to_length: tuple[str, ...] = ()
    numbered: bool = False
    length: int | None = None

    @property
    def sequences(self) -> tuple[str, ...]:
        """The names that the claim defines."""
        return tuple(dict.fromkeys(e.defines for e in self.equations if e.defines is not None))

    def defining(self, name: str) -> list[Equation]:
        """The equations that define a sequence."""
        return [equation for equation in self.equations if equation.defines == name]

    def says_adjoint(self, name: str) -> bool:
        """Whether a sequence has the bar of an adjoint over its letter; a delta may be that of a pre-activation."""
        return name in self.adjoints and re.split(r"[_^]", name)[0].endswith("bar")

    @property
    def readings(self) -> tuple[Kind, ...]:
        """What a plain partial sign between states may mean; nothing to choose where there is none."""
        nodes = (node for e in self.equations for side in (e.left, e.right) for node in walk(side))
        plain = any(isinstance(node, Derivative) and node.kind is Kind.PARTIAL for node in nodes)
        return (Kind.TOTAL, Kind.IMMEDIATE) if plain else (Kind.TOTAL,)
