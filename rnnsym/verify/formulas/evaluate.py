"""A claim's expressions evaluated at many points at once: several draws of data, several lengths, all choices of times.

Every value has a leading axis of samples; a sample is a draw together with a number for each free time index. So a
candidate formula costs one array operation a node, and whatever it shares with the claim is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Equation
from rnnsym.claims.forward import STEP
from rnnsym.claims.interpret import subscripts, with_axes
from rnnsym.claims.syntax import (
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Identity,
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
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction
from rnnsym.verify.formulas.field import Residue
from rnnsym.verify.formulas.leaves import Leaves
from rnnsym.verify.formulas.samples import Scope, equal, multiplied, scaled
from rnnsym.verify.formulas.values import SLOPES

EPSILON = Residue(0, 1)


class Evaluator(Leaves):
    """Evaluates the nodes of a claim's formulas."""

    def value(self, node: Node, scope: Scope) -> Array:
        """A node at every sample: `(samples or 1, rows, columns)`."""
        if isinstance(node, Variable | Sequence | Derivative):  # the same leaf stands in many candidates
            leaf = (node, id(scope))
            if leaf not in self._leaves:
                self._leaves[leaf] = self._value(node, scope)
                self._scopes.setdefault(id(scope), scope)
            return self._leaves[leaf]
        key = (id(node), id(scope))
        if id(node) not in self._known:
            return self._value(node, scope)
        if key not in self._values:
            self._values[key] = self._value(node, scope)
            self._scopes.setdefault(id(scope), scope)
        return self._values[key]

    def _value(self, node: Node, scope: Scope) -> Array:
        match node:
            case Variable(name, time):
                return self._shaped(self.variable(name, time, scope), node)
            case Derivative():
                found = self._derivative(node, scope)
                if self.claim.layout == "denominator" and found.ndim == 3:
                    ends = (node.top.name, node.bottom.name)
                    if all(len(self.system.variables[name].shape) == 1 for name in ends):
                        found = np.swapaxes(found, 1, 2)
                return self._shaped(found, node)
            case Sequence():
                return self._own(node, scope)
            case Sum(parts):
                return self._together(parts, scope, np.add)
            case Product(Way.MATRIX, parts):
                found = self._together(parts, scope, multiplied)
                # A row times the derivative of a vector by a matrix is a matrix.
                return self._shaped(found, node) if found.ndim == 4 else found
            case Product(Way.OUTER, (matrix, column)):
                table, last = self.value(matrix, scope), self.value(column, scope)
                return np.asarray(table[..., None] * last[:, None, None, :, 0])
            case Product(_, parts):
                return self._together(parts, scope, scaled)
            case Contraction(parts, letters, free):
                arrays = with_axes([self.value(part, scope) for part in parts], letters, 1)
                return self._shaped(np.einsum(subscripts(letters, free), *arrays), node)
            case Negative(operand):
                return -self.value(operand, scope)
            case Quotient(top, bottom):
                with np.errstate(all="ignore"):
                    return np.asarray(self.value(top, scope) / self.value(bottom, scope))
            case Transpose(operand):
                return np.swapaxes(self.value(operand, scope), 1, 2)
            case Number(value):
                return np.full((1, 1, 1), self.kit.number(value))
            case TimeNumber(moment):
                return self._integers(scope.number(moment))
            case SizeNumber(size):
                return self._integers(np.array([self.number(size)]))
            case Ones():
                return self._integers(np.array([1])) + self.zeros((1, *self.shape(node)))
            case Identity():
                return np.eye(self.shape(node)[0], dtype=int)[None] + self.zeros((1, *self.shape(node)))
            case Power():
                return self._power(node, scope)
            case Diagonal(operand):
                vector = self.value(operand, scope)
                vector = vector.reshape(len(vector), int(np.prod(vector.shape[1:])))
                return np.eye(vector.shape[1], dtype=int)[None] * vector[:, None, :]
            case Stack(parts, across):
                stacked = [self.value(part, scope) for part in parts]
                rows = max(map(len, stacked))
                every = [np.broadcast_to(found, (rows, *found.shape[1:])) for found in stacked]
                return np.concatenate(every, axis=1 + int(across))
            case Slice(operand, first, last):
                vector = self.value(operand, scope)
                chosen = slice(self.number(first) - 1, self.number(last))
                return vector[:, :, chosen] if vector.shape[1] == 1 else vector[:, chosen]
            case Call(function, operand):
                return self._called(function, self.value(operand, scope))
            case Prime(function, operand):
                return self._prime(function, self.value(operand, scope))
            case TimeSum(index, low, high, operand):
                inner, owner, _ = scope.over(index, low, high, False)
                total = self.zeros((scope.count, *self.shape(node)))
                if inner.count:
                    parts_ = self.value(operand, inner)
                    np.add.at(total, owner, np.broadcast_to(parts_, (inner.count, *parts_.shape[1:])))
                return total
            case TimeProduct():
                return self._product(node, scope)
        raise ClaimError(f"{shown(node)} has no shape")

    def _integers(self, numbers: Array) -> Array:
        if self.exact is None:
            return np.asarray(numbers, float)[:, None, None]
        return self.exact.array(numbers.tolist())[:, None, None]

    def _shaped(self, array: Array, node: Node) -> Array:
        return array.reshape((len(array), *self.shape(node)))

    def _together(self, parts: tuple[Node, ...], scope: Scope, combine: Callable[[Array, Array], Array]) -> Array:
        found = self.value(parts[0], scope)
        for part in parts[1:]:
            found = combine(found, self.value(part, scope))
        return found

    def _power(self, node: Power, scope: Scope) -> Array:
        base = self.value(node.base, scope)
        exponent = node.exponent
        if isinstance(exponent, Moment):
            base = np.broadcast_to(base, (scope.count, *base.shape[1:]))
            numbers = scope.number(exponent)
            found = self.zeros(base.shape)
            for number in np.unique(numbers):
                found[numbers == number] = self._raised(base[numbers == number], int(number), node.matrix)
            return found
        whole = int(exponent) if exponent.denominator == 1 else None
        if whole is None:
            return np.asarray(base ** (float(exponent) if self.exact is None else exponent))
        return self._raised(base, whole, node.matrix)

    def _raised(self, base: Array, number: int, matrix: bool) -> Array:
        if not matrix:
            with np.errstate(all="ignore"):
                return np.asarray(base ** (number if number >= 0 or self.exact is not None else float(number)))
        if number < 0:
            return self.zeros(base.shape)
        found = np.eye(base.shape[1], dtype=int) + self.zeros(base.shape)
        for _ in range(number):
            found = np.matmul(found, base)
        return found

    def _called(self, function: str, operand: Array) -> Array:
        if function == "sum_elements":
            return np.asarray(operand.sum(axis=(1, 2), keepdims=True))
        entry = OPERATIONS[function]
        with np.errstate(all="ignore"):
            if isinstance(entry, VectorFunction) and entry.of_matrix:
                return np.asarray(entry.definition(self.kit, operand))
            if isinstance(entry, VectorFunction):
                found = np.asarray(
                    entry.definition(self.kit, operand.reshape(len(operand), int(np.prod(operand.shape[1:]))))
                )
                return found.reshape(operand.shape if found.ndim == 2 else (len(operand), 1, 1))
            assert isinstance(entry, Elementwise)
            return np.asarray(entry.definition(self.kit, operand))

    def _prime(self, function: str, operand: Array) -> Array:
        entry = OPERATIONS[function]
        assert isinstance(entry, Elementwise)
        with np.errstate(all="ignore"):
            if self.exact is not None:
                return np.asarray(SLOPES(entry.definition(self.kit, operand + EPSILON)))
            return np.asarray(entry.definition(self.kit, operand + 1j * STEP).imag / STEP)

    def _product(self, node: TimeProduct, scope: Scope) -> Array:
        inner, owner, place = scope.over(node.index, node.first, node.last, node.descending)
        shape = self.shape(node)
        found = np.eye(shape[0], dtype=int) + self.zeros((scope.count, *shape))
        if not inner.count:
            return found
        factors = self.value(node.operand, inner)
        factors = np.broadcast_to(factors, (inner.count, *shape))
        for step in range(int(place.max()) + 1):
            chosen = place == step
            found[owner[chosen]] = np.matmul(found[owner[chosen]], factors[chosen])
        return found

    # Agreement

    def sides(self, equation: Equation, definition: bool = False) -> tuple[Array, Array]:
        """Both sides at every sample; of a definition, the left side as what the sequence stands for."""
        scope = self.everywhere(equation, definition)
        left, right = self.value(equation.left, scope), self.value(equation.right, scope)
        return np.broadcast_arrays(left, right)  # type: ignore[return-value]

    def agrees(self, equation: Equation, definition: bool = False) -> bool:
        """Whether both sides are equal at every sample; they are not where a sequence depends on itself."""
        try:
            return equal(*self.sides(equation, definition))
        except ClaimError:
            return False
