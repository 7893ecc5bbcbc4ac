"""Accuracy with a 95% confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from reviews import Example

Z = 1.96  # two-sided 95%


def accuracy(probabilities: np.ndarray, examples: Sequence[Example]) -> float:
    return float(np.mean((probabilities > 0.5) == [example.positive for example in examples]))


@dataclass(frozen=True)
class Measured:
    """An accuracy and its interval."""

    accuracy: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.accuracy:.1f} ({100 * self.low:.0f} to {100 * self.high:.0f})"


def measure(probabilities: np.ndarray, examples: Sequence[Example]) -> Measured:
    """Accuracy with Wilson's interval, counting each group as one observation.

    Phrases about one adjective stand or fall together: to count each of them would make the interval too narrow.
    """
    p = accuracy(probabilities, examples)
    n = len({example.group for example in examples})
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return Measured(p, max(0.0, centre - half), min(1.0, centre + half))
