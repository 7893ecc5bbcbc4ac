r"""A claim evaluated in numbers: whether both sides of each of its equations agree.

>>> from rnnsym.claims.match import read
>>> from rnnsym.language.model import Model
>>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
>>> right = read(r"\frac{\partial E}{\partial W} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_{t-1}^\top", model)
>>> wrong = read(r"\frac{\partial E}{\partial W} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_{t}^\top", model)
>>> decide(right, model), decide(wrong, model)
(<Outcome.HOLDS: 'holds'>, <Outcome.FAILS: 'fails'>)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np

from rnnsym.checks.data import Data, draw
from rnnsym.checks.kits import Array, FloatKit
from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.forward import STEP, Forward, Key
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.moments import Moments, Times
from rnnsym.claims.syntax import (
    Bound,
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Identity,
    Kind,
    Moment,
    Negative,
    Node,
    Number,
    Ones,
    Power,
    Prime,
    Product,
    Quotient,
    Sequence,
    SizeNumber,
    Slice,
    Stack,
    Sum,
    TimeNumber,
    TimeProduct,
    TimeSum,
    Transpose,
    Variable,
    Way,
)
from rnnsym.claims.written import ClaimError
from rnnsym.equations.lowering import lower
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call as ModelCall
from rnnsym.language.syntax import Reference, walk
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction

TOLERANCE = 1e-8
#: Lengths, each with a seed, on which a claim is tried.
TRIALS = ((3, 0), (4, 1), (5, 2))


class Outcome(Enum):
    """What numbers say of a claim."""

    HOLDS = "holds"
    CONDITIONAL = "holds where targets sum to one"
    FAILS = "fails"


@dataclass(frozen=True)
class Comparison:
    """Both sides of an equation at one choice of times."""

    equation: Equation
    times: Mapping[str, int]
    left: Array
    right: Array

    @property
    def agrees(self) -> bool:
        """Whether they are equal up to rounding."""
        difference = np.abs(self.left - self.right)
        scale = max(1.0, float(np.max(np.abs(self.left), initial=0.0)))
        return bool(np.all(np.isfinite(difference)) and np.all(difference <= TOLERANCE * scale))


def decide(claim: Claim, model: Model, trials: Iterable[tuple[int, int]] = TRIALS) -> Outcome:
    """Whether a claim's equations hold: for any data, only where targets sum to one, or not at all.

    A plain partial sign between states is read as total, and where that fails as immediate.
    """
    trials = tuple(trials)
    if _holds(claim, model, trials, False):
        return Outcome.HOLDS
    if targets(model) and _holds(claim, model, trials, True):
        return Outcome.CONDITIONAL
    return Outcome.FAILS


def _holds(claim: Claim, model: Model, trials: Iterable[tuple[int, int]], normalised: bool) -> bool:
    system = lower(model)
    drawn = [(length, drawn_data(model, seed, length, normalised)) for length, seed in trials]
    return any(
        all(
            comparison.agrees
            for length, data in drawn
            for comparison in Interpreter(claim, model, system, data, length, partial).comparisons()
        )
        for partial in (Kind.TOTAL, Kind.IMMEDIATE)
    )


def drawn_data(model: Model, seed: int, length: int, normalised: bool = False) -> Data:
    """Random data for a model; `normalised`: with targets that sum to one."""
    data = draw(model, seed, length=length, batch=None)
    if normalised:
        for key in data.inputs:
            if key.partition("[")[0] in targets(model):
                array = np.abs(data.inputs[key])
                data.inputs[key] = array / array.sum(axis=-1, keepdims=True)
    return data


def targets(model: Model) -> frozenset[str]:
    """The inputs that a cross-entropy compares with: distributions, where they are what their name says."""
    return frozenset(
        node.arguments[0].name
        for definition in model.definitions
        for node in walk(definition.value)
        if isinstance(node, ModelCall) and node.function == "cross_entropy" and isinstance(node.arguments[0], Reference)
    )


class Interpreter:
    """A claim at one length, with numbers for everything that the model is given.

    Every value has two axes, rows and columns, the derivative of a vector by a matrix three. A sequence of the claim
    is zero beyond the times that its equations speak of; those are 1 to T where nothing else is said.
    """

    def __init__(
        self, claim: Claim, model: Model, system: System, data: Data, length: int, partial: Kind = Kind.TOTAL
    ) -> None:
        self.claim, self.system, self.partial = claim, system, partial
        self.forward = Forward(model, system, data.params, data.inputs, length, data.sizes)
        self.length = self.forward.length
        self.moments = Moments(self.length, lambda name, time: self.forward.exists((name, time)))
        self.kit = FloatKit()
        self._sequences: dict[tuple[str, tuple[int, ...]], Array | None] = {}
        self._derivatives: dict[tuple[Kind, Key, Key], Array] = {}
        self._defining: dict[str, list[Equation]] = {}
        for equation in claim.equations:
            if isinstance(equation.left, Sequence):
                self._defining.setdefault(equation.left.name, []).append(equation)

    # Equations

    def comparisons(self) -> Iterator[Comparison]:
        """Both sides of every equation that is not a definition, at every choice of its times."""
        for equation in self.claim.equations:
            if equation.defines is None and not equation.given:
                for times in self.moments.choices(equation):
                    yield self.compare(equation, times)

    def adjoint_comparisons(self) -> Iterator[Comparison]:
        """The claim's sequences that are named after a variable, beside that variable's adjoint.

        A difference is no error of itself: an author may call something else by that name.
        """
        loss = Variable(self.system.loss, None, SCALAR)
        for equation in self.claim.equations:
            name = equation.defines
            if name is None or name not in self.claim.adjoints or len(equation.left.times) > 1:  # type: ignore[union-attr]
                continue
            assert isinstance(equation.left, Sequence)
            time = equation.left.times[0] if equation.left.times else None
            behind = Variable(self.claim.adjoints[name], time, equation.left.shape)
            adjoint = replace(equation, left=Derivative(Kind.TOTAL, loss, behind, behind.shape), right=equation.left)
            for times in self.moments.choices(adjoint):
                yield replace(self.compare(adjoint, times), equation=equation)

    def compare(self, equation: Equation, times: Times) -> Comparison:
        left, right = self.value(equation.left, times), self.value(equation.right, times)
        return Comparison(equation, times, *np.broadcast_arrays(left, right))

    # Sequences

    def sequence(self, name: str, times: tuple[int, ...]) -> Array:
        """A value of one of the claim's own sequences."""
        key = (name, times)
        if key in self._sequences:
            found = self._sequences[key]
            if found is None:
                raise ClaimError(f"{name}[{', '.join(map(str, times))}] depends on itself")
            return found
        self._sequences[key] = None
        self._sequences[key] = found = self._defined(name, times)
        return found

    def _defined(self, name: str, times: tuple[int, ...]) -> Array:
        """By the most particular equation that speaks of these times; zero where none does."""
        shape = self._defining[name][0].left.shape
        best: tuple[int, Equation, Times] | None = None
        for equation in self._defining[name]:
            assert isinstance(equation.left, Sequence)
            found = self.moments.matched(equation, times)
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], equation, found[1])
        assert shape is not None
        sizes = tuple(self.forward.number(size) for size in shape)
        if best is None:
            return np.zeros(sizes)
        return np.broadcast_to(self.value(best[1].right, best[2]), sizes)

    # Nodes

    def value(self, node: Node, times: Times) -> Array:
        """The value of a node; `times` are numbers for its free times and T."""
        match node:
            case Number(value):
                return np.full((1, 1), float(value))
            case TimeNumber(moment):
                return np.full((1, 1), float(moment.at(times)))
            case SizeNumber(size):
                return np.full((1, 1), float(self.forward.number(size)))
            case Ones(shape) if shape is not None:
                return np.ones(tuple(self.forward.number(size) for size in shape))
            case Identity(shape) if shape is not None:
                return np.eye(self.forward.number(shape[0]))
            case Variable():
                return self._shaped(self.forward.value(self._key(node, times))[0].real, node)
            case Sequence(name, moments):
                return self.sequence(name, tuple(moment.at(times) for moment in moments))
            case Derivative():
                return self._derivative(node, times)
            case Sum(parts):
                return self._together(parts, times, np.add)
            case Negative(operand):
                return -self.value(operand, times)
            case Product(Way.OUTER, (matrix, column)):
                return np.multiply.outer(self.value(matrix, times), self.value(column, times)[:, 0])
            case Product(way, parts):
                return self._together(parts, times, self._matrix if way is Way.MATRIX else np.multiply)
            case Contraction(parts, letters, free):
                arrays = [self.value(part, times) for part in parts]
                return self._shaped(np.einsum(subscripts(letters, free), *with_axes(arrays, letters, 0)), node)
            case Quotient(top, bottom):
                return np.asarray(self.value(top, times) / self.value(bottom, times))
            case Transpose(operand):
                return self.value(operand, times).T
            case Power():
                return self._power(node, times)
            case Diagonal(operand):
                return np.diag(self.value(operand, times).ravel())
            case Stack(parts, across):
                return np.concatenate([self.value(part, times) for part in parts], axis=int(across))
            case Slice(operand, first, last):
                vector = self.value(operand, times)
                chosen = slice(self.forward.number(first) - 1, self.forward.number(last))
                return vector[:, chosen] if vector.shape[0] == 1 else vector[chosen]
            case Call(function, operand):
                return self._called(function, self.value(operand, times))
            case Prime(function, operand):
                entry = OPERATIONS[function]
                assert isinstance(entry, Elementwise)
                return np.asarray(entry.definition(self.kit, self.value(operand, times) + 1j * STEP).imag / STEP)
            case TimeSum():
                return self._time_sum(node, times)
            case TimeProduct():
                return self._time_product(node, times)
        raise ClaimError(f"{shown(node)} has no shape")

    def _key(self, variable: Variable, times: Times) -> Key:
        return variable.name, None if variable.time is None else variable.time.at(times)

    def _shaped(self, array: Array, node: Node) -> Array:
        assert node.shape is not None
        return array.reshape(tuple(self.forward.number(size) for size in node.shape))

    def _derivative(self, node: Derivative, times: Times) -> Array:
        kind = self.partial if node.kind is Kind.PARTIAL else node.kind
        key = (kind, self._key(node.top, times), self._key(node.bottom, times))
        if key not in self._derivatives:
            self._derivatives[key] = self.forward.derivative(*key)
        found = self._derivatives[key]
        if self.claim.layout == "denominator" and found.ndim == 2:
            vectors = [len(self.system.variables[name].shape) == 1 for name, _ in key[1:]]
            found = found.T if all(vectors) else found
        return self._shaped(found, node)

    def _together(self, parts: tuple[Node, ...], times: Times, combine: Any) -> Array:
        found = self.value(parts[0], times)
        for part in parts[1:]:
            found = combine(found, self.value(part, times))
        return np.asarray(found)

    def _matrix(self, left: Array, right: Array) -> Array:
        if (1, 1) in (left.shape, right.shape):
            return np.asarray(left * right)
        if right.ndim == 3:
            found = np.tensordot(left, right, axes=(1, 0))
            return found[0] if len(left) == 1 else found
        return np.asarray(left @ right)

    def _power(self, node: Power, times: Times) -> Array:
        base = self.value(node.base, times)
        exponent = node.exponent.at(times) if isinstance(node.exponent, Moment) else node.exponent
        whole = exponent if isinstance(exponent, int) else int(exponent) if exponent.denominator == 1 else None
        if node.matrix:
            assert whole is not None
            return np.linalg.matrix_power(base, max(whole, 0)) * (whole >= 0)
        return np.asarray(base ** (float(exponent) if whole is None or whole < 0 else whole))

    def _called(self, function: str, operand: Array) -> Array:
        if function == "sum_elements":
            return np.asarray(operand.sum(keepdims=True))
        entry = OPERATIONS[function]
        if isinstance(entry, VectorFunction) and entry.of_matrix:
            return np.asarray(entry.definition(self.kit, operand))
        if isinstance(entry, VectorFunction):
            found = np.asarray(entry.definition(self.kit, operand.ravel()))
            return found.reshape(operand.shape if found.ndim else (1, 1))
        assert isinstance(entry, Elementwise)
        return np.asarray(entry.definition(self.kit, operand))

    def _zero(self, node: Node) -> Array:
        assert node.shape is not None
        return np.zeros(tuple(self.forward.number(size) for size in node.shape))

    def _time_sum(self, node: TimeSum, times: Times) -> Array:
        total = self._zero(node)
        for step in range(node.low.at(times), node.high.at(times) + 1):
            total = total + self.value(node.operand, {**times, node.index: step})
        return total

    def _time_product(self, node: TimeProduct, times: Times) -> Array:
        first, last = node.first.at(times), node.last.at(times)
        steps = range(first, last - 1, -1) if node.descending else range(first, last + 1)
        found = np.eye(len(self._zero(node)))
        for step in steps:
            found = self._matrix(found, self.value(node.operand, {**times, node.index: step}))
        return found


def subscripts(letters: tuple[tuple[str, ...], ...], free: tuple[str, ...]) -> str:
    """A contraction as einsum has it; whatever stands in front of all arrays stays."""
    short = {letter: chr(97 + place) for place, letter in enumerate(dict.fromkeys(sum(letters, ())))}
    sides = ("..." + "".join(short[letter] for letter in own) for own in (*letters, free))
    return ",".join(sides)[::-1].replace(",", ">-", 1)[::-1]


def with_axes(arrays: list[Array], letters: tuple[tuple[str, ...], ...], ahead: int) -> list[Array]:
    """Arrays with an axis for each of their letters: a column has one; so many axes stand ahead of them."""
    return [
        array if array.ndim == ahead + len(own) else array.reshape((*array.shape[:ahead], *(-1,) * len(own)))
        for array, own in zip(arrays, letters, strict=True)
    ]


__all__ = ["Bound", "Comparison", "Fraction", "Interpreter", "Outcome", "decide", "drawn_data", "targets"]
