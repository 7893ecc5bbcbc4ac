"""Products of arrays whose axes are named, summed over some of the names, as products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Several
from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr

from rnnsym.claims import combine
from rnnsym.claims.brief import shown
from rnnsym.claims.indexed import Sizes, Unwritable, plain
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.references import MOST_INDICES
from rnnsym.claims.syntax import Call, Contraction, Identity, Node, Number, Ones, Product, SizeNumber, Way

UNIT = Number(Fraction(1), SCALAR)


@dataclass(frozen=True)
class Tensor:
    """A node whose axes are named: none for a scalar, one for a column, two for a matrix, three for a derivative."""

    node: Node
    letters: tuple[str, ...]


class Products:
    """Multiplies arrays with named axes; `order` is that of the names on the left side."""

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
            if not (rows and columns):
                raise Unwritable(f"a product has no index {plain(column if rows else row)}")
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

    # Axes

    def ordered(self, found: Tensor, letters: tuple[str, ...], numbers: bool = False) -> Node:
        """An array with these axes in this order; `numbers`: scalars may stay as they are."""
        if found.letters == letters or (not found.letters and (numbers or isinstance(found.node, Number))):
            return found.node
        missing = [letter for letter in letters if letter not in found.letters]
        ones = [Tensor(Ones((self.sizes.size(letter), ONE)), (letter,)) for letter in missing]
        return self.assembled([found, *ones], letters)

    def on_diagonal(self, matrix: Node, letter: str) -> Tensor:
        """The elements W[i, i]."""
        size = self.sizes.size(letter)
        kept = combine.hadamard((matrix, Identity((size, size))))
        return Tensor(combine.chain((kept, Ones((size, ONE)))), (letter,))


def around(factors: list[Tensor], index: str) -> list[str]:
    """The other indices of the factors that have an index."""
    found = (letter for factor in factors if index in factor.letters for letter in factor.letters)
    return [letter for letter in dict.fromkeys(found) if letter != index]


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
