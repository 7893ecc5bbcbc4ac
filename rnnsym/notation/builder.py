"""Matrix notation recovered from indices: a term becomes a small tree of the products that a person would write.

Where an index stands decides everything: `W[i, j] h[j]` is W h, `W[j, i] a[j]` is W^T a, `a[i] h[j]` is a h^T, and
`a[j] h[j]` is a^T h. What has no such form stays a sum over indices.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Pow, Symbol

from rnnsym.equations.indexed import (
    Equation,
    Role,
    Select,
    Term,
    Variable,
    access,
    elements,
    index_sizes,
    indices_in,
    time_of,
)
from rnnsym.equations.products import Place, layered, tidy
from rnnsym.notation.parts import (
    Axes,
    NoMatrixForm,
    Part,
    hadamard,
    joined,
    matrices_with,
    oriented,
    squared,
    undivided,
)
from rnnsym.notation.tree import (
    ONE,
    ONES,
    Applied,
    Chain,
    Diagonal,
    Identity,
    IndexSum,
    Leaf,
    Literal,
    Minus,
    Node,
    Paired,
    Power,
    Scaled,
    Slice,
    SquaredNorm,
    Stack,
    TimeSum,
    Transposed,
    Where,
    chain,
    columns,
    minus,
    plus,
    scaled,
    transposed,
    walk,
)
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of


class Builder:
    """Builds the tree of an equation; `rows` where the model's vectors are rows."""

    def __init__(self, variables: Mapping[str, Variable], rows: bool = False) -> None:
        self.variables = dict(variables)
        self.rows = rows

    def equation(self, equation: Equation) -> Node:
        """The right side of an equation."""
        sizes = dict(zip(equation.indices, equation.variable.shape, strict=True))
        derived = equation.variable.role in (Role.ADJOINT, Role.PARTIAL)
        full = derived or not any(indices_in(factor) for term in equation.terms for factor in term.factors)
        pieces = [term for term in equation.terms if _fills(term, equation.indices[:1])]
        parts = [self.term(term, equation.indices, sizes, full) for term in equation.terms if term not in pieces]
        if pieces:
            place = 0 if pieces[0] is equation.terms[0] else len(parts)
            parts.insert(place, self._stacked(equation, pieces))
        if derived or (equation.variable.role is Role.LOSS and equation.source == 0):
            parts.sort(key=ends_in_time_sum)  # what stands behind a sum sign would seem to belong to it
        return plus(tuple(parts))

    def term(self, term: Term, free: Axes, sizes: Mapping[Symbol, Expr], full: bool = False) -> Node:
        """One term, with its sums over time around it; in a `full` one, a number does not stand for a vector."""
        inner, outer = constants(term)
        sizes = {**index_sizes(term, self.variables), **sizes}
        try:
            if _fills(term, free[:1]) and len(free) == 1:
                raise NoMatrixForm
            node = self._product(inner, free, sizes, full)
        except NoMatrixForm:
            node = self._by_elements(inner, free)
        negative = isinstance(node, Minus)
        node = node.operand if isinstance(node, Minus) else node
        for index, interval in term.over:
            node = TimeSum(index, interval, node)
        node = self._assembled(*self.numbered(outer), (), node) if outer else node
        return minus(node) if negative else node

    def _by_elements(self, factors: tuple[Expr, ...], free: Axes) -> Node:
        """A product in index notation, where there is no other."""
        summed = sorted({index for factor in factors for index in indices_in(factor)} - set(free), key=str)
        return IndexSum(ElementBuilder(self.variables)._product(factors, (), {}), free, tuple(summed))

    def _stacked(self, equation: Equation, terms: list[Term]) -> Node:
        """Terms about pieces of the elements, one below the other; zeros where there is none."""
        groups: dict[Place, list[Node]] = {}
        own, whole = equation.indices[0], equation.variable.shape[0]  # of a matrix, the pieces are rows
        selects = [
            next(factor for factor in term.factors if isinstance(factor, Select) and factor.args[0] == own)
            for term in terms
        ]
        for term, select in zip(terms, selects, strict=True):
            _, piece, offset, size = select.args
            groups.setdefault((offset, size), []).append(self.term(term, (piece, *equation.indices[1:]), {}))
        stacks: list[Node] = []
        for layer in layered(groups):
            parts: list[Node] = []
            filled: Expr = Integer(0)
            for offset, size in layer:
                parts += [Literal(Integer(0))] * (offset != filled)
                parts.append(plus(tuple(groups[offset, size])))
                filled = offset + size
            parts += [Literal(Integer(0))] * (filled != whole)
            stacks.append(Stack(tuple(parts), self.rows))
        return plus(tuple(stacks))

    # Products

    def _product(self, factors: tuple[Expr, ...], free: Axes, sizes: Mapping[Symbol, Expr], full: bool = False) -> Node:
        selects = self._selects(factors, free)
        number, parts = self.numbered(tuple(factor for factor in factors if factor not in selects))
        if any(len(part.axes) > 2 for part in parts) or len(free) > 2:
            raise NoMatrixForm
        # A piece's own index is summed only once the piece has been cut out: others share it.
        parts = self._contracted(parts, {*free, *(index for select in selects for index in select.args[:2])})
        for select in selects:
            parts = [self._sliced(part, select, free) for part in parts]
        return self._assembled(number, self._contracted(parts, set(free)), free, full=full)

    def _selects(self, factors: tuple[Expr, ...], free: Axes) -> list[Expr]:
        """The factors that cut a piece out of others; where nothing is cut, they are columns of the identity."""
        return [factor for factor in factors if isinstance(factor, Select) and factor.args[0] not in free]

    def numbered(self, factors: tuple[Expr, ...]) -> tuple[Expr, list[Part]]:
        """The number among factors, and the others; -(1 + y) is a minus sign and 1 + y."""
        number: Expr = ONE
        parts = []
        for factor in factors:
            negative = isinstance(factor, Add) and all(part.could_extract_minus_sign() for part in factor.args)
            if factor.is_Number:
                number = number * factor
            else:
                number = -number if negative else number
                parts.append(self.factor(-factor if negative else factor))
        return number, parts

    def _contracted(self, parts: list[Part], free: set[Symbol]) -> list[Part]:
        """The parts after the sums over all indices that are not free."""
        parts = [squared(part, parts, free) for part in joined(parts, free)]
        while summed := {axis for part in parts for axis in part.axes} - free:
            index = min(summed, key=lambda candidate: (matrices_with(parts, candidate), str(candidate)))
            parts = joined(self._eliminate(parts, index), free)
        return parts

    def _sliced(self, part: Part, select: Expr, free: Axes) -> Part:
        whole, own, offset, size = select.args
        if whole not in part.axes:
            return part
        if len(part.axes) == 1:
            return Part(Slice(part.node, offset, size), (own,), part.divides)
        if part.divides:
            raise NoMatrixForm
        axes = tuple(own if axis == whole else axis for axis in part.axes)
        return Part(columns(part.node, offset, size, part.axes[0] == whole), axes)

    def _eliminate(self, parts: list[Part], index: Symbol) -> list[Part]:
        touched = [part for part in parts if index in part.axes]
        rest = [part for part in parts if index not in part.axes]
        vectors = [part for part in touched if len(part.axes) == 1]
        matrices = [undivided(part) for part in touched if len(part.axes) == 2]
        if len(matrices) > 2 or any(len(set(part.axes)) < 2 for part in matrices):
            raise NoMatrixForm
        if not matrices:
            return [*rest, Part(self._inner(vectors), ())]
        if len(matrices) == 1:
            return [*rest, self._matrix_vector(matrices[0], hadamard(vectors) if vectors else ONES, index)]
        one, other = matrices
        ends = tuple(axis for part in (one, other) for axis in part.axes if axis != index)
        left = one.node if one.axes[1] == index else self.turned(one)
        right = other.node if other.axes[0] == index else self.turned(other)
        middle = [Diagonal(hadamard(vectors))] if vectors else []
        return [*rest, Part(chain(left, *middle, right), ends)]

    def _matrix_vector(self, matrix: Part, vector: Node, index: Symbol) -> Part:
        (other,) = [axis for axis in matrix.axes if axis != index]
        straight = matrix.axes[1] == index
        if self.rows:
            return Part(chain(vector, self.turned(matrix) if straight else matrix.node), (other,))
        return Part(chain(matrix.node if straight else self.turned(matrix), vector), (other,))

    def _inner(self, vectors: list[Part]) -> Node:
        """A sum over the elements of a product of vectors: u^T v."""
        if (
            len(vectors) == 1
            and isinstance(vectors[0].node, Power)
            and vectors[0].node.exponent == 2
            and not vectors[0].divides
        ):
            return SquaredNorm(vectors[0].node.base, matrix=False)
        above = [part for part in vectors if not part.divides]
        first: Node = ONES if len(vectors) == 1 or not above else above[0].node
        second = hadamard(vectors if first is ONES else [part for part in vectors if part is not above[0]])
        found = chain(first, transposed(second)) if self.rows else chain(transposed(first), second)
        turned = transposed(found)
        return turned if _transposes(turned) < _transposes(found) else found

    def _assembled(
        self, number: Expr, parts: list[Part], free: Axes, operand: Node | None = None, full: bool = False
    ) -> Node:
        """A product with its scalars in front; `full`: a scalar that stands for all elements is multiplied by ones."""
        shaped = [part for part in parts if part.axes]
        body = self._body(shaped, free) if shaped else operand
        if body is None and full and free and number != 0:
            body = (
                ONES
                if len(free) == 1
                else chain(*((transposed(ONES), ONES) if self.rows else (ONES, transposed(ONES))))
            )
        above = [part.node for part in parts if not part.axes and not part.divides]
        below = [part.node for part in parts if not part.axes and part.divides]
        return scaled(number, tuple(above), tuple(below), body)

    def _body(self, parts: list[Part], free: Axes) -> Node:
        if len(free) == 1:
            return hadamard(parts)
        left = [part for part in parts if part.axes == free[:1]]
        right = [part for part in parts if part.axes == free[1:]]
        matrices = [oriented(part, free) for part in parts if len(part.axes) == 2]
        if not left and not right:
            return hadamard(matrices)
        if any(isinstance(part.node, Identity) for part in matrices):  # I[i, j] a[i] is diag(a)
            matrices = [part for part in matrices if not isinstance(part.node, Identity)]
            diagonal = Part(Diagonal(hadamard([*left, *right])), free)
            return hadamard([*matrices, diagonal])
        if len(matrices) > 0 and not (left and right) and not any(part.divides for part in (*left, *right, *matrices)):
            whole = hadamard(matrices)
            return chain(Diagonal(hadamard(left)), whole) if left else chain(whole, Diagonal(hadamard(right)))
        column = hadamard(left) if left else ONES
        row = hadamard(right) if right else ONES
        outer = chain(transposed(column), row) if self.rows else chain(column, transposed(row))
        return hadamard([*matrices, Part(outer, free)]) if matrices else outer

    # Factors

    def factor(self, factor: Expr) -> Part:
        """One factor with its axes."""
        if isinstance(factor, Pow) and factor.exp.is_negative:
            inner = self.factor(factor.base**-factor.exp)
            return Part(inner.node, inner.axes, divides=True)
        axes = self._axes(factor)
        return Part(self.node(factor, axes), axes, source=factor if isinstance(factor, Add) else None)

    def turned(self, part: Part) -> Node:
        """The transpose of a matrix; that of a sum is written term by term where this takes no more transposes."""
        whole = transposed(part.node)
        if part.source is None or len(part.axes) != 2:
            return whole
        other = self.node(part.source, part.axes[::-1])
        return other if _turns(other) <= _turns(whole) else whole

    def _axes(self, factor: Expr) -> Axes:
        """The element indices of an expression, in the order in which its first element has them."""
        found: list[Symbol] = []
        if isinstance(factor, Indexed):
            return tuple(index for index in access(factor, self.variables).indices if isinstance(index, Symbol))
        if isinstance(factor, KroneckerDelta):
            return tuple(index for index in factor.args if isinstance(index, Symbol))
        if isinstance(factor, Select):
            return tuple(factor.args[:2])
        if not isinstance(operation_of(factor), VectorFunction):  # those bind the index of their argument
            for argument in factor.args:
                found += [axis for axis in self._axes(argument) if axis not in found]
        return tuple(found)

    def node(self, factor: Expr, axes: Axes) -> Node:
        """An elementwise expression as an array with these axes."""
        if isinstance(factor, Indexed):
            return self.leaf(factor, axes)
        if factor.is_Number:
            return Minus(Literal(-factor)) if factor < 0 else Literal(factor)
        if isinstance(factor, KroneckerDelta):
            return Identity()
        if isinstance(factor, Select):
            return columns(Identity(), factor.args[2], factor.args[3], rows=False)
        if not elements(factor) and not indices_in(factor):
            return Literal(factor)
        if isinstance(factor, Symbol):
            return Leaf(self.variables[str(factor.name)], None)
        operation = operation_of(factor)
        if isinstance(operation, VectorFunction):
            return Applied(operation, self.node(factor.args[0], self._axes(factor.args[0])))
        if isinstance(operation, Elementwise):
            return Applied(operation, self.node(factor.args[0], axes))
        if isinstance(operation, Pairwise):
            return Paired(operation, *(self.node(argument, self._axes(argument)) for argument in factor.args))
        if isinstance(factor, Add):
            ordered = sorted(factor.args, key=lambda part: (part.could_extract_minus_sign(), not part.is_Number))
            return plus(tuple(self._product(tidy((part,)), axes, {}) for part in ordered))
        if isinstance(factor, Mul):
            return self._product(tidy((factor,)), axes, {})
        if isinstance(factor, Pow):
            return Power(self.node(factor.base, axes), factor.exp, not axes, len(axes) == 2)
        return Literal(factor)

    def leaf(self, element: Indexed, axes: Axes) -> Leaf:
        """A variable whose elements have these indices."""
        found = access(element, self.variables)
        if found.indices != axes or len(set(axes)) < len(axes):
            raise NoMatrixForm
        return Leaf(self.variables[found.name], None if found.time is None else time_of(found.time))


