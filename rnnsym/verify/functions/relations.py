"""How a whole gradient stands to the true one: a multiple, a clipped one, another's, its transpose."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.verify.functions.result import Relation
from rnnsym.verify.functions.trials import Trial

EXACT = Relation("exact", "exact")


class Pair(NamedTuple):
    """A gradient as it was returned for a data set, and the true one."""

    trial: Trial
    returned: Array
    true: Array


def ratio(pairs: Sequence[Pair]) -> list[float] | None:
    """The factor of each data set where every gradient that was returned is a multiple of the true one."""
    found = []
    for trial, returned, true in pairs:
        size = float(np.vdot(true, true))
        if size == 0.0:
            return None
        factor = float(np.vdot(true, returned)) / size
        if float(np.max(np.abs(returned - factor * true))) > trial.tolerance * max(abs(factor), 1e-9) * np.sqrt(size):
            return None
        found.append(factor)
    return found


class Form(NamedTuple):
    """A factor: a constant times T, B or a size, each to a power. `said` is what such a multiple comes from."""

    constant: float
    powers: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        above = [name for name, power in self.powers if power > 0]
        below = [name for name, power in self.powers if power < 0]
        number = "" if above and abs(self.constant - 1) < 1e-9 else shown(self.constant)
        top = " ".join(part for part in (number, *above) if part)
        bottom = " ".join(below) if len(below) < 2 else f"({' '.join(below)})"
        if not below:
            return top
        return f"{top}/{bottom}" if "/" not in top else f"{top} /{bottom}"


def shown(number: float) -> str:
    """A number as a small fraction where it is one."""
    near = Fraction(number).limit_denominator(64)
    if abs(float(near) - number) < 1e-6 * max(1.0, abs(number)):
        return str(near)
    return f"{number:.6g}"


def forms(factors: Sequence[float], trials: Sequence[Trial]) -> Iterator[Form]:
    """The expressions in T, B and sizes that give these factors on every data set, the simplest first."""
    sizes = [name for name in trials[0].data.sizes if len({trial.data.sizes[name] for trial in trials}) > 1]
    several = {
        "T": len({trial.length for trial in trials}) > 1,
        "B": len({trial.batch for trial in trials}) > 1,
    }
    times = [0, -1, 1] if several["T"] else [0]
    batches = [0, -1, 1] if several["B"] else [0]
    choices = itertools.product(times, batches, [(), *((name, power) for power in (-1, 1) for name in sizes)])
    for time, batch, size in sorted(choices, key=lambda c: abs(c[0]) + abs(c[1]) + len(c[2]) / 2):
        constants = []
        for factor, trial in zip(factors, trials, strict=True):
            unit = float(trial.length) ** time * float(trial.batch) ** batch
            unit *= float(trial.data.sizes[str(size[0])]) ** int(size[1]) if size else 1.0
            constants.append(factor / unit)
        if max(constants) - min(constants) <= trials[0].tolerance * max(map(abs, constants)):
            powers = [("T", time), ("B", batch), *([(str(size[0]), int(size[1]))] if size else [])]
            yield Form(constants[0], tuple((name, power) for name, power in powers if power))


def penalised(key: str, pairs: Sequence[Pair]) -> Relation | None:
    """The relation where a multiple of the parameter itself was added, as the gradient of a penalty is."""
    rates = []
    for trial, returned, true in pairs:
        own = trial.data.params.get(key)
        if own is None:
            return None
        rate = float(np.vdot(own, returned - true) / max(float(np.vdot(own, own)), 1e-300))
        size = max(float(np.max(np.abs(true))), 1e-12)
        if not rate or float(np.max(np.abs(returned - true - rate * own))) > trial.tolerance * size:
            return None
        rates.append(rate)
    if max(rates) - min(rates) > 1e-4 * max(map(abs, rates)):
        return None
    number = shown(rates[0])
    said = f"the gradient plus {number} {key}: that of a loss with a penalty on {key} (weight decay)"
    return Relation("penalty", said, {"rate": rates[0]})


#: What a factor in T and B comes from, by the powers of T and B.
MEANS = {
    (-1, 0): "averaged over time instead of summed",
    (0, -1): "averaged over the batch instead of summed",
    (-1, -1): "averaged over time and batch instead of summed",
    (1, 0): "summed over time once too often",
    (0, 1): "summed over the batch once too often",
    (1, 1): "summed over time and batch once too often",
}


def multiple(pairs: Sequence[Pair], loss: str = "sum", what: str = "the gradient") -> Relation | None:
    """The relation where what was returned is a multiple of the true one, with the multiple named."""
    factors = ratio(pairs)
    if factors is None:
        return None
    if all(abs(factor) < 1e-12 for factor in factors):
        return Relation("zero", "zero everywhere")
    form = next(forms(factors, [pair.trial for pair in pairs]), None)
    if form is None:
        return None
    return named(form, loss, what)


def named(form: Form, loss: str = "sum", what: str = "the gradient") -> Relation:
    """A multiple in words."""
    powers = dict(form.powers)
    detail = {"factor": form.text, "constant": form.constant, **powers}
    reason = MEANS.get((powers.get("T", 0), powers.get("B", 0)), "")
    size = next((name for name in powers if name not in "TB"), None)
    if size is not None and not reason:
        reason = (
            f"averaged over the {size} elements" if powers[size] < 0 else f"summed over the {size} elements too often"
        )
    elif size is not None:
        reason += f", and over the {size} elements as well" if powers[size] < 0 else ""
    if loss != "sum" and reason.endswith("too often"):
        reason = reason.replace("once too often", "where the loss is a mean")
    if not powers and abs(form.constant - 1) < 1e-5:
        return EXACT
    if not powers and abs(form.constant + 1) < 1e-5:
        return Relation(
            "negative",
            f"minus {what} (the direction of descent)" if what == "the gradient" else f"minus {what}",
            detail,
        )
    if form.constant < 0:
        step = abs(form.constant)
        if shown(step) == "1":
            return Relation("negative", f"{form.text} times {what}: minus {what}, {reason}", detail)
        return Relation(
            "update",
            f"{form.text} times the gradient: an update with the learning rate {shown(step)} instead of the gradient"
            + (f", {reason}" if reason else ""),
            detail,
        )
    return Relation("multiple", f"{form.text} times {what}" + (f": {reason}" if reason else ""), detail)


def clipped(pairs: Sequence[Pair]) -> Relation | None:
    """Clipped element by element, or scaled down to a norm, after the sum over time."""
    limits = []
    for trial, returned, true in pairs:
        limit = float(np.max(np.abs(returned), initial=0.0))
        if np.allclose(returned, true, rtol=0, atol=trial.tolerance * max(limit, 1e-9)):
            continue
        if np.max(np.abs(np.clip(true, -limit, limit) - returned)) > trial.tolerance * limit:
            return None
        limits.append(limit)
    if plausible(limits) and max(limits) - min(limits) < 1e-9 * max(limits):
        return Relation("clipped", f"clipped element by element to ±{shown(limits[0])}", {"limit": limits[0]})
    return None


def plausible(limits: Sequence[float]) -> bool:
    """Whether these are one limit: that of several data sets, or a round number, as people choose."""
    if not limits or max(limits) - min(limits) > 1e-5 * max(limits):
        return False
    return len(limits) > 1 or abs(limits[0] - float(f"{limits[0]:.2g}")) < 1e-5 * limits[0]


def clipped_norm(returned: Sequence[Mapping[str, Array]], trials: Sequence[Trial]) -> Relation | None:
    """All gradients scaled down by one factor where their common norm, or each its own, exceeds a limit."""
    params = tuple(key for key in returned[0] if key in trials[0].data.params)
    groups = [(tuple(returned[0]), "their common norm"), (params, "the common norm of those of the parameters")]
    for keys, said in groups if len(params) < len(returned[0]) else groups[:1]:
        if len(keys) < 2:
            continue
        pairs = [
            Pair(
                trial,
                np.concatenate([gradients[key].ravel() for key in keys]),
                np.concatenate([trial.gradients[key].ravel() for key in keys]),
            )
            for gradients, trial in zip(returned, trials, strict=True)
        ]
        found = _scaled_down(pairs, said)
        if found is not None:
            return found
    return None


def clipped_to_norm(pairs: Sequence[Pair]) -> Relation | None:
    """One gradient scaled down to a norm of its own."""
    return _scaled_down(pairs, "its norm")


def _scaled_down(pairs: Sequence[Pair], said: str) -> Relation | None:
    """Each gradient times a factor of its own, where its norm is above a limit."""
    limits = []
    for pair in pairs:
        factors = ratio([pair])
        if factors is None or not 0 < factors[0] <= 1 + 1e-9:
            return None
        if factors[0] < 1 - 1e-9:
            limits.append(float(np.linalg.norm(pair.returned)))
    if not plausible(limits):
        return None
    return Relation(
        "clipped", f"scaled down so that {said} is at most {shown(round(limits[0], 6))}", {"norm": limits[0]}
    )


def the_same(pairs: Sequence[Pair]) -> Relation | None:
    """One number everywhere, whatever the data; or one number in each row or column of a matrix."""
    if all(returned.size and np.ptp(returned) == 0.0 for _, returned, _ in pairs):
        numbers = {float(returned.flat[0]) for _, returned, _ in pairs}
        if len(numbers) == 1 and numbers != {0.0} and any(returned.size > 1 for _, returned, _ in pairs):
            return Relation("different", f"{shown(numbers.pop())} everywhere, whatever the data", {"constant": True})
    for axis, said in ((1, "row"), (0, "column")):
        if all(
            returned.ndim == 2
            and returned.shape[axis] > 1
            and np.any(returned)
            and np.ptp(returned, axis=axis).max() <= trial.tolerance * np.abs(returned).max()
            for trial, returned, _ in pairs
        ):
            text = f"not the gradient: all elements of a {said} are the same, as of an elementwise product that was "
            return Relation("different", text + "broadcast where an outer product is needed", {"broadcast": True})
    return None


def summed_up(
    key: str, returned: Sequence[Mapping[str, Array]], trials: Sequence[Trial], together: Sequence[str]
) -> Relation | None:
    """One number everywhere, the sum over all elements: of this gradient, or of all that are kept in one array."""
    for group, said in (((key,), "its elements"), (tuple(together), "the elements of the array that it is kept in")):
        same = bool(group)
        for gradients, trial in zip(returned, trials, strict=True):
            total = sum(float(np.sum(trial.gradients[name])) for name in group)
            limit = trial.tolerance * max(abs(total), float(np.max(np.abs(trial.gradients[key]))))
            same &= gradients[key].size > 1 and float(np.max(np.abs(gradients[key] - total))) <= limit
        if same and any(np.any(gradients[key]) for gradients in returned):
            text = f"the sum over all {said}, everywhere: it is summed over the units as well as over the batch"
            return Relation("different", text, {"summed": True})
    return None


def transposed(pairs: Sequence[Pair]) -> Relation | None:
    """The transpose of the true gradient, where the matrix is square."""
    for trial, returned, true in pairs:
        if true.ndim != 2 or true.shape[0] != true.shape[1]:
            return None
        if np.max(np.abs(returned - true.T)) > trial.tolerance * np.max(np.abs(true)):
            return None
    return Relation("transposed", "the transpose of the gradient")


def exchanged(key: str, returned: Sequence[Mapping[str, Array]], trials: Sequence[Trial]) -> Relation | None:
    """The gradient of another variable."""
    for other in trials[0].gradients:
        if other == key:
            continue
        for gradients, trial in zip(returned, trials, strict=True):
            true = trial.gradients[other]
            if true.shape != gradients[key].shape or not np.any(true):
                break
            if np.max(np.abs(gradients[key] - true)) > trial.tolerance * np.max(np.abs(true)):
                break
        else:
            return Relation("exchanged", f"the gradient of {other}", {"of": other})
    return None


def backwards(pairs: Sequence[Pair]) -> Relation | None:
    """A gradient of a sequence in reversed order of time."""
    for trial, returned, true in pairs:
        if true.ndim < 2 or len(true) != trial.length:
            return None
        if np.max(np.abs(returned[::-1] - true)) > trial.tolerance * np.max(np.abs(true)):
            return None
    return Relation("different", "right, but with the steps in reversed order", {"reversed": True})
