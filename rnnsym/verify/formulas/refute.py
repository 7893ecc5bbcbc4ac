"""The smallest data on which a claim is wrong: a short sequence, small sizes, small numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnnsym.checks.data import Data, draw
from rnnsym.checks.kits import Array
from rnnsym.claims.claim import Equation
from rnnsym.claims.interpret import targets
from rnnsym.claims.syntax import Sequence, free_letters, walk
from rnnsym.claims.written import ClaimError
from rnnsym.errors import RnnsymError
from rnnsym.verify.formulas.bench import Bench, Reading
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.result import Counterexample, Difference
from rnnsym.verify.formulas.samples import same
from rnnsym.verify.formulas.values import Values
from rnnsym.verify.formulas.writing import Writer

LONGEST = 5
#: The search for it ends after so many equations at single steps, of which one takes about a millisecond.
MOST_WORK = 6_000
#: What data are made of.
NUMBERS = (1.0, 0.5, -0.5, 2.0, -1.0)
#: A difference that a reader can see.
VISIBLE = 1e-3


def counterexample(
    bench: Bench, reading: Reading, truth: Mapping[str, Meaning], wrong: tuple[Equation, ...]
) -> Counterexample | None:
    """The smallest data on which an equation of the claim is wrong; None where none of the sizes tried shows it."""
    least = bench.model.timing.minimum_length
    work = 0
    for length in range(least, least + LONGEST):
        if reading.condition.length not in (None, length):
            continue
        for place, sizes in enumerate(_sizes(bench)):
            if work > MOST_WORK:
                return None
            work += length * len(bench.system.equations)
            try:
                found = _tried(bench, reading, truth, wrong, length, sizes, place)
            except (RnnsymError, ArithmeticError, np.linalg.LinAlgError):
                continue
            if found is not None:
                return found
    return None


def _sizes(bench: Bench) -> Iterator[dict[str, int]]:
    """All sizes one, then one of them two, and so on to sizes that differ."""
    names = list(bench.sizes)
    options = itertools.product((1, 2), repeat=len(names))
    for numbers in sorted(options, key=lambda found: (sum(found), found)):
        yield dict(zip(names, numbers, strict=True))
    yield bench.sizes


def _tried(
    bench: Bench, reading: Reading, truth: Mapping[str, Meaning], wrong: tuple[Equation, ...], length: int,
    sizes: dict[str, int], first: int,
) -> Counterexample | None:  # fmt: skip
    data = reading.condition.apply(readable(bench, length, sizes, first))
    world = Values(bench.model, bench.system, [data], length)
    evaluator = Evaluator(bench.claim, [world], reading.partial, independent=True)
    true = evaluator.variant(truth=truth)
    writer = Writer.text(bench.claim, bench.model)
    differences = [
        *_of_sequences(bench, evaluator, true, truth, writer),
        *_of_equations(bench, evaluator, wrong, writer),
        *_of_definitions(true, wrong, writer),
    ]
    visible = [one for one in differences if abs(one.claimed - one.true) > VISIBLE * max(1.0, abs(one.true))]
    if not visible:
        return None
    return Counterexample(length, sizes, listed(data), tuple(visible))


def readable(bench: Bench, length: int, sizes: dict[str, int], first: int = 0) -> Data:
    """Small numbers for everything, from one of them on; targets compared with a distribution do not sum to one."""
    plain = draw(bench.model, 0, length, None, sizes)
    numbers = itertools.cycle(NUMBERS[first % len(NUMBERS) :] + NUMBERS[: first % len(NUMBERS)])
    distributions = targets(bench.model)

    def simple(name: str, array: Array) -> Array:
        found = np.array([next(numbers) for _ in range(array.size)]).reshape(array.shape)
        if name.partition("[")[0] in distributions or (array.size and np.all(array > 0) and array.size > 2):
            return np.asarray(np.abs(found))
        return found

    params = {name: simple(name, array) for name, array in plain.params.items()}
    inputs = {name: simple(name, array) for name, array in plain.inputs.items()}
    found = Data(params, inputs, plain.sizes)
    return found if np.isfinite(_loss(bench, found, length)) else plain


def _loss(bench: Bench, data: Data, length: int) -> float:
    world = Values(bench.model, bench.system, [data], length)
    with np.errstate(all="ignore"):
        return float(np.real(world.value((bench.system.loss, None))).sum())


def listed(data: Data) -> dict[str, Any]:
    """The data as nested lists, rounded to what is shown."""
    return {name: np.round(array, 6).tolist() for name, array in (data.params | data.inputs).items()}


def _of_sequences(
    bench: Bench, evaluator: Evaluator, true: Evaluator, truth: Mapping[str, Meaning], writer: Writer
) -> Iterator[Difference]:
    """The first time in the order of computation at which each wrong sequence departs from what it stands for."""
    length = evaluator.worlds[0].length
    first: list[tuple[int, Difference]] = []
    for name in bench.claim.sequences:
        left = bench.claim.defining(name)[0].left
        assert isinstance(left, Sequence)
        if name not in truth or len(left.times) > 1:
            continue
        backwards = _runs_backwards(bench, name)
        times = range(length, 0, -1) if backwards else range(1, length + 1)
        for place, step in enumerate(times if left.times else (0,)):
            key = (step,) if left.times else ()
            claimed, right = evaluator.sequence(name, key), true.sequence(name, key)
            if not same(right, np.broadcast_to(claimed, right.shape)).all():
                shown = writer.sequence(name) + (f"[{step}]" if left.times else "")
                first.append((place, _element(shown, claimed, right)))
                break
    for _, difference in sorted(first, key=lambda found: found[0])[:1]:
        yield difference


def _runs_backwards(bench: Bench, name: str) -> bool:
    """Whether a sequence is computed from later values; adjoints are."""
    for equation in bench.claim.equations:
        if equation.defines == name and isinstance(equation.left, Sequence) and equation.left.times:
            own = equation.left.times[0]
            for node in walk(equation.right):
                if isinstance(node, Sequence) and node.times:
                    distance = node.times[0] - own
                    if not distance.terms and distance.offset < 0:
                        return False
    return True


def _of_equations(
    bench: Bench, evaluator: Evaluator, wrong: tuple[Equation, ...], writer: Writer
) -> Iterator[Difference]:
    """The equations whose sides differ, the wrong ones first."""
    order = [e for e in bench.checked if e in wrong] + [e for e in bench.checked if e not in wrong]
    count = 0
    for equation in order:
        scope = evaluator.everywhere(equation)
        try:
            left, right = evaluator.sides(equation)
        except ClaimError:
            continue
        for number in np.flatnonzero(~same(left, right)):
            times = {letter: int(found[number]) for letter, found in scope.times.items() if letter != "T"}
            shown = writer.show(equation.left)
            for letter, value in times.items():
                shown = shown.replace(f"[{letter}]", f"[{value}]").replace(f"[{letter}-1]", f"[{value - 1}]").replace(
                    f"[{letter}+1]", f"[{value + 1}]")  # fmt: skip
            yield _element(shown, right[number][None], left[number][None])
            count += 1
            break
        if count == 2:
            return


def _of_definitions(true: Evaluator, wrong: tuple[Equation, ...], writer: Writer) -> Iterator[Difference]:
    """Definitions whose sides differ, the truth put in, where they speak of a time that their left side has not."""
    for equation in wrong:
        untold = [letter for letter in equation.letters if letter not in free_letters(equation.left)]
        if equation.defines is None or not untold:
            continue
        left, right = true.sides(equation, True)
        scope = true.everywhere(equation, True)
        for number in np.flatnonzero(~same(left, right))[:1]:
            at = ", ".join(f"{letter} = {int(scope.times[letter][number])}" for letter in untold)
            yield _element(f"{writer.show(equation.left)}, at {at},", right[number][None], left[number][None])
            return


def _element(shown: str, claimed: Array, right: Array) -> Difference:
    """The element of two arrays that differs most."""
    claimed = np.broadcast_to(claimed, right.shape)
    with np.errstate(all="ignore"):
        gaps = np.nan_to_num(np.abs(claimed - right), nan=np.inf)
    place = np.unravel_index(int(np.argmax(gaps)), right.shape)
    inner = [index for index, size in zip(place[1:], right.shape[1:], strict=True) if size > 1]
    if right[0].size > 1:
        shown += f", element {','.join(str(index + 1) for index in inner)},"
    return Difference(shown, float(claimed[place]), float(right[place]))
