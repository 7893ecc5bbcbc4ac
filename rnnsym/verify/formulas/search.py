"""The search for the smallest edit that puts an equation right.

Candidates are first compared with the truth at a few samples, which costs microseconds, and only what agrees there is
compared everywhere. Two edits at once: those in different summands add up, so that pairs are found by their sums;
those in one product are tried one by one, the likely ones first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.claims.claim import Equation
from rnnsym.claims.combine import Misfit
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import Call, Derivative, Node, Power, Product, Sequence, Sum, children, free_letters, walk
from rnnsym.claims.written import ClaimError
from rnnsym.verify.formulas.editor import Editor
from rnnsym.verify.formulas.edits import Edit, constant_edit
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.samples import Scope, equal
from rnnsym.verify.formulas.trees import sites

#: How many samples a candidate is compared at first.
FEW = 6
#: How many pairs in one product are tried.
MOST_PAIRS = 6_000
LIKELY = 250
#: After so many repairs the search ends.
ENOUGH = 8
#: Pairs that cost less need no rival.
CHEAP = 2.55
#: Kinds of edits that change what they find, whatever that is: they may follow another one at the same place.
JOINING = {"missing", "missing factor", "sign", "constant"}
#: Kinds of edits behind which every other one is tried: what is in a sum over time does not add up.
SUMMING = {"sum", "bounds"}
#: In an equation of so many parts, and edits that cost no more.
SHORT, BEHIND = 30, 1.8
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

    def __init__(self, evaluator: Evaluator, equation: Equation, editor: Editor, share: int = 1) -> None:
        """share: of so many equations this is one, which have the work of one search between them."""
        self.most_pairs = MOST_PAIRS // share
        self.evaluator, self.equation, self.editor = evaluator, equation, editor
        self.definition = equation.defines is not None
        self.scope = evaluator.everywhere(equation, self.definition)
        extra = {letter for letter in free_letters(equation.right) if letter not in self.scope.times}
        assert not extra
        self.degree = max(1, self._degree(equation.right))
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

    def _applied(self, edit: Edit, root: Node) -> Node | None:
        """The right side with an edit; None where it cannot be made, or makes the side of what it is to define."""
        try:
            right = edit.apply(root)
        except Misfit:  # what has three indices has no transpose
            return None
        # That the left side is another kind of derivative is worth saying, although nothing follows from it.
        if (is_circular(self.equation, right) and edit.kind != "kind") or self._degree(right) > self.degree:
            return None
        return right

    def _degree(self, node: Node) -> int:
        """How many derivatives of the loss are multiplied: a gradient has one in every term, at most."""
        if isinstance(node, Sequence | Derivative):
            scalar = not isinstance(node, Derivative) or node.top.shape == SCALAR
            return int(scalar and self.editor.is_adjoint(node))
        parts = [self._degree(part) for part in children(node)]
        match node:
            case Product():
                return sum(parts)
            case Power() | Call():
                return 2 * max(parts)
        return max(parts, default=0)

    def _nothing(self, right: Node, edit: Edit) -> bool:
        """Whether an edit puts something there that is zero wherever the equation holds: a value beyond the ends."""
        for place in edit.path:
            right = children(right)[place]
        with np.errstate(all="ignore"):
            return not np.any(self.evaluator.value(right, self.scope) != 0)

    def _confirmed(self, right: Node) -> bool:
        left = self.evaluator.value(self.equation.left, self.scope)
        with np.errstate(all="ignore"):
            value = self.evaluator.value(right, self.scope)
        return equal(*np.broadcast_arrays(left, value))

    @cached_property
    def one(self) -> list[Repair]:
        """The repairs with one edit, looked for once."""
        return self.singles()

    def singles(self) -> list[Repair]:
        """The repairs with one edit, the simplest first."""
        best: dict[Node, Repair] = {}
        empty = self.base is not None and not np.any(self.base)
        for site in sites(self.equation.right):
            for edit in self.editor.edits(site):
                right = self._applied(edit, self.equation.right)
                value = None if right is None else self._value(right)
                if right is None or value is None or (not site.bound and self._nothing(right, edit)):
                    continue
                if empty and edit.kind == "missing":  # what is there is of no use, and something is wrong with it
                    edit = replace(edit, cost=edit.cost + 0.5)
                self.tried.append(Tried(edit, right, value))
                if close(value, self.target) and (right in best or self._confirmed(right)):
                    repair = Repair((edit,), right)
                    best[right] = min(best.get(right, repair), repair, key=lambda found: found.cost)
        found = list(best.values())
        if not found and self.base is not None:
            scaling = constant(self.base, self.target, self.few)
            if scaling is not None:
                right = scaling.apply(self.equation.right)
                if self._confirmed(right):
                    found.append(Repair((scaling,), right))
        return sorted(found, key=lambda repair: repair.cost)

    def pairs(self) -> list[Repair]:
        """The repairs with two edits; only after `singles`."""
        found: list[Repair] = []
        known: set[frozenset[str]] = set()
        adding = [*self._scaled(), *self._by_sums(False), *self._by_sums(True)]
        for pairs in (adding, self._likely_pairs()):
            count = len(found)
            for one, other in pairs:
                key = frozenset((one.sentence, other.sentence))
                if key in known:
                    continue
                known.add(key)
                right = combined(self.equation.right, one, other)
                value = None if right is None else self._value(right)
                if right is None or value is None or not close(value, self.target) or not self._confirmed(right):
                    continue
                found.append(Repair((one, other), right))
                if len(found) >= count + ENOUGH:
                    break
            if pairs is adding:
                found += self._behind_sums()
            if found and min(repair.cost for repair in found) < CHEAP:
                break
        return sorted(found, key=lambda repair: repair.cost)

    def _behind_sums(self) -> Iterator[Repair]:
        """A sum over time put right, and then one thing more."""
        if sum(1 for _ in walk(self.equation.right)) > SHORT:
            return
        for tried in sorted(self.tried, key=lambda tried: tried.edit.cost):
            if tried.edit.kind not in SUMMING or tried.edit.cost > PAIRED:
                continue
            self.evaluator.remember(tried.right)
            for site in sites(tried.right):
                for edit in self.editor.edits(site):
                    if edit.cost > BEHIND:
                        continue
                    right = self._applied(edit, tried.right)
                    value = None if right is None else self._value(right)
                    if right is not None and value is not None and close(value, self.target) and self._confirmed(right):
                        yield Repair((tried.edit, edit), right)

    def _scaled(self) -> Iterator[tuple[Edit, Edit]]:
        """Edits that leave nothing but a constant factor wrong."""
        for tried in sorted(self.tried, key=lambda tried: tried.edit.cost):
            edit = constant(tried.value, self.target, self.few)
            if edit is not None:
                yield tried.edit, edit

    def _by_sums(self, factors: bool) -> Iterator[tuple[Edit, Edit]]:
        """Pairs whose changes add up to what is missing; `factors`: whose factors multiply to it."""
        if self.base is None or not self.tried:
            return
        weights = np.random.default_rng(7).normal(size=self.target.shape)
        telling = (self.base != 0) & (self.target != 0) if factors else np.full(self.target.shape, True)

        def measure(value: Array) -> float:
            with np.errstate(all="ignore"):
                return float(((np.log(np.abs(value)) if factors else value) * weights)[telling].sum())

        start, end = measure(self.base), measure(self.target)
        if not np.isfinite([start, end]).all():
            return
        kept = [(tried.edit, measure(tried.value) - start) for tried in self.tried]
        kept = [(edit, change) for edit, change in kept if np.isfinite(change)]
        missing = end - start
        tolerance = CLOSE_TO * max(1.0, abs(missing))
        kept.sort(key=lambda found: found[1])
        ordered = np.array([change for _, change in kept])
        pairs: list[tuple[Edit, Edit]] = []
        for place, (edit, change) in enumerate(kept):
            if abs(change) < tolerance:
                continue
            first = int(np.searchsorted(ordered, missing - change - tolerance))
            while first < len(kept) and ordered[first] <= missing - change + tolerance:
                if first > place:
                    pairs.append((edit, kept[first][0]))
                first += 1
        pairs.sort(key=lambda pair: pair[0].cost + pair[1].cost)
        yield from pairs[:400]

    def _likely_pairs(self) -> Iterator[tuple[Edit, Edit]]:
        """Pairs of likely edits in one product, the likeliest first: what is in different summands adds up."""
        likely = sorted((t.edit for t in self.tried if t.edit.cost <= PAIRED), key=lambda edit: edit.cost)[:LIKELY]
        pairs = itertools.combinations(likely, 2)
        chosen = sorted(
            ((one, other) for one, other in pairs if not self._apart(one, other)),
            key=lambda pair: pair[0].cost + pair[1].cost,
        )
        yield from chosen[: self.most_pairs]

    def _apart(self, one: Edit, other: Edit) -> bool:
        """Whether two places are in different summands."""
        node: Node = self.equation.right
        for first, second in zip(one.path, other.path, strict=False):
            if first != second:
                return isinstance(node, Sum)
            node = children(node)[first]
        return False


def constant(value: Array, target: Array, scope: Scope) -> Edit | None:
    """The constant factor by which a value is wrong everywhere, as an edit: a number, or T, or 1/T."""
    place = np.unravel_index(int(np.argmax(np.abs(target))), target.shape)
    if not np.isfinite(value).all() or not value[place] or not target[place]:
        return None
    length = scope.times["T"].reshape(-1, *(1,) * (value.ndim - 1)).astype(float)
    for power, scaled in ((0, value), (1, value * length), (-1, value / length)):
        number = Fraction(float(target[place] / scaled[place])).limit_denominator(12)
        if number and abs(number) <= 12 and (number != 1 or power) and close(scaled * float(number), target):
            return constant_edit(number, power)
    return None


def is_circular(equation: Equation, right: Node) -> bool:
    """Whether a right side is made of the left one, so that nothing follows from it: a definition by itself.

    What is no definition may repeat its left side where it did so before.
    """
    return equation.left in walk(right) and (equation.defines is not None or equation.left not in walk(equation.right))


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
    if one.path == other.path and not {one.kind, other.kind} & JOINING:
        return None
    if one.path == other.path and one.kind in JOINING:
        one, other = other, one
    inner, outer = (one, other) if len(one.path) >= len(other.path) else (other, one)
    try:
        return outer.apply(inner.apply(root))
    except (IndexError, AssertionError, TypeError, AttributeError, Misfit):
        return None


def simplest(repairs: Several[Repair]) -> list[Repair]:
    """The simplest repair, and those that are hardly less simple and say something else."""
    found: list[Repair] = []
    for repair in repairs:
        told = {edit.sentence for edit in repair.edits}
        if repair.cost <= repairs[0].cost + CLOSE and not any(told == {e.sentence for e in r.edits} for r in found):
            found.append(repair)
    return found[:3]
