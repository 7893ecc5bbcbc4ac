"""Data that reach further than those on which a function is first judged: long sequences, large sizes, and inputs and
targets that make gradients large and small.

The truth comes from the generated kernel, which is fast at any size, after it was compared with evaluation alone on the
ordinary data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnsym.checks.data import Data, draw, positive_variables
from rnnsym.checks.kits import Array
from rnnsym.checks.sizes import variable
from rnnsym.errors import RnnsymError
from rnnsym.kernels.kernel import Kernel
from rnnsym.pipeline import generate
from rnnsym.verify.functions.trials import (
    ONE_HOT,
    SETTINGS,
    SUM_TO_ONE,
    Assumption,
    Subject,
    Trial,
    errors,
    with_one_hot,
)

#: The longest sequence, and how many of its steps are tried, from the start.
LONGEST = 40
LENGTHS = (7, 8, 10, 13, 18, 26, LONGEST)
#: How much larger than the smallest the sizes are.
LARGER = (5, 8, 14, 30)
#: What is added to vectors among the parameters, so that gates open and gradients last: the best is taken.
SHIFTS = (0.0, 2.0, -2.0)
#: What targets are multiplied with, so that all adjoints are large while no state saturates.
STRONG = 1e3
#: How often one step is repeated where targets cannot be made large.
MANY = 30
#: What all inputs are multiplied with, so that gradients are small.
WEAK = 1e-2


@dataclass(frozen=True)
class Series:
    """Data sets by a number that grows: which numbers to try, the data set of any, and how it is told."""

    numbers: tuple[int, ...]
    made: Callable[[int], Trial | None]
    told: Callable[[int], str]
    before: str  # the largest of the first data, in words


@dataclass(frozen=True)
class Limit:
    """How far a function is right, in words, and the first data set for which it is wrong, if there is one."""

    right: str
    wrong: str = ""
    trials: Sequence[Trial] = ()


@dataclass
class Reach:
    """The series of data sets for one function. `first` is a data set whose truth is known by evaluation alone."""

    subject: Subject
    first: Trial
    assumption: Assumption | None = None

    @cached_property
    def kernel(self) -> Kernel | None:
        """The kernel of the model, where it agrees with evaluation; None where it cannot be had."""
        try:
            kernel = generate(self.subject.model)
            found = self._truth(kernel, self.first.data, self.first.length, self.first.unit)[1]
        except (RnnsymError, ValueError, ArithmeticError):
            return None
        same = all(error < 1e-9 for error in errors(found, self.first.gradients).values())
        return kernel if same else None

    def _truth(self, kernel: Kernel, data: Data, length: int, unit: float) -> tuple[float, dict[str, Array]]:
        timed = {"length": length} if self.subject.model.timed and not self.subject.model.sequences else {}
        with np.errstate(all="ignore"):
            loss, gradients = kernel.loss_and_grad(data.params, data.inputs, **timed)
        return unit * loss, {key: unit * np.asarray(array) for key, array in gradients.items()}

    def _trial(self, data: Data, made: bool = False) -> Trial | None:
        """The data as a trial, the assumption made; None where that cannot be, or the truth is not finite.

        made: the data meet the assumption already.
        """
        restricted = data if self.assumption is None or made else self.assumption.restricted(self.subject, data)
        if restricted is None or self.kernel is None:
            return None
        length, batch = self.subject.extent(restricted)
        length = length if self.subject.model.sequences else self.first.length
        unit = self.subject.unit(length, batch)
        loss, gradients = self._truth(self.kernel, restricted, length, unit)
        if not all(np.isfinite(array).all() for array in gradients.values()):
            return None
        return Trial(restricted, length, batch, loss, gradients, unit, self.first.tolerance)

    def _drawn(self, length: int, batch: int, sizes: dict[str, int] | None = None, seed: int = 5) -> Data:
        chosen = dict(self.subject.sizes or {})
        data = draw(self.subject.model, seed, length, batch, {**(sizes or {}), **chosen} or None)
        for key in self.subject.convention.indices:
            data = with_one_hot(data, (key,), seed)
        return data

    # The series

    @property
    def long(self) -> Series:
        """Longer and longer sequences, through which gradients last."""
        possible = self.kernel is not None and self.subject.model.sequences
        most = max(length for length, _, _ in SETTINGS)
        return Series(LENGTHS if possible else (), self._cut, "T = {}".format, f"T = {most}")

    def _cut(self, length: int) -> Trial | None:
        data = self._lasting
        sequences = self.subject.model.sequences
        inputs = {key: array[:length] if key in sequences else array for key, array in data.inputs.items()}
        return self._trial(data._replace(inputs=inputs))

    def _batch(self, wanted: int) -> int:
        return wanted if self.assumption is None or self.assumption.batch is None else self.assumption.batch

    @cached_property
    def _lasting(self) -> Data:
        data = self._drawn(LONGEST, self._batch(2))
        return max((self._opened(data, shift) for shift in SHIFTS), key=self._lasts)

    def _opened(self, data: Data, shift: float) -> Data:
        """The data with orthogonal square matrices, and with a number added to vectors among the parameters."""
        positive = positive_variables(self.subject.model)
        params = {}
        for name, array in data.params.items():
            if name in positive:
                params[name] = array
            elif array.ndim == 2 and array.shape[0] == array.shape[1]:
                params[name] = np.linalg.qr(array)[0]
            else:
                params[name] = array + (shift if array.ndim == 1 else 0.0)
        return data._replace(params=params)

    def _lasts(self, data: Data) -> float:
        """How much of a gradient is left at the first step, beside the last."""
        trial = self._trial(data)
        early = [key for key in self.subject.model.sequences if key not in self.subject.for_the_loss]
        if trial is None or not early:
            return 0.0
        every = [np.abs(trial.gradients[key]) for key in early]
        return float(sum(array[0].max() for array in every) / (1e-300 + sum(array[-1].max() for array in every)))

    @property
    def large(self) -> Series:
        """Larger and larger sizes, all different."""
        smallest = self.subject.smallest_sizes(3)

        def told(more: int) -> str:
            return ", ".join(f"{name} = {size + more}" for name, size in smallest.items())

        def made(more: int) -> Trial | None:
            try:
                return self._trial(self._drawn(3, self._batch(2), {name: n + more for name, n in smallest.items()}))
            except RnnsymError:  # sizes of the model's own that leave no choice
                return None

        possible = self.kernel is not None and smallest and not self.subject.sizes
        return Series(LARGER if possible else (), made, told, "smaller sizes")

    def strong(self) -> tuple[str, list[Trial]]:
        """Gradients so large that any usual limit is reached, while the states are what they were."""
        single = self.subject.convention.batch == "single"
        positive = positive_variables(self.subject.model)
        free = [
            key
            for key in self.subject.for_the_loss
            if variable(key) not in positive and key not in self.subject.convention.indices
        ]
        if free and self.assumption is SUM_TO_ONE:
            told = f"{', '.join(free)} {STRONG:g} times as far from their mean"
            drawn = [self._drawn(length, self._batch(1 if single else 4), seed=length) for length in (4, 6)]
            made = [SUM_TO_ONE.restricted(self.subject, one) for one in drawn]
            spread = [self._spread(one, free) for one in made if one is not None]
            return told, [trial for one in spread if (trial := self._trial(one, True)) is not None]
        if free and self.assumption is not ONE_HOT:
            told = f"{', '.join(free)} {STRONG:g} times as large"
            drawn = [self._drawn(length, self._batch(1 if single else 4), seed=length) for length in (4, 6)]
            data = [self._multiplied(one, free, STRONG) for one in drawn]
        else:
            told = f"the same step and example {MANY} times and more"
            drawn = [
                self._drawn(length, self._batch(1 if single else MANY), seed=length) for length in (MANY, MANY + 10)
            ]
            data = [self._alike(one) for one in drawn] if self.subject.model.sequences else []
        return told, [trial for one in data if (trial := self._trial(one)) is not None]

    def weak(self) -> tuple[str, list[Trial]]:
        """Small gradients: what keeps numbers from zero shows."""
        positive = positive_variables(self.subject.model)
        keys = [
            key
            for key in self.subject.model.input_keys
            if variable(key) not in positive and key not in self.subject.convention.indices
        ]
        data = [self._multiplied(self._drawn(length, self._batch(2), seed=length), keys, WEAK) for length in (4, 5)]
        return f"inputs {WEAK:g} times as large", [trial for one in data if (trial := self._trial(one)) is not None]

    @staticmethod
    def _multiplied(data: Data, keys: list[str], factor: float) -> Data:
        return data._replace(inputs={k: a * factor if k in keys else a for k, a in data.inputs.items()})

    @staticmethod
    def _spread(data: Data, keys: list[str]) -> Data:
        """The data with vectors of the same sum whose elements are far apart."""
        means = {key: data.inputs[key].mean(axis=-1, keepdims=True) for key in keys}
        far = {key: means[key] + STRONG * (data.inputs[key] - means[key]) for key in keys}
        return data._replace(inputs={**data.inputs, **far})

    def _alike(self, data: Data) -> Data:
        """The data with the first step and example everywhere: what each adds to a gradient adds up."""
        inputs = {}
        for key, array in data.inputs.items():
            first = array[:1, :1] if key in self.subject.model.sequences else array[:1]
            inputs[key] = np.broadcast_to(first, array.shape).copy()
        return data._replace(inputs=inputs)


def first_wrong(series: Series, is_wrong: Callable[[Trial], bool]) -> Limit:
    """Where a series begins to show a fault: by some of its numbers, and then by all between two of these."""
    last: int | None = None

    def wrong(number: int) -> Trial | None:
        trial = series.made(number)
        return trial if trial is not None and is_wrong(trial) else None

    for number in series.numbers:
        if series.made(number) is None:
            continue
        if wrong(number) is None:
            last = number
            continue
        first = next(n for n in range(number if last is None else last + 1, number + 1) if wrong(n) is not None)
        trial = series.made(first)
        assert trial is not None
        right = series.before if last is None else series.told(max(last, first - 1))
        return Limit(right, series.told(first), [trial])
    return Limit("" if last is None else series.told(last))
