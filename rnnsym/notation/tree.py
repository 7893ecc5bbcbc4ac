"""Matrix notation recovered from indices: a term becomes a small tree of the products that a person would write.

Where an index stands decides everything: `W[i, j] h[j]` is W h, `W[j, i] a[j]` is W^T a, `a[i] h[j]` is a h^T, and
`a[j] h[j]` is a^T h. What has no such form stays a sum over indices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Add, Expr, Indexed, Integer, Mul, Pow, Symbol

from rnnsym.equations.indexed import INDEX_SET, Equation, Select, Term, Variable, access, indices_in
from rnnsym.equations.lowering import tidy
from rnnsym.language.timing import Interval
from rnnsym.operations import Elementwise, VectorFunction, operation_of


@dataclass(frozen=True)
class Leaf:
    """A variable at a time (None: it has none)."""

    variable: Variable
    time: Expr | None


@dataclass(frozen=True)
class Literal:
    """A number, a size, T, or the vector of ones."""

    value: Expr | str


@dataclass(frozen=True)
class Plus:
    """A sum; a part may carry a minus sign of its own."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Minus:
    """The negative of something."""

    operand: Node


@dataclass(frozen=True)
class Scaled:
    """Scalars, a fraction's denominator, times a vector, a matrix or nothing."""

    above: tuple[Node, ...]
    below: tuple[Node, ...]
    operand: Node | None


@dataclass(frozen=True)
class Hadamard:
    """An elementwise product, divided elementwise by `below`."""

    parts: tuple[Node, ...]
    below: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A matrix product, in the order in which it is written."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Transposed:
    operand: Node


@dataclass(frozen=True)
class Applied:
    """A function of the table."""

    operation: Elementwise | VectorFunction
    operand: Node


@dataclass(frozen=True)
class Power:
    """`scalar`: an ordinary power; otherwise elementwise."""

    base: Node
    exponent: Expr
    scalar: bool


@dataclass(frozen=True)
class SquaredNorm:
    operand: Node


@dataclass(frozen=True)
class Slice:
    """The elements of a concatenation that belong to one of its parts."""

    operand: Node
    offset: Expr
    size: Expr


