"""The smallest set of edits of the true backward pass that makes the gradients which a function returned."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.verify.functions.edit import Edit
from rnnsym.verify.functions.edits import every_edit, half_waves
from rnnsym.verify.functions.network import Network
from rnnsym.verify.functions.result import Explanation, Relation
from rnnsym.verify.functions.trials import Trial
from rnnsym.verify.functions.values import Values

#: How many edits that explain a part are combined with all others, and how many of those that explain the same part.
WIDTH, ALIKE = 8, 2
#: How many explanations of a short sequence are tried on longer ones.
MANY = 12
#: Edits that are combined with each other although neither explains anything alone.
UPSTREAM = ("path", "derivative", "sign", "transpose", "truncated", "immediate", "loss", "sum")
MOST_PAIRS = 9000


Chosen = tuple[Edit, ...]


class Factor(NamedTuple):
    """Something that scales all gradients alike."""

    text: str
    of: Callable[[Trial], float]


#: What a sum or a mean that is taken otherwise does, beside nothing.
MEANS = (
    Factor("", lambda trial: 1.0),
    Factor("every gradient is averaged over the batch instead of summed", lambda trial: 1 / trial.batch),
    Factor("every gradient is averaged over time instead of summed", lambda trial: 1 / trial.length),
    Factor(
        "every gradient is averaged over time and batch instead of summed", lambda trial: 1 / trial.batch / trial.length
    ),
)
#: The same where the loss is a mean and the gradients may be sums.
SUMS = (
    Factor("every gradient is summed over the batch where the loss is a mean", lambda trial: trial.batch),
    Factor("every gradient is summed over time where the loss is a mean", lambda trial: trial.length),
    Factor(
        "every gradient is summed over time and batch where the loss is a mean",
        lambda trial: trial.batch * trial.length,
    ),
)
OTHERS = (
    Factor("every gradient has the opposite sign", lambda trial: -1.0),
    Factor("every gradient is twice as large", lambda trial: 2.0),
    Factor("every gradient is half as large", lambda trial: 0.5),
)
FACTORS = (*MEANS, *OTHERS)
#: Nothing is scaled.
UNSCALED = MEANS[0]


class Found(NamedTuple):
    """A set of edits that explains some keys."""

    edits: Chosen
    factor: Factor
    keys: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int]:
        return len(self.edits) + bool(self.factor.text), sum(edit.rank for edit in self.edits)


@dataclass(frozen=True)
class Search:
    """The search for one function: returned gradients for each trial; `wrong` are the gradients to be explained."""

    model: Model
    system: System
    trials: Sequence[Trial]
    returned: Sequence[Mapping[str, Array]]
    wrong: tuple[str, ...]
    #: The array in which the function keeps a parameter, where it keeps several as one.
    arrays: Mapping[str, str] = field(default_factory=dict)
    by_text: dict[int, dict[str, Edit]] = field(default_factory=dict, compare=False)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.returned[0])

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        return tuple(Network(Values(self.model, self.system, trial.data), self.arrays) for trial in self.trials)

    @cached_property
    def effective(self) -> tuple[list[Edit], dict[str, Array]]:
        """The edits of the first trial's network that change a gradient which was returned, with what they make."""
        every = every_edit(self.networks[0])
        gradients = self.networks[0].gradients(self.keys, [(), *((edit,) for edit in every)])
        changed = np.zeros(len(every), bool)
        for array in gradients.values():
            flat = array.reshape(len(array), -1)
            scale = max(float(np.max(np.abs(flat[0]), initial=0.0)), 1e-12)
            changed |= np.max(np.abs(flat[1:] - flat[0]), axis=1, initial=0.0) > 1e-9 * scale
        kept = [edit for edit, matters in zip(every, changed, strict=True) if matters]
        return kept, {key: array[1:][changed] for key, array in gradients.items()}

    @property
    def edits(self) -> list[Edit]:
        return self.effective[0]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What may scale all gradients of this function alike."""
        return (*self.averages, *OTHERS)

    @property
    def averages(self) -> tuple[Factor, ...]:
        """Those of them that come of a sum or a mean."""
        return MEANS if self.unit(0) == 1.0 else (*MEANS, *SUMS)

    def elsewhere(self, edit: Edit, number: int) -> Edit | None:
        """The same edit in the network of another trial; None where that is too short for it."""
        network = self.networks[number]
        if edit.limit is not None:
            factor = self.unit(0) / self.unit(number)
            same = {other.text: other for other in half_waves(network)}
            return same.get(edit.text) or replace(edit, limit=replace(edit.limit, size=edit.limit.size * factor))
        steady = all(len(set(scale)) == 1 for scale in edit.scales.values()) and edit.parts == ({},)
        if steady and not edit.arrays and not edit.only and edit.kind != "mean":
            scales = {link: (scale[0],) * len(network.links[link].instances) for link, scale in edit.scales.items()}
            return replace(edit, scales=scales)
        if number not in self.by_text:
            self.by_text[number] = {other.text: other for other in every_edit(network)}
        return self.by_text[number].get(edit.text)

    # Comparing

    def matches(self, number: int, combinations: Sequence[Chosen], factor: Factor = UNSCALED) -> Array:
        """Which combinations make which gradients of a trial: `(combinations, keys)`."""
        gradients = self.networks[number].gradients(self.keys, combinations)
        scale = factor.of(self.trials[number]) * self.unit(number)
        return self._compared(number, gradients, scale)

    def unit(self, number: int) -> float:
        """The scale of the true gradients of a trial, which hold the loss option."""
        return self.trials[number].unit

    def _compared(self, number: int, gradients: Mapping[str, Array], scale: float) -> Array:
        columns = []
        sizes = [float(np.max(np.abs(array), initial=0.0)) for array in self.trials[number].gradients.values()]
        for key in self.keys:
            wanted = self.returned[number][key]
            size = max(float(np.max(np.abs(wanted), initial=0.0)), 1e-4 * max(sizes, default=0.0), 1e-12)
            made = gradients[key] * scale
            difference = np.abs(made - wanted).reshape(len(made), -1).max(axis=1, initial=0.0)
            columns.append(difference <= self.trials[number].tolerance * size)
        return np.stack(columns, axis=1)

    def confirmed(self, found: Chosen, factor: Factor, keys: Iterable[str]) -> bool:
        """Whether edits make these gradients on the other data sets too."""
        positions = [self.keys.index(key) for key in keys]
        for number in range(1, len(self.trials)):
            same = [self.elsewhere(edit, number) for edit in found]
            edits = tuple(edit for edit in same if edit is not None)
            if len(edits) < len(found):
                # An edit that needs a longer sequence than this one.
                continue
            if not self.matches(number, [edits], factor)[0][positions].all():
                return False
        return True

    # Searching

    @cached_property
    def singles(self) -> list[Chosen]:
        return [(edit,) for edit in self.edits]

    def table(self, factor: Factor) -> Array:
        """Which single edits make which gradients."""
        return self._compared(0, self.effective[1], factor.of(self.trials[0]) * self.unit(0))

    def single(self) -> Explanation | None:
        """One edit that explains every gradient that was returned, perhaps with all of them scaled alike."""
        for factor in self.factors if self.singles else ():
            complete = self.complete(self.singles, self.table(factor), factor)
            if complete:
                return self.told(complete)
        return None

    def staged(self, short: Search) -> Explanation | None:
        """Several edits: those that explain a shorter sequence, and up to one more that shows on a longer one only.

        A sequence of one step holds the faults within a step apart from those of the paths through time.
        """
        if not self.singles:
            return None
        own = {edit.text: edit for edit in self.edits}
        for begun, factor in short.candidates():
            same = tuple(own[edit.text] for edit in begun if edit.text in own)
            combinations = [
                same,
                *((*same, edit) for edit in self.edits if edit not in same and not _clash(same, edit)),
            ]
            complete = self.complete(combinations, self.matches(0, combinations, factor), factor)
            if complete:
                return self.told(complete)
        return None

    def candidates(self) -> list[tuple[Chosen, Factor]]:
        """The likeliest sets of edits that explain everything here: equally good ones are told apart elsewhere."""
        if not self.wrong:
            return [((), UNSCALED)]
        if not self.singles:
            return []
        for factor in self.averages:
            table = self.table(factor)
            found = [Found(self.singles[n], factor, self.keys) for n in map(int, np.flatnonzero(table.all(axis=1)))]
            complete = sorted(found, key=lambda f: f.rank) or self._extended(factor, MANY)[0]
            if complete:
                return [(one.edits, factor) for one in complete[:MANY]]
        return [(one.edits, one.factor) for one in self._blind(MANY)]

    def several(self) -> Explanation | None:
        """Two or three edits that explain every gradient; else those that explain as many as possible."""
        if not self.singles:
            return None
        best: Found | None = None
        for factor in self.averages:
            table = self.table(factor)
            best = self._better(best, self.singles, table, factor)
            if factor is not UNSCALED and not self._gains(table).any():
                continue
            complete, part = self._extended(factor)
            if complete:
                return self.told(complete)
            best = part if part is not None and (best is None or len(part.keys) > len(best.keys)) else best
        complete = self._blind()
        if complete:
            return self.told(complete)
        return None if best is None else self.told([best])

    def complete(self, combinations: Sequence[Chosen], table: Array, factor: Factor, most: int = 3) -> list[Found]:
        """The combinations that make every gradient, the likelier first."""
        which = map(int, np.flatnonzero(table.all(axis=1)))
        found = [Found(combinations[n], factor, self.keys) for n in which]
        kept: list[Found] = []
        for one in sorted(found, key=lambda f: f.rank):
            alike = not kept or most > 3 or (one.rank[0] == kept[0].rank[0] and one.rank[1] <= kept[0].rank[1] + 1)
            if len(kept) < most and alike and self.confirmed(one.edits, factor, self.keys):
                kept.append(one)
        return kept

    def _better(self, best: Found | None, combinations: Sequence[Chosen], table: Array, factor: Factor) -> Found | None:
        """The combination that makes most of the wrong gradients and keeps the right ones."""
        gains = self._gains(table)
        order = sorted(
            map(int, np.flatnonzero(gains)), key=lambda n: (-gains[n], Found(combinations[n], factor, ()).rank)
        )
        for number in order[:6]:
            if best is not None and gains[number] <= len(set(best.keys) & set(self.wrong)):
                break
            keys = tuple(key for key, right in zip(self.keys, table[number], strict=True) if right)
            if factor.text and any(edit.kind == "mean" for edit in combinations[number]):
                continue  # one undoes the other
            if self.confirmed(combinations[number], factor, keys):
                return Found(combinations[number], factor, keys)
        return best

    def _gains(self, table: Array) -> Array:
        """How many wrong gradients each combination makes; none where it spoils a right one."""
        wrong = np.array([key in self.wrong for key in self.keys])
        kept = table[:, ~wrong].all(axis=1)
        return np.asarray(table[:, wrong].sum(axis=1) * kept)

    def _extended(self, factor: Factor, most: int = 3) -> tuple[list[Found], Found | None]:
        """Two and three edits: those that explain a part, with every other one."""
        part: Found | None = None
        beginnings = self._promising(self.singles, self.table(factor))
        for _ in range(2):
            combinations = [
                (*begun, edit)
                for begun in beginnings
                for edit in self.edits
                if edit not in begun and not _clash(begun, edit)
            ]
            if not combinations:
                break
            matrix = self.matches(0, combinations, factor)
            complete = self.complete(combinations, matrix, factor, most)
            if complete:
                return complete, None
            part = self._better(part, combinations, matrix, factor)
            beginnings = self._promising(combinations, matrix)
        return [], part

    def _promising(self, combinations: Sequence[Chosen], table: Array) -> list[Chosen]:
        gains = self._gains(table)
        order = sorted(
            map(int, np.flatnonzero(gains)), key=lambda n: (-gains[n], sum(edit.rank for edit in combinations[n]))
        )
        seen: dict[bytes, int] = {}
        found = []
        for number in order:
            pattern = table[number].tobytes()
            seen[pattern] = seen.get(pattern, 0) + 1
            if seen[pattern] <= ALIKE:
                found.append(combinations[number])
        return found[:WIDTH]

    def _blind(self, most: int = 3) -> list[Found]:
        """Pairs of faults that both change every wrong gradient."""
        upstream = [edit for edit in self.edits if edit.rank <= 2 and edit.kind in UPSTREAM]
        pairs = [(one, other) for one, other in itertools.combinations(upstream, 2) if not _clash((one,), other)]
        pairs = sorted(pairs, key=lambda pair: pair[0].rank + pair[1].rank)[:MOST_PAIRS]
        return self.complete(pairs, self.matches(0, pairs), UNSCALED, most) if pairs else []

    def told(self, found: Sequence[Found]) -> Explanation:
        first = found[0]
        missing = [key for key in self.wrong if key not in first.keys]
        return Explanation(
            tuple(edit.kind for edit in first.edits) + (("mean",) if first.factor.text else ()),
            _texts(first),
            tuple(key for key in first.keys if key in self.wrong),
            tuple(_texts(other) for other in found[1:]),
            complete=not missing,
        )

    # Gradients one by one

    def through_time(self, key: str) -> Relation | None:
        """The relation of one gradient that lacks paths through time."""
        edits = [edit for edit in self.edits if edit.kind in ("immediate", "truncated")]
        if not edits:
            return None
        table = self.matches(0, [(edit,) for edit in edits])
        position = self.keys.index(key)
        for edit, row in zip(edits, table, strict=True):
            if row[position] and self.confirmed((edit,), UNSCALED, (key,)):
                return Relation(edit.kind, edit.text, edit.detail)
        return None


def _clash(chosen: Chosen, edit: Edit) -> bool:
    """Whether an edit replaces what another one has replaced already."""
    return any(edit.replaced & other.replaced for other in chosen)


def _texts(found: Found) -> tuple[str, ...]:
    return (*(edit.text for edit in found.edits), *((found.factor.text,) if found.factor.text else ()))