class ElementBuilder(Builder):
    """Builds products of elements, which are all scalars."""

    def _axes(self, factor: Expr) -> Axes:
        return ()

    def _selects(self, factors: tuple[Expr, ...], free: Axes) -> list[Expr]:
        return []

    def node(self, factor: Expr, axes: Axes) -> Node:
        """An expression of elements."""
        if isinstance(factor, Select):
            return Where(factor.args[0], factor.args[1] + factor.args[2])
        if isinstance(factor, KroneckerDelta):
            return Where(*factor.args)
        return super().node(factor, axes)

    def leaf(self, element: Indexed, axes: Axes) -> Leaf:
        """One element."""
        found = access(element, self.variables)
        return Leaf(self.variables[found.name], None if found.time is None else time_of(found.time), found.indices)


def constants(term: Term) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The factors of a term inside its sums over time, and the scalars that may stand before them."""
    times = {index for index, _ in term.over}
    outer = tuple(factor for factor in term.factors if not factor.free_symbols & times and not indices_in(factor))
    if not times or len(outer) == len(term.factors):
        return term.factors, ()
    return tuple(factor for factor in term.factors if factor not in outer), outer


def ends_in_time_sum(node: Node) -> bool:
    """Whether a term ends in a sum over time."""
    if isinstance(node, Minus | Scaled):
        return node.operand is not None and ends_in_time_sum(node.operand)
    return isinstance(node, TimeSum)


def _fills(term: Term, indices: Axes) -> bool:
    """Whether a term is about a piece only of the elements that an index of these counts."""
    return any(isinstance(factor, Select) and factor.args[0] in indices for factor in term.factors)


def _turns(node: Node) -> int:
    """How many transposes of matrices a tree holds."""
    return sum(isinstance(part, Transposed) for part in walk(node))


def _transposes(node: Node) -> int:
    return (
        sum(isinstance(part, Transposed) and part.operand is not ONES for part in node.parts)
        if isinstance(node, Chain)
        else 0
    )
