"""Which equations of a claim agree with the truth, on which data, and what its own sequences stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from sympy import preorder_traversal

from rnnsym.checks.data import Data, draw, draw_sizes
from rnnsym.checks.kits import Array
from rnnsym.claims.moved import times
from rnnsym.claims.syntax import (
    Claim,
    Equation,
    Kind,
    Moment,
    Sequence,
    TimeNumber,
    walk,
)
from rnnsym.claims.written import ClaimError
from rnnsym.equations.indexed import Role
from rnnsym.equations.lowering import System
from rnnsym.language.model import Model
from rnnsym.operations import Elementwise, Pairwise, operation_of
from rnnsym.proof import Theory
from rnnsym.verify.formulas.conditions import NONE, Condition
from rnnsym.verify.formulas.evaluate import Evaluator, Meaning
from rnnsym.verify.formulas.field import FieldKit, InexactError
from rnnsym.verify.formulas.samples import Scope, same
from rnnsym.verify.formulas.values import Values, field_data, with_adjoints

#: Lengths beyond the shortest that a model has, with how many draws of each.
DRAWS = ((2, 2), (4, 1))
EXACT_DRAWS = ((2, 2),)
#: So many times more for models with functions of several branches.
MORE = 3
#: Of so many sequences every meaning is tried.
FEW_SEQUENCES = 4
#: Sequences get longer with the times that a claim names; further apart than this, they are not tried.
FARTHEST = 12


def farthest(claim: Claim) -> int:
    """The largest constant in a claim's times; every time that stands as a number counts as one more."""
    offsets = [0]
    numbers = 0
    for equation in claim.equations:
        for side in (equation.left, equation.right):
            for node in walk(side):
                numbers += isinstance(node, TimeNumber)
                offsets += [abs(moment.offset) for moment in times(node)]
        ends = [end for told in equation.ranges for end in (told.low, told.high) if end is not None]
        offsets += [abs(moment.offset) for end in ends for moment in times(end)]
    return max(*offsets, numbers)


@dataclass(frozen=True)
class Reading:
    """One way to take a claim: what a plain partial sign means, and what is assumed of the data."""

    partial: Kind
    condition: Condition


