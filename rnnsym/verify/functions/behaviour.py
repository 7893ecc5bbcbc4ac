"""Whether a function is one: the same data, the same gradients, whatever was called before."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.verify.functions.calls import Returned
from rnnsym.verify.functions.trials import TOLERANCE, Subject, Trial


def behaviour(subject: Subject, first: Trial, other: Trial, before: Returned) -> tuple[str, ...]:
    """What is wrong with the function's behaviour, in words; empty where nothing is.

    before: what it returned for `first` on its first call.
    """
    seeded = [_seeded(lambda: subject.call(first), seed) for seed in (1, 1, 2)]
    if _equal(seeded[0], seeded[1]) and not _equal(seeded[1], seeded[2]):
        return ("depends on the global random state: seeded alike it repeats itself, seeded otherwise it does not",)
    found = []
    if not _equal(before, seeded[0]) or not _equal(seeded[0], seeded[1]):
        found.append(_kept(before, seeded, first))
    between = subject.call(first)
    subject.call(other)
    after = subject.call(first)
    if not found and not _equal(between, after):
        found.append(
            "keeps a state between calls: after a call with other data it returns other gradients for the same data; "
            "reset what it keeps, or pass it in"
        )
    return tuple(found)


def _kept(before: Returned, calls: list[Returned], trial: Trial) -> str:
    """What a function that changes from call to call keeps."""
    every = (before, *calls)
    pairs = list(itertools.pairwise(every))
    keys = [
        key
        for key in before.gradients
        if any(key in _different(one.gradients, other.gradients) for one, other in pairs)
    ]
    added = [
        key
        for key in keys
        if np.allclose(calls[2].gradients[key] - calls[1].gradients[key], trial.gradients[key], rtol=1e-6, atol=1e-9)
        or np.allclose(calls[2].gradients[key] - calls[1].gradients[key], before.gradients[key], rtol=1e-6, atol=1e-9)
    ]
    if added:
        return (
            f"keeps its sums between calls: each call adds to the gradient of {', '.join(added)}; "
            "set the accumulators to zero at the start of each call"
        )
    right = all(
        np.max(np.abs(before.gradients[key] - trial.gradients[key]), initial=0.0)
        <= TOLERANCE * max(float(np.max(np.abs(trial.gradients[key]), initial=0.0)), 1e-9)
        for key in keys
    )
    first = (
        "the first call is right, a second one with the same data is not"
        if right
        else "two calls with the same data differ"
    )
    return (
        f"keeps a state between calls ({first}: {', '.join(keys)}); reset the state or cache at the start of each call"
    )


def _different(one: Mapping[str, Array], other: Mapping[str, Array]) -> list[str]:
    return [key for key in one if key not in other or not _alike(one[key], other[key])]


def _alike(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-10, atol=1e-12))


def _equal(one: Returned, other: Returned) -> bool:
    return set(one.gradients) == set(other.gradients) and not _different(one.gradients, other.gradients)


def _seeded(call: Callable[[], Returned], seed: int) -> Returned:
    """A call with the global random states set, which are put back afterwards."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        np.random.seed(seed)
        random.seed(seed)
        return call()
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
