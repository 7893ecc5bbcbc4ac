"""An evaluator of printed index notation: every equation is computed element by element."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnsym.testing import Problem

from .formulas import Reader, Tree, printed_equations
from .reading import FUNCTIONS, Sheet, difference, is_derivative, shapes_of

#: What stands first among the indices where it is a time: elements are numbered by letters.
TIME = re.compile(r"[tTs]([-+]\d+)?|-?\d+")


class ElementSheet(Sheet):
    """The equations of a document in index notation."""

    def __init__(self, text: str, given: Mapping[str, Any], problem: Problem, rows: bool) -> None:
        super().__init__("", given, problem, rows)
        self.shapes = shapes_of(problem)
        self.laws: dict[str, list[tuple[str | None, list[str], range | None, Tree]]] = {}
        for left, right, note in printed_equations(text):
            name, _, rest = left.partition("[")
            when, places = split([place for place in rest.rstrip("]").split(",") if place])
            times = None
            if note:
                ends = [self.time(end, {}) for end in note.removeprefix("t = ").split("..")]
                low, high = (ends[-1], ends[0]) if is_derivative(left) else (ends[0], ends[-1])
                times = range(max(low, 1), min(high, self.length) + 1)
            self.laws.setdefault(name, []).append((when, places, times, Reader(right, elements=True).formula()))
            self.equations.setdefault(name, [])

    def size(self, name: str) -> int | None:
        if any(when is None for when, _, _, _ in self.laws.get(name, [])):
            return None
        return super().size(name)

    def value(self, name: str, time: int | None) -> Any:
        """A variable at a time: its equation, once for each element."""
        key = name if time is None else f"{name}[{time}]"
        bare = unicodedata.normalize("NFD", re.sub(r"^∂\w+/∂", "", name)).replace("\u0304", "")
        shape = self.shapes.get(unicodedata.normalize("NFC", bare.removeprefix("bar(").removesuffix(")")), ())
        if key in self.given:
            return np.asarray(self.given[key]).reshape(shape)
        if time is not None and time > self.length:
            return np.full(shape, 0.0 if is_derivative(name) else 1.0)
        if (name, time) not in self.values:
            found = [law for law in self.laws.get(name, []) if self.holds(law[0], law[2], time)]
            if not found and name.startswith("∂"):
                return np.zeros(shape)
            assert len(found) == 1, f"{len(found)} equations for {key}"
            when, places, _, tree = found[0]
            assert len(places) == len(shape), f"{places} for {shape} in {key}"
            bound = {"t": time} if when == "t" and time is not None else {}
            value = np.zeros(shape)
            for at in itertools.product(*map(range, shape)):
                numbers = {place: index + 1 for place, index in zip(places, at, strict=True)}
                value[at] = self.compute(tree, {**bound, **numbers})
            self.values[name, time] = value
        return self.values[name, time]

    def holds(self, when: str | None, times: range | None, time: int | None) -> bool:
        """Whether an equation for these times is one for this time."""
        if when is None or time is None:
            return when is None and time is None
        return (times is None or time in times) if when == "t" else self.time(when, {}) == time

    def place(self, text: str, bound: Mapping[str, int]) -> int:
        """The number of an element: `j`, `j+n`."""
        return sum(bound[part] if part in bound else self.number(part) for part in text.split("+"))

    def compute(self, tree: Tree, bound: dict[str, int]) -> Any:
        match tree:
            case "element", "π", []:
                return np.pi
            case "element", name, places:
                if not places and (size := self.size(name)) is not None:
                    return float(size)
                when, rest = split(places)
                value = self.value(name, None if when is None else self.time(when, bound))
                if not rest:  # a whole vector, where it is the argument of a function of vectors
                    return float(value) if np.ndim(value) == 0 else value
                at = tuple(self.place(place, bound) - 1 for place in rest)
                assert len(at) == np.ndim(value), f"{rest} of {name}"
                assert min(at) >= 0
                return float(value[at])
            case "entry", name, inner, place:
                return float(FUNCTIONS[name](self.compute(inner, bound))[self.place(place, bound) - 1])
            case "Σ", index, low, high, inner:
                over = (
                    range(self.time(low, {}), self.time(high, {}) + 1)
                    if index in "ts"
                    else range(1, self.number(high.replace(" ", "")) + 1)
                )
                return sum((self.compute(inner, {**bound, index: step}) for step in over), 0.0)
            case "at", inner, places:  # of an inverse
                return float(self.compute(inner, bound)[tuple(self.place(place, bound) - 1 for place in places)])
            case "where", one, other:
                return float(self.place(one, bound) == self.place(other, bound))
        return super().compute(tree, bound)


def split(places: list[str]) -> tuple[str | None, list[str]]:
    """The time among indices, and the others."""
    timed = bool(places) and TIME.fullmatch(places[0]) is not None
    return (places[0], places[1:]) if timed else (None, places)


def element_difference(problem: Problem, text: str) -> float:
    """As `difference`, for index notation."""
    return difference(problem, text, rows=False, sheets=ElementSheet)
