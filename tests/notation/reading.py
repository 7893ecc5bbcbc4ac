"""An evaluator of printed text: it knows the formulas as a person reads them, and nothing of rnnsym.notation.

Vectors are columns (or rows), side by side is the matrix product, ⊙ and ⊘ go element by element. Only numbers go with
everything: arrays that do not fit are an error.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsym import derive, generate
from rnnsym.notation.document import renderer_for
from rnnsym.testing import Problem

from .formulas import Reader, Tree, exponent_of, printed_equations

Array = NDArray[np.float64]

# Trees to numbers


def softmax(x: Array) -> Array:
    """Of a vector, or of each row of a matrix."""
    axis = 1 if np.ndim(x) == 2 and min(x.shape) > 1 else None
    weights = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


FUNCTIONS: dict[str, Callable[[Array], Any]] = {
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "log": np.log,
    "exp": np.exp,
    "√": np.sqrt,
    "softmax": softmax,
    "max": lambda x: float(np.max(x)),
    "min": lambda x: float(np.min(x)),
    "log_softmax": lambda x: np.log(softmax(x)),
    "logsumexp": lambda x: float(np.log(np.exp(x).sum())),
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0, x, x / 100),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "log_sigmoid": lambda x: -np.log(1 + np.exp(-x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "arctan": np.arctan,
    "floor": np.floor,
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
    "sign": np.sign,
    "erf": np.vectorize(math.erf),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "sg": lambda x: x,
    "diag": lambda x: np.diag(x.ravel()),
}


PAIRS: dict[str, Callable[[Any, Any], Any]] = {"max": np.maximum, "min": np.minimum, "pow": np.power}


class Identity:
    """A multiple of the identity matrix, as large as what it meets needs."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor


class Stacked(list[Any]):
    """A stack in which a zero stands for a part of any size, None here."""

    def of(self, shape: tuple[int, ...]) -> Array:
        """The stack as an array."""
        rest = int(np.prod(shape)) - sum(part.size for part in self if part is not None)
        assert sum(part is None for part in self) == 1
        parts = [np.zeros(rest) if part is None else part.ravel() for part in self]
        return np.concatenate(parts).reshape(shape)


class Ones:
    """Ones as many as what they meet needs: a column or a row."""

    def __init__(self, row: bool) -> None:
        self.row = row


class Spread(np.ndarray[Any, Any]):
    """A column times a row of ones, or a column of ones times a row: the one array here that is broadcast."""


def tidy(value: Any) -> Any:
    """A matrix of one element is a number."""
    return float(value.ravel()[0]) if isinstance(value, np.ndarray) and value.size == 1 else value


def beside(values: list[Any]) -> Any:
    """The product of what stands side by side: numbers anywhere, arrays in their order."""
    identities = [value for value in values if isinstance(value, Identity)]
    if identities:
        rest = [value for value in values if not isinstance(value, Identity)] + [one.factor for one in identities]
        if all(np.ndim(value) == 0 and not isinstance(value, Ones) for value in rest):
            return Identity(float(np.prod(rest)))
        values = rest
    number = float(np.prod([value for value in values if np.ndim(value) == 0 and not isinstance(value, Ones)]))
    arrays = [value for value in values if np.ndim(value) or isinstance(value, Ones)]
    if not arrays:
        return number
    while len(arrays) > 1:
        # Ones are as long as what they meet, so they meet something else first.
        pairs = [
            at for at in range(len(arrays) - 1) if not all(isinstance(value, Ones) for value in arrays[at : at + 2])
        ]
        at = pairs[0] if pairs else 0
        arrays[at : at + 2] = [twice(*arrays[at : at + 2])]
    return number if isinstance(arrays[0], Ones) else number * arrays[0]


def twice(one: Any, other: Any) -> Any:
    """The product of two arrays, one of them perhaps ones."""
    if np.ndim(one) == 0 and not isinstance(one, Ones):  # an inner product is a number
        return one * other if not isinstance(other, Ones) else one
    if isinstance(one, Ones) and isinstance(other, Ones):
        assert not one.row, "how many ones?"
        return 1.0
    if isinstance(one, Ones) or isinstance(other, Ones):
        array, summed = (other, one.row) if isinstance(one, Ones) else (one, not other.row)
        axis = 0 if isinstance(one, Ones) else 1
        assert summed or array.shape[axis] == 1, f"ones beside {array.shape}"
        return tidy(array.sum(axis=axis, keepdims=True)) if summed else array.view(Spread)
    return tidy(np.asarray(one) @ np.asarray(other))