@dataclass(frozen=True)
class Stack:
    """A concatenation."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class TimeSum:
    """A sum over time; `index` is t or s."""

    index: Symbol
    interval: Interval
    operand: Node


@dataclass(frozen=True)
class IndexSum:
    """What has no matrix form: the product of elements, summed over `indices`."""

    factors: tuple[Expr, ...]
    free: tuple[Symbol, ...]
    indices: tuple[Symbol, ...]


Node = (
    Leaf | Literal | Plus | Minus | Scaled | Hadamard | Chain | Transposed | Applied | Power
    | SquaredNorm | Slice | Stack | TimeSum | IndexSum
)  # fmt: skip
ONES = Literal("1")


@dataclass(frozen=True)
class Part:
    """A node with its element indices: none for a scalar, one for a vector, two for a matrix."""

    node: Node
    axes: tuple[Symbol, ...]
    divides: bool = False


class NoMatrixForm(Exception):
    """A term that only index notation can write."""


class Builder:
    """Builds the tree of an equation; `rows` where the model's vectors are rows."""

    def __init__(self, variables: dict[str, Variable], rows: bool = False) -> None:
        self.variables = variables
        self.rows = rows

    def equation(self, equation: Equation) -> Node:
        """The right side of an equation."""
        if any(_fills(term, equation) for term in equation.terms):
            return self._stacked(equation)
        parts = tuple(self.term(term, equation.indices, dict(zip(equation.indices, equation.variable.shape, strict=True))) for term in equation.terms)
        return plus(parts)

    def term(self, term: Term, free: tuple[Symbol, ...], sizes: dict[Symbol, Expr]) -> Node:
        """One term, with its sums over time around it."""
        try:
            node = self._product(term.factors, free, sizes)
        except NoMatrixForm:
            inner = sorted({i for f in term.factors for i in indices_in(f)} - set(free), key=str)
            node = IndexSum(term.factors, free, tuple(inner))
        negative = isinstance(node, Minus)
        if isinstance(node, Minus):
            node = node.operand
        for index, interval in term.over:
            node = TimeSum(index, interval, node)
        return Minus(node) if negative else node

    def _stacked(self, equation: Equation) -> Node:
        groups: dict[Expr, list[Node]] = {}
        for term in equation.terms:
            select = next(factor for factor in term.factors if isinstance(factor, Select))
            (own,) = equation.indices
            rest = tuple(factor.xreplace({select.args[1]: own}) for factor in term.factors if factor is not select)
            groups.setdefault(select.args[2], []).append(self.term(Term(rest), (own,), {}))
        return Stack(tuple(plus(tuple(parts)) for parts in groups.values()))

    # Products

    def _product(self, factors: tuple[Expr, ...], free: tuple[Symbol, ...], sizes: dict[Symbol, Expr]) -> Node:
        number: Expr = Integer(1)
        parts: list[Part] = []
        for factor in factors:
            if factor.is_Number:
                number = number * factor
            elif not isinstance(factor, Select):
                parts.append(self.factor(factor))
        for select in (factor for factor in factors if isinstance(factor, Select)):
            parts = [self._sliced(part, select, sizes) for part in parts]
        while summed := {axis for part in parts for axis in part.axes} - set(free):
            index = min(summed, key=lambda candidate: (_matrices(parts, candidate), str(candidate)))
            parts = self._eliminate(parts, index)
        return self._assembled(number, parts, free)

    def _sliced(self, part: Part, select: Expr, sizes: dict[Symbol, Expr]) -> Part:
        whole, own, offset = select.args
        if whole not in part.axes:
            return part
        if len(part.axes) != 1 or own not in sizes:
            raise NoMatrixForm
        return Part(Slice(part.node, offset, sizes[own]), (own,), part.divides)

    def _eliminate(self, parts: list[Part], index: Symbol) -> list[Part]:
        touched = [part for part in parts if index in part.axes]
        rest = [part for part in parts if index not in part.axes]
        vectors = [part for part in touched if len(part.axes) == 1]
        matrices = [part for part in touched if len(part.axes) == 2]
        if any(part.divides for part in matrices) or len(matrices) > 2 or (len(matrices) == 2 and vectors):
            raise NoMatrixForm
        if not matrices:
            return [*rest, Part(self._inner(vectors), ())]
        if len(matrices) == 1:
            (matrix,) = matrices
            if matrix.axes[0] == matrix.axes[1]:
                raise NoMatrixForm
            vector = hadamard(vectors) if vectors else ONES
            return [*rest, self._matrix_vector(matrix, vector, index)]
        one, other = matrices
        left = one.node if one.axes[1] == index else transposed(one.node)
        right = other.node if other.axes[0] == index else transposed(other.node)
        ends = [axis for part in (one, other) for axis in part.axes if axis != index]
        if len(ends) != 2 or ends[0] == ends[1]:
            raise NoMatrixForm
        return [*rest, Part(chain(left, right), (ends[0], ends[1]))]

    def _matrix_vector(self, matrix: Part, vector: Node, index: Symbol) -> Part:
        (other,) = [axis for axis in matrix.axes if axis != index]
        straight = matrix.axes[1] == index
        if self.rows:
            return Part(chain(vector, transposed(matrix.node) if straight else matrix.node), (other,))
        return Part(chain(matrix.node if straight else transposed(matrix.node), vector), (other,))

    def _inner(self, vectors: list[Part]) -> Node:
        """A sum over the elements of a product of vectors: u^T v."""
        if len(vectors) == 1 and isinstance(vectors[0].node, Power) and vectors[0].node.exponent == 2:
            return SquaredNorm(vectors[0].node.base)
        above = [part for part in vectors if not part.divides]
        first: Node = ONES if len(vectors) == 1 or not above else above[0].node
        rest = vectors if first is ONES else [part for part in vectors if part is not above[0]]
        second = hadamard(rest)
        return chain(first, transposed(second)) if self.rows else chain(transposed(first), second)

    def _assembled(self, number: Expr, parts: list[Part], free: tuple[Symbol, ...]) -> Node:
        scalars = [part for part in parts if not part.axes]
        body = self._body([part for part in parts if part.axes], free)
        above = [part.node for part in scalars if not part.divides]
        below = [part.node for part in scalars if part.divides]
        negative = bool(number < 0)
        number = abs(number)
        if number != 1:
            if number.is_Rational and number.p == 1:
                below.insert(0, Literal(Integer(number.q)))
            else:
                above.insert(0, Literal(number))
        node: Node
        if not above and not below:
            node = body if body is not None else Literal(Integer(1))
        elif body is None and len(above) == 1 and not below:
            node = above[0]
        else:
            node = Scaled(tuple(above), tuple(below), body)
        return Minus(node) if negative else node

    def _body(self, parts: list[Part], free: tuple[Symbol, ...]) -> Node | None:
        if not parts:
            return None
        if len(free) == 1:
            return hadamard(parts)
        left = [part for part in parts if part.axes == free[:1]]
        right = [part for part in parts if part.axes == free[1:]]
        matrices = [
            Part(part.node if part.axes == free else transposed(part.node), free, part.divides)
            for part in parts
            if len(part.axes) == 2
        ]
        if not left and not right:
            return hadamard(matrices)
        column = hadamard(left) if left else ONES
        row = hadamard(right) if right else ONES
        outer = chain(transposed(column), row) if self.rows else chain(column, transposed(row))
        return hadamard([*matrices, Part(outer, free)]) if matrices else outer

    # Factors

    def factor(self, factor: Expr) -> Part:
        """One factor with its axes."""
        if isinstance(factor, Pow) and factor.exp == -1:
            inner = self.factor(factor.base)
            return Part(inner.node, inner.axes, divides=True)
        return Part(self.node(factor), self._axes(factor))

    def _axes(self, factor: Expr) -> tuple[Symbol, ...]:
        if isinstance(factor, Indexed):
            return tuple(index for index in access(factor, self.variables).indices if isinstance(index, Symbol))
        operation = operation_of(factor)
        if isinstance(operation, VectorFunction):
            return ()  # handled where it is a whole equation
        found: tuple[Symbol, ...] = ()
        for argument in factor.args:
            inner = self._axes(argument)
            if found and inner and set(found) != set(inner):
                raise NoMatrixForm
            found = found or inner
        return found

    def node(self, factor: Expr) -> Node:
        """An elementwise expression without regard to its indices."""
        if isinstance(factor, Indexed):
            found = access(factor, self.variables)
            return Leaf(self.variables[found.name], found.time)
        if isinstance(factor, Symbol):
            if factor.is_integer:
                return Literal(factor)
            return Leaf(self.variables[str(factor.name)], None)
        if factor.is_Number:
            return Minus(Literal(-factor)) if factor < 0 else Literal(factor)
        operation = operation_of(factor)
        if isinstance(operation, Elementwise | VectorFunction):
            return Applied(operation, self.node(factor.args[0]))
        if isinstance(factor, Add):
            ordered = sorted(factor.args, key=lambda part: (not part.is_Number, part.could_extract_minus_sign()))
            return plus(tuple(self._inner_product(part) for part in ordered))
        if isinstance(factor, Mul):
            return self._inner_product(factor)
        if isinstance(factor, Pow):
            return Power(self.node(factor.base), factor.exp, not self._axes(factor.base))
        raise NoMatrixForm

    def _inner_product(self, factor: Expr) -> Node:
        """A product inside a sum, without sums over indices."""
        free = tuple(sorted(indices_in(factor), key=str))
        free = tuple(index for index in free if index in INDEX_SET)
        if len(free) > 1:
            raise NoMatrixForm
        return self._product(tidy((factor,)), free, {})


