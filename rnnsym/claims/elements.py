r"""An equation in index notation as one of vectors and matrices.

`\sum_j W_{ji} \delta_j` is the element i of `W^\top \delta`, and `a_i b_j` the element i, j of `a b^\top`: a summed
index is used up by a matrix product, one factor after the other, and what stands side by side with the same index is
an elementwise product. All that follows (numbers, proofs, diagnoses) then has one kind of equation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Several
from dataclasses import dataclass, replace
from fractions import Fraction

from sympy import Expr

from rnnsym.claims import combine
from rnnsym.claims.combine import Misfit
from rnnsym.claims.indexed import Sizes, Unwritable, axes_of, free_elements, is_indexed, plain, settled
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.references import MOST_INDICES
from rnnsym.claims.syntax import (
    Call,
    Contraction,
    ElementIndex,
    Entry,
    Identity,
    IndexSum,
    Kronecker,
    Negative,
    Node,
    Number,
    Ones,
    Power,
    Prime,
    Product,
    Quotient,
    SizeNumber,
    Slice,
    Sum,
    TimeSum,
    Transpose,
    Way,
    shown,
)

UNIT = Number(Fraction(1), SCALAR)


@dataclass(frozen=True)
class Tensor:
    """A node whose axes are named: none for a scalar, one for a column, two for a matrix, three for a derivative."""

    node: Node
    letters: tuple[str, ...]


# From elements to vectors and matrices


def lifted(left: Node, right: Node, names: dict[str, Expr]) -> tuple[Node, Node]:
    """Both sides of an equation between elements as vectors or matrices.

    names: the author's names for sizes, added to. Raises Misfit and Unwritable.
    """
    left, right = settled(left, right)
    lift = Lift(Sizes((left, right), names), free_elements(left))
    known = set(free_elements(left))
    for letter in free_elements(right):
        if letter not in known:
            raise Misfit(f"the index {letter} stands on the right side only, and no sum runs over it")
    if isinstance(left, Entry) and not any(index.offset for index in left.indices):
        letters = tuple(index.letter for index in left.indices)
        if len(set(letters)) == len(letters):
            shape = left.operand.shape or lift.shape(letters)
            whole = left.operand if left.operand.shape is not None else replace(left.operand, shape=shape)
            found = lift.ordered(lift.node(right), letters)
            return whole, combine.transpose(found) if shape[0] == 1 and shape[1] != 1 else found
    ours = lift.node(left)
    return ours.node, lift.ordered(lift.node(right), ours.letters)


def collected(node: Node, letters: tuple[str, ...]) -> Node:
    """The array whose elements a formula gives, its axes in the order of the letters. Raises Misfit and Unwritable."""
    node, _ = settled(node, UNIT)
    lift = Lift(Sizes((node,), {}), letters)
    return lift.ordered(lift.node(node), letters)


class Lift:
    """Rewrites formulas of single elements; `order` is that of the indices on the left side."""

    def __init__(self, sizes: Sizes, order: Several[str]) -> None:
        self.sizes = sizes
        self.order = list(order)

    def letters(self, arrays: Iterable[Tensor]) -> tuple[str, ...]:
        """The indices of several arrays, those of the left side first."""
        found = dict.fromkeys(letter for array in arrays for letter in array.letters)
        return tuple(
            sorted(found, key=lambda letter: self.order.index(letter) if letter in self.order else len(self.order))
        )

    def shape(self, letters: Several[str]) -> tuple[Expr, ...]:
        """The shape of an array with these indices."""
        sizes = tuple(self.sizes.size(letter) for letter in letters)
        return SCALAR if not sizes else (*sizes, ONE) if len(sizes) == 1 else sizes

    def node(self, node: Node) -> Tensor:
        """A formula as an array with named axes."""
        if not is_indexed(node):
            if node.shape != SCALAR:
                raise Misfit(f"{shown(node)} is a whole array beside single elements")
            return Tensor(node, ())
        match node:
            case Entry():
                return self.entry(node)
            case Kronecker():
                return self.product([self.delta(node)], ())
            case Sum(parts):
                return self.sum([self.node(part) for part in parts])
            case Negative(operand):
                found = self.node(operand)
                return Tensor(combine.negative(found.node), found.letters)
            case Quotient(top, bottom):
                above, below = self.node(top), self.node(bottom)
                if not below.letters or set(below.letters) == set(above.letters):
                    divisor = self.ordered(below, above.letters) if below.letters else below.node
                    return Tensor(combine.quotient(above.node, divisor), above.letters)
                return self.product([above, inverse(below)], ())
            case Product():
                return self.product(list(self.factors(node)), ())
            case IndexSum():
                return self.summed(node)
            case TimeSum(index, low, high, operand):
                found = self.node(operand)
                return Tensor(TimeSum(index, low, high, found.node, found.node.shape), found.letters)
            case Power(base, Fraction() as exponent):
                found = self.node(base)
                return Tensor(combine.power(found.node, exponent, True), found.letters)
            case Call(function, operand) if function != "sum_elements":
                found = self.node(operand)
                return Tensor(Call(function, found.node, found.node.shape), found.letters)
            case Prime(function, operand):
                found = self.node(operand)
                return Tensor(Prime(function, found.node, found.node.shape), found.letters)
            case Transpose(operand):
                return self.node(operand)
        raise Unwritable(f"{shown(node)} is not read with single elements in it")

    def entry(self, entry: Entry) -> Tensor:
        """An element: the array that it is of, its axes called as the indices are."""
        if is_indexed(entry.operand):
            raise Misfit(f"{shown(entry.operand)} is a single element, and has no elements")
        axes = axes_of(entry)
        node = entry.operand
        if len(entry.indices) == 1 and node.shape != SCALAR and node.shape is not None and node.shape[0] == ONE:
            node = combine.transpose(node)
        for place, (index, size) in enumerate(zip(entry.indices, axes, strict=True)):
            node = self.part(node, place, index, size)
        letters = tuple(index.letter for index in entry.indices)
        if len(set(letters)) == len(letters):
            return Tensor(node, letters)
        if len(letters) != 2:
            raise Unwritable(f"{shown(entry)} has the same index twice")
        return self.on_diagonal(node, letters[0])

    def part(self, node: Node, place: int, index: ElementIndex, size: Expr) -> Node:
        """The elements that an index such as j + n reaches."""
        if not index.offset and self.sizes.of.get(index.letter, size) == size:
            return node
        count = self.sizes.size(index.letter)
        turned = combine.transpose(node) if place else node
        assert turned.shape is not None
        found = Slice(turned, index.offset + 1, index.offset + count, (count, *turned.shape[1:]))
        return combine.transpose(found) if place else found

    def on_diagonal(self, matrix: Node, letter: str) -> Tensor:
        """The elements W[i, i]."""
        size = self.sizes.size(letter)
        kept = combine.hadamard((matrix, Identity((size, size))))
        return Tensor(combine.chain((kept, Ones((size, ONE)))), (letter,))

    def delta(self, node: Kronecker) -> Tensor:
        """The matrix that has a one where its indices are equal, or apart by an offset."""
        first, second, offset = node.first, node.second, node.offset or ONE - ONE
        rows, columns = self.sizes.size(first), self.sizes.size(second)
        if offset or rows != columns:
            whole, part = (first, second) if offset or (rows - columns).is_positive else (second, first)
            size, count = self.sizes.size(whole), self.sizes.size(part)
            chosen = Slice(Identity((size, size)), offset + 1, offset + count, (count, size))
            return Tensor(chosen, (part, whole))
        if first == second:
            return Tensor(Ones((rows, ONE)), (first,))
        return Tensor(Identity((rows, rows)), (first, second))

    # Sums of arrays

    def sum(self, parts: list[Tensor]) -> Tensor:
        """Arrays added up; what lacks an index counts for all of its elements."""
        letters = self.letters(parts)
        return Tensor(combine.add([self.ordered(part, letters, True) for part in parts]), letters)

    def ordered(self, found: Tensor, letters: tuple[str, ...], numbers: bool = False) -> Node:
        """An array with these axes in this order; `numbers`: scalars may stay as they are."""
        if found.letters == letters or (not found.letters and (numbers or isinstance(found.node, Number))):
            return found.node
        missing = [letter for letter in letters if letter not in found.letters]
        ones = [Tensor(Ones((self.sizes.size(letter), ONE)), (letter,)) for letter in missing]
        return self.assembled([found, *ones], letters)

    # Products and sums over indices

    def factors(self, node: Node) -> Iterator[Tensor]:
        """The factors of a product, products inside it taken apart."""
        match node:
            case Product(_, parts) if is_indexed(node):
                for part in parts:
                    yield from self.factors(part)
            case Kronecker():
                yield self.delta(node)
            case Negative(operand) if is_indexed(operand):
                yield Tensor(Number(Fraction(-1), SCALAR), ())
                yield from self.factors(operand)
            case Quotient(top, bottom) if is_indexed(bottom):
                yield from self.factors(top)
                yield inverse(self.node(bottom))
            case _:
                yield self.node(node)

    def summed(self, node: IndexSum) -> Tensor:
        """Sums over indices, as many as stand before one formula."""
        indices = [node.index]
        inner = node.operand
        while isinstance(inner, IndexSum):
            indices.append(inner.index)
            inner = inner.operand
        if len(set(indices)) != len(indices):
            raise Unwritable(f"two sums run over the same index in {shown(node)}")
        match inner:
            case Sum(parts):
                return self.sum([self.node(over(indices, part)) for part in parts])
            case Negative(operand):
                found = self.node(over(indices, operand))
                return Tensor(combine.negative(found.node), found.letters)
            case TimeSum(index, low, high, operand):
                found = self.node(over(indices, operand))
                return Tensor(TimeSum(index, low, high, found.node, found.node.shape), found.letters)
        factors = list(self.factors(inner)) if is_indexed(inner) else [Tensor(inner, ())]
        return self.product(factors, tuple(indices))

    def product(self, factors: list[Tensor], indices: tuple[str, ...]) -> Tensor:
        """A product of arrays, summed over some of the indices."""
        try:
            return self.of_matrices(list(factors), indices)
        except Unwritable:
            letters = tuple(letter for letter in self.letters(factors) if letter not in indices)
            every = {letter for factor in factors for letter in factor.letters}
            if len(letters) > MOST_INDICES or not set(indices) <= every:
                raise
            own = tuple(factor.letters for factor in factors)
            return Tensor(Contraction(tuple(f.node for f in factors), own, letters, self.shape(letters)), letters)

    def of_matrices(self, factors: list[Tensor], indices: tuple[str, ...]) -> Tensor:
        """The same with products of vectors and matrices alone."""
        factors, left = self.contracted(factors, indices)
        waiting = [index for index in left if any(index in factor.letters for factor in factors)]
        factors += [Tensor(SizeNumber(self.sizes.size(index), SCALAR), ()) for index in left if index not in waiting]
        while waiting:
            neighbours = {index: around(factors, index) for index in waiting}
            index = min(waiting, key=lambda index: (len(neighbours[index]), waiting.index(index)))
            factors = self.used_up(factors, index, neighbours[index])
            waiting.remove(index)
        letters = self.letters(factors)
        return Tensor(self.assembled(factors, letters), letters)

    def contracted(self, factors: list[Tensor], indices: tuple[str, ...]) -> tuple[list[Tensor], list[str]]:
        """Kronecker deltas put to use: the one of their indices that is summed becomes the other."""
        left = list(indices)
        for delta in [factor for factor in factors if isinstance(factor.node, Identity)]:
            summed = [letter for letter in delta.letters if letter in left]
            if not summed or delta not in factors or len(factors) == 1:
                continue
            old = summed[-1]
            new = next(letter for letter in delta.letters if letter != old)
            rest = list(factors)
            rest.remove(delta)
            if not any(old in factor.letters for factor in rest):
                continue
            left.remove(old)
            factors = [self.renamed(factor, old, new) for factor in rest]
        return factors, left

    def renamed(self, found: Tensor, old: str, new: str) -> Tensor:
        letters = tuple(new if letter == old else letter for letter in found.letters)
        if len(set(letters)) == len(letters):
            return Tensor(found.node, letters)
        if len(letters) != 2:
            raise Unwritable(f"{shown(found.node)} has the same index twice")
        return self.on_diagonal(found.node, new)

    def used_up(self, factors: list[Tensor], index: str, neighbours: list[str]) -> list[Tensor]:
        """The factors with one index less: those that have it become one, summed over it."""
        own = [factor for factor in factors if index in factor.letters]
        rest = [factor for factor in factors if index not in factor.letters]
        place = factors.index(own[0])
        deep = [factor for factor in own if len(factor.letters) > 2]
        if deep:
            found = self.through(own, deep, index)
        elif not neighbours:
            found = Tensor(summed_up([factor.node for factor in own]), ())
        elif len(neighbours) <= 2:
            sides = [self.towards(own, index, letter) for letter in neighbours]
            vectors = [factor.node for factor in own if len(factor.letters) == 1]
            if len(sides) == 1:
                column = times(vectors) if vectors else Ones((self.sizes.size(index), ONE))
                found = Tensor(combine.chain((sides[0], column)), tuple(neighbours))
            else:
                middle = [combine.diagonal(times(vectors))] if vectors else []
                found = Tensor(joined(sides[0], *middle, combine.transpose(sides[1])), tuple(neighbours))
        else:
            raise Unwritable(f"the sum over {plain(index)} leaves an array with {len(neighbours)} indices")
        return [*rest[:place], found, *rest[place:]]

    def towards(self, own: list[Tensor], index: str, letter: str) -> Node:
        """The factors with these two indices as one matrix, its columns counted by `index`."""
        return times([
            factor.node if factor.letters == (letter, index) else combine.transpose(factor.node)
            for factor in own if letter in factor.letters
        ])  # fmt: skip

    def through(self, own: list[Tensor], deep: list[Tensor], index: str) -> Tensor:
        """The derivative of a vector by a matrix behind what is multiplied with its vector."""
        (last, *others), before = deep, [factor for factor in own if factor not in deep]
        if others or last.letters[0] != index or len(before) != 1 or len(before[0].letters) > 2:
            raise Unwritable(f"the sum over {plain(index)} has no form with vectors and matrices")
        (first,) = before
        if len(first.letters) == 1:
            return Tensor(combine.chain((combine.transpose(first.node), last.node)), last.letters[1:])
        lead = next(letter for letter in first.letters if letter != index)
        matrix = first.node if first.letters == (lead, index) else combine.transpose(first.node)
        return Tensor(combine.chain((matrix, last.node)), (lead, *last.letters[1:]))

    def assembled(self, factors: list[Tensor], letters: tuple[str, ...]) -> Node:
        """A product of arrays without a sum, as one array with these axes."""
        scalars = [factor.node for factor in factors if not factor.letters and factor.node != UNIT]
        others = [factor for factor in factors if factor.letters]
        if not others:
            return scaled(scalars[:-1], scalars[-1]) if scalars else UNIT
        if len(letters) == 1:
            vectors = [factor.node for factor in others]
            kept: list[Node] = [node for node in vectors if not isinstance(node, Ones)] or vectors[:1]
            return scaled(scalars, times(kept))
        if len(letters) == 2:
            return scaled(scalars, self.matrix(others, *letters))
        if len(letters) == 3:
            return scaled(scalars, self.deep(others, letters))
        raise Unwritable(f"a product of elements with the indices {', '.join(letters)} has no form with matrices")

    def deep(self, factors: list[Tensor], letters: tuple[str, ...]) -> Node:
        """A product with three indices: a derivative by a matrix, its rows multiplied; or a matrix times a column."""
        wholes = [factor for factor in factors if len(factor.letters) == 3]
        first, second, third = letters
        if len(wholes) == 1 and wholes[0].letters == letters:
            rest = [factor for factor in factors if factor is not wholes[0]]
            if all(factor.letters == (first,) for factor in rest):
                scale = [combine.diagonal(times([factor.node for factor in rest]))] if rest else []
                return joined(*scale, wholes[0].node)
        columns = [factor.node for factor in factors if factor.letters == (third,)]
        matrices = [factor for factor in factors if third not in factor.letters]
        if not wholes and columns and len(columns) + len(matrices) == len(factors):
            found = self.matrix(matrices, first, second)
            return Product(Way.OUTER, (found, times(columns)), self.shape(letters))
        raise Unwritable(f"a product of elements with the indices {', '.join(map(plain, letters))} has no form with "
                         "matrices")  # fmt: skip

    def matrix(self, factors: list[Tensor], row: str, column: str) -> Node:
        """A product with two indices: a matrix, with its rows and its columns multiplied; or an outer product."""
        matrices = [factor.node if factor.letters == (row, column) else combine.transpose(factor.node)
                    for factor in factors if len(factor.letters) == 2]  # fmt: skip
        rows = [f.node for f in factors if f.letters == (row,) and not (matrices and isinstance(f.node, Ones))]
        columns = [f.node for f in factors if f.letters == (column,) and not (matrices and isinstance(f.node, Ones))]
        if not matrices:
            return combine.chain((times(rows), combine.transpose(times(columns))))
        units = [node for node in matrices if isinstance(node, Identity)]
        if units and len(matrices) == 1 and (rows or columns):
            return combine.diagonal(times([*rows, *columns]))
        parts = [times(matrices)]
        if rows:
            parts.insert(0, combine.diagonal(times(rows)))
        if columns:
            parts.append(combine.diagonal(times(columns)))
        return joined(*parts)


def over(indices: Several[str], node: Node) -> Node:
    """Sums over some indices of a formula."""
    for index in reversed(indices):
        node = IndexSum(index, None, node, SCALAR)
    return node


def around(factors: list[Tensor], index: str) -> list[str]:
    """The other indices of the factors that have an index."""
    found = (letter for factor in factors if index in factor.letters for letter in factor.letters)
    return [letter for letter in dict.fromkeys(found) if letter != index]


def inverse(found: Tensor) -> Tensor:
    return Tensor(combine.quotient(UNIT, found.node), found.letters)


def times(parts: list[Node]) -> Node:
    """An elementwise product."""
    return parts[0] if len(parts) == 1 else combine.hadamard(parts)


def joined(*parts: Node) -> Node:
    return parts[0] if len(parts) == 1 else combine.chain(parts)


def scaled(scalars: list[Node], node: Node) -> Node:
    """A product with numbers."""
    return Product(Way.SCALAR, (*scalars, node), node.shape) if scalars else node


def summed_up(vectors: list[Node]) -> Node:
    """The sum of the elements of a product of vectors."""
    if len(vectors) == 1:
        return Call("sum_elements", vectors[0], SCALAR)
    first, *rest = vectors
    return combine.chain((combine.transpose(first), times(rest)))
