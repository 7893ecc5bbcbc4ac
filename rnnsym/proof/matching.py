"""Which of a claim's sequences is which adjoint? Numbers tell; what they tell is proved afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from rnnsym.calculus.rules import adjoint_name
from rnnsym.checks.kits import Array
from rnnsym.checks.symbolic import Evaluation
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.interpret import Interpreter
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import Derivative, Kind, Moment, Sequence, Variable, walk
from rnnsym.equations.indexed import Role
from rnnsym.errors import RnnsymError
from rnnsym.proof.leaves import Meaning
from rnnsym.proof.theory import Theory

TOLERANCE = 1e-7


def matched(
    claim: Claim,
    numbers: Interpreter,
    derived: Evaluation,
    theory: Theory,
    definitions: Mapping[str, tuple[Equation, ...]],
) -> dict[str, Meaning]:
    """The meaning of the sequences that are adjoints, as far as the claim needs it: the others are put in.

    `numbers` evaluates the claim, `derived` the adjoints, both on the same data.
    """
    found: dict[str, Meaning] = {}
    for name, equations in definitions.items():
        if all(equation.given for equation in equations) and not _recursive(name, definitions):
            continue
        named = claim.adjoints.get(name, "")
        options = candidates(name, equations[0], numbers, derived, theory, named)
        alone = not _recursive(name, definitions) and len(equations) == 1 and not equations[0].ranges
        if alone or claim.says_adjoint(name):
            # It could be put in, or has a bar. That it is the adjoint that it is called after is what is claimed.
            wanted = Meaning(named)
            options = (meaning for meaning in options if replace(meaning, path=False) == wanted)
        meaning = next(options, None)
        if meaning is not None:
            found[name] = meaning
    return found


def _recursive(name: str, definitions: Mapping[str, tuple[Equation, ...]]) -> bool:
    """Whether a sequence is defined by way of itself."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for equation in definitions.get(waiting.pop(), ()):
            for node in walk(equation.right):
                if isinstance(node, Sequence):
                    if node.name == name:
                        return True
                    if node.name not in seen:
                        seen.add(node.name)
                        waiting.append(node.name)
    return False


def candidates(
    name: str, equation: Equation, numbers: Interpreter, derived: Evaluation, theory: Theory, named: str
) -> Iterator[Meaning]:
    """The adjoints that a sequence is equal to in numbers, up to a factor; what is zero, that it is named after."""
    left = equation.left
    assert isinstance(left, Sequence)
    length = numbers.length
    count = len(left.times)
    if count > 2:
        return
    # Along paths, numbers are dear: a few places are enough for a guess.
    steps = range(1, length + 1)
    every: tuple[list[tuple[int, ...]], ...] = ([()], [(t,) for t in steps], [(length, k) for k in steps])
    places = every[count]
    try:
        values = [numbers.sequence(name, place).ravel() for place in places]
    except (RnnsymError, KeyError):  # a letter that nothing binds
        return
    losses = [e.target.name for e in theory.model.losses if e.target.time is not None] or [theory.system.loss]
    for variable in theory.system.variables.values():
        if variable.timed != bool(count) or variable.role is Role.LOSS or (count == 2 and len(variable.shape) > 1):
            continue
        if adjoint_name(variable.name) not in theory.variables:  # the loss does not depend on it
            continue
        for shift in (0, 1, -1) if count else (0,):
            others: list[Array | None] = []
            for place in places:
                if count == 2:
                    others.append(along_path(numbers, losses[0], place[0], variable.name, place[1] + shift))
                else:
                    time = place[0] + shift if place else None
                    there = time is None or 1 <= time <= length
                    others.append(derived.value(adjoint_name(variable.name), time).ravel() if there else None)
            number = factor(values, others)
            if number is None and variable.name == named and not shift and are_zero(values) and are_zero(others):
                number = Fraction(1)
            if number is not None:
                yield Meaning(variable.name, shift, number, count == 2)


def along_path(numbers: Interpreter, loss: str, at: int, name: str, time: int) -> Array | None:
    """The derivative of the loss of one step by a variable at a time; None outside of 1 to that step."""
    if not 1 <= time <= at:
        return None
    shape = numbers.system.variables[name].shape
    top = Variable(loss, Moment((), at), SCALAR)
    full = (*shape, *SCALAR)[:2]
    bottom = Variable(name, Moment((), time), full)
    return numbers.value(Derivative(Kind.TOTAL, top, bottom, full), {"T": numbers.length}).ravel()


def are_zero(values: Iterable[Array | None]) -> bool:
    """Whether there is nothing but zero, up to rounding."""
    return all(np.max(np.abs(value), initial=0.0) < TOLERANCE**2 for value in values if value is not None)


def factor(values: list[Array], others: list[Array | None]) -> Fraction | None:
    """The simple number that one list of vectors is of the other."""
    pairs = [(one, other) for one, other in zip(values, others, strict=True) if other is not None]
    if not pairs or any(one.shape != other.shape for one, other in pairs):
        return None
    ours, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
    scale = float(theirs @ theirs)
    if are_zero(others) or not np.isfinite(ours).all():
        return None
    number = Fraction(float(ours @ theirs) / scale).limit_denominator(12)
    close = np.max(np.abs(ours - float(number) * theirs)) <= TOLERANCE * max(1e-3, float(np.max(np.abs(ours))))
    return number if number and close else None