def _fills(term: Term, equation: Equation) -> bool:
    return any(isinstance(factor, Select) and factor.args[0] in equation.indices for factor in term.factors)


def _matrices(parts: Iterable[Part], index: Symbol) -> int:
    return sum(1 for part in parts if index in part.axes and len(part.axes) > 1)


# Making nodes, without needless nesting


def plus(parts: tuple[Node, ...]) -> Node:
    """A sum; nothing added up is zero."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Plus) else [part]
    if not flat:
        return Literal(Integer(0))
    return flat[0] if len(flat) == 1 else Plus(tuple(flat))


def chain(*parts: Node) -> Node:
    """A matrix product."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Chain) else [part]
    return Chain(tuple(flat))


def hadamard(parts: list[Part]) -> Node:
    """An elementwise product of vectors or matrices."""
    above: list[Node] = []
    below: list[Node] = []
    for part in parts:
        if part.divides:
            below.append(part.node)
        elif isinstance(part.node, Hadamard):
            above += part.node.parts
            below += part.node.below
        else:
            above.append(part.node)
    if len(above) == 1 and not below:
        return above[0]
    return Hadamard(tuple(above or [ONES]), tuple(below))


def transposed(node: Node) -> Node:
    """The transpose, and of a transpose the thing itself."""
    return node.operand if isinstance(node, Transposed) else Transposed(node)
