"""What a claim's formulas read, at many points at once: variables, derivatives, and the claim's own sequences.

A sequence is what its equations make it, or the derivative that it stands for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
from sympy import Expr

from rnnsym.checks.kits import Array, FloatKit
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.moments import Moments
from rnnsym.claims.syntax import Derivative, Kind, Moment, Node, Sequence, Variable, free_letters, walk
from rnnsym.claims.written import ClaimError
from rnnsym.verify.formulas.field import Residue
from rnnsym.verify.formulas.samples import Scope
from rnnsym.verify.formulas.values import Values


@dataclass(frozen=True)
class Meaning:
    """What a sequence of the claim's stands for: `scale` times the derivative of a loss by a variable.

    The derivative is by `variable` at the sequence's time number `place`, plus `shift`. `loss` is the total loss, or
    the loss of the step that the sequence's time number `loss_place` says.
    """

    variable: str
    loss: str
    shift: int = 0
    place: int = 0
    loss_place: int | None = None
    scale: Fraction = Fraction(1)

    def derivative(self, times: tuple[Moment, ...], shape: Any = None) -> Derivative:
        """The derivative that the sequence is, at these times."""
        top = Variable(self.loss, None if self.loss_place is None else times[self.loss_place], SCALAR)
        time = times[self.place] + Moment((), self.shift) if times else None
        return Derivative(Kind.TOTAL, top, Variable(self.variable, time, shape), shape, gradient=True)


class Leaves:
    """What the formulas of one claim read, over several `Values`; all have the same sizes.

    partial: what a plain partial sign between states means. truth: what sequences stand for; those are taken as the
    derivative that they stand for, all others as the claim's own equations define them. independent: gradients by
    displacing values instead of by the derived equations.
    """

    def __init__(
        self,
        claim: Claim,
        worlds: Several[Values],
        partial: Kind = Kind.TOTAL,
        truth: Mapping[str, Meaning] | None = None,
        independent: bool = False,
    ) -> None:
        self.claim, self.worlds, self.partial, self.independent = claim, list(worlds), partial, independent
        self.truth: dict[str, Meaning] = dict(truth or {})
        #: Sequences that are zero, even so, at times at which no equation gives them.
        self.only_given: frozenset[str] = frozenset()
        self.exact = worlds[0].exact
        self.kit: Any = self.exact or FloatKit()
        self.system = worlds[0].system
        self.lengths = np.concatenate([np.full(world.count, world.length) for world in worlds])
        #: The world of each draw, and its number there.
        self.owner = np.concatenate([np.full(world.count, number) for number, world in enumerate(worlds)])
        self.local = np.concatenate([np.arange(world.count) for world in worlds])
        self.longest = max(world.length for world in worlds)
        self.shift = 2 * self.longest + 3
        self._tables: dict[str, Array] = {}
        self._pairs: dict[Any, Array] = {}
        self._truths: dict[Any, Array] = {}
        self._samples: dict[Any, Scope] = {}
        self._reset()

    def _reset(self) -> None:
        self._sequences: dict[tuple[str, tuple[int, ...], int], Array | None] = {}
        self._known: dict[int, Node] = {}
        self._values: dict[tuple[int, int], Array] = {}
        self._leaves: dict[tuple[Node, int], Array] = {}
        self._scopes: dict[Any, Scope] = {}
        self.definitions: dict[str, list[Equation]] = {}
        for equation in self.claim.equations:
            if equation.defines is not None:
                self.definitions.setdefault(equation.defines, []).append(equation)

    def variant(
        self, claim: Claim | None = None, truth: Mapping[str, Meaning] | None = None, partial: Kind | None = None,
        only_given: frozenset[str] | None = None,
    ) -> Self:  # fmt: skip
        """Another claim, or other meanings, over the same numbers."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.claim = claim or self.claim
        other.truth = dict(self.truth if truth is None else truth)
        other.partial = partial or self.partial
        other.only_given = self.only_given if only_given is None else only_given
        if other.partial is not self.partial or other.only_given != self.only_given:
            other._truths = {}
        if other.claim is not self.claim:
            other._truths, other._samples = {}, {}
        other._reset()
        return other

    def value(self, node: Node, scope: Scope) -> Array:
        """A node at every sample."""
        raise NotImplementedError

    # Samples

    def everywhere(self, equation: Equation, definition: bool = False) -> Scope:
        """Every draw with every choice of times at which an equation is said to hold.

        definition: at the times at which it is the equation that defines its sequence.
        """
        key = (id(equation), definition)
        if key not in self._samples:
            draws: list[int] = []
            rows: list[Mapping[str, int]] = []
            first = 0
            for world in self.worlds:
                moments = Moments(world.length, lambda name, time, world=world: world.exists((name, time)))  # type: ignore[misc]
                choices = list(self._owned(equation, moments) if definition else moments.choices(equation))
                for draw in range(first, first + world.count):
                    draws += [draw] * len(choices)
                    rows += choices
                first += world.count
            letters = dict.fromkeys(("T", *equation.letters, *(letter for row in rows for letter in row)))
            times = {letter: np.array([row.get(letter, 0) for row in rows], dtype=int) for letter in letters}
            self._samples[key] = Scope(np.array(draws, dtype=int), times)
        return self._samples[key]

    def _owned(self, equation: Equation, moments: Moments) -> Iterable[dict[str, int]]:
        assert isinstance(equation.left, Sequence)
        for numbers in itertools.product(range(-1, moments.length + 3), repeat=len(equation.left.times)):
            best = self.best(equation.left.name, numbers, moments)
            if best is None or best[0] is not equation:
                continue
            untold = [letter for letter in equation.letters if letter not in best[1]]
            for more in itertools.product(range(1, moments.length + 1), repeat=len(untold)):
                yield {**best[1], **dict(zip(untold, more, strict=True))}

    def best(self, name: str, numbers: tuple[int, ...], moments: Moments) -> tuple[Equation, dict[str, int]] | None:
        """The most particular equation that defines a sequence at these times."""
        best: tuple[int, Equation, dict[str, int]] | None = None
        for equation in self.definitions[name]:
            found = moments.matched(equation, numbers)
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], equation, found[1])
        return None if best is None else best[1:]

    def remember(self, node: Node) -> None:
        """Keep the values of a node and of everything below it."""
        for part in walk(node):
            self._known[id(part)] = part

    # Leaves

    def number(self, size: Expr) -> int:
        return self.worlds[0].number(size)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape) if self.exact is None else np.full(shape, Residue(0), dtype=object)

    def shape(self, node: Node) -> tuple[int, ...]:
        assert node.shape is not None
        return tuple(self.number(size) for size in node.shape)

    def _table(self, name: str) -> Array:
        """A variable at all times that there are, and zero around them."""
        if name not in self._tables:
            sizes = tuple(self.number(size) for size in self.system.variables[name].shape)
            if not self.system.variables[name].timed:
                self._tables[name] = np.concatenate([world.real((name, None)) for world in self.worlds])
                return self._tables[name]
            table = self.zeros((2 * self.shift + 1, len(self.lengths), *sizes))
            first = 0
            for world in self.worlds:
                for time in range(-self.longest, 2 * self.longest + 1):  # what runs backwards is given beyond the end
                    if world.exists((name, time)):
                        table[time + self.shift, first : first + world.count] = world.real((name, time))
                first += world.count
            self._tables[name] = table
        return self._tables[name]

    def variable(self, name: str, time: Moment | None, scope: Scope) -> Array:
        """A variable of the system, adjoints among them, without the shape of a node."""
        table = self._table(name)
        if time is None:
            return table[scope.draw]
        places = np.clip(scope.number(time) + self.shift, 0, 2 * self.shift)
        return np.asarray(table[places, scope.draw])

    def _derivative(self, node: Derivative, scope: Scope) -> Array:
        kind = self.partial if node.kind is Kind.PARTIAL else node.kind
        total = node.top.name == self.system.loss and node.top.time is None
        if total and kind is Kind.TOTAL and not self.independent:
            return self.variable(f"bar({node.bottom.name})", node.bottom.time, scope)
        tops = np.zeros(scope.count, int) if node.top.time is None else scope.number(node.top.time)
        bottoms = np.zeros(scope.count, int) if node.bottom.time is None else scope.number(node.bottom.time)
        pairs, index = np.unique(np.stack([tops, bottoms]), axis=1, return_inverse=True)
        tables = [self._pair(kind, node, int(top), int(bottom)) for top, bottom in pairs.T]
        if not tables:
            return self.zeros((0, *self.shape(node)))
        return np.stack(tables)[np.ravel(index), scope.draw]

    def _pair(self, kind: Kind, node: Derivative, top: int, bottom: int) -> Array:
        above = (node.top.name, None if node.top.time is None else top)
        below = (node.bottom.name, None if node.bottom.time is None else bottom)
        key = (kind, above, below)
        if key not in self._pairs:
            self._pairs[key] = np.concatenate([world.derivative(kind, above, below) for world in self.worlds])
        return self._pairs[key]

    # The claim's own sequences

    def sequence(self, name: str, times: tuple[int, ...]) -> Array:
        """A value of one of the claim's sequences, for every draw."""
        return np.concatenate([self._part(name, times, number) for number in range(len(self.worlds))])

    def _part(self, name: str, times: tuple[int, ...], number: int) -> Array:
        """The same for the draws of one length: at another length it may depend on other values."""
        key = (name, times, number)
        if key in self._sequences:
            found = self._sequences[key]
            if found is None:
                raise ClaimError(f"{name}[{', '.join(map(str, times))}] depends on itself")
            return found
        self._sequences[key] = None
        if name in self.truth:
            found = self._true(name, times)[self._draws(number)]
        else:
            found = self._defined(name, times, number)
        self._sequences[key] = found
        return found

    def _draws(self, number: int) -> Array:
        """The draws of one length."""
        return np.flatnonzero(self.owner == number)

    def _true(self, name: str, times: tuple[int, ...]) -> Array:
        """The derivative that a sequence stands for; beyond the ends zero, where the claim says nothing."""
        key = (name, self.truth[name], times)
        if key not in self._truths:
            self._truths[key] = self._derived(name, times)
        return self._truths[key]

    def _derived(self, name: str, times: tuple[int, ...]) -> Array:
        left = self.definitions[name][0].left
        assert isinstance(left, Sequence)
        node = self.truth[name].derivative(tuple(Moment((), time) for time in times), left.shape)
        found = self.value(node, self._plain()) * self.kit.number(self.truth[name].scale)
        within = np.array([all(1 <= time <= length for time in times) for length in self.lengths])
        within &= name not in self.only_given
        if not within.all():
            covered = {length: self.best(name, times, Moments(length)) is not None for length in set(self.lengths)}
            within = within | np.array([covered[length] for length in self.lengths])
        return np.where(within[:, None, None], found, self.zeros(found.shape))

    def _plain(self) -> Scope:
        """One sample for each draw."""
        if "plain" not in self._scopes:
            self._scopes["plain"] = Scope(np.arange(len(self.lengths)), {"T": self.lengths})
        return self._scopes["plain"]

    def _defined(self, name: str, times: tuple[int, ...], number: int) -> Array:
        draws = self._draws(number)
        shape = (len(draws), *self.shape(self.definitions[name][0].left))
        best = self.best(name, times, Moments(self.worlds[number].length))
        if best is None:
            return self.zeros(shape)
        if not set(free_letters(best[0].right)) <= set(best[1]):  # a sum is missing: it has many values, and none
            return np.full(shape, np.nan)
        letters = {letter: np.full(len(draws), value) for letter, value in best[1].items()}
        return np.broadcast_to(self.value(best[0].right, Scope(draws, letters)), shape)

    def _own(self, node: Sequence, scope: Scope) -> Array:
        found = self.zeros((scope.count, *self.shape(node)))
        owners = self.owner[scope.draw]
        numbers = np.stack([owners, *(scope.number(moment) for moment in node.times)])
        columns, index = np.unique(numbers, axis=1, return_inverse=True)
        index = np.ravel(index)
        for place, (number, *times) in enumerate(columns.T.tolist()):
            chosen = index == place
            found[chosen] = self._part(node.name, tuple(times), number)[self.local[scope.draw[chosen]]]
        return found
