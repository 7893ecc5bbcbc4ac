"""What a function returned on some data sets, compared with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.equations.lowering import System
from rnnsym.verify.function_calls import MalformedError, Returned
from rnnsym.verify.function_relations import (
    EXACT,
    Pair,
    backwards,
    clipped,
    clipped_norm,
    clipped_to_norm,
    exchanged,
    multiple,
    transposed,
)
from rnnsym.verify.function_result import Relation
from rnnsym.verify.function_search import Search
from rnnsym.verify.function_trials import SINGLE, Assumption, Subject, Trial, errors

#: How far arrays are moved to see how a function's own loss changes.
STEP = 2.0**-10


@dataclass(frozen=True)
class Findings:
    """What the function returned on a set of trials, compared with the truth."""

    subject: Subject
    trials: tuple[Trial, ...]
    returned: tuple[Returned, ...]
    assumption: Assumption | None = None

    @cached_property
    def gradients(self) -> list[Mapping[str, Array]]:
        return [one.gradients for one in self.returned]

    @cached_property
    def errors(self) -> dict[str, float]:
        """The largest error of each gradient over all trials."""
        every = [errors(one, trial.gradients) for one, trial in zip(self.gradients, self.trials, strict=True)]
        return {key: max(found.get(key, float("inf")) for found in every) for key in self.gradients[0]}

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        return tuple(key for key, error in self.errors.items() if error > self.trials[0].tolerance)

    def pairs(self, key: str) -> list[Pair]:
        return [
            Pair(trial, one[key], trial.gradients[key]) for one, trial in zip(self.gradients, self.trials, strict=True)
        ]

    @cached_property
    def relations(self) -> dict[str, Relation | None]:
        """The relation of each gradient, where one is found without looking into the derivation."""
        found: dict[str, Relation | None] = dict.fromkeys(self.gradients[0], EXACT)
        if not self.wrong:
            return found
        common = clipped_norm(self.gradients, self.trials)
        for key in self.wrong:
            pairs = self.pairs(key)
            found[key] = (
                common
                or multiple(pairs, self.subject.loss)
                or clipped(pairs)
                or clipped_to_norm(pairs)
                or transposed(pairs)
                or exchanged(key, self.gradients, self.trials)
                or backwards(pairs)
            )
        return found

    @property
    def uniform(self) -> Relation | None:
        """The relation that every gradient has, where they share one."""
        texts = {relation.text if relation else None for relation in self.relations.values()}
        only = next(iter(self.relations.values()))
        return only if len(texts) == 1 and only is not None and only.kind != "exact" else None

    def search(self, system: System) -> Search:
        return Search(self.subject.model, system, self.trials, self.gradients, self.wrong)


def findings_of(
    subject: Subject, trials: Sequence[Trial], returned: Sequence[Returned], assumption: Assumption | None = None
) -> Findings:
    """The comparison of calls with the truth, as exact as the numbers that the function computes in."""
    if any(one.single for one in returned):
        trials = [replace(trial, tolerance=SINGLE) for trial in trials]
    return Findings(subject, tuple(trials), tuple(returned), assumption)


def own_loss(findings: Findings) -> str:
    """Whether the gradients are at least those of the loss that the function itself returns; empty where none is.

    All arrays whose gradient was returned are moved in one random direction, and the loss is asked for again.
    """
    subject, trial, returned = findings.subject, findings.trials[0], findings.returned[0]
    if returned.loss is None or returned.single:
        return ""
    rng = np.random.default_rng(1)
    directions = {key: rng.normal(size=np.shape(gradient)) for key, gradient in returned.gradients.items()}
    expected = sum(float(np.vdot(returned.gradients[key], direction)) for key, direction in directions.items())
    found = []
    for step in (STEP, -STEP, 2 * STEP, -2 * STEP):
        moved = [
            {key: array + step * directions[key] if key in directions else array for key, array in arrays.items()}
            for arrays in (trial.data.params, trial.data.inputs)
        ]
        try:
            loss = subject.convention.called(subject.function, *moved).loss
        except MalformedError:
            return ""
        found.append(loss if loss is not None else float("nan"))
    slope = (8 * (found[0] - found[1]) - (found[2] - found[3])) / (12 * STEP)
    if abs(slope - expected) <= 1e-5 * max(abs(slope), abs(expected)):
        return "the gradients are those of the loss that the function returns: its loss is another than the model's"
    return "the gradients are not those of the loss that the function itself returns"
