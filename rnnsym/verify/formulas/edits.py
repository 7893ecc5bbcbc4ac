"""A change at one place of a tree, and the changes that edits are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.claims.combine import Misfit, chain, hadamard, transpose
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import (
    Call,
    Diagonal,
    Moment,
    Negative,
    Node,
    Number,
    Product,
    Quotient,
    Shape,
    Sum,
    TimeNumber,
    TimeSum,
    Variable,
    Way,
)
from rnnsym.verify.formulas.trees import Path, changed, is_one

T = Moment.of("T")
FIRST = Moment((), 1)


@dataclass(frozen=True, eq=False)
class Edit:
    """A change at a place, what it undoes in a sentence, and how unusual the slip is: from 1 upwards."""

    path: Path
    change: Callable[[Node], Node]
    sentence: str
    cost: float
    part: str = ""
    kind: str = ""

    def apply(self, root: Node) -> Node:
        return changed(root, self.path, self.change)


def put(node: Node) -> Callable[[Node], Node]:
    """The change that puts a tree in place of what is there."""
    return lambda _: node


def constant_edit(number: Fraction, power: int) -> Edit:
    """The right side multiplied by a number and a power of T."""
    length: Node = TimeNumber(T, SCALAR)
    factor: Node = Number(number, SCALAR)
    if power:
        length = length if power > 0 else Quotient(Number(Fraction(1), SCALAR), length, SCALAR)
        factor = length if number == 1 else Product(Way.SCALAR, (factor, length), SCALAR)
    shown = ("" if number == 1 and power else str(number)) + ("" if not power else " T" if power > 0 else "/T")
    if power and number == 1:
        shown = "T" if power > 0 else "1/T"
    which = {
        1: ": it is a mean over time where the sum is needed",
        -1: ": it is a sum over time where the mean is needed",
    }
    if number == -1 and not power:
        return Edit((), negated, "The sign of the right side is wrong.", 1.0, "", "constant")
    sentence = f"The right side has to be multiplied by {shown.strip()}{which.get(power, '')}."
    return Edit((), times_number(factor), sentence, 1.1, "", "constant")


# Changes


def negated(node: Node) -> Node:
    return node.operand if isinstance(node, Negative) else Negative(node, node.shape)


def flipped(place: int) -> Callable[[Node], Node]:
    """A sum with one sign turned."""

    def change(node: Node) -> Node:
        assert isinstance(node, Sum)
        return replace(node, parts=(*node.parts[:place], negated(node.parts[place]), *node.parts[place + 1 :]))

    return change


def without(node: Sum, place: int) -> Node | None:
    """A sum without one of its parts."""
    parts = tuple(part for number, part in enumerate(node.parts) if number != place)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else replace(node, parts=parts)


def dropped(place: int) -> Callable[[Node], Node]:
    def change(node: Node) -> Node:
        assert isinstance(node, Sum)
        found = without(node, place)
        assert found is not None
        return found

    return change


def times_factor(factor: Node) -> Callable[[Node], Node]:
    """An elementwise factor more; in a product that is elementwise already it joins the others."""

    def change(node: Node) -> Node:
        parts = node.parts if isinstance(node, Product) and node.way is Way.HADAMARD else (node,)
        return Product(Way.HADAMARD, (*parts, factor), node.shape)

    return change


def times_number(number: Node) -> Callable[[Node], Node]:
    """A constant factor; with one that is there already it makes one number, and none where that is one."""

    def change(node: Node) -> Node:
        shorter = cancelled(node, number)
        return Product(Way.SCALAR, (number, node), node.shape) if shorter is None else shorter

    return change


def cancelled(node: Node, number: Node) -> Node | None:
    """A tree times a number, where that can be put together with a number in it."""
    match node, number:
        case Number(value), Number(other):
            return Number(value * other, node.shape)
        case Quotient(Number(value), TimeNumber()), TimeNumber() if node.bottom == number:
            return Number(value, SCALAR)
        case TimeNumber(), Quotient(Number(value), TimeNumber()) if number.bottom == node:
            return Number(value, SCALAR)
        case Quotient(top, bottom), TimeNumber() if bottom == number:
            return top
        case Quotient(Number(value), Number(below)), Number(other):
            return Number(value / below * other, node.shape)
        case Negative(operand) | TimeSum(_, _, _, operand), _:
            inner = cancelled(operand, number)
            return None if inner is None else replace(node, operand=inner)
        case Product(way, parts), _:
            for place, part in enumerate(parts):
                inner = cancelled(part, number)
                if inner is None:
                    continue
                kept = (*parts[:place], *(() if is_one(inner) else (inner,)), *parts[place + 1 :])
                if not kept:
                    return inner
                return kept[0] if len(kept) == 1 else Product(way, kept, node.shape)
    return None


def turned(node: Node) -> Node:
    """The transpose, multiplied out: (A B)ᵀ is Bᵀ Aᵀ, and a diagonal matrix is its own."""
    match node:
        case Product(Way.MATRIX, parts):
            return Product(Way.MATRIX, tuple(turned(part) for part in reversed(parts)), transpose(node).shape)
        case Sum(parts):
            return replace(node, parts=tuple(map(turned, parts)), shape=transpose(node).shape)
        case Negative(operand) | TimeSum(_, _, _, operand):
            return replace(node, operand=turned(operand), shape=transpose(node).shape)
        case Diagonal():
            return node
    return transpose(node)


def fitting(parts: list[Node], shape: Shape | None, way: Way = Way.MATRIX) -> Node | None:
    """The product of these, where their shapes fit and give this one."""
    if not parts:
        return None
    try:
        found = hadamard(parts) if way is Way.HADAMARD and len(parts) > 1 else chain(parts)
    except Misfit:
        return None
    return found if found.shape == shape else None


def looks_like_slope(node: Node) -> bool:
    """Whether a part could be an activation's derivative: 1 - h**2, z * (1 - z), 1 - z."""
    match node:
        case Sum((first, Negative())):
            return is_one(first)
        case Product(Way.HADAMARD, (first, Sum((one, Negative())))):
            return is_one(one) and isinstance(first, Variable | Call)
        case Product(Way.HADAMARD, (Sum((one, Negative())), first)):
            return is_one(one) and isinstance(first, Variable | Call)
    return False
