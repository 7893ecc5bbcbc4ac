"""The backward paths from the loss into one variable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rnnsym.drawing.graph import Edge, Graph, Use, Value
from rnnsym.equations.indexed import Role
from rnnsym.errors import RnnsymError, suggestion


@dataclass(frozen=True)
class Flow:
    """What a gradient passes on its way from the loss into `key`, a parameter or a value.

    values: those on a path. edges: the reads that the gradient goes back along. uses: where it enters the parameter.
    """

    key: str
    values: tuple[Value, ...]
    edges: tuple[Edge, ...]
    uses: tuple[Use, ...]
    ends: tuple[Value, ...]
    loss: Value

    @property
    def per_step(self) -> dict[int | None, int]:
        """How many uses the gradient enters at each step; None counts those without a time."""
        found: dict[int | None, int] = {}
        for value in self.ends:
            found[value.time] = found.get(value.time, 0) + 1
        return found

    @cached_property
    def paths(self) -> dict[int | None, int]:
        """How many paths lead from the loss into the uses of each step."""
        back: dict[Value, list[Value]] = {}
        for edge in dict.fromkeys((edge.source, edge.target) for edge in self.edges):
            back.setdefault(edge[0], []).append(edge[1])
        counts: dict[Value, int] = {self.loss: 1}

        def count(value: Value) -> int:
            if value not in counts:
                counts[value] = sum(count(reader) for reader in back.get(value, ()))
            return counts[value]

        found: dict[int | None, int] = {}
        for value in self.ends:
            found[value.time] = found.get(value.time, 0) + count(value)
        return found


def flow_into(graph: Graph, key: str) -> Flow:
    """The backward paths into a parameter (`W`), into a variable at every step (`h`) or into one value (`h[0]`).

    Raises RnnsymError where the graph has nothing of that name.
    """
    key = key.replace(" ", "")
    uses = [use for use in graph.uses if use.parameter == key and use.carries]
    ends = [use.value for use in uses]
    if not any(use.parameter == key for use in graph.uses):
        ends = [value for value in graph.values if key in (value.name, str(value))]
        if not ends:
            raise _unknown(graph, key)
    reaching = _closure([graph.loss], ((e.target, e.source) for e in graph.edges if e.carries))
    ends = [value for value in dict.fromkeys(ends) if value in reaching]
    after = _closure(ends, ((e.source, e.target) for e in graph.edges if e.carries))
    on_path = reaching & after
    return Flow(
        key,
        tuple(value for value in graph.values if value in on_path),
        tuple(e for e in graph.edges if e.carries and e.source in on_path and e.target in on_path),
        tuple(use for use in uses if use.value in reaching),
        tuple(ends),
        graph.loss,
    )


def _closure(starts: Iterable[Value], links: Iterable[tuple[Value, Value]]) -> set[Value]:
    """All values that links lead to, the starts included."""
    following: dict[Value, list[Value]] = {}
    for first, second in links:
        following.setdefault(first, []).append(second)
    found = set(starts)
    waiting = list(found)
    while waiting:
        more = [value for value in following.get(waiting.pop(), ()) if value not in found]
        found.update(more)
        waiting += more
    return found


def _unknown(graph: Graph, key: str) -> RnnsymError:
    name = key.partition("[")[0]
    if name in graph.variables and graph.variables[name].role is Role.INTERMEDIATE:
        return RnnsymError(f'{key} is a part of an equation: detail="full" draws it')
    known = list(dict.fromkeys([*(use.parameter for use in graph.uses), *(value.name for value in graph.values)]))
    if name != key and name in known:
        known = [str(value) for value in graph.values if value.name == name]
    advice = suggestion(key, known) or f"there are: {', '.join(known)}"
    return RnnsymError(f"the drawing has nothing called {key!r}; {advice}")
