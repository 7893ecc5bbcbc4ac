"""What is known of times: whether one is surely before another, for every length and all values of the letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rnnsym.claims.syntax import Moment
from rnnsym.proof.atoms import Product

LENGTH = Moment.of("T")
FIRST = Moment((), 1)


@dataclass(frozen=True)
class Context:
    """The ranges of the free letters, each possibly in terms of those before it, and the shortest length.

    open_ended: the adjoints that are not zero after the last step.
    """

    ranges: tuple[tuple[str, Moment, Moment], ...]
    shortest: int = 1
    open_ended: frozenset[str] = frozenset()

    def adding(self, *ranges: tuple[str, Moment, Moment]) -> Context:
        """With the ranges of more letters."""
        return replace(self, ranges=(*self.ranges, *ranges))

    def within(self, product: Product) -> Context:
        """Inside the sums of a product."""
        return self.adding(*product.over) if product.over else self

    def least(self, moment: Moment) -> int | None:
        """The least value that a time can have; None where there is no bound."""
        for letter, low, high in reversed(self.ranges):
            count = dict(moment.terms).get(letter, 0)
            if count:
                moment = moment - Moment.of(letter).times(count) + (low if count > 0 else high).times(count)
        counts = dict(moment.terms)
        lengths = counts.pop("T", 0)
        if counts or lengths < 0:
            return None
        return moment.offset + lengths * self.shortest

    def surely_from(self, moment: Moment, low: Moment) -> bool:
        """Whether a time is surely `low` or later."""
        least = self.least(moment - low)
        return least is not None and least >= 0

    def surely_to(self, moment: Moment, high: Moment) -> bool:
        """Whether a time is surely `high` or earlier."""
        return self.surely_from(high, moment)

    def inside(self, moment: Moment, low: Moment, high: Moment) -> bool | None:
        """Whether a time lies in a range; None where that depends."""
        if self.surely_from(moment, low) and self.surely_to(moment, high):
            return True
        one = Moment((), 1)
        if self.surely_to(moment, low - one) or self.surely_from(moment, high + one):
            return False
        return None


def solved(moment: Moment, target: Moment) -> Mapping[str, Moment] | None:
    """The value of the one letter of `moment`, T aside, that makes it `target`; {} where it has none and is equal."""
    letters = [(letter, count) for letter, count in moment.terms if letter != "T"]
    if not letters:
        return {} if moment == target else None
    if len(letters) > 1 or abs(letters[0][1]) != 1:
        return None
    letter, count = letters[0]
    rest = moment - Moment.of(letter).times(count)
    return {letter: (target - rest).times(count)}