class Bench:
    """A claim beside its model, and the data on which both are evaluated."""

    def __init__(self, claim: Claim, model: Model) -> None:
        self.claim, self.model = claim, model
        self.sizes: dict[str, int] = draw_sizes(model, np.random.default_rng(0))
        self._wrong: str | None = None
        self._failed: Equation | None = None
        self._drawn: dict[tuple[int, int], Data] = {}
        self._worlds: dict[str, list[Values]] = {}
        self._evaluators: dict[tuple[Kind, str], Evaluator] = {}

    @cached_property
    def theory(self) -> Theory:
        """The derivation, made once: numbers are compared with it, and proofs rest on it."""
        return Theory(self.model)

    @cached_property
    def system(self) -> System:
        return with_adjoints(self.theory.system, self.theory.adjoints)

    @property
    def partials(self) -> tuple[Kind, ...]:
        """What a plain partial sign may mean, where the claim has one."""
        return self.claim.readings

    def with_claim(self, claim: Claim) -> Bench:
        """Another claim about the same model, on the same numbers."""
        other = object.__new__(Bench)
        other.__dict__.update(self.__dict__)
        other.claim, other._evaluators = claim, {}
        return other

    def lengths(self, condition: Condition, draws: tuple[tuple[int, int], ...] = DRAWS) -> list[tuple[int, int]]:
        least = self.model.timing.minimum_length
        if condition.length is not None:
            return [(max(condition.length, least), 2)]
        return [(least + more + self.reach, count * (MORE if self.kinked else 1)) for more, count in draws]

    @cached_property
    def kinked(self) -> bool:
        """Whether the model has a function of several branches: few data would take one of them only."""
        factors = {factor for e in self.system.equations for term in e.terms for factor in term.factors}
        operations = (operation_of(part) for factor in factors for part in preorder_traversal(factor))
        return any(isinstance(o, Pairwise) or (isinstance(o, Elementwise) and bool(o.kinks)) for o in operations)

    @cached_property
    def reach(self) -> int:
        """How much longer than usual a sequence has to be, so that no time that the claim names is beyond its end."""
        far = farthest(self.claim)
        if far > FARTHEST:
            raise ClaimError(
                f"the claim names times that are {far} steps apart",
                self.claim.text,
                None,
                f"up to {FARTHEST} are tried",
            )
        return max(0, far - 1)

    def data(self, seed: int, length: int, condition: Condition, sizes: Mapping[str, int] | None = None) -> Data:
        if sizes is not None:
            return condition.apply(draw(self.model, seed, length, None, sizes))
        if (seed, length) not in self._drawn:  # every condition is met by a change of the same draws
            self._drawn[seed, length] = draw(self.model, seed, length, None, self.sizes)
        return condition.apply(self._drawn[seed, length])

    def worlds(self, condition: Condition) -> list[Values]:
        if condition.sentence not in self._worlds:
            found = []
            for length, count in self.lengths(condition):
                draws = [self.data(10 * length + number, length, condition) for number in range(count)]
                found.append(Values(self.model, self.system, draws, length))
            self._worlds[condition.sentence] = found
        return self._worlds[condition.sentence]

    def evaluator(self, reading: Reading) -> Evaluator:
        key = (reading.partial, reading.condition.sentence)
        if key not in self._evaluators:
            known = self._evaluators.get((Kind.TOTAL, reading.condition.sentence))
            fresh = known.variant(partial=reading.partial) if known else None
            self._evaluators[key] = fresh or Evaluator(self.claim, self.worlds(reading.condition), reading.partial)
        return self._evaluators[key]

    def exact_evaluator(self, reading: Reading, seed: int) -> Evaluator:
        """The same in a prime field, gradients by displacing values."""
        kit = FieldKit(seed)
        (length, count), *_ = self.lengths(reading.condition, EXACT_DRAWS)
        plain = [draw(self.model, seed, length, None, self.sizes) for _ in range(count)]
        draws = [reading.condition.apply(field_data(self.model, data, kit)) for data in plain]
        worlds = [Values(self.model, self.system, draws, length, kit)]
        return Evaluator(self.claim, worlds, reading.partial, independent=True)

    # Equations

    @property
    def checked(self) -> list[Equation]:
        """The equations that say something of the model, definitions aside."""
        return [equation for equation in self.claim.equations if equation.defines is None and not equation.given]

    def failing(self, reading: Reading) -> list[Equation]:
        """The equations that do not hold."""
        evaluator = self.evaluator(reading)
        return [equation for equation in self.checked if not evaluator.agrees(equation)]

    def holds(self, reading: Reading) -> bool:
        """Whether no equation fails; the one that failed last is tried first, as one is enough."""
        evaluator = self.evaluator(reading)
        order = sorted(self.checked, key=lambda equation: equation is not self._failed)
        failed = next((equation for equation in order if not evaluator.agrees(equation)), None)
        self._failed = failed or self._failed
        return failed is None

    def is_silent(self, equation: Equation) -> bool:
        """Whether an equation speaks of no time that there is."""
        try:
            return not len(self.evaluator(Reading(self.partials[0], NONE)).sides(equation)[0])
        except ClaimError:
            return False

    def out_of_time(self) -> Iterator[Equation]:
        """The equations that speak of no time that there is; of a definition, where none of its sequence does."""
        yield from (equation for equation in self.checked if self.is_silent(equation))
        for name in self.claim.sequences:
            equations = [equation for equation in self.claim.equations if equation.defines == name]
            if not any(equation.given or self.reaches(equation) for equation in equations):
                yield equations[0]

    def reaches(self, equation: Equation) -> bool:
        """Whether an equation defines its sequence at a time from 0 to T."""
        evaluator = self.evaluator(Reading(self.partials[0], NONE))
        assert isinstance(equation.left, Sequence)
        scope = evaluator.everywhere(equation, True)
        inside = np.ones(scope.count, bool)
        for moment in equation.left.times:
            number = scope.number(moment)
            inside &= (number >= 0) & (number <= scope.number(Moment.of("T")))
        return bool(inside.any())

    def says_something(self, reading: Reading) -> bool:
        """Whether what fails without a condition is more than 0 = 0 with it."""
        evaluator = self.evaluator(reading)
        doubtful = self.failing(Reading(reading.partial, NONE))
        return not doubtful or all(np.any(evaluator.sides(equation)[0] != 0) for equation in doubtful)

    def defines_rightly(self, reading: Reading) -> bool:
        """Whether every definition holds with the truth put in: what no equation shows may be wrong all the same."""
        meanings = self.meanings(reading)
        return all(
            meanings.holds(equation, meanings.found)
            for equation in self.claim.equations
            if equation.defines in meanings.found and not equation.given
        )

    def exact(self, reading: Reading, meanings: Mapping[str, Meaning]) -> bool | None:
        """Whether all holds in exact arithmetic; None where that cannot be told.

        Sequences that stand for a derivative, and that no equation reads, are compared with it.
        """
        try:
            evaluator = self.exact_evaluator(reading, 1)
            if not all(evaluator.agrees(equation) for equation in self.checked):
                return None
            true = evaluator.variant(truth=meanings)
            return all(
                true.agrees(equation, True) for equation in self.claim.equations
                if equation.defines in meanings and not equation.given
            ) or None  # fmt: skip
        except InexactError:
            return None

    # Sequences

    def idle_sequences(self) -> list[str]:
        """The claim's sequences on which no equation depends that is checked."""
        used: set[str] = set()
        waiting = list(self.checked)
        while waiting:
            equation = waiting.pop()
            for side in (equation.left, equation.right):
                for node in walk(side):
                    if isinstance(node, Sequence) and node.name not in used:
                        used.add(node.name)
                        waiting += [e for e in self.claim.equations if e.defines == node.name]
        given = {e.defines for e in self.claim.equations if e.given}
        return [name for name in self.claim.sequences if name not in used and name not in given]

    def stated_meanings(self, reading: Reading) -> dict[str, Meaning]:
        """What sequences are, by comparing them as they are defined with every derivative of their shape."""
        found = {}
        for name in self.claim.sequences:
            if not all(e.given for e in self.claim.equations if e.defines == name):
                meaning = self.exactly(name, reading)
                if meaning is not None:
                    found[name] = meaning
        return found

    def exactly(self, name: str, reading: Reading) -> Meaning | None:
        """The derivative that a sequence is."""
        evaluator = self.evaluator(reading)
        equations = [e for e in self.claim.equations if e.defines == name]
        named = self.claim.adjoints.get(name)
        options = sorted(self.candidates(name), key=lambda meaning: meaning.variable != named)
        if self.claim.says_adjoint(name):
            options = [meaning for meaning in options if meaning.variable == named]
        values = defined_values(evaluator, equations)
        return next((meaning for meaning in options if share(evaluator, values, meaning) == 1.0), None)

    def has_wrong_definition(self, reading: Reading) -> bool:
        """Whether an idle sequence is not what it is named after; the one that was wrong last is tried first."""
        names = [name for name in self.idle_sequences() if self.claim.adjoints.get(name) or not self.checked]
        names.sort(key=lambda name: name != self._wrong)
        wrong = next((name for name in names if self.exactly(name, reading) is None), None)
        self._wrong = wrong or self._wrong
        return wrong is not None

    def wrong_definitions(self, reading: Reading) -> tuple[list[str], list[str]]:
        """The idle sequences that are named after a variable and are not its adjoint; and all that say something."""
        wrong, telling = [], []
        for name in self.idle_sequences():
            if self.claim.adjoints.get(name) is not None or not self.checked:
                telling.append(name)
                if self.exactly(name, reading) is None:
                    wrong.append(name)
        return wrong, telling

    def candidates(self, name: str) -> Iterator[Meaning]:
        """What a sequence may stand for, by its shape and its number of times."""
        left = next(equation.left for equation in self.claim.equations if equation.defines == name)
        assert isinstance(left, Sequence)
        count = len(left.times)
        steps = [d.target.name for d in self.model.losses if self.system.variables[d.target.name].timed]
        for variable in self.system.variables.values():
            if variable.role in (Role.ADJOINT, Role.LOSS) or variable.name in steps:
                continue
            if variable.timed != bool(count) or left.shape != self._shape(variable.shape):
                continue
            if count == 2:
                yield from (Meaning(variable.name, loss, 0, place, 1 - place) for loss in steps for place in (1, 0))
            elif count < 2:
                yield Meaning(variable.name, self.system.loss)

    def _shape(self, shape: tuple[object, ...]) -> tuple[object, ...]:
        if len(shape) == 2:
            return shape
        if not shape:
            return (1, 1)
        return (1, shape[0]) if self.claim.convention == "rows" else (shape[0], 1)

    def meanings(self, reading: Reading) -> Meanings:
        return Meanings(self, reading)


