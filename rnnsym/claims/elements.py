r"""An equation in index notation as one of vectors and matrices.

`\sum_j W_{ji} \delta_j` is the element i of `W^\top \delta`, and `a_i b_j` the element i, j of `a b^\top`: a summed
index is used up by a matrix product, one factor after the other, and what stands side by side with the same index is
an elementwise product. All that follows (numbers, proofs, diagnoses) then has one kind of equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import replace
from fractions import Fraction

from sympy import Expr

from rnnsym.claims import combine
from rnnsym.claims.brief import shown
from rnnsym.claims.combine import Misfit
from rnnsym.claims.indexed import Sizes, Unwritable, axes_of, free_elements, is_indexed, settled
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.products import UNIT, Products, Tensor
from rnnsym.claims.syntax import (
    Call,
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
    Slice,
    Sum,
    TimeSum,
    Transpose,
)


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


class Lift(Products):
    """Rewrites formulas of single elements."""

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


def over(indices: Several[str], node: Node) -> Node:
    """Sums over some indices of a formula."""
    for index in reversed(indices):
        node = IndexSum(index, None, node, SCALAR)
    return node


def inverse(found: Tensor) -> Tensor:
    return Tensor(combine.quotient(UNIT, found.node), found.letters)