def factors(tree: Tree) -> list[Tree]:
    """The factors of a product, one by one."""
    return [*factors(tree[1]), tree[2]] if tree[0] == "side by side" else [tree]


def elementwise(sign: str, one: Any, other: Any) -> Any:
    """+ - ⊙ ⊘ are for equal shapes; a number goes with everything."""
    one, other = (1.0 if isinstance(value, Ones) else value for value in (one, other))
    shape = next((value.shape for value in (one, other) if np.ndim(value) == 2), ())
    one, other = (v.factor * np.eye(shape[0]) if isinstance(v, Identity) and shape else v for v in (one, other))
    free = any(np.ndim(value) == 0 or isinstance(value, Spread) for value in (one, other))
    assert free or one.shape == other.shape, f"{one.shape} {sign} {other.shape}"
    result = {"+": np.add, "-": np.subtract, "⊙": np.multiply, "⊘": np.divide}[sign](one, other)
    spread = [value.shape for value in (one, other) if isinstance(value, Spread)]
    arrays = [np.shape(value) for value in (one, other) if np.ndim(value)]
    return result if spread == arrays and len(set(spread)) == 1 else tidy(np.asarray(result))


class Sheet:
    """The equations of a printed document, with the values that are given; everything else is computed from them."""

    def __init__(self, text: str, given: Mapping[str, Any], problem: Problem, rows: bool) -> None:
        self.given = given
        self.sizes = problem.sizes
        self.length = problem.length
        self.rows = rows
        self.shapes = {name: in_two_dimensions(shape, rows) for name, shape in shapes_of(problem).items()}
        self.values: dict[tuple[str, int | None], Any] = {}
        self.equations: dict[str, list[tuple[str | None, range | None, Tree]]] = {}
        for left, right, note in printed_equations(text):
            match = re.fullmatch(r"(.*?)(?:\[([^\]]*)\])?", left)
            assert match
            times = None
            if note:
                # The end that is counted from T is the last, whichever way the equation runs.
                ends = sorted(note.removeprefix("t = ").split(".."), key=lambda end: ("T" in end, self.time(end, {})))
                times = range(max(self.time(ends[0], {}), 1), min(self.time(ends[-1], {}), self.length) + 1)
            self.equations.setdefault(match[1], []).append((match[2], times, Reader(right).formula()))

    def time(self, text: str, bound: Mapping[str, int]) -> int:
        """`t-1`, `T` or a number."""
        match = re.fullmatch(r"(?:([tTs])|(-?\d+))([-+]\d+)?", text)
        assert match, f"{text!r} is not a time"
        start = int(match[2]) if match[2] else {"T": self.length, **bound}[match[1]]
        return start + int(match[3] or 0)

    def value(self, name: str, time: int | None) -> Any:
        """A variable at a time."""
        key = name if time is None else f"{name}[{time}]"
        if key in self.given:
            return self.given[key]
        if (name, time) not in self.values:
            found: list[tuple[Tree, dict[str, int]]] = []
            for when, times, tree in self.equations.get(name, []):
                if time is None or when is None:
                    if (when is None) == (time is None):
                        found.append((tree, {}))
                elif when == "t":
                    if times is None or time in times:
                        found.append((tree, {"t": time}))
                elif self.time(when, {}) == time:
                    found.append((tree, {}))
            if not found and time is not None and not 1 <= time <= self.length:
                # A term with an adjoint beyond the steps is zero, whatever else it holds.
                return self.filled(name, 0.0 if is_derivative(name) else 1.0)
            if not found and name.startswith("∂"):
                return 0.0  # what cancels has no equation
            assert len(found) == 1, f"{len(found)} equations for {key}"
            self.values[name, time] = self.filled(name, self.compute(*found[0]))
        return self.values[name, time]

    def filled(self, name: str, value: Any) -> Any:
        """A vector of zeros may be written as 0; the table of symbols says that it is a vector."""
        plain = unicodedata.normalize("NFD", name).replace("\u0304", "").removeprefix("bar(").removesuffix(")")
        plain = re.sub("^∂\\w+/∂", "", plain)
        shape = self.shapes.get(plain, ())
        if isinstance(value, Stacked):
            return value.of(shape)
        short = (np.ndim(value) == 0 or isinstance(value, Spread)) and np.prod(shape) > 1
        return np.array(np.broadcast_to(np.asarray(value), shape)) if short else value

    def compute(self, tree: Tree, bound: dict[str, int]) -> Any:
        """The value of a tree, where t (and s) have these values."""
        match tree:
            case "number", value:
                return value
            case ("ones",):
                return Ones(row=self.rows)
            case "variable", name, time:
                if time is not None:
                    return self.value(name, self.time(time, bound))
                size = self.size(name)
                if name == "I" and size is None and name not in self.given and name not in self.equations:
                    return Identity()
                if name == "π" and size is None and name not in self.given:
                    return math.pi
                return float(size) if size is not None else self.value(name, None)
            case "sum", parts:
                total: Any = 0.0
                for sign, value in self.with_identities(parts, bound):
                    total = elementwise(sign, total, value)
                return total
            case "⊙" | "⊘" as sign, one, other:
                return elementwise(sign, self.compute(one, bound), self.compute(other, bound))
            case "side by side", _, _:
                return beside([self.compute(factor, bound) for factor in factors(tree)])
            case "one over", inner:
                value = self.compute(inner, bound)
                assert np.ndim(value) == 0, "only a number stands below a line"
                return 1 / value
            case "ᵀ", inner:
                value = self.compute(inner, bound)
                return Ones(not value.row) if isinstance(value, Ones) else value if np.ndim(value) == 0 else value.T
            case "power", inner, exponent:
                value = self.compute(inner, bound)
                if exponent == "⁻¹" and np.ndim(value) == 2 and 1 not in value.shape:  # of elements, it is written 1 ⊘
                    return np.linalg.inv(value)
                return value ** exponent_of(exponent)
            case "squared norm", inner:
                return float((np.asarray(self.compute(inner, bound)) ** 2).sum())
            case "function", name, inner, second:
                one, other = self.compute(inner, bound), self.compute(second, bound)
                assert min(np.ndim(one), np.ndim(other)) == 0 or one.shape == other.shape
                return tidy(PAIRS[name](one, other))
            case "function", name, inner:
                return tidy(FUNCTIONS[name](self.compute(inner, bound)))
            case "slice", inner, first, last:
                value = np.atleast_2d(self.compute(inner, bound))
                part = value.ravel()[self.number(first) - 1 : self.number(last)]
                return tidy(part.reshape((1, -1) if self.rows else (-1, 1)))
            case "stack", sign, *parts:
                assert sign == ("," if self.rows else ";")
                arrays = [np.atleast_2d(self.compute(part, bound)) for part in parts if part != ("number", 0.0)]
                if len(arrays) < len(parts):
                    return Stacked([None if part == ("number", 0.0) else arrays.pop(0) for part in parts])
                return np.concatenate(arrays, axis=1 if self.rows else 0)
            case "Σ", index, low, high, inner:
                total = 0.0
                for step in range(self.time(low, {}), self.time(high, {}) + 1):
                    total = elementwise("+", total, self.compute(inner, {**bound, index: step}))
                return total
        raise AssertionError(f"no meaning for {tree[0]}")

    def with_identities(self, parts: list[Any], bound: dict[str, int]) -> list[tuple[str, Any]]:
        """The parts of a sum; an identity matrix, or a zero in a stack, is as large as what is beside it needs."""
        values = [(sign, self.compute(part, bound)) for sign, part in parts]
        whole = next((v.shape for _, v in values if not isinstance(v, Stacked) and np.ndim(v) == 2), (0,))
        return [
            (
                sign,
                v.factor * np.eye(whole[0])
                if isinstance(v, Identity)
                else v.of(whole)
                if isinstance(v, Stacked) and whole[0]
                else v,
            )
            for sign, v in values
        ]

    def size(self, name: str) -> int | None:
        """T, or a size; one that is called like a variable has an n before its name."""
        if name in self.given or any(when is None for when, _, _ in self.equations.get(name, [])):
            return None
        return self.length if name == "T" else self.sizes.get(name, self.sizes.get(name.removeprefix("n_")))

    def number(self, text: str) -> int:
        """An end of a slice: `n+1`, `2n+m`."""
        total = 0
        for part in text.split("+"):
            match = re.fullmatch(r"(\d*)(\D.*)?", part)
            assert match
            size = self.size(match[2]) if match[2] else 1
            assert size is not None, part
            total += int(match[1] or 1) * size
        return total


