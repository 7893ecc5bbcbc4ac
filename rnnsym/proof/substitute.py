"""Letters of a claim's formulas exchanged for other times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from rnnsym.claims.syntax import Extreme, Moment, Node, Sequence, TimeProduct, TimeSum
from rnnsym.proof.polynomial import fresh


def with_letter(node: Node, old: str, new: str) -> Node:
    """A node with one letter exchanged for another."""
    return with_moments(node, {old: Moment.of(new)})


def with_moments(node: Node, times: Mapping[str, Moment]) -> Node:
    """A node with letters exchanged for times; what it sums over keeps clear of these."""
    if not times:
        return node
    if isinstance(node, TimeSum | TimeProduct):
        taken = {letter for time in times.values() for letter in time.letters}
        inner = {letter: time for letter, time in times.items() if letter != node.index}
        index = fresh(node.index) if node.index in taken else node.index
        if index != node.index:
            inner = {**inner, node.index: Moment.of(index)}
        outer = {letter: time for letter, time in inner.items() if letter != node.index}
        bounds: dict[str, Any] = {
            field.name: _bound(getattr(node, field.name), outer)
            for field in fields(node)
            if field.name in ("low", "high", "first", "last")
        }
        return replace(node, index=index, operand=with_moments(node.operand, inner), **bounds)
    changes: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if field.name == "times" and isinstance(node, Sequence):
            changes[field.name] = tuple(time.moved(times) for time in value)
        elif isinstance(value, Moment):
            changes[field.name] = value.moved(times)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(with_moments(part, times) for part in value)
        elif isinstance(value, Node):
            changes[field.name] = with_moments(value, times)
    return replace(node, **changes) if changes else node


def _bound(bound: Any, times: Mapping[str, Moment]) -> Any:
    if isinstance(bound, Extreme):
        return replace(bound, moments=tuple(moment.moved(times) for moment in bound.moments))
    return bound.moved(times)
