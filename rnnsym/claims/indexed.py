"""Formulas of single elements: which indices are free in them, and how many elements each runs over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr

from rnnsym.claims import combine
from rnnsym.claims.brief import shown
from rnnsym.claims.combine import Misfit
from rnnsym.claims.lexicon import ONE
from rnnsym.claims.syntax import Entry, IndexSum, Kronecker, Node, children, walk, with_children


class Unwritable(Exception):
    """A formula of single elements that has no form with vectors and matrices, or that makes no sense."""


def is_indexed(node: Node) -> bool:
    """Whether there are single elements in a formula."""
    return any(isinstance(part, Entry | IndexSum | Kronecker) for part in walk(node))


def free_elements(node: Node) -> tuple[str, ...]:
    """The indices that nothing in the node sums, in the order of the text."""
    match node:
        case Entry(_, indices):
            return tuple(dict.fromkeys(index.letter for index in indices))
        case Kronecker(first, second):
            return tuple(dict.fromkeys((first, second)))
        case IndexSum(index, _, operand):
            return tuple(letter for letter in free_elements(operand) if letter != index)
    return tuple(dict.fromkeys(letter for child in children(node) for letter in free_elements(child)))


def distinct(node: Node, taken: dict[str, int]) -> Node:
    """A formula in which no two sums share an index: a second j becomes j'."""
    if isinstance(node, IndexSum):
        count = taken[node.index] = taken.get(node.index, -1) + 1
        new = node.index + "'" * count
        return replace(node, index=new, operand=distinct(with_index(node.operand, node.index, new), taken))
    parts = children(node)
    return with_children(node, tuple(distinct(part, taken) for part in parts)) if parts else node


def with_index(node: Node, old: str, new: str) -> Node:
    """A formula with one index for another, where no sum inside has it."""
    if old == new or (isinstance(node, IndexSum) and node.index == old):
        return node
    if isinstance(node, Kronecker):
        first, second = (new if letter == old else letter for letter in (node.first, node.second))
        return replace(node, first=first, second=second)
    if isinstance(node, Entry):
        indices = tuple(replace(index, letter=new) if index.letter == old else index for index in node.indices)
        node = replace(node, indices=indices)
    parts = children(node)
    return with_children(node, tuple(with_index(part, old, new) for part in parts)) if parts else node


# How many elements there are


class Sizes:
    """The number of elements that each index of an equation runs over, and the author's names for sizes."""

    def __init__(self, sides: Iterable[Node], names: dict[str, Expr]) -> None:
        self.of: dict[str, Expr] = {}
        self.names = names
        self._where: dict[str, str] = {}
        nodes = [node for side in sides for node in walk(side)]
        for node in nodes:
            if isinstance(node, Entry):
                self._entry(node)
        for node in nodes:
            if isinstance(node, IndexSum) and node.size is not None:
                self._stated(node.index, node.size)
        for _ in range(3):
            for node in nodes:
                if isinstance(node, Kronecker):
                    self._same(node)

    def _entry(self, entry: Entry) -> None:
        if entry.operand.shape is None:
            return
        axes = axes_of(entry)
        for index, size in zip(entry.indices, axes, strict=True):
            if not index.offset:
                self._known(index.letter, size, shown(entry))

    def _known(self, letter: str, size: Expr, where: str, most: bool = False) -> None:
        """An index runs over as many elements as the shortest axis that it stands for; `most`: it may not be longer."""
        before = self.of.setdefault(letter, size)
        if (before - size).is_positive:
            self.of[letter], self._where[letter] = size, where
        elif before != size and (most or not (size - before).is_positive):
            raise Misfit(
                f"the index {plain(letter)} runs over {before} elements in {self._where[letter]}, and over {size} in "
                f"{where}"
            )
        self._where.setdefault(letter, where)

    def _stated(self, letter: str, size: Expr) -> None:
        """The upper end of a sum: a size of the model, or a name that the author has for one."""
        name = str(size)
        if name in self.names:
            size = self.names[name]
        elif size.is_Symbol and not size.is_positive:
            if letter not in self.of:
                return
            self.names[name] = size = self.of[letter]
        self._known(letter, size, f"the sum up to {name}", True)

    def _same(self, delta: Kronecker) -> None:
        if delta.offset:
            return
        for one, other in ((delta.first, delta.second), (delta.second, delta.first)):
            if one in self.of and (delta.offset is None or other not in self.of):
                self._known(other, self.of[one], shown(delta))

    def size(self, letter: str) -> Expr:
        if letter not in self.of:
            raise Unwritable(f"nothing tells how many elements the index {plain(letter)} runs over")
        return self.of[letter]


def plain(letter: str) -> str:
    """An index as the author writes it."""
    return letter.rstrip("'")


def axes_of(entry: Entry) -> tuple[Expr, ...]:
    """The sizes of the axes that the indices of an entry stand for. Raises Misfit and Unwritable."""
    shape, count = entry.operand.shape, len(entry.indices)
    if shape is None:
        raise Unwritable(f"nothing tells the shape of {shown(entry.operand)}")
    if count == 1 and len(shape) == 2 and ONE in shape:
        return (shape[0] * shape[1],)
    if count != len(shape):
        raise Misfit(f"{shown(entry)} has {count} ind{'ices' if count > 1 else 'ex'}, and {shown(entry.operand)} is "
                     f"{combine.told(shape)}")  # fmt: skip
    return shape


def settled(left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides with an index of its own for every sum."""
    taken = dict.fromkeys((*free_elements(left), *free_elements(right)), 0)
    return distinct(left, taken), distinct(right, taken)
