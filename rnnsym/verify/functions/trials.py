"""The data on which a function is judged, and the assumptions under which it may be right.

Every data set differs from the others in T, B and all sizes, so that a factor of 1/T is not taken for one of 1/B.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnnsym.checks.data import Data, draw, draw_sizes
from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import complex_step, loss
from rnnsym.checks.sizes import variable
from rnnsym.errors import RnnsymError, ShapeError
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, references, walk
from rnnsym.verify.functions.calls import Convention, Function, Returned

#: The largest difference from the true gradient, over the gradient's size, that counts as equal.
TOLERANCE = 1e-6
#: The same for a function that computes in single precision.
SINGLE = 1e-4
#: The largest such difference that rounding alone explains in double precision.
ROUNDING = 1e-9
#: T and B of the data sets, and how much larger their sizes are than the smallest.
SETTINGS = ((4, 3, 0), (5, 2, 1), (6, 4, 2))
#: What the inputs of the data set with large gradients are multiplied with.
LARGE = 12.0


@dataclass(frozen=True)
class Trial:
    """A data set with the true loss and gradients; `unit` is what the sum over time and batch was multiplied with."""

    data: Data
    length: int
    batch: int
    loss: float
    gradients: Mapping[str, Array]
    unit: float = 1.0
    tolerance: float = TOLERANCE

    def __str__(self) -> str:
        sizes = "".join(f", {name} = {size}" for name, size in self.data.sizes.items())
        return f"T = {self.length}, B = {self.batch}{sizes}"


@dataclass(frozen=True)
class Assumption:
    """Something about the data that a function may take for granted. `restricted` makes data for which it is so.

    `leaves_unsaid`: such a function is right where the assumption is; otherwise it only shows where the fault is not.
    `is_common`: code that is meant for such data alone, so that nothing is to be found out any more.
    """

    text: str
    restricted: Callable[[Subject, Data], Data | None]
    leaves_unsaid: bool = True
    is_common: bool = False
    length: int | None = None
    batch: int | None = None
    equal_sizes: bool = False


@dataclass(frozen=True)
class Subject:
    """A function under examination: the model, how to call it, and over what its loss is taken.

    sizes: numbers for symbolic sizes, where the function works for these alone. at_zero: the initial states that are
    zero in all data.
    """

    model: Model
    function: Function
    convention: Convention
    loss: str = "sum"
    sizes: Mapping[str, int] | None = None
    at_zero: tuple[str, ...] = ()

    def trial(
        self,
        length: int,
        batch: int,
        larger: int = 0,
        seed: int = 0,
        assumption: Assumption | None = None,
        scale: float = 1.0,
    ) -> Trial | None:
        """A data set of this length and batch; None where the assumption cannot be made of this model."""
        sizes = dict(self.sizes or {})
        if assumption is not None and assumption.equal_sizes:
            sizes = dict.fromkeys(self.smallest_sizes(seed), 3) | sizes
        elif larger:
            sizes = {name: size + larger for name, size in self.smallest_sizes(seed).items()} | sizes
        data = draw(self.model, seed, length, batch, sizes or None)
        inputs = {key: array * scale for key, array in data.inputs.items()} if scale != 1.0 else data.inputs
        zeros = {key: np.zeros_like(data.inputs[key]) for key in self.at_zero}
        restricted: Data | None = Data(data.params, {**inputs, **zeros}, data.sizes)
        for key in self.convention.indices:
            restricted = with_one_hot(restricted, (key,), seed) if restricted is not None else None
        if assumption is not None and restricted is not None:
            restricted = assumption.restricted(self, restricted)
        return None if restricted is None else self.judged(restricted)

    def smallest_sizes(self, seed: int = 0) -> dict[str, int]:
        """Small numbers for the symbolic sizes, all different."""
        return draw_sizes(self.model, np.random.default_rng(seed))

    def judged(self, data: Data) -> Trial:
        """The truth for given data, by evaluation alone (the complex step)."""
        length, batch = self.extent(data)
        factor = self.unit(length, batch)
        with np.errstate(all="ignore"):
            gradients = {
                key: factor * array for key, array in complex_step(self.model, data.params, data.inputs).items()
            }
            return Trial(data, length, batch, factor * loss(self.model, data.params, data.inputs), gradients, factor)

    def extent(self, data: Data) -> tuple[int, int]:
        """T and B of a data set."""
        length = next((len(data.inputs[key]) for key in self.model.sequences), 1)
        batch = next((np.shape(data.inputs[key])[key in self.model.sequences] for key in self.model.input_keys), 1)
        return length, int(batch)

    def unit(self, length: int, batch: int) -> float:
        """What the sum over time and batch is multiplied with to give the function's loss."""
        return {"sum": 1.0, "mean": 1 / (length * batch), "mean_time": 1 / length, "mean_batch": 1 / batch}[self.loss]

    def call(self, trial: Trial) -> Returned:
        """What the function returns on a data set; raises MalformedError."""
        return self.convention.called(self.function, trial.data.params, trial.data.inputs)

    def trials(
        self, assumption: Assumption | None = None, only: int | None = None, count: int = len(SETTINGS)
    ) -> tuple[Trial, ...]:
        """The first data sets; empty where the assumption cannot be made of this model. only: their length."""
        made = []
        for seed, (length, batch, larger) in enumerate(SETTINGS[:count]):
            length = length if assumption is None or assumption.length is None else assumption.length
            length = length if only is None else only
            batch = batch if assumption is None or assumption.batch is None else assumption.batch
            if self.convention.batch == "single":  # a sum over examples would be ours, and hide what is done to each
                batch = 1
            try:
                made.append(self.trial(length, batch, larger, seed, assumption))
            except (ShapeError, RnnsymError):
                return ()
        return tuple(trial for trial in made if trial is not None)

    @property
    def initial(self) -> tuple[str, ...]:
        """The keys of the initial states."""
        return tuple(f"{name}[{time}]" for name, time in self.model.given if not time.anchor and time.offset < 1)

    def ignored(self, trial: Trial, before: Returned) -> tuple[str, ...]:
        """The initial states that the function does not read, as one that starts at zero whatever it is given.

        before: what it returned for this trial.
        """
        found = []
        for key in (key for key in self.initial if key not in self.at_zero):
            without = _changed(trial.data, {key: np.zeros_like(trial.data.inputs[key])})
            again = self.convention.called(self.function, without.params, without.inputs)
            made = again.gradients
            if all(name in made and np.array_equal(array, made[name]) for name, array in before.gradients.items()):
                found.append(key)
        return tuple(found)

    @property
    def for_the_loss(self) -> tuple[str, ...]:
        """The inputs that nothing but the loss reads."""
        losses = {definition.target.name for definition in self.model.losses}
        elsewhere = {node.name for d in self.model.core if d.target.name not in losses for node in references(d.value)}
        return tuple(key for key in self.model.input_keys if variable(key) not in elsewhere)

    @property
    def targets(self) -> tuple[str, ...]:
        """The vectors that nothing but a loss with a logarithm reads: they may be meant as distributions."""
        calls = [node for d in self.model.losses for node in walk(d.value) if isinstance(node, Call)]
        if not any(node.function.startswith("log") for node in calls):
            return ()
        return tuple(key for key in self.for_the_loss if len(self.model.shapes[variable(key)]) == 1)