def is_derivative(name: str) -> bool:
    """Whether a name is that of an adjoint, or stands for a gradient."""
    return name.startswith(("∂", "bar(")) or "\u0304" in unicodedata.normalize("NFD", name)


def shapes_of(problem: Problem) -> dict[str, tuple[int, ...]]:
    """The sizes of the variables, in numbers."""

    def number(size: Any) -> int:
        return int(size.subs({symbol: problem.sizes[symbol.name] for symbol in size.free_symbols}))

    variables = derive(problem.model).system.variables
    shown = printed_names(problem)
    return {shown.get(name, name): tuple(map(number, variable.shape)) for name, variable in variables.items()}


def printed_names(problem: Problem) -> dict[str, str]:
    """How the text writes the names of variables: alpha is α, and some symbols are the author's."""
    return renderer_for(derive(problem.model).content, "text").printer.names.texts


def in_two_dimensions(shape: tuple[int, ...], rows: bool) -> tuple[int, ...]:
    """Vectors are rows or columns."""
    return ((1, *shape) if rows else (*shape, 1)) if len(shape) == 1 else shape


def printed_gradients(
    problem: Problem, text: str, example: int, rows: bool | None = None, sheets: type[Sheet] = Sheet
) -> tuple[float, dict[str, Array]]:
    """The loss and the gradients of one example, by the text alone."""
    model = problem.model
    rows = derive(model).content.rows if rows is None else rows

    def array(value: Any) -> Any:
        found = np.asarray(value, float)
        return tidy(found.reshape(in_two_dimensions(found.shape, rows))) if found.ndim else float(found)

    shown = printed_names(problem)
    given = {shown[name]: array(value) for name, value in problem.params.items()}
    for key, value in problem.inputs.items():
        if key in model.sequences:
            given |= {f"{shown[key]}[{step}]": array(value[step - 1, example]) for step in range(1, problem.length + 1)}
        else:
            name, _, time = key.partition("[")
            at = time.rstrip("]").replace("T", f"{problem.length}")
            number = sum(int(part) for part in re.findall(r"[-+]?\d+", at))
            given[f"{shown[name]}[{number}]" if time else shown[key]] = array(value[example])
    sheet = sheets(text, given, problem, rows)
    loss = next(left for left in sheet.equations if left.startswith("∂")).split("/")[0].removeprefix("∂")
    found: dict[str, Any] = {}
    for name in model.parameters:
        found[name] = sheet.value(f"∂{loss}/∂{shown[name]}", None)
    for key in problem.inputs:
        name, _, time = key.partition("[")
        if key in model.sequences:
            steps = range(1, problem.length + 1)
            values = [np.asarray(sheet.value(f"∂{loss}/∂{shown[name]}", step)).ravel() for step in steps]
            found[key] = np.stack(np.broadcast_arrays(*values))
        else:
            found[key] = sheet.value(f"∂{loss}/∂{shown[name]}", sheet.time(time.rstrip("]"), {}) if time else None)
    return float(sheet.value(loss, None)), {key: np.asarray(value) for key, value in found.items()}


