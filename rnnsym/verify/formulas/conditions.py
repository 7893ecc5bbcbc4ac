"""Assumptions that authors leave unsaid: how data are made to meet them, and how they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Indexed

from rnnsym.checks.data import Data
from rnnsym.claims.interpret import targets
from rnnsym.equations.indexed import accesses
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model


@dataclass(frozen=True)
class Condition:
    """An assumption. `apply` changes drawn data so that they meet it.

    usual: an author may well mean it; a claim that needs it is conditional. Any other assumption only explains a
    refuted claim: it says for which data nobody would notice. `length`: the assumption is this length.
    """

    sentence: str
    apply: Callable[[Data], Data]
    usual: bool = True
    length: int | None = None

    def __and__(self, other: Condition) -> Condition:
        return Condition(
            ", and ".join(filter(None, (self.sentence, other.sentence))),
            lambda data: other.apply(self.apply(data)),
            self.usual and other.usual,
            self.length or other.length,
        )


def unchanged(data: Data) -> Data:
    return data


NONE = Condition("", unchanged)


def of_length(length: int, stated: bool) -> Condition:
    """That sequences have so many steps: stated by the author, or left unsaid by one who writes every step out."""
    return Condition("" if stated else f"T = {length}", unchanged, length=length)


def zero_at_first(keys: list[str]) -> Condition:
    """That states which are given, h[0], are zero: stated by the author."""
    return Condition("", _inputs(keys, _zero))


def conditions(model: Model) -> Iterator[Condition]:
    """The assumptions that make sense for a model, the weakest first."""
    yield from distributions(model)
    for name, time in model.given:
        yield Condition(f"{name}[{time}] = 0", _inputs([f"{name}[{time}]"], _zero))
    if len(model.given) > 1:
        keys = [f"{name}[{time}]" for name, time in model.given]
        yield Condition(f"{', '.join(keys)} are zero", _inputs(keys, _zero))
    biases = [name for name in model.parameters if len(model.shapes[name]) == 1 and is_added(model, name)]
    for name in biases:
        yield Condition(f"there is no bias: {name} = 0", _parameters([name], _zero))
    if len(biases) > 1:
        yield Condition(f"there are no biases: {', '.join(biases)} are zero", _parameters(biases, _zero))
    if compared := sorted(targets(model)):
        yield Condition(f"the targets {_listed(compared, model)} are one-hot", _inputs(compared, _one_hot))


def distributions(model: Model) -> Iterator[Condition]:
    """The assumption that what a cross-entropy compares with is a distribution; none where the model has none."""
    if compared := sorted(targets(model)):
        yield Condition(f"the targets {_listed(compared, model)} sum to one", _inputs(compared, _normalised))


def unsaid(model: Model) -> list[Condition]:
    """The assumptions under which the right equations of a wrong claim may hold: the most usual ones."""
    zero = (condition for condition in conditions(model) if condition.sentence.endswith("] = 0"))
    return [*distributions(model), *zero][:2]


def _listed(names: list[str], model: Model) -> str:
    return " and ".join(f"{name}[t]" if name in model.timed else name for name in names)


def is_added(model: Model, name: str) -> bool:
    """Whether a parameter is only ever added, as a bias is; a vector of recurrent weights is multiplied."""
    system = lower(model)
    terms = [term for equation in system.equations for term in equation.terms
             if any(place.name == name for place in accesses(term, system.variables))]  # fmt: skip
    return bool(terms) and all(len(term.factors) == 1 and isinstance(term.factors[0], Indexed) for term in terms)


def coincidences(model: Model) -> Iterator[Condition]:
    """What makes many wrong formulas right: matrices that are symmetric, and a single step."""
    square = [name for name, shape in model.shapes.items()
              if name in model.parameters and len(shape) == 2 and shape[0] == shape[1]]  # fmt: skip
    for name in square:
        yield Condition(f"{name} is symmetric", _parameters([name], _symmetric), usual=False)
    if len(square) > 1:
        yield Condition(f"{', '.join(square)} are symmetric", _parameters(square, _symmetric), usual=False)
    if model.timing.minimum_length == 1:
        yield Condition("T = 1", unchanged, usual=False, length=1)


def usual_conditions(model: Model) -> list[Condition]:
    """Those that make a claim conditional, one at a time and two together."""
    single = list(conditions(model))
    return single + [one & other for place, one in enumerate(single) for other in single[place + 1 :]
                     if not set(one.sentence.split()) & set(other.sentence.split()) - {"=", "0"}][:6]  # fmt: skip


def _inputs(keys: list[str], change: Callable[[Any], Any]) -> Callable[[Data], Data]:
    names = set(keys)

    def apply(data: Data) -> Data:
        inputs = {key: change(array) if key in names or key.partition("[")[0] in names else array
                  for key, array in data.inputs.items()}  # fmt: skip
        params = {name: change(array) if name in names else array for name, array in data.params.items()}
        return data._replace(inputs=inputs, params=params)  # a target without time may count as a parameter

    return apply


def _parameters(names: list[str], change: Callable[[Any], Any]) -> Callable[[Data], Data]:
    def apply(data: Data) -> Data:
        return data._replace(params={n: change(a) if n in names else a for n, a in data.params.items()})

    return apply


def _normalised(array: Any) -> Any:
    if array.dtype != object:
        array = np.abs(array) + 0.1
    total = array.sum(axis=-1, keepdims=True)
    return array / total


def _one_hot(array: Any) -> Any:
    found = np.zeros(array.shape, dtype=int)
    for number, place in enumerate(np.ndindex(array.shape[:-1])):
        found[(*place, number % array.shape[-1])] = 1
    return found if array.dtype == object else found.astype(float)


def _zero(array: Any) -> Any:
    return np.zeros(np.shape(array), dtype=int if np.asarray(array).dtype == object else float)


def _symmetric(array: Any) -> Any:
    return array + array.T
