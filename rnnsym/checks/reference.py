"""A model's loss, evaluated straight from its syntax tree in any kind of number.

This is one of the independent routes of the crosscheck: it shares the parsed model with the rest of the program, and
neither index notation, nor equations, nor the order of computation, nor code. Values are computed on demand, each once,
from the values that their equation reads.

Arrays may have leading axes, which broadcast: `(..., rows, columns)` for a parameter, `(..., size)` for a value given
at one time and `(T, ..., size)` for a sequence. One pass so evaluates a whole batch, or hundreds of perturbed copies.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rnnsym.checks.kits import Array, FloatKit, Kit
from rnnsym.checks.sizes import bound_sizes, sequence_length, size_number
from rnnsym.equations.parts import shape_of
from rnnsym.errors import RnnsymError, ShapeError
from rnnsym.language.model import Model
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Definition,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Transpose,
)
from rnnsym.language.syntax import children as children_of
from rnnsym.language.timing import at_length
from rnnsym.operations import OPERATIONS, Elementwise, Pairwise, VectorFunction

#: A variable at a time; None for a variable without time.
Key = tuple[str, int | None]


class Tensor(NamedTuple):
    """An array and how many of its last axes are the value's own; those before are batch and copies."""

    array: Array
    rank: int


def evaluate(
    model: Model,
    params: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    length: int | None = None,
    sizes: Mapping[str, int] | None = None,
    kit: Kit | None = None,
) -> Array:
    """The total loss; its shape is that of the leading axes, `()` for a single example without any.

    `length` and `sizes` (by the names of sizes) are needed only where no array tells them.

    >>> model = Model("h[t] = w * h[t-1] + x[t]" + chr(10) + "L = sum(h[t])", sizes={"h": (), "w": ()})
    >>> float(evaluate(model, {"w": 2.0}, {"x": [1.0, 1.0], "h[0]": 3.0}))
    22.0
    """
    return Evaluation(model, params, inputs, length=length, sizes=sizes, kit=kit).loss()


