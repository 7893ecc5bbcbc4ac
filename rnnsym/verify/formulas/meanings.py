"""What the sequences that a claim defines stand for: which derivatives of the loss.

Each sequence is compared with every derivative of its shape. Where its own definition is wrong, it is what most of the
equations say that read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.syntax import Sequence, walk
from rnnsym.claims.written import ClaimError
from rnnsym.equations.indexed import Role
from rnnsym.verify.formulas.bench import Bench, Reading
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.samples import Scope, same

#: Of so many sequences every meaning is tried.
FEW_SEQUENCES = 4


def idle_sequences(bench: Bench) -> list[str]:
    """The claim's sequences on which no equation depends that is checked."""
    used: set[str] = set()
    waiting = list(bench.checked)
    while waiting:
        equation = waiting.pop()
        for side in (equation.left, equation.right):
            for node in walk(side):
                if isinstance(node, Sequence) and node.name not in used:
                    used.add(node.name)
                    waiting += bench.claim.defining(node.name)
    given = {e.defines for e in bench.claim.equations if e.given}
    return [name for name in bench.claim.sequences if name not in used and name not in given]


def own_sequences(bench: Bench) -> list[str]:
    """The sequences that the claim itself defines, not the text that comes with it."""
    return [name for name in bench.claim.sequences if not all(e.given for e in bench.claim.defining(name))]


def stated_meanings(bench: Bench, reading: Reading) -> dict[str, Meaning]:
    """What sequences are, by comparing them as they are defined with every derivative of their shape."""
    found = ((name, exactly(bench, name, reading)) for name in own_sequences(bench))
    return {name: meaning for name, meaning in found if meaning is not None}


def exactly(bench: Bench, name: str, reading: Reading) -> Meaning | None:
    """The derivative that a sequence is."""
    evaluator = bench.evaluator(reading)
    named = bench.claim.adjoints.get(name)
    options = sorted(candidates(bench, name), key=lambda meaning: meaning.variable != named)
    if bench.claim.says_adjoint(name):
        options = [meaning for meaning in options if meaning.variable == named]
    values = defined_values(evaluator, bench.claim.defining(name))
    return next((meaning for meaning in options if share(evaluator, values, meaning) == 1.0), None)


def computed_from(bench: Bench, name: str) -> set[str]:
    """What a variable is computed from: a δ of its name may be that of its pre-activation."""
    return {other for equation in bench.system.defining(name) for other in equation.reads}


def has_wrong_definition(bench: Bench, reading: Reading) -> bool:
    """Whether an idle sequence is not what it is named after; the one that was wrong last is tried first.

    Where all is definitions, each has to be a derivative, or of use to one that is.
    """
    names = [name for name in idle_sequences(bench) if bench.claim.adjoints.get(name) or not bench.checked]
    names.sort(key=lambda name: name != bench.wrong_before)
    wrong = next((name for name in names if exactly(bench, name, reading) is None
                  and not (bench.claim.adjoints.get(name) is None and of_use(bench, name, reading))), None)  # fmt: skip
    bench.wrong_before = wrong or bench.wrong_before
    return wrong is not None


def of_use(bench: Bench, name: str, reading: Reading) -> bool:
    """Whether a sequence is read by another one that is a derivative, if need be through others that are none."""
    known, waiting = {name}, [name]
    while waiting:
        used = waiting.pop()
        for other in (one for one in own_sequences(bench) if one not in known):
            if any(reads(equation, used) for equation in bench.claim.defining(other)):
                if exactly(bench, other, reading) is not None:
                    return True
                known.add(other)
                waiting.append(other)
    return False