#: One kernel for all that is printed of a model.
kernel = lru_cache(maxsize=8)(generate)


def difference(problem: Problem, text: str, rows: bool | None = None, sheets: type[Sheet] = Sheet) -> float:
    """The largest relative difference between the gradients of the text and those of the kernel."""
    # Where no sequence has a length, the kernel has to be told it.
    length = {"length": problem.length} if problem.model.timed and not problem.model.sequences else {}
    loss, gradients = kernel(problem.model).loss_and_grad(dict(problem.params), dict(problem.inputs), **length)
    examples = [printed_gradients(problem, text, example, rows, sheets) for example in range(problem.batch)]
    errors = [abs(sum(one[0] for one in examples) - loss) / (1 + abs(loss))]
    assert set(examples[0][1]) == set(gradients), "a gradient is missing"
    for key, expected in gradients.items():
        for number, (_, found) in enumerate(examples):
            if key in problem.model.parameters:
                value = np.asarray(sum(one[1][key] for one in examples))
                wanted = np.asarray(expected)
            else:
                value = found[key]
                wanted = np.take(expected, number, axis=1 if key in problem.model.sequences else 0)
            if value.size == wanted.size:
                value = value.reshape(wanted.shape)
            elif value.shape[1:] == (1,):  # a number at each step stands for an array
                value = value.reshape(-1, *(1 for _ in wanted.shape[1:]))
            errors.append(float(np.abs(value - wanted).max(initial=0) / (1 + np.abs(wanted).max(initial=0))))
    return max(errors)