class Evaluation:
    """The values of a model's variables for given data, computed when they are asked for."""

    def __init__(
        self,
        model: Model,
        params: Mapping[str, Any],
        inputs: Mapping[str, Any],
        *,
        length: int | None = None,
        sizes: Mapping[str, int] | None = None,
        kit: Kit | None = None,
    ) -> None:
        self.model = model
        self.kit: Kit = kit or FloatKit()
        params, inputs = _only(params, model.param_keys, "params"), _only(inputs, model.input_keys, "inputs")
        self.length = sequence_length(model, inputs, length)
        self.sizes = bound_sizes(model, params, inputs, sizes)
        #: Every value that is known so far; values that were computed stand behind those that they were computed from.
        self.values: dict[Key, Tensor] = {}
        for name in model.param_keys:
            self._take((name, None), params[name])
        for name in model.sequences:
            for time, row in enumerate(np.asarray(inputs[name]), start=1):
                self._take((name, time), row)
        for name, given in model.given:
            self._take((name, at_length(given, self.length)), inputs[f"{name}[{given}]"])
        for name in model.inputs:
            self._take((name, None), inputs[name])
        self._definitions: dict[Key, Definition] = {}
        for piece in model.timing.pieces:
            moments = (None,) if piece.interval is None else piece.interval.bounds(self.length)
            self._definitions.update({(piece.name, moment): piece.definition for moment in moments})

    def _take(self, key: Key, data: Any) -> None:
        self.values[key] = Tensor(self.kit.array(data), len(self.model.shapes[key[0]]))

    def loss(self) -> Array:
        """The sum of all losses, those with a time index summed over 1..T."""
        total: Any = 0
        for key in self.loss_keys():
            total = total + self.value(*key)
        return np.asarray(total)

    def loss_keys(self) -> list[Key]:
        """The scalars that the total loss is the sum of."""
        names = {definition.target.name for definition in self.model.losses}
        return [key for key in self._definitions if key[0] in names and (key[1] is None or 1 <= key[1] <= self.length)]

    def value(self, name: str, time: int | None = None) -> Array:
        """A variable at a time. What it depends on is computed first, without recursion: T may be large."""
        waiting: list[Key] = [(name, time)]
        begun: set[Key] = set()
        while waiting:
            key = waiting[-1]
            if key in self.values:
                waiting.pop()
                continue
            definition = self._definition(key)
            missing = [other for other in self.needs(definition.value, key[1]) if other not in self.values]
            if not missing:
                with np.errstate(all="ignore"):  # what is not finite shows in the result
                    self.values[key] = self._completed(self._evaluate(definition.value, key[1]), key[0])
            elif key in begun:
                raise RnnsymError(f"{_shown(key)} depends on itself")
            begun.add(key)
            waiting.extend(missing)
        return self.values[name, time].array

    def definition(self, key: Key) -> Definition | None:
        """The equation that gives a value; None for a parameter or an input."""
        return self._definitions.get(key)

    def expression(self, key: Key, reads: Mapping[Key, Array], kit: Kit) -> Array:
        """The right side of the equation for a value, with other arrays (of another kit) for what it reads."""
        other = copy.copy(self)
        other.kit = kit
        other.values = {read: Tensor(array, array.ndim) for read, array in reads.items()}
        return other._completed(other._evaluate(self._definition(key).value, key[1]), key[0]).array

    def _definition(self, key: Key) -> Definition:
        if key not in self._definitions:
            raise RnnsymError(f"{_shown(key)} has no value for T = {self.length}")
        return self._definitions[key]

    def needs(self, node: Expression, time: int | None) -> Iterator[Key]:
        """The values that an expression reads at a time; of what it takes the size alone, it needs none."""
        if isinstance(node, Call) and node.function == "size":
            return
        if isinstance(node, Reference):
            yield self._key(node, time)
        times = range(1, self.length + 1) if _sums_over_time(node) else (time,)
        for child in children_of(node):
            for moment in times:
                yield from self.needs(child, moment)

    def _key(self, node: Reference, time: int | None) -> Key:
        if node.time is None:
            return node.name, None
        if node.time.anchor == "t":
            assert time is not None, "the model's check of its times lets no free t through"
            return node.name, time + node.time.offset
        return node.name, at_length(node.time, self.length)

    def _completed(self, value: Tensor, name: str) -> Tensor:
        """A number stands for an array of the variable's shape: `h[0] = 0`."""
        shape = self.model.shapes[name]
        if value.rank == len(shape):
            return value
        sizes = tuple(size_number(size, self.sizes) for size in shape)
        raised = _raised(value, len(shape))
        return Tensor(np.broadcast_to(raised, (*value.array.shape, *sizes)), len(shape))

    # Expressions

    def _evaluate(self, node: Expression, time: int | None) -> Tensor:
        array, rank = self._node(node, time)
        # Arithmetic on an object array without axes returns the bare object.
        return Tensor(np.asarray(array), rank)

    def _node(self, node: Expression, time: int | None) -> tuple[Any, int]:
        match node:
            case Number(value):
                return self.kit.number(value), 0
            case Reference():
                return self.values[self._key(node, time)]
            case Negative(operand):
                array, rank = self._evaluate(operand, time)
                return -array, rank
            case Transpose(operand):
                array, rank = self._evaluate(operand, time)
                return (np.swapaxes(array, -1, -2) if rank == 2 else array), rank
            case Binary("**", base, Number(exponent)):
                array, rank = self._evaluate(base, time)
                return array ** (exponent.numerator if exponent.denominator == 1 else self.kit.number(exponent)), rank
            case Binary("@", left, right):
                return _product(self._evaluate(left, time), self._evaluate(right, time))
            case Binary(operator, left, right):
                return _combined(operator, self._evaluate(left, time), self._evaluate(right, time))
            case Slice(operand, low, high):
                array, rank = self._evaluate(operand, time)
                start = size_number(low, self.sizes)
                return array[..., start : None if high is None else size_number(high, self.sizes)], rank
            case Part():
                raise AssertionError("a part is a slice once shapes are solved")
            case Constant("steps_T"):
                return self.kit.number(Fraction(self.length)), 0
            case Constant("π"):
                return 4 * self.kit.arctan(self.kit.number(Fraction(1))), 0
            case Constant(function, shape):
                sizes = [size_number(size, self.sizes) for size in shape]
                return self.kit.array(
                    np.eye(sizes[0], dtype=int) if function == "identity" else np.ones(sizes, int)
                ), len(sizes)
            case Call("size", (operand,)):  # of what may not be computed yet, or never
                shape = shape_of(operand, self.model.shapes)
                return self.kit.number(Fraction(prod(size_number(size, self.sizes) for size in shape))), 0
            case Call(function, (operand,)) if _sums_over_time(node):
                terms = [self._evaluate(operand, moment) for moment in range(1, self.length + 1)]
                total: Any = sum((term.array for term in terms[1:]), start=terms[0].array)
                return (total / self.length if function == "mean_time" else total), terms[0].rank
            case Call(function, arguments):
                return self._called(function, [self._evaluate(argument, time) for argument in arguments])

    def _called(self, function: str, arguments: list[Tensor]) -> tuple[Any, int]:
        array, rank = arguments[0]
        match OPERATIONS[function]:
            case Elementwise(definition=definition):
                return definition(self.kit, array), rank
            case Pairwise(definition=joint):
                rank = max(argument.rank for argument in arguments)
                return joint(self.kit, *np.broadcast_arrays(*(_raised(part, rank) for part in arguments))), rank
            case VectorFunction(definition=definition, indices=(_, result)):
                return definition(self.kit, array), len(result)
        own = tuple(range(-rank, 0))
        match function:
            case "sum_elements":
                return array.sum(axis=own), 0
            case "mean_elements":
                return array.sum(axis=own) / int(np.prod([array.shape[axis] for axis in own], dtype=int)), 0
            case "named":
                return arguments[0]
            case "dot":
                return _product(*arguments)
            case "outer":
                return array[..., :, None] * arguments[1].array[..., None, :], 2
            case "outer_product":
                one, other = (argument.array for argument in arguments[1:])
                return array[..., :, None, None] * one[..., None, :, None] * other[..., None, None, :], 3
            case "diag":
                return array[..., :, None] * self.kit.array(np.eye(array.shape[-1], dtype=int)), 2
            case "bilinear":
                one, other = (argument.array for argument in arguments[1:])
                columns = (array * other[..., None, None, :]).sum(axis=-1)
                return (columns * one[..., None, :]).sum(axis=-1), 1
            case "concat":
                leading = np.broadcast_shapes(*(argument.array.shape[:-1] for argument in arguments))
                parts = [np.broadcast_to(part, (*leading, part.shape[-1])) for part, _ in arguments]
                return np.concatenate(parts, axis=-1), 1
        raise RnnsymError(f"the reference does not know the operation '{function}'")


