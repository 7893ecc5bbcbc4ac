"""The inputs of connectionist temporal classification, from lists of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnsym.errors import RnnsymError


def ctc_inputs(labels: Sequence[Sequence[int]], classes: int, blank: int = 0) -> dict[str, Any]:
    """What a model made with `loss="ctc"` has to be given besides: `moves`, `labels`, `ends` and `alpha[0]`.

    labels: those of each example, numbers below `classes` without the blank. Between any two of them, before the first
    and after the last, a blank may stand; equal neighbours need one.

    >>> {key: array.shape for key, array in ctc_inputs([[1, 2], [2]], classes=3).items()}
    {'moves': (2, 5, 5), 'labels': (2, 5, 3), 'ends': (2, 5), 'alpha[0]': (2, 5)}
    """
    batch, width = len(labels), 2 * max(map(len, labels), default=0) + 1
    moves, picks = np.zeros((batch, width, width)), np.zeros((batch, width, classes))
    ends, start = np.zeros((batch, width)), np.zeros((batch, width))
    for example, own in enumerate(labels):
        for label in own:
            if not 0 <= label < classes or label == blank:
                raise RnnsymError(f"labels are numbers below {classes} other than the blank, {blank}; this is {label}")
        extended = [blank]
        for label in own:
            extended += [label, blank]
        for place, label in enumerate(extended):
            picks[example, place, label] = 1
            moves[example, place, max(place - 1, 0) : place + 1] = 1
            if place > 1 and label not in (blank, extended[place - 2]):
                moves[example, place, place - 2] = 1
        ends[example, max(len(extended) - 2, 0) : len(extended)] = 1
        start[example, 0] = 1  # from where the first step leads to the first blank or the first label
    return {"moves": moves, "labels": picks, "ends": ends, "alpha[0]": start}
