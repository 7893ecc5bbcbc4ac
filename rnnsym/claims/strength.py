r"""How strongly the signs of a run bind.

Side by side binds tighter than @ * /, and these tighter than the elementwise product. Authors also write
`a \odot b c^\top` and mean `(a \odot b) c^\top`: where the rule gives shapes that do not fit, the run is read
from the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnsym.claims import combine
from rnnsym.claims.brief import shown
from rnnsym.claims.combine import Misfit, chain
from rnnsym.claims.lexicon import ONE
from rnnsym.claims.syntax import Node


def combined(nodes: list[Node], signs: list[str]) -> Node:
    """A run of factors as one node; raises Misfit where no reading fits."""
    try:
        return by_strength(nodes, signs)
    except Misfit as misfit:
        if "·" in signs:  # a dot is an elementwise product to some, and * a matrix product
            try:
                return by_strength(nodes, ["⊙" if sign == "·" else sign for sign in signs])
            except Misfit:
                pass
        if len(set(signs)) > 1:
            try:
                return folded(nodes, signs)
            except Misfit:
                pass
        raise misfit from None


def side_by_side(nodes: list[Node], signs: list[str]) -> Node:
    """A run in which vectors of one shape that stand side by side are multiplied element by element.

    From the left, as W^T d h (1 - h) is meant; or from the right, as h (1 - h) W^T d is. Raises Misfit.
    """
    loose = split(nodes, signs, ("⊙", "⊘"))
    try:
        parts = [tight(*part) for part, _ in loose]
        return folded(parts, [sign for _, sign in loose[1:]])
    except Misfit as misfit:
        try:
            return rightwards(nodes, signs)
        except Misfit:
            raise misfit from None


def tight(nodes: list[Node], signs: list[str]) -> Node:
    """What stands side by side, from the left."""
    found = nodes[0]
    for sign, node in zip(signs, nodes[1:], strict=True):
        found = neighbours(found, sign, node)
    return found


def rightwards(nodes: list[Node], signs: list[str]) -> Node:
    """A run taken from the right."""
    found = nodes[-1]
    for sign, node in zip(reversed(signs), reversed(nodes[:-1]), strict=True):
        found = neighbours(node, sign, found)
    return found


def neighbours(left: Node, sign: str, right: Node) -> Node:
    """Two factors, multiplied element by element where they are vectors of one shape without a sign between them."""
    vectors = left.shape is not None and left.shape == right.shape and len(left.shape) == 2 and ONE in left.shape
    return combine.hadamard((left, right)) if vectors and sign in ("", "·") else pair(left, sign, right)


def by_strength(nodes: list[Node], signs: list[str]) -> Node:
    """The elementwise product last."""
    loose = split(nodes, signs, ("⊙", "⊘"))
    found = [middle(*part) for part, _ in loose]
    if all(sign in ("", "⊙") for _, sign in loose):
        return combine.hadamard(found) if len(found) > 1 else found[0]
    return folded(found, [sign for _, sign in loose[1:]])


def middle(nodes: list[Node], signs: list[str]) -> Node:
    """What @ * and / join, from the left."""
    tight = split(nodes, signs, ("@", "*", "/", "⊗"))
    return folded([chain(part) for (part, _), _ in tight], [sign for _, sign in tight[1:]])


def folded(nodes: list[Node], signs: list[str]) -> Node:
    """A run taken from the left."""
    found = nodes[0]
    for sign, node in zip(signs, nodes[1:], strict=True):
        found = pair(found, sign, node)
    return found


def pair(left: Node, sign: str, right: Node) -> Node:
    """Two factors and the sign between them."""
    if sign in ("⊘", "/"):
        return combine.quotient(left, right)
    if sign == "⊙":
        return combine.hadamard((left, right))
    if sign == "*" and any(part.shape is None for part in (left, right)):
        found = combine.hadamard((left, right))  # it may be a matrix product yet, and tells nothing of shapes
        return replace(found, shape=None) if any(is_matrix(part) for part in (left, right)) else found
    if sign == "*":
        return either(lambda: combine.hadamard((left, right)), lambda: chain((left, right)))
    if sign == "⊗" and is_matrix(right) and left.shape is not None and left.shape[0] == ONE != left.shape[-1]:
        return combine.kronecker(left, right)
    if sign == "⊗" and is_matrix(left) and is_matrix(right):
        raise Misfit(f"{shown(left)} ⊗ {shown(right)} is not read: a Kronecker product has a row")
    if sign == "⊗":
        return chain((left, combine.transpose(right)))
    return chain((left, right))


def is_matrix(node: Node) -> bool:
    """Whether a node is known to have several rows and several columns."""
    return node.shape is not None and len(node.shape) == 2 and ONE not in node.shape


def either(usual: Callable[[], Node], other: Callable[[], Node]) -> Node:
    """What a sign usually means; where the shapes do not fit, what else it may mean."""
    try:
        return usual()
    except Misfit as misfit:
        try:
            return other()
        except Misfit:
            raise misfit from None


def split(
    nodes: list[Node], signs: list[str], loose: tuple[str, ...]
) -> list[tuple[tuple[list[Node], list[str]], str]]:
    """A run split at its loose signs: each part with its own signs, and the sign before it."""
    found: list[tuple[tuple[list[Node], list[str]], str]] = [(([nodes[0]], []), "")]
    for sign, node in zip(signs, nodes[1:], strict=True):
        if sign in loose:
            found.append((([node], []), sign))
        else:
            found[-1][0][0].append(node)
            found[-1][0][1].append(sign)
    return found
