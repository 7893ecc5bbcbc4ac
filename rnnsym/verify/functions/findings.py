"""What a function returned on some data sets, compared with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.equations.system import System
from rnnsym.verify.functions.calls import MalformedError, Returned
from rnnsym.verify.functions.relations import (
    EXACT,
    Pair,
    backwards,
    clipped,
    clipped_norm,
    clipped_to_norm,
    exchanged,
    multiple,
    penalised,
    summed_up,
    the_same,
    transposed,
)
from rnnsym.verify.functions.result import Counterexample, Relation
from rnnsym.verify.functions.search import Search
from rnnsym.verify.functions.trials import ROUNDING, SINGLE, TOLERANCE, Assumption, Subject, Trial, errors, smallest

#: How far arrays are moved to see how a function's own loss changes.
STEP = 2.0**-10


@dataclass(frozen=True)
class Findings:
    """What the function returned on a set of trials, compared with the truth."""

    subject: Subject
    trials: tuple[Trial, ...]
    returned: tuple[Returned, ...]
    assumption: Assumption | None = None
    #: Whether a small difference is a fault too, as that of a function is that computes exactly.
    exacting: bool = False

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

    @property
    def is_exact(self) -> bool:
        """Whether nothing but rounding makes a difference."""
        return all(error <= ROUNDING for error in self.errors.values())

    @cached_property
    def is_rough(self) -> bool:
        """Whether all differences are so small that it is how the gradients are computed, not what."""
        return all(error <= SINGLE for error in self.errors.values())

    def pairs(self, key: str) -> list[Pair]:
        return [
            Pair(trial, one[key], trial.gradients[key]) for one, trial in zip(self.gradients, self.trials, strict=True)
        ]

    @cached_property
    def relations(self) -> dict[str, Relation | None]:
        """The relation of each gradient, where one is found without looking into the derivation."""
        found: dict[str, Relation | None] = dict.fromkeys(self.gradients[0], EXACT)
        if self.is_rough and not self.exacting and not any(one.single for one in self.returned):
            return {key: roughly(error) for key, error in self.errors.items()}
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
                or summed_up(key, self.gradients, self.trials, self._together(key))
                or the_same(pairs)
                or penalised(key, pairs)
            )
        return found

    def _together(self, key: str) -> list[str]:
        """The parameters that the function keeps in one array with this one."""
        arrays = self.subject.convention.arrays
        return [name for name, target in arrays.items() if target == arrays.get(key)]

    @property
    def uniform(self) -> Relation | None:
        """The relation that every gradient has, where they share one."""
        texts = {relation.text if relation else None for relation in self.relations.values()}
        only = next(iter(self.relations.values()))
        return only if len(texts) == 1 and only is not None and only.kind != "exact" else None

    @property
    def loss(self) -> Relation | None:
        """How the loss that was returned stands to the model's; None where none was returned."""
        if any(one.loss is None for one in self.returned):
            return None
        pairs = [
            Pair(trial, np.array([one.loss]), np.array([trial.loss]))
            for one, trial in zip(self.returned, self.trials, strict=True)
        ]
        return multiple(pairs, self.subject.loss, "the model's loss") or Relation("different", "not the model's loss")

    def search(self, system: System) -> Search:
        # The data on which most is wrong come first: those that are too short for a fault show nothing of it.
        every = [errors(one, trial.gradients) for one, trial in zip(self.gradients, self.trials, strict=True)]
        shown = [sum(error > self.trials[0].tolerance for error in found.values()) for found in every]
        order = sorted(range(len(self.trials)), key=lambda number: -shown[number])
        trials, gradients = [self.trials[n] for n in order], [self.gradients[n] for n in order]
        return Search(self.subject.model, system, trials, gradients, self.wrong, self.subject.convention.arrays)


def roughly(error: float) -> Relation:
    """What a gradient is that differs from the true one by so little."""
    if error <= ROUNDING:
        return EXACT
    shown = f"{error:.0e}".replace("e-0", "e-")
    return Relation(
        "approximate" if error > TOLERANCE else "exact",
        f"the gradient, but accurate to about {shown} only (finite differences? single precision?)",
        {"error": error},
    )


def findings_of(
    subject: Subject,
    trials: Sequence[Trial],
    returned: Sequence[Returned],
    assumption: Assumption | None = None,
    exacting: bool = False,
) -> Findings:
    """The comparison of calls with the truth, as exact as the numbers that the function computes in."""
    if any(one.single for one in returned):
        trials = [replace(trial, tolerance=SINGLE) for trial in trials]
    return Findings(subject, tuple(trials), tuple(returned), assumption, exacting)


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


def counterexample(findings: Findings) -> Counterexample | None:
    """The smallest data for which a gradient is wrong."""
    tried = smallest(findings.subject, findings.assumption)
    for trial in (*tried, *findings.trials):
        try:
            returned = findings.subject.call(trial).gradients
        except MalformedError:
            continue
        for key, error in errors(returned, trial.gradients).items():
            if error > findings.trials[0].tolerance:
                true = trial.gradients[key]
                place = np.unravel_index(int(np.argmax(np.abs(returned[key] - true))), true.shape)
                return Counterexample(
                    key,
                    trial.length,
                    trial.batch,
                    dict(trial.data.sizes),
                    tuple(int(n) for n in place),
                    float(returned[key][place]),
                    float(true[place]),
                    trial.data.params,
                    trial.data.inputs,
                )
    return None
