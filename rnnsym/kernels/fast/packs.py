"""Which operations become one call, and where values lie in memory so that they can.

Values lie in spaces: one slab after the other. Operations of one function on neighbouring slabs (or slabs at equal
distances) are one call. The order of the slabs of every space is searched for the fewest calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import permutations
from typing import NamedTuple

from rnnsym.kernels.fast.lanes import COMMUTATIVE, Constant, Lane, Operation

#: Addresses as numbers: how far spaces lie apart, how far slabs of one space at most, and a constant.
SPAN, FAR, NUMBER = 1 << 20, 1 << 18, -(1 << 19)
#: What a call costs, and what it costs more for each operand that is not one piece of memory, in calls.
APART = 0.35
#: What a matrix product costs more for each further piece, in calls.
PIECE = 4.0
#: What a call for many steps at once costs, in calls of a step.
RARE = 0.02
#: How many operations are looked at in the search for an order, over all orders tried; it bounds the time of a search.
PATIENCE = 40_000


class Place(NamedTuple):
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
    #: The spaces by number, with a value that lies by itself as a space of its own.
    numbers: dict[str, int] = field(default_factory=dict)

    @cached_property
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

    def followed(self, names: Iterable[str]) -> frozenset[str]:
        """The spaces to be chosen that say where variables lie: their own, or those that their own follows."""
        homes = {name: space for space, order in self.orders.items() for name in order}
        found: set[str] = set()
        waiting = {homes[name] for name in names if name in homes}
        while waiting:
            space = waiting.pop()
            found.add(space)
            if space not in self.free:
                leading = {self.leaders.get(name, "") for name in self.orders[space]}
                waiting |= {homes[name] for name in leading if name in homes} - found
        return frozenset(found & set(self.free))

    def _leading(self, name: str) -> tuple[str, int]:
        place = self.places.get(self.leaders[name])
        return (place.space, place.slot) if place is not None else ("", 0)

    def code(self, lane: Lane) -> int:
        """The address as one number: those of slabs of one space are as far from each other as the slabs."""
        place = self.places.get(lane.name)
        space = place.space if place is not None else f"{lane.name} {lane.offset}"
        number = self.numbers.setdefault(space, len(self.numbers))
        return SPAN * number + (place.slot + lane.offset * place.stride if place is not None else 0)

    def run(self, codes: Sequence[int]) -> Run:
        """The slabs of one operand of a call."""
        number = (codes[0] + FAR) // SPAN
        distance = codes[1] - codes[0] if len(codes) > 1 else 0
        return Run(list(self.numbers)[number], codes[0] - SPAN * number, distance, len(codes))

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
        groups.setdefault((levels[operation], operation.alike), []).append(operation)
    return [(levels[group[0]], group) for group in groups.values()]


def packs(group: Sequence[Operation], spaces: Spaces) -> list[Pack]:
    """The fewest calls for operations that may be computed together, in the order of their targets."""
    found: list[Pack] = []
    for chain in _chains(group, spaces):
        members = tuple(group[position] for position, _ in chain)
        columns = zip(*(codes for _, codes in chain), strict=True)
        operands = (members[0].target, *members[0].sources)
        runs = [
            operand if isinstance(operand, Constant) else spaces.run(column)
            for operand, column in zip(operands, columns, strict=True)
        ]
        found.append(Pack(members[0].function, members, runs[0], tuple(runs[1:])))  # type: ignore[arg-type]
    return found


#: For operations of one call: the position of each in its group, and the codes of its target and its sources.
Chain = tuple[tuple[int, tuple[int, ...]], ...]


def _chains(group: Sequence[Operation], spaces: Spaces) -> tuple[Chain, ...]:
    """The operations of a group in calls. Constants are the same in all of them."""
    code = spaces.code
    codes = tuple((code(o.target), *(NUMBER if isinstance(s, Constant) else code(s) for s in o.sources)) for o in group)
    if not spaces.fuse:
        return tuple((pair,) for pair in sorted(enumerate(codes), key=lambda pair: pair[1][0]))
    return _chained(codes, group[0].function in COMMUTATIVE and len(group[0].sources) == 2)


@lru_cache(maxsize=10_000)  # the search for an order of slabs changes few groups at a time
def _chained(codes: tuple[tuple[int, ...], ...], turn: bool) -> tuple[Chain, ...]:
    """Operations by their codes in calls; turn: whether the two sources of one may be exchanged."""
    every = sorted(enumerate(codes), key=lambda pair: pair[1][0])
    found: list[Chain] = []
    while every:
        chain, rest = [every[0]], []
        for position, own in every[1:]:
            if _continues(chain, own):
                chain.append((position, own))
            elif turn and _continues(chain, (own[0], own[2], own[1])):
                chain.append((position, (own[0], own[2], own[1])))
            else:
                rest.append((position, own))
        found.append(tuple(chain))
        every = rest
    return tuple(found)


def _continues(chain: Sequence[tuple[int, tuple[int, ...]]], codes: tuple[int, ...]) -> bool:
    """Whether an operation stands behind those of a chain, in every operand at the distance that they have."""
    last = chain[-1][1]
    if not 1 <= codes[0] - last[0] < FAR:
        return False
    if len(chain) == 1:
        return all(0 <= new - old < FAR for new, old in zip(codes, last, strict=True))
    before = chain[-2][1]
    return all(new - old == old - older for new, old, older in zip(codes, last, before, strict=True))


def owners_of(found: Sequence[Operation]) -> dict[str, Lane]:
    """Whose memory a passing value uses: that of what is computed from it last, one such value for each result."""
    last = {lane.name: k for k, o in enumerate(found) for lane in o.lanes}
    shapes = {o.target.name: o.shape for o in found}
    owners: dict[str, Lane] = {}
    for number in range(len(found) - 1, -1, -1):
        operation = found[number]
        for source in operation.lanes:
            free = source.temporary and last[source.name] == number and source.name not in owners
            if free and shapes[source.name] == operation.shape:
                owners[source.name] = owners.get(operation.target.name, operation.target)
                break
    return owners


def owned(operation: Operation, owners: dict[str, Lane]) -> Operation:
    """The operation on the memory that its operands use."""
    return replace(
        operation,
        target=owners.get(operation.target.name, operation.target),
        sources=tuple(owners.get(s.name, s) if isinstance(s, Lane) else s for s in operation.sources),
    )


# The search for the order of slabs


def search(
    spaces: Spaces,
    groups: Sequence[Sequence[Operation]],
    together: Iterable[tuple[frozenset[str], float]],
    apart: frozenset[str],
    rare: Sequence[Sequence[Operation]] = (),
) -> None:
    """Order the slabs of every space for the fewest calls; `rare`: groups that are called once for many steps.

    together: variables that one matrix product wants side by side, with a weight. apart: spaces whose neighbouring
    slabs are not one piece of memory.
    """
    together = tuple((names, weight) for names, weight in together if len(names) > 1)
    groups = [group for group in groups if len(group) > 1]  # the others are one call in any order
    rare = [group for group in rare if len(group) > 1]
    patience = max(40, PATIENCE // max(1, sum(map(len, (*groups, *rare)))))
    if not spaces.fuse:
        spaces.settle()
        return

    far = {spaces.numbers.setdefault(space, len(spaces.numbers)) for space in sorted(apart)}

    def calls(group: Sequence[Operation]) -> float:
        total = 0.0
        for chain in _chains(group, spaces):
            total += 1.0
            if len(chain) > 1:
                for one, other in zip(chain[0][1], chain[1][1], strict=True):
                    total += APART * (other - one > 1 or (other != one and (one + FAR) // SPAN in far))
        return total

    price = _Price(spaces)
    for group in groups:
        price.add(_names(group), lambda group=group: calls(group))  # type: ignore[misc]
    for group in rare:
        price.add(_names(group), lambda group=group: RARE * len(_chains(group, spaces)))  # type: ignore[misc]
    for names, weight in together:
        price.add(names, lambda names=names, weight=weight: weight * PIECE * (len(pieces(names, spaces)) - 1))  # type: ignore[misc]

    best = price()
    tried = 0

    def descend(best: float, spare: str = "") -> float:
        """Better orders, space by space, until there is none; the order of one space may be left alone."""
        nonlocal tried
        improved = True
        while improved:
            improved = False
            for space in spaces.free:
                order = spaces.orders[space]
                for candidate in _candidates(order) if space != spare else ():
                    tried += 1
                    if tried > patience:
                        break
                    spaces.orders[space] = list(candidate)
                    now = price()
                    if now < best - 1e-9:
                        best, order, improved = now, list(candidate), True
                spaces.orders[space] = list(order)
        return best

    best = descend(best)
    # An order that is as good, or worse by a call for many steps, may let another space find a better one.
    for space in spaces.free:
        for candidate in [list(candidate) for candidate in _candidates(spaces.orders[space])]:
            if tried > patience:
                break
            tried += 1
            before = {name: list(order) for name, order in spaces.orders.items()}
            spaces.orders[space] = candidate
            now = price()
            if now < best + 1.5 * RARE and (found := descend(now, space)) < best - 1e-9:
                best = found
            else:
                spaces.orders.update(before)
    spaces.settle()


class _Price:
    """What all calls cost; a part of it is computed again where the order of a space that it depends on is new."""

    def __init__(self, spaces: Spaces) -> None:
        self.spaces = spaces
        self.parts: list[tuple[tuple[str, ...], Callable[[], float], dict[object, float]]] = []

    def add(self, names: Iterable[str], cost: Callable[[], float]) -> None:
        """Count what these variables' places cost."""
        self.parts.append((tuple(sorted(self.spaces.followed(names))), cost, {}))

    def __call__(self) -> float:
        orders = {space: tuple(self.spaces.orders[space]) for space in self.spaces.free}
        settled, total = False, 0.0
        for places, cost, known in self.parts:
            key = tuple([orders[space] for space in places])
            if key not in known:
                if not settled:
                    self.spaces.settle()
                    settled = True
                known[key] = cost()
            total += known[key]
        return total


def _names(group: Iterable[Operation]) -> set[str]:
    return {lane.name for operation in group for lane in (operation.target, *operation.lanes)}


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
    before = ""
    last = -1
    for (space, slot, _), name in sorted((spaces.places[name], name) for name in names):
        if spaces.fuse and space == before and slot == last + 1:
            found[-1].append(name)
        else:
            found.append([name])
        before, last = space, slot
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


def delayed(
    found: dict[object, int], needs: Callable[[object], Iterable[object]], kind: Callable[[object], object]
) -> dict[object, int]:
    """The same levels, with nodes moved later to others of their kind where nothing has to wait for them.

    kind: what nodes of one call have in common; None for nodes that stay.
    """
    readers: dict[object, list[object]] = {node: [] for node in found}
    for node in found:
        for other in needs(node):
            readers[other].append(node)
    result = dict(found)
    for node in sorted(found, key=lambda node: -found[node]):  # what comes later first: it makes room
        own = kind(node)
        if own is None:
            continue
        last = min((result[reader] for reader in readers[node]), default=result[node] + 1) - 1
        others = [result[other] for other in found if other is not node and kind(other) == own]
        if result[node] not in others:
            result[node] = min((level for level in others if result[node] < level <= last), default=result[node])
    return result
