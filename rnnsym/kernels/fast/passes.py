"""Which passes a fast kernel goes through, and the measured numbers that they decide by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passes:
    """Each pass can be left out: the numbers stay the same, the time changes.

    hoist: what does not depend on a recurrence leaves its loop. fuse: operations on neighbouring slabs are one call,
    and matrix products with one vector are one product. fold: a function that is another one of a scaled argument is
    written as that, with the scale in the weights. recompute: what is cheap is computed again instead of kept.
    split: what multiplies an adjoint is computed before the loop over the adjoints. delay: sums over time are added up
    for many steps at once.
    rows: steps times examples in a chunk. cache: bytes that stay near the processor. buffer: numbers in a buffer of
    NumPy's, a multiple of 16.

    >>> Passes(fuse=False).hoist
    True
    """

    hoist: bool = True
    fuse: bool = True
    fold: bool = True
    recompute: bool = True
    split: bool = True
    delay: bool = True
    rows: int = 512
    cache: int = 600_000
    buffer: int = 1024

    @property
    def shortest(self) -> int:
        """A chunk of the backward pass has at least so many steps."""
        return 16 if self.delay else 1
