"""What can be said of a claim."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """The verdict on a claim or on one of its equations."""

    PROVED = "proved"  # for every T and all sizes
    SUPPORTED = "supported"  # in exact arithmetic, at stated lengths and sizes
    CONDITIONAL = "conditional"  # under an assumption that the claim leaves unsaid
    REFUTED = "refuted"  # with a counterexample
    MALFORMED = "malformed"  # its shapes do not fit

    def __str__(self) -> str:
        return self.value

    @property
    def holds(self) -> bool:
        """Whether the claim may be used, under the assumption that is printed with it."""
        return self in (Verdict.PROVED, Verdict.SUPPORTED, Verdict.CONDITIONAL)


#: From the best to the worst: a claim is as good as its worst equation.
ORDER = tuple(Verdict)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict on several equations together."""
    return max(verdicts, key=ORDER.index)
