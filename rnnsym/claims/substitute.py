"""Parts of a formula exchanged for others: nodes, and letters for times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rnnsym.claims.syntax import (
    Bound,
    Derivative,
    Extreme,
    Moment,
    Node,
    Power,
    Sequence,
    TimeNumber,
    TimeProduct,
    TimeSum,
    Variable,
    children,
    with_children,
)


def mapped(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The tree with parts exchanged from the outside in; None leaves a part as it is."""
    found = change(node)
    if found is not None:
        return found
    parts = children(node)
    inner = tuple(mapped(part, change) for part in parts)
    return node if all(a is b for a, b in zip(parts, inner, strict=True)) else with_children(node, inner)


def at_times(node: Node, times: Mapping[str, Moment], fresh: Callable[[str], str] | None = None) -> Node:
    """The tree with times in place of letters, where these are free.

    fresh: gives a new name to the letter of a sum that stands in one of the times; without it, such a sum keeps its
    letter, as it does in print.
    """

    def moved(found: Bound) -> Bound:
        if isinstance(found, Moment):
            return found.moved(times)
        return Extreme(found.function, tuple(moment.moved(times) for moment in found.moments))

    def inside(whole: TimeSum | TimeProduct) -> tuple[str, Node]:
        """The letter that a sum or product runs over, and its operand."""
        index = whole.index
        inner = {letter: time for letter, time in times.items() if letter != index}
        if fresh is not None and any(index in time.letters for time in inner.values()):
            index = fresh(index)
            inner[whole.index] = Moment.of(index)
        return index, at_times(whole.operand, inner, fresh)

    def change(part: Node) -> Node | None:
        match part:
            case Variable(_, Moment() as found):
                return replace(part, time=found.moved(times))
            case Sequence(_, found):
                return replace(part, times=tuple(time.moved(times) for time in found))
            case Derivative(_, top, bottom):
                return replace(part, top=change(top) or top, bottom=change(bottom) or bottom)  # type: ignore[arg-type]
            case TimeNumber(found):
                return replace(part, moment=found.moved(times))
            case Power(base, Moment() as found):
                return replace(part, base=mapped(base, change), exponent=found.moved(times))
            case TimeSum(_, low, high):
                index, operand = inside(part)
                return replace(part, index=index, low=moved(low), high=moved(high), operand=operand)
            case TimeProduct(_, first, last):
                index, operand = inside(part)
                return replace(part, index=index, first=moved(first), last=moved(last), operand=operand)
        return None

    return mapped(node, change) if times else node