def _sums_over_time(node: Expression) -> bool:
    return isinstance(node, Call) and node.function in ("sum_time", "mean_time")


def _raised(value: Tensor, rank: int) -> Array:
    """A scalar with axes for the elements that it is combined with."""
    return value.array[(..., *(None,) * (rank - value.rank))]


def _combined(operator: str, left: Tensor, right: Tensor) -> tuple[Any, int]:
    rank = max(left.rank, right.rank)
    one, other = _raised(left, rank), _raised(right, rank)
    match operator:
        case "+":
            return one + other, rank
        case "-":
            return one - other, rank
        case "*":
            return one * other, rank
        case "/":
            return one / other, rank
    raise RnnsymError(f"the reference does not know the operator '{operator}'")


def _product(left: Tensor, right: Tensor) -> tuple[Any, int]:
    """The matrix product; a vector is a row on the left and a column on the right."""
    if left.rank > 2:  # of a tensor, the last axis
        columns = (left.array * right.array[..., None, None, :]).sum(axis=-1) if right.rank == 1 else None
        if columns is None:
            raise RnnsymError("a tensor multiplies vectors alone")
        return columns, left.rank - 1
    one = left.array if left.rank == 2 else left.array[..., None, :]
    other = right.array if right.rank == 2 else right.array[..., :, None]
    found = np.matmul(one, other)
    if right.rank == 1:
        found = found[..., 0]
    if left.rank == 1:
        found = found[..., 0, :] if right.rank == 2 else found[..., 0]
    return found, left.rank + right.rank - 2


def _only(data: Mapping[str, Any], wanted: tuple[str, ...], what: str) -> dict[str, Any]:
    missing = [name for name in wanted if name not in data]
    if missing:
        raise ShapeError(f"{what} lacks {', '.join(missing)}")
    unknown = [name for name in data if name not in wanted]
    if unknown:
        raise ShapeError(f"{what} has {', '.join(unknown)}, and the model has only {', '.join(wanted)}")
    return {name: data[name] for name in wanted}


def _shown(key: Key) -> str:
    return key[0] if key[1] is None else f"{key[0]}[{key[1]}]"
