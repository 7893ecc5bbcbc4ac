"""Which equations go through the steps together, and whether upwards or downwards in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Integer
from sympy.utilities.iterables import strongly_connected_components

from rnnsym.calculus.visits import nodes
from rnnsym.equations.indexed import Equation, Role, T, Term, Variable, accesses, t, time_of
from rnnsym.kernels.fast.forms import Irregular, is_joined
from rnnsym.kernels.schedule import GENERIC
from rnnsym.language.syntax import Time, free_name
from rnnsym.language.timing import is_late, is_outside, shifted


@dataclass(frozen=True)
class Way:
    """Equations that go through the steps together, upwards (direction 1) or downwards (-1) in time.

    names: what they compute. first: the single statements that have to be there before, as keys.
    """

    direction: int
    names: tuple[str, ...]
    first: tuple[str, ...] = ()


def key(equation: Equation) -> str:
    """A name for an equation of the steps, `h`, or for a single statement, `h[0]`."""
    return equation.name if equation.time in (None, GENERIC) else f"{equation.name}[{equation.time}]"


def meets(read: Time | None, given: Time | None) -> bool:
    """Whether what is read at a time may be what an equation gives at another one."""
    if read is None or given is None or read == given:
        return True
    if given == GENERIC:
        return not is_outside(read)
    if read.anchor != "t" or not is_outside(given):
        return read.anchor == "t"
    return read.offset > 0 if is_late(given) else read.offset < 0


def waits(reader: Equation, others: Iterable[Equation], variables: dict[str, Variable]) -> bool:
    """Whether an equation reads what any of the others gives."""
    (node,) = nodes((reader,), variables)
    return any(read.name == e.name and meets(read.time, e.time) for read in node.reads for e in others)


def awaited(
    singles: tuple[Equation, ...], steps: tuple[Equation, ...], variables: dict[str, Variable]
) -> tuple[Equation, ...]:
    """The single statements that steps wait for, directly or not."""
    found: list[Equation] = []
    readers = list(steps)
    while readers:
        reader = readers.pop()
        more = [e for e in singles if e not in found and waits(reader, (e,), variables)]
        found += more
        readers += more
    return tuple(e for e in singles if e in found)


def recurrent(equations: Iterable[Equation]) -> dict[str, frozenset[str]]:
    """For each variable on a cycle of dependencies, all variables of that cycle."""
    found = {}
    for component in _components({equation.name: equation.reads for equation in equations}):
        if component[1]:
            found.update(dict.fromkeys(component[0], frozenset(component[0])))
    return found


def _components(reads: dict[str, frozenset[str]]) -> list[tuple[list[str], bool]]:
    """Variables that need each other, each group after what it reads, and whether they make a cycle."""
    edges = [(name, read) for name, found in reads.items() for read in found if read in reads]
    components = strongly_connected_components((list(reads), edges))
    return [(found, len(found) > 1 or found[0] in reads[found[0]]) for found in components]


def at_their_time(equation: Equation, singles: tuple[Equation, ...], variables: dict[str, Variable]) -> Equation:
    """What is read at one step alone and a single statement gives, by its own time: g[0] for g[t-1] at step 1."""
    given = {(e.name, e.time) for e in singles if e.time is not None}
    terms = []
    for term in equation.terms:
        mapping: dict[Expr, Expr] = {}
        if term.when is not None and term.when.is_point:
            for read in accesses(term, variables):
                if read.time is None or not read.time.has(t):
                    continue
                time = shifted(term.when.low, time_of(read.time).offset)
                if (read.name, time) in given:
                    place = time.offset + (T if time.anchor else Integer(0))
                    mapping[read.element] = variables[read.name].at(place, *read.indices)
        terms.append(term.replaced(mapping) if mapping else term)
    return replace(equation, terms=tuple(terms))


def reads_beyond(equation: Equation, singles: tuple[Equation, ...], variables: dict[str, Variable]) -> bool:
    """Whether an equation of the steps reads what single statements give beyond them, as if these were steps too."""
    given = {(e.name, e.time) for e in singles if e.time is not None and is_outside(e.time)}
    for term in equation.terms:
        steps = term.when or equation.interval
        for read in accesses(term, variables):
            if read.time is None or not read.time.has(t) or steps is None:
                continue
            low, high = (shifted(end, time_of(read.time).offset) for end in (steps.low, steps.high))
            for name, time in given:
                reached = high.offset >= time.offset if time.anchor else low.offset <= time.offset
                if name == read.name and reached and (high if time.anchor else low).anchor == time.anchor:
                    return True
    return False


def ways(
    equations: tuple[Equation, ...],
    singles: tuple[Equation, ...],
    sums: tuple[Equation, ...],
    variables: dict[str, Variable],
    usual: int,
    kept: frozenset[str],
) -> tuple[Way, ...]:
    """Equations in as few ways through the steps as their recurrences allow, each after what it needs.

    singles: statements between the ways. sums: those over time. A way that begins in the usual direction is taken where
    the other one is no shorter. What belongs to no recurrence goes with the first that reads it, or with what a sum
    over time multiplies it with; not so what reads values of a recurrence that are not `kept` anyway. Raises Irregular
    where a recurrence reads both earlier and later steps.
    """
    found = [_ways(equations, singles, sums, variables, direction, kept) for direction in (usual, -usual)]
    return min(found, key=len) or (Way(usual, ()),)


def _ways(
    equations: tuple[Equation, ...],
    singles: tuple[Equation, ...],
    sums: tuple[Equation, ...],
    variables: dict[str, Variable],
    direction: int,
    kept: frozenset[str],
) -> tuple[Way, ...]:
    keys = [key(e) for e in singles]
    reads = {key(e): _offsets(e, singles, variables) for e in (*equations, *singles)}
    reads = {name: {(read, k) for read, k in found if read in reads} for name, found in reads.items()}
    groups = _components({name: frozenset(read for read, _ in found) for name, found in reads.items()})
    turns = {group[0]: _direction(group, reads) for group, cycle in groups if cycle}
    numbers: dict[str, int] = {}
    directions: list[int] = []
    waiting = [group for group, _ in groups]
    idle = 0
    while waiting:
        number, idle = len(directions), idle + 1
        if idle > 2:
            raise Irregular("a value is read before it is computed")
        directions.append(direction)
        for group in list(waiting):
            if turns.get(group[0], direction) == direction and _is_ready(group, reads, numbers, number, direction):
                numbers |= dict.fromkeys(group, number)
                waiting.remove(group)
                idle = 0
        direction = -direction
    added = [{found.name for found in accesses(term, variables)} & set(numbers) for e in sums for term in e.terms]
    held = {name for group, cycle in groups if cycle for name in group} - kept
    for group, cycle in reversed(groups):
        (name, *_) = group
        if name in keys or (not cycle and not held & {read for read, _ in reads[name]}):
            numbers[name] = max(numbers[name], _first_use(name, reads, added, numbers, directions))
    found = [
        Way(
            direction,
            tuple(e.name for e in equations if numbers[e.name] == number),
            tuple(name for name in keys if numbers[name] == number),
        )
        for number, direction in enumerate(directions)
    ]
    return tuple(way for way in found if way.names)


def _offsets(equation: Equation, singles: tuple[Equation, ...], variables: dict[str, Variable]) -> set[tuple[str, int]]:
    """What an equation reads, by key, and how many steps from its own; a fixed step is both earlier and later."""
    (node,) = nodes((equation,), variables)
    found: set[tuple[str, int]] = set()
    for read in node.reads:
        found |= {(key(e), 0) for e in singles if e.name == read.name and meets(read.time, e.time)}
        if read.time is not None and read.time.anchor == "t" and read.over is None:
            found.add((read.name, read.time.offset))
        elif read.time is not None and not is_outside(read.time):
            found |= {(read.name, 1), (read.name, -1)}
    return found


def _direction(group: list[str], reads: dict[str, set[tuple[str, int]]]) -> int:
    """The direction of a recurrence."""
    signs = {(k > 0) - (k < 0) for name in group for read, k in reads[name] if read in group and k}
    if len(signs) != 1:
        raise Irregular(f"{', '.join(sorted(group))} wait for each other both ways in time")
    return -signs.pop()


def _is_ready(
    group: list[str], reads: dict[str, set[tuple[str, int]]], numbers: dict[str, int], number: int, direction: int
) -> bool:
    """Whether all that a group reads is there before it, or comes with it."""
    return all(
        read in group or (read in numbers and (numbers[read] < number or k * direction <= 0))
        for name in group
        for read, k in reads[name]
    )


def _first_use(
    name: str,
    reads: dict[str, set[tuple[str, int]]],
    added: list[set[str]],
    numbers: dict[str, int],
    directions: list[int],
) -> int:
    """The last way that a value can go with, so that it is there for all that reads it."""
    uses = [
        numbers[reader] - (k * directions[numbers[reader]] > 0)
        for reader, found in reads.items()
        for read, k in found
        if read == name
    ]
    uses = uses or [max(numbers[other] for other in term) for term in added if name in term]
    return min(uses, default=0)


def with_which(term: Term, found: tuple[Way, ...], variables: dict[str, Variable]) -> int | None:
    """The number of the first way that has all that a term reads; None where it reads nothing of them."""
    numbers = {name: number for number, way in enumerate(found) for name in way.names}
    singles = {name: number for number, way in enumerate(found) for name in way.first}
    places = []
    for read in accesses(term, variables):
        single = "" if read.time is None else f"{read.name}[{time_of(read.time)}]"
        if single in singles:
            places.append(singles[single])  # computed before that way, which may be long after the steps of its name
        elif read.name in numbers:
            number = numbers[read.name]
            timed = read.time is not None and read.time.has(t)
            ahead = not timed or time_of(read.time).offset * found[number].direction > 0
            places.append(number + ahead)
    return max(places, default=None)


def in_parts(
    equations: tuple[Equation, ...], found: tuple[Way, ...], variables: dict[str, Variable], kept: frozenset[str]
) -> tuple[tuple[Equation, ...], tuple[Way, ...]]:
    """Sums of what several ways compute: what an earlier way has of it gets a name there, unless that is `kept` anyway.

    The names are added to the variables.
    """
    numbers = {name: number for number, way in enumerate(found) for name in way.names}
    changed: list[Equation] = []
    for equation in equations:
        own = numbers[equation.name]
        groups: dict[int, list[Term]] = {}
        for term in equation.terms:
            place = with_which(term, found, variables)
            stays = place is None or {f.name for f in accesses(term, variables)} & set(numbers) <= kept
            groups.setdefault(own if stays or place is None else place, []).append(term)
        if len(groups) > 1 and not is_joined(equation):
            for number in sorted(set(groups) - {own}):
                if all(len(term.factors) == 1 and term.when is None for term in groups[number]):
                    continue  # values as they are
                name = free_name(f"p_{equation.name}", variables)
                variables[name] = Variable(name, equation.variable.shape, True, Role.INTERMEDIATE)
                numbers[name] = number
                changed.append(replace(equation, variable=variables[name], terms=tuple(groups[number])))
                groups[number] = [Term((variables[name].at(t, *equation.indices),))]
            equation = replace(equation, terms=tuple(term for number in sorted(groups) for term in groups[number]))
        changed.append(equation)
    ordered = tuple(
        replace(way, names=tuple(e.name for e in changed if numbers[e.name] == number))
        for number, way in enumerate(found)
    )
    return tuple(changed), ordered