class Meanings:
    """What the claim's sequences stand for: what most of its equations say, read with the truth put in."""

    def __init__(self, bench: Bench, reading: Reading) -> None:
        self.bench = bench
        self.plain = bench.evaluator(reading)
        self.own = [name for name in bench.claim.sequences if self._is_own(name)]
        self.likeness: dict[str, dict[Meaning, float]] = {name: dict(self._likeness(name)) for name in self.own}
        self.sure = {name: meaning for name in self.own if (meaning := self._sure(name)) is not None}
        self._memory: dict[tuple[object, ...], bool] = {}
        self.found = self._settled()

    def _is_own(self, name: str) -> bool:
        return not all(e.given for e in self.bench.claim.equations if e.defines == name)

    def _sure(self, name: str) -> Meaning | None:
        r"""What a sequence is as it is defined; named after a variable, \bar{h}, it is to be that one's adjoint."""
        named = self.bench.claim.adjoints.get(name)
        whole = [meaning for meaning, share in self.likeness[name].items() if share == 1.0]
        return next((meaning for meaning in whole if named is None or meaning.variable == named), None)

    def _likeness(self, name: str) -> Iterator[tuple[Meaning, float]]:
        """How far a sequence, as it is defined, is each of its candidates: the share of the samples that agree."""
        equations = [e for e in self.bench.claim.equations if e.defines == name]
        try:
            values = defined_values(self.plain, equations)
        except ClaimError:
            values = None
        for meaning in self.bench.candidates(name):
            named = self.bench.claim.adjoints.get(name) == meaning.variable
            found = share(self.plain, values, meaning)
            yield meaning, found
            if not found and not named:
                opposite = replace(meaning, scale=Fraction(-1))
                agreeing = share(self.plain, values, opposite)
                if agreeing:
                    yield opposite, agreeing

    def _settled(self) -> dict[str, Meaning]:
        """The assignment under which the most equations hold, found one sequence at a time."""
        found = dict(self.sure)
        open_names = [name for name in self.own if name not in found]
        for name in open_names:
            named = self.bench.claim.adjoints.get(name)
            behind = [meaning for meaning in self.likeness[name] if meaning.variable == named and meaning.scale == 1]
            if behind:
                found[name] = behind[0]
        for _ in range(3):
            before = dict(found)
            for name in open_names:
                options: list[Meaning | None] = [None, *self._options(name)]
                best = max(options, key=lambda option: self._merit(found, name, option))
                found.pop(name, None)
                if best is not None:
                    found[name] = best
            if found == before:
                break
        return found

    def _options(self, name: str) -> list[Meaning]:
        """The candidates that anything speaks for; all of them, where nothing speaks for any."""
        named = self.bench.claim.adjoints.get(name)
        found = self.likeness[name]
        likely = [m for m, share in found.items() if share or (m.variable == named and m.scale == 1)]
        return likely if likely and (named or len(self.own) > FEW_SEQUENCES) else list(found)

    def _merit(self, found: Mapping[str, Meaning], name: str, option: Meaning | None) -> tuple[float, float]:
        trial = {key: value for key, value in found.items() if key != name}
        evidence = 0.0
        if option is not None:
            trial[name] = option
            named = self.bench.claim.adjoints.get(name) == option.variable
            evidence = self.likeness[name][option] + 1.5 * named
        holding = sum(self.holds(equation, trial) for equation in self.bench.claim.equations if reads(equation, name))
        return holding + 0.4 * bool(evidence) * (option is not None), evidence

    def holds(self, equation: Equation, truth: Mapping[str, Meaning]) -> bool:
        """Whether an equation holds with the truth put in; a definition without known meaning says nothing."""
        if equation.given or (equation.defines is not None and equation.defines not in truth):
            return False
        every = frozenset(truth.items()) if self._reaches_unknown(equation, truth) else None
        key = (id(equation), every or frozenset((n, m) for n, m in truth.items() if reads(equation, n)))
        if key not in self._memory:
            try:
                self._memory[key] = self.plain.variant(truth=truth).agrees(equation, equation.defines is not None)
            except ClaimError:
                self._memory[key] = False
        return self._memory[key]

    def _reaches_unknown(self, equation: Equation, truth: Mapping[str, Meaning]) -> bool:
        """Whether an equation reads a sequence that is taken as it is defined."""
        return any(name not in truth and reads(equation, name) for name in self.bench.claim.sequences)


