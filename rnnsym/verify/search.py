"""The search for the smallest edit that puts an equation right.

Candidates are first compared with the truth at a few samples, which costs microseconds, and only what agrees there is
compared everywhere. Two edits at once: those in different summands add up, so that pairs are found by their sums;
those in one product are tried one by one, the likely ones first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence as Several
from dataclasses import dataclass

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.claims.syntax import Equation, Node, free_letters
from rnnsym.claims.written import ClaimError
from rnnsym.verify.edits import Edit, Editor
from rnnsym.verify.evaluate import Evaluator, Scope, equal
from rnnsym.verify.trees import disjoint, sites

#: How many samples a candidate is compared at first.
FEW = 6
#: How many pairs in one product are tried.
MOST_PAIRS = 9_000
#: Edits that cost more are not tried in pairs.
PAIRED = 1.35
#: How much more a second explanation may cost than the first.
CLOSE = 0.12
CLOSE_TO = 1e-7


@dataclass(frozen=True)
class Repair:
    """Edits that put an equation right, and the right side that they give."""

    edits: tuple[Edit, ...]
    right: Node

    @property
    def cost(self) -> float:
        return sum(edit.cost for edit in self.edits) + 0.5 * (len(self.edits) - 1)


@dataclass
class Tried:
    """An edit with the right side that it gives, and that side's values at a few samples."""

    edit: Edit
    right: Node
    value: Array


class Search:
    """Repairs of one equation. The evaluator has the truth put in for the claim's sequences."""

    def __init__(self, evaluator: Evaluator, equation: Equation, editor: Editor) -> None:
        self.evaluator, self.equation, self.editor = evaluator, equation, editor
        self.definition = equation.defines is not None
        self.scope = evaluator.everywhere(equation, self.definition)
        extra = {letter for letter in free_letters(equation.right) if letter not in self.scope.times}
        assert not extra
        self.few = few(self.scope)
        evaluator.remember(equation.right)
        self.target = self._shaped(evaluator.value(equation.left, self.few))
        self.base = self._value(equation.right)
        self.tried: list[Tried] = []

    def _shaped(self, value: Array) -> Array:
        return np.broadcast_to(value, (self.few.count, *value.shape[1:]))

    def _value(self, node: Node) -> Array | None:
        try:
            with np.errstate(all="ignore"):
                value = self.evaluator.value(node, self.few)
        except (ClaimError, KeyError, ValueError, IndexError, AssertionError):
            return None
        if value.shape[1:] != self.target.shape[1:] and value.shape[1:] != (1, 1):
            return None
        return np.broadcast_to(value, self.target.shape)

    def _confirmed(self, right: Node) -> bool:
        left = self.evaluator.value(self.equation.left, self.scope)
        with np.errstate(all="ignore"):
            value = self.evaluator.value(right, self.scope)
        return equal(*np.broadcast_arrays(left, value))

    def singles(self) -> list[Repair]:
        """The repairs with one edit, the simplest first."""
        found: list[Repair] = []
        known: set[Node] = set()
        for site in sites(self.equation.right):
            for edit in self.editor.edits(site):
                right = edit.apply(self.equation.right)
                value = self._value(right)
                if value is None:
                    continue
                self.tried.append(Tried(edit, right, value))
                if close(value, self.target) and right not in known and self._confirmed(right):
                    known.add(right)
                    found.append(Repair((edit,), right))
        return sorted(found, key=lambda repair: repair.cost)

    def pairs(self) -> list[Repair]:
        """The repairs with two edits; only after `singles`."""
        found: list[Repair] = []
        known: set[tuple[str, str]] = set()
        for one, other in (*self._adding_up(), *self._likely_pairs()):
            key = tuple(sorted((one.sentence, other.sentence)))
            if key in known:
                continue
            known.add(key)  # type: ignore[arg-type]
            right = combined(self.equation.right, one, other)
            if right is None:
                continue
            value = self._value(right)
            if value is not None and close(value, self.target) and self._confirmed(right):
                found.append(Repair((one, other), right))
                if len(found) >= 6:
                    break
        return sorted(found, key=lambda repair: repair.cost)

    def _adding_up(self) -> Iterator[tuple[Edit, Edit]]:
        """Pairs whose changes add up to what is missing."""
        if self.base is None or not self.tried:
            return
        weights = np.random.default_rng(7).normal(size=self.target.shape)
        kept = [tried for tried in self.tried if np.isfinite(tried.value).all()]
        changes = np.array([float(((tried.value - self.base) * weights).sum()) for tried in kept])
        missing = float(((self.target - self.base) * weights).sum())
        order = np.argsort(changes)
        ordered = changes[order]
        tolerance = CLOSE_TO * max(1.0, abs(missing))
        pairs = []
        for place, tried in enumerate(kept):
            if abs(changes[place]) < tolerance:
                continue
            wanted = missing - changes[place]
            first = int(np.searchsorted(ordered, wanted - tolerance))
            while first < len(ordered) and ordered[first] <= wanted + tolerance:
                other = int(order[first])
                if other > place and disjoint(tried.edit.path, kept[other].edit.path):
                    pairs.append((tried.edit, kept[other].edit))
                first += 1
        pairs.sort(key=lambda pair: pair[0].cost + pair[1].cost)
        yield from pairs[:400]

    def _likely_pairs(self) -> Iterator[tuple[Edit, Edit]]:
        """Pairs of the likely edits, the likeliest first."""
        likely = sorted((t.edit for t in self.tried if t.edit.cost <= PAIRED), key=lambda edit: edit.cost)
        count = 0
        for total in range(1, 2 * len(likely)):
            for place in range(max(0, total - len(likely) + 1), (total + 1) // 2):
                other = total - place
                if other >= len(likely) or place >= other:
                    continue
                yield likely[place], likely[other]
                count += 1
                if count >= MOST_PAIRS:
                    return


def few(scope: Scope) -> Scope:
    """A few samples, spread over all."""
    if scope.count <= FEW:
        return scope
    chosen = np.unique(np.linspace(0, scope.count - 1, FEW).astype(int))
    return Scope(scope.draw[chosen], {letter: numbers[chosen] for letter, numbers in scope.times.items()})


def close(value: Array, target: Array) -> bool:
    """Whether two arrays agree, at a first look."""
    with np.errstate(all="ignore"):
        difference = np.abs(value - target)
        return bool((difference <= CLOSE_TO * max(1e-3, float(np.abs(target).max(initial=0.0)))).all())


def combined(root: Node, one: Edit, other: Edit) -> Node | None:
    """Both edits: where one place is inside the other, the inner one first."""
    if one.path == other.path:
        return None
    inner, outer = (one, other) if len(one.path) >= len(other.path) else (other, one)
    try:
        return outer.apply(inner.apply(root))
    except (IndexError, AssertionError, TypeError, AttributeError):
        return None


def simplest(repairs: Several[Repair]) -> list[Repair]:
    """The simplest repair, and those that are hardly less simple and say something else."""
    found: list[Repair] = []
    for repair in repairs:
        told = {edit.sentence for edit in repair.edits}
        if repair.cost <= repairs[0].cost + CLOSE and not any(told == {e.sentence for e in r.edits} for r in found):
            found.append(repair)
    return found[:3]