def candidates(bench: Bench, name: str) -> Iterator[Meaning]:
    """What a sequence may stand for, by its shape, its number of times, and its name."""
    named = bench.claim.adjoints.get(name)
    own: set[str] | None = None
    if named is not None and "_" not in name and "^" not in name and bench.system.defining(named):
        # di is the derivative by i, or by what i is computed from; the i of a label says less.
        own = {named, *computed_from(bench, named)}
    left = bench.claim.defining(name)[0].left
    assert isinstance(left, Sequence)
    count = len(left.times)
    steps = [d.target.name for d in bench.model.losses if bench.system.variables[d.target.name].timed]
    for variable in bench.system.variables.values():
        if variable.role in (Role.ADJOINT, Role.LOSS) or variable.name in steps:
            continue
        if own is not None and variable.name not in own:
            continue
        if variable.timed != bool(count) or left.shape != _shape(bench, variable.shape):
            continue
        if count == 2:
            yield from (Meaning(variable.name, loss, 0, place, 1 - place) for loss in steps for place in (1, 0))
        elif count < 2:
            yield Meaning(variable.name, bench.system.loss)


def _shape(bench: Bench, shape: tuple[object, ...]) -> tuple[object, ...]:
    if len(shape) == 2:
        return shape
    if not shape:
        return (1, 1)
    return (1, shape[0]) if bench.claim.convention == "rows" else (shape[0], 1)


def defines_rightly(bench: Bench, reading: Reading) -> bool:
    """Whether every definition holds with the truth put in: what no equation shows may be wrong all the same."""
    meanings = Meanings(bench, reading)
    return all(
        meanings.holds(equation, meanings.found)
        for equation in bench.claim.equations
        if equation.defines in meanings.found and not equation.given
    )


class Meanings:
    """What the claim's sequences stand for: what most of its equations say, read with the truth put in."""

    def __init__(self, bench: Bench, reading: Reading) -> None:
        self.bench = bench
        self.plain = bench.evaluator(reading)
        self.own = own_sequences(bench)
        self.likeness: dict[str, dict[Meaning, float]] = {name: dict(self._likeness(name)) for name in self.own}
        self.sure = {name: meaning for name in self.own if (meaning := self._sure(name)) is not None}
        self._memory: dict[tuple[object, ...], bool] = {}
        self.found = self._settled()

    def _sure(self, name: str) -> Meaning | None:
        r"""What a sequence is as it is defined; named after a variable, \bar{h}, it is to be that one's adjoint."""
        named = self.bench.claim.adjoints.get(name)
        whole = [meaning for meaning, share in self.likeness[name].items() if share == 1.0 and meaning.scale == 1]
        return next((meaning for meaning in whole if named is None or meaning.variable == named), None)

    def _likeness(self, name: str) -> Iterator[tuple[Meaning, float]]:
        """How far a sequence, as it is defined, is each of its candidates: the share of the samples that agree."""
        try:
            values = defined_values(self.plain, self.bench.claim.defining(name))
        except ClaimError:
            values = None
        for meaning in candidates(self.bench, name):
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
        turned = [replace(m, scale=-m.scale) for m, share in found.items() if share and m.scale != 1]
        close = set() if named is None else {named}
        close |= set() if named is None or self.bench.claim.says_adjoint(name) else computed_from(self.bench, named)
        likely = [m for m, share in found.items() if share or (m.scale == 1 and m.variable in close) or m in turned]
        return likely if likely and (named or len(self.own) > FEW_SEQUENCES) else list(found)

    def _merit(self, found: Mapping[str, Meaning], name: str, option: Meaning | None) -> tuple[float, float]:
        trial = {key: value for key, value in found.items() if key != name}
        evidence = 0.0
        if option is not None:
            trial[name] = option
            named = self.bench.claim.adjoints.get(name) == option.variable
            # A name says little where the definition is another derivative at some times: δ_f may be that of net_f.
            others = any(self.likeness[name].values()) and not self.bench.claim.says_adjoint(name)
            spoken = named and (self.likeness[name][option] > 0 or not others)
            evidence = self.likeness[name][option] + 1.5 * spoken
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
            except (ClaimError, ValueError):  # one whose shapes do not fit has no numbers
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


def note(equation: Equation, meanings: Mapping[str, Meaning]) -> str:
    """What a definition's sequence turned out to be."""
    meaning = meanings.get(equation.defines or "")
    if meaning is None:
        return ""
    loss = "E" if meaning.loss_place is None else f"{meaning.loss}[t]"
    return f"{equation.defines} is the derivative of {loss} by {meaning.variable}"


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
