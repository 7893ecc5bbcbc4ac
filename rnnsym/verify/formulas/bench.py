"""A claim beside its model: which of its equations agree with the truth, and on which data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sympy import preorder_traversal

from rnnsym.checks.data import Data, draw, draw_sizes
from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.moved import times
from rnnsym.claims.syntax import Derivative, Kind, Moment, Node, Number, Sequence, TimeNumber, Variable, walk
from rnnsym.claims.written import ClaimError
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.operations import Elementwise, Pairwise, operation_of
from rnnsym.proof import Theory
from rnnsym.verify.formulas.conditions import NONE, Condition, of_length, usual_conditions, zero_at_first
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.field import FieldKit, InexactError
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.values import Values, field_data, with_adjoints

#: Lengths beyond the shortest that a model has, with how many draws of each.
DRAWS = ((2, 2), (4, 1))
EXACT_DRAWS = ((2, 2),)
#: So many times more for models with functions of several branches.
MORE = 3
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


def steps_written_out(claim: Claim) -> int | None:
    """The last of the steps that a claim tells one by one; None where it does not: the ends of sums do not count."""
    leaves = (node for node in nodes(claim) if isinstance(node, Variable | Sequence | Derivative))
    moments = (moment for leaf in leaves for moment in times(leaf) if not moment.terms)
    numbers = {moment.offset for moment in moments if moment.offset > 0}
    last = max(numbers, default=0)
    return last if last - 1 in numbers and last <= FARTHEST else None


def told_of_first(claim: Claim) -> set[str]:
    """The values before the first step that a claim reads, as keys: h[0]."""
    leaves = [(node.name, node.time) for node in nodes(claim) if isinstance(node, Variable) and node.time is not None]
    return {f"{name}[{time}]" for name, time in leaves if not time.terms and time.offset <= 0}


def nodes(claim: Claim) -> Iterator[Node]:
    """Everything in the equations of a claim."""
    for equation in claim.equations:
        yield from walk(equation.left)
        yield from walk(equation.right)


def what_is_stated(claim: Claim, model: Model) -> Condition:
    """What a claim states of the data: a length, T = 3, and states that begin with zero, h_0 = 0."""
    given = {f"{name}[{time}]" for name, time in model.given}
    zeros = [e for e in claim.equations if isinstance(e.right, Number) and not e.right.value]
    zero = [key for equation in zeros if (key := shown(equation.left)) in given]
    stated = NONE if claim.length is None else of_length(claim.length, True)
    return stated & zero_at_first(zero) if zero else stated


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
        self.wrong_before: str | None = None
        self._failed: Equation | None = None
        #: What holds of the data in any case.
        self.stated = what_is_stated(claim, model)
        self._drawn: dict[tuple[int, int], Data] = {}
        self._worlds: dict[tuple[str, int | None], list[Values]] = {}
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
        other.stated = what_is_stated(claim, self.model)
        other.__dict__.pop("conditions", None)
        return other

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What may be assumed: nothing but what is stated, what authors leave unsaid, and the length that they mean."""
        last = steps_written_out(self.claim) if self.claim.length is None else None
        unsaid = usual_conditions(self.model)
        ends = [] if last is None else [of_length(last, False)]
        unsaid += [*ends, *(end & condition for end in ends for condition in unsaid[:1])]
        told = told_of_first(self.claim)  # who writes h[0] does not take it for zero
        unsaid = [condition for condition in unsaid if not any(key in condition.sentence for key in told)]
        return (self.stated, *(self.stated & condition for condition in unsaid))

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
        key = (condition.sentence, condition.length)
        if key not in self._worlds:
            found = []
            for length, count in self.lengths(condition):
                draws = [self.data(10 * length + number, length, condition) for number in range(count)]
                found.append(Values(self.model, self.system, draws, length))
            self._worlds[key] = found
        return self._worlds[key]

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
            return not len(self.evaluator(Reading(self.partials[0], self.stated)).sides(equation)[0])
        except ClaimError:
            return False

    def out_of_time(self) -> Iterator[Equation]:
        """The equations that speak of no time that there is; of a definition, where none of its sequence does."""
        yield from (equation for equation in self.checked if self.is_silent(equation))
        for name in self.claim.sequences:
            equations = self.claim.defining(name)
            if not any(equation.given or self.reaches(equation) for equation in equations):
                yield equations[0]

    def reaches(self, equation: Equation) -> bool:
        """Whether an equation defines its sequence at a time from 0 to T."""
        evaluator = self.evaluator(Reading(self.partials[0], self.stated))
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
        doubtful = self.failing(Reading(reading.partial, self.stated))
        return not doubtful or all(np.any(evaluator.sides(equation)[0] != 0) for equation in doubtful)

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