def error(returned: Array, true: Array, scale: float) -> float:
    """The largest difference over the size of the gradient, which `scale` keeps from being next to nothing."""
    size = max(float(np.max(np.abs(true), initial=0.0)), 1e-3 * scale, 1e-12)
    return float(np.max(np.abs(returned - true), initial=0.0)) / size


def errors(returned: Mapping[str, Array], true: Mapping[str, Array]) -> dict[str, float]:
    """The error of each gradient that was returned."""
    scale = max((float(np.max(np.abs(true[key]), initial=0.0)) for key in true), default=0.0)
    return {key: error(array, true[key], scale) for key, array in returned.items()}


# Assumptions


def _changed(data: Data, inputs: Mapping[str, Array]) -> Data:
    return Data(data.params, {**data.inputs, **inputs}, data.sizes)


def with_one_hot(data: Data, keys: tuple[str, ...], seed: int = 0) -> Data:
    """The data with one-hot vectors, drawn at random, for some inputs."""
    rng = np.random.default_rng(seed + 17)
    made = {}
    for key in keys:
        shape = np.shape(data.inputs[key])
        made[key] = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    return _changed(data, made)


def _one_hot(subject: Subject, data: Data) -> Data | None:
    keys = tuple(key for key in subject.targets if key not in subject.convention.indices)
    return with_one_hot(data, keys) if keys else None


def _summing_to_one(subject: Subject, data: Data) -> Data | None:
    keys = [key for key in subject.targets if key not in subject.convention.indices]
    weights = {key: np.exp(2 * np.asarray(data.inputs[key])) for key in keys}
    return _changed(data, {k: w / w.sum(axis=-1, keepdims=True) for k, w in weights.items()}) if keys else None


def _zero_states(subject: Subject, data: Data) -> Data | None:
    zeros = {key: np.zeros_like(data.inputs[key]) for key in subject.initial if key not in subject.at_zero}
    return _changed(data, zeros) if zeros else None


def _symmetric(subject: Subject, data: Data) -> Data | None:
    square = [
        n for n in subject.model.parameters if np.ndim(data.params[n]) == 2 and len(set(np.shape(data.params[n]))) == 1
    ]
    params = {n: (data.params[n] + data.params[n].T) / 2 for n in square}
    return Data({**data.params, **params}, data.inputs, data.sizes) if square else None


def _as_they_are(subject: Subject, data: Data) -> Data | None:
    return data


def _timed(subject: Subject, data: Data) -> Data | None:
    return data if subject.model.timed and subject.model.sequences else None


AT_ZERO = "the initial states are zero"
SUM_TO_ONE = Assumption("the elements of each target sum to one", _summing_to_one, is_common=True)
ONE_HOT = Assumption("each target is one-hot", _one_hot, is_common=True)
ASSUMPTIONS = (
    SUM_TO_ONE,
    ONE_HOT,
    Assumption(AT_ZERO, _zero_states, is_common=True),
    Assumption("there is one example only (B = 1)", _as_they_are, batch=1),
    Assumption("all sizes are equal", _as_they_are, equal_sizes=True),
    Assumption("the square matrices are symmetric", _symmetric),
    Assumption("T = 1", _timed, leaves_unsaid=False, length=1),
    Assumption("T = 2", _timed, leaves_unsaid=False, length=2),
)


def smallest(subject: Subject, assumption: Assumption | None = None) -> Iterator[Trial]:
    """Small data sets, the smallest first: those for which a fault is told best."""
    for length in (1, 2, 3, 4):
        for batch in (1, 2):
            for sizes in (dict.fromkeys(subject.smallest_sizes(), 1), None):
                smaller = replace(subject, sizes=subject.sizes or sizes)
                try:
                    trial = smaller.trial(length, batch, assumption=assumption)
                except RnnsymError:
                    continue
                if trial is not None and (trial.length == length or not subject.model.sequences):
                    yield trial
