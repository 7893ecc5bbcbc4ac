"""Trees of a claim taken apart and put together again: places in them, times exchanged, parts replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnsym.claims.substitute import mapped
from rnnsym.claims.syntax import (
    Negative,
    Node,
    Number,
    Product,
    Sequence,
    TimeProduct,
    TimeSum,
    Way,
    children,
    with_children,
)

Path = tuple[int, ...]


def changed(node: Node, path: Path, change: Callable[[Node], Node]) -> Node:
    """The tree with the part at a place changed; all other parts stay the same objects."""
    if not path:
        return change(node)
    parts = children(node)
    inner = changed(parts[path[0]], path[1:], change)
    return with_children(node, (*parts[: path[0]], inner, *parts[path[0] + 1 :]))


@dataclass(frozen=True)
class Site:
    """A place in a tree: the part there, what stands around it from the outside in, and the times that are bound."""

    path: Path
    node: Node
    around: tuple[Node, ...]
    bound: tuple[str, ...]

    @property
    def parent(self) -> Node | None:
        return self.around[-1] if self.around else None


def sites(node: Node, path: Path = (), around: tuple[Node, ...] = (), bound: tuple[str, ...] = ()) -> Iterator[Site]:
    """Every place in a tree, the outer ones first."""
    yield Site(path, node, around, bound)
    inner = (*bound, node.index) if isinstance(node, TimeSum | TimeProduct) else bound
    for place, child in enumerate(children(node)):
        yield from sites(child, (*path, place), (*around, node), inner)


def renamed(node: Node, mapping: Mapping[str, Any]) -> Node:
    """The tree with its sequences exchanged: each name with a function of its times."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Sequence) and part.name in mapping:
            found: Node = mapping[part.name](part)
            return found
        return None

    return mapped(node, change)


def tidied(node: Node) -> Node:
    """The tree without factors of one and without sums in sums, as a person writes it."""
    node = with_children(node, tuple(map(tidied, children(node)))) if children(node) else node
    match node:
        case Product(way, parts) if any(map(is_one, parts)):
            kept = tuple(part for part in parts if not is_one(part))
            return kept[0] if len(kept) == 1 else replace(node, way=way, parts=kept) if kept else parts[0]
        case Product(Way.HADAMARD, parts) if any(isinstance(p, Product) and p.way is Way.HADAMARD for p in parts):
            return replace(node, parts=tuple(_opened(parts)))
        case Negative(Negative(operand)):
            return operand
    return node


def _opened(parts: tuple[Node, ...]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, Product) and part.way is Way.HADAMARD:
            yield from part.parts
        else:
            yield part


def is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value == 1