Defined = list[tuple[Equation, Scope, Array]]


def defined_values(evaluator: Evaluator, equations: list[Equation]) -> Defined | None:
    """A sequence as it is defined, at every sample of each of its equations; None where it depends on itself."""
    found: Defined = []
    for equation in equations:
        scope = evaluator.everywhere(equation, True)
        if scope.count:
            try:
                found.append((equation, scope, evaluator.value(equation.left, scope)))
            except ClaimError:
                return None
    return found


def share(evaluator: Evaluator, values: Defined | None, meaning: Meaning) -> float:
    """The share of the samples at which a sequence, as it is defined, is what it may stand for."""
    agreeing, count = 0, 0
    for equation, scope, right in values or ():
        assert isinstance(equation.left, Sequence)
        try:
            left = evaluator.value(meaning.derivative(equation.left.times, equation.left.shape), scope)
        except ClaimError:
            return 0.0
        agreeing += int(same(*np.broadcast_arrays(left * float(meaning.scale), right)).sum())
        count += scope.count
    return agreeing / count if count else 0.0


def loose(equation: Equation, claim: Claim) -> bool:
    """Whether an equation reads sequences of the claim, so that its own fault is not the only one possible."""
    return any(reads(equation, name) for name in claim.sequences)


def reads(equation: Equation, name: str) -> bool:
    """Whether a sequence occurs in an equation."""
    return any(
        isinstance(node, Sequence) and node.name == name
        for side in (equation.left, equation.right)
        for node in walk(side)
    )


EVERYTHING = Reading(Kind.TOTAL, NONE)
