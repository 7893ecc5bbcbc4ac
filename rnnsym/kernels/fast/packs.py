"""Which operations become one call, and where values lie in memory so that they can.

Values lie in spaces: one slab after the other. Operations of one function on neighbouring slabs (or slabs at equal
distances) are one call. The order of the slabs of every space is searched for the fewest calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations

from rnnsym.kernels.fast.lanes import COMMUTATIVE, Constant, Lane, Operand, Operation

#: What a call costs, and what it costs more for each operand that is not one piece of memory, in calls.
APART = 0.35
#: What a matrix product costs more for each further piece, in calls.
PIECE = 4.0
#: How many operations are looked at in the search for an order, over all orders tried; it bounds the time of a search.
PATIENCE = 12_000


@dataclass(frozen=True)
class Place:
    """Where a variable lies: slab `slot` of a space; a step later `stride` slabs further (0: the same place)."""

    space: str
    slot: int
    stride: int = 0


@dataclass(frozen=True)
class Run:
    """Slabs of a space at equal distances: `first`, `first + distance`, ...; distance 0 is one slab for all."""

    space: str
    first: int
    distance: int
    count: int


@dataclass(frozen=True)
class Pack:
    """Operations that are one call: the target and the sources as runs of slabs, or constants."""

    function: str
    operations: tuple[Operation, ...]
    target: Run
    sources: tuple[Run | Constant, ...]


@dataclass
class Spaces:
    """The order of the slabs in each space. `strides`: of spaces where the next step lies behind the last one."""

    orders: dict[str, list[str]]
    strides: frozenset[str]
    #: A value that only one operation reads stands where the result stands among its own: by name, the result's.
    leaders: dict[str, str] = field(default_factory=dict)
    #: Whether several slabs make one call.
    fuse: bool = True
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def free(self) -> list[str]:
        """The spaces whose order is to be chosen; the others follow them."""
        return [space for space, order in self.orders.items() if not all(name in self.leaders for name in order)]

    def settle(self) -> None:
        """Give every variable its place."""
        self.places = {}
        free = self.free
        for space in [*free, *(space for space in self.orders if space not in free)]:
            order = self.orders[space]
            if space not in free:
                order.sort(key=self._leading)
            stride = len(order) if space in self.strides else 0
            for slot, name in enumerate(order):
                self.places[name] = Place(space, slot, stride)

    def _leading(self, name: str) -> tuple[str, int]:
        place = self.places.get(self.leaders[name])
        return (place.space, place.slot) if place is not None else ("", 0)

    def address(self, lane: Lane) -> tuple[str, int]:
        """The space of a lane and its slab there; a value in no space is one by itself."""
        place = self.places.get(lane.name)
        if place is None:
            return f"{lane.name} {lane.offset}", 0
        return place.space, place.slot + lane.offset * place.stride


def grouped(operations: Sequence[Operation], levels: dict[Operation, int]) -> list[tuple[int, list[Operation]]]:
    """Operations of one function and shape that can be computed at the same time, with their level."""
    groups: dict[object, list[Operation]] = {}
    for operation in operations:
        constants = tuple(source if isinstance(source, Constant) else None for source in operation.sources)
        groups.setdefault((levels[operation], operation.function, operation.shape, constants), []).append(operation)
    return [(levels[group[0]], group) for group in groups.values()]


def packs(group: Sequence[Operation], spaces: Spaces) -> list[Pack]:
    """The fewest calls for operations that may be computed together, in the order of their targets."""
    waiting = sorted(group, key=lambda operation: spaces.address(operation.target))
    found: list[Pack] = []
    while waiting:
        chosen, addresses = [waiting[0]], [_addresses(waiting[0], spaces)]
        rest = []
        for operation in waiting[1:]:
            own = _fitting(operation, addresses, spaces)
            if own is None or not spaces.fuse:
                rest.append(operation)
            else:
                chosen.append(operation)
                addresses.append(own)
        runs = [_run(column) for column in zip(*addresses, strict=True)]
        found.append(Pack(chosen[0].function, tuple(chosen), runs[0], tuple(runs[1:])))  # type: ignore[arg-type]
        waiting = rest
    return found


Address = tuple[str, int] | Constant


def _addresses(operation: Operation, spaces: Spaces, swapped: bool = False) -> tuple[Address, ...]:
    sources: tuple[Operand, ...] = operation.sources[::-1] if swapped else operation.sources
    return (
        spaces.address(operation.target),
        *(source if isinstance(source, Constant) else spaces.address(source) for source in sources),
    )


def _fitting(operation: Operation, addresses: list[tuple[Address, ...]], spaces: Spaces) -> tuple[Address, ...] | None:
    """The addresses with which an operation continues those before it, or None."""
    orders = (False, True) if operation.function in COMMUTATIVE and len(operation.sources) == 2 else (False,)
    for swapped in orders:
        own = _addresses(operation, spaces, swapped)
        if all(_continues([a[i] for a in addresses], own[i], target=i == 0) for i in range(len(own))):
            return own
    return None


def _continues(before: list[Address], address: Address, target: bool) -> bool:
    last = before[-1]
    if isinstance(address, Constant) or isinstance(last, Constant):
        return address == last
    distance = address[1] - last[1]
    if address[0] != last[0] or distance < (1 if target else 0):
        return False
    first = before[0]
    return len(before) == 1 or (not isinstance(first, Constant) and distance * (len(before) - 1) == last[1] - first[1])


def _run(column: tuple[Address, ...]) -> Run | Constant:
    first = column[0]
    if isinstance(first, Constant):
        return first
    second = column[1] if len(column) > 1 else first
    assert not isinstance(second, Constant)
    return Run(first[0], first[1], second[1] - first[1], len(column))


# The search for the order of slabs


def search(
    spaces: Spaces,
    groups: Sequence[Sequence[Operation]],
    together: Iterable[tuple[frozenset[str], float]],
    apart: frozenset[str],
) -> None:
    """Order the slabs of every space for the fewest calls.

    together: variables that one matrix product wants side by side, with a weight. apart: spaces whose neighbouring
    slabs are not one piece of memory.
    """
    together = tuple((names, weight) for names, weight in together if len(names) > 1)
    groups = [group for group in groups if len(group) > 1]  # the others are one call in any order
    patience = max(40, PATIENCE // max(1, sum(map(len, groups))))
    if not spaces.fuse:
        spaces.settle()
        return

    def price() -> float:
        spaces.settle()
        total = 0.0
        for group in groups:
            for pack in packs(group, spaces):
                total += 1.0
                if pack.target.count > 1:
                    runs = [run for run in (pack.target, *pack.sources) if isinstance(run, Run) and run.distance]
                    total += APART * sum(run.distance > 1 or run.space in apart for run in runs)
        return total + sum(weight * PIECE * (len(pieces(names, spaces)) - 1) for names, weight in together)

    best = price()
    improved = True
    while improved and patience > 0:
        improved = False
        for space in spaces.free:
            order = spaces.orders[space]
            for candidate in islice(_candidates(order), max(0, patience)):
                patience -= 1
                spaces.orders[space] = list(candidate)
                now = price()
                if now < best - 1e-9:
                    best, order, improved = now, list(candidate), True
            spaces.orders[space] = list(order)
    spaces.settle()


def _candidates(order: list[str]) -> Iterable[Sequence[str]]:
    """Other orders: all of them for a few slabs, exchanges and moves of one for many."""
    if len(order) <= 5:
        yield from permutations(order)
        return
    for one in range(len(order)):
        rest = order[:one] + order[one + 1 :]
        for other in range(len(order)):
            yield [*rest[:other], order[one], *rest[other:]]
    for one in range(len(order)):
        for other in range(one + 1, len(order)):
            changed = list(order)
            changed[one], changed[other] = changed[other], changed[one]
            yield changed


def pieces(names: Iterable[str], spaces: Spaces) -> list[list[str]]:
    """Variables in runs of neighbours."""
    found: list[list[str]] = []
    for name in sorted(names, key=lambda name: (spaces.places[name].space, spaces.places[name].slot)):
        place = spaces.places[name]
        if spaces.fuse and found and spaces.places[found[-1][-1]] == replace(place, slot=place.slot - 1):
            found[-1].append(name)
        else:
            found.append([name])
    return found


def levels(nodes: Sequence[object], needs: Callable[[object], Iterable[object]]) -> dict[object, int]:
    """How many nodes have to come before each one, at least, one after the other."""
    found: dict[object, int] = {}

    def level(node: object) -> int:
        if node not in found:
            found[node] = 1 + max((level(other) for other in needs(node)), default=-1)
        return found[node]

    for node in nodes:
        level(node)
    return found
