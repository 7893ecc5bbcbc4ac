"""When each variable is defined, what has to be given, and whether every value can be computed before it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rnnsym.errors import ModelError, suggestion
from rnnsym.language.expand import free_times
from rnnsym.language.syntax import Definition, Reference, Time, references

FIRST, LAST = Time("", 1), Time("T", 0)


@dataclass(frozen=True)
class Interval:
    """The times from `low` to `high`, both included; each is a constant or `T + constant`.

    >>> print(Interval(Time("", 1), Time("T", 0)).shifted(-1))
    0..T-1
    """

    low: Time
    high: Time

    def shifted(self, offset: int) -> Interval:
        return Interval(shifted(self.low, offset), shifted(self.high, offset))

    def bounds(self, length: int) -> range:
        """The times as integers, for a given T."""
        return range(at_length(self.low, length), at_length(self.high, length) + 1)

    @property
    def is_point(self) -> bool:
        return self.low == self.high

    def __str__(self) -> str:
        return str(self.low) if self.is_point else f"{self.low}..{self.high}"


WHOLE = Interval(FIRST, LAST)


def shifted(time: Time, offset: int) -> Time:
    return Time(time.anchor, time.offset + offset)


def at_length(time: Time, length: int) -> int:
    return time.offset + (length if time.anchor == "T" else 0)


def point(time: Time) -> Interval:
    return Interval(time, time)


def is_early(time: Time) -> bool:
    """Whether a time lies before the first step: h[0], h[-1]."""
    return not time.anchor and time.offset < 1


def is_late(time: Time) -> bool:
    """Whether a time lies after the last step: g[T+1]."""
    return time.anchor == "T" and time.offset > 0


def is_outside(time: Time) -> bool:
    """Whether a time lies beyond the steps 1..T, where values are given and nothing runs in a loop."""
    return is_early(time) or is_late(time)


@dataclass(frozen=True)
class Piece:
    """A definition and the times at which it holds; None for a variable without time."""

    definition: Definition
    interval: Interval | None

    @property
    def name(self) -> str:
        return self.definition.target.name


@dataclass(frozen=True)
class Timing:
    """What the time indices of a model say.

    `pieces` are the definitions with their times; `sequences` the inputs x[1..T]; `given` the single values that have
    to be handed in, such as h[0] or g[T+1]; `minimum_length` the smallest T at which boundary equations do not overlap.
    """

    pieces: tuple[Piece, ...]
    sequences: tuple[str, ...]
    given: tuple[tuple[str, Time], ...]
    minimum_length: int


def analyse(definitions: tuple[Definition, ...], text: str) -> Timing:
    """Settle the times of a model's equations; raises ModelError with the place where they make no sense."""
    checker = Checker(definitions, text)
    checker.check_indices()
    checker.check_definitions()
    checker.check_reads()
    return Timing(tuple(checker.pieces()), checker.sequences(), checker.given(), checker.minimum_length())


class Checker:
    """Goes through the equations; each check raises ModelError at the first place that makes no sense."""

    def __init__(self, definitions: tuple[Definition, ...], text: str) -> None:
        self.definitions = definitions
        self.text = text
        self.defined: dict[str, dict[Time | None, Definition]] = {}
        self.reads: dict[str, list[Reference]] = {}
        for definition in definitions:
            for found in references(definition.value):
                self.reads.setdefault(found.name, []).append(found)

    def error(self, problem: str, node: Reference, advice: str = "") -> ModelError:
        return ModelError(problem, self.text, node.span, advice)

    def check_indices(self) -> None:
        """Each variable is with a time index or without, and t is bound where it is used."""
        timed: dict[str, Reference] = {}
        untimed: dict[str, Reference] = {}
        for definition in self.definitions:
            for node in (definition.target, *references(definition.value)):
                (untimed if node.time is None else timed).setdefault(node.name, node)
                if node.name in timed and node.name in untimed:
                    defined = any(d.target.name == node.name and d.target.time is None for d in self.definitions)
                    raise self.error(
                        f"{node.name} stands without a time index here and with one elsewhere",
                        untimed[node.name],
                        "these are two variables: give them two names, for example  L = sum(E[t])"
                        if defined
                        else f"write  {node.name}[t]  here, or give what has no time another name",
                    )
            if definition.target.time is None or definition.target.time.anchor != "t":
                for node in free_times(definition.value):
                    raise self.error(
                        f"t has no value here: the equation for {definition.target} holds at no particular t",
                        node,
                        f"write {node.name}[T] for the last step, sum({node.name}[t]) for the sum, or an equation for "
                        f"{definition.target.name}[t]",
                    )

    def check_definitions(self) -> None:
        """No variable is defined twice, and boundary equations stand at the ends."""
        for definition in self.definitions:
            target = definition.target
            others = self.defined.setdefault(target.name, {})
            if target.time in others:
                raise self.error(
                    f"{target} is defined twice",
                    target,
                    f"it is defined in line {others[target.time].span.line} already; give one of them another name",
                )
            others[target.time] = definition
        for times in self.defined.values():
            starts = sorted(time.offset for time in times if time is not None and not time.anchor and time.offset > 0)
            ends = sorted(-time.offset for time in times if time is not None and time.anchor == "T" and time.offset < 1)
            for found, wanted, anchor in ((starts, range(1, len(starts) + 1), ""), (ends, range(len(ends)), "T")):
                if Time("t", 0) in times and found != list(wanted):
                    target = next(d.target for time, d in times.items() if time is not None and time.anchor == anchor)
                    raise self.error(
                        f"the equation for {target} leaves a gap",
                        target,
                        "boundary equations stand at the ends: [0], [1], then [2], ... or [T], then [T-1], ...",
                    )

    def check_reads(self) -> None:
        """Whatever is read of a defined variable has an equation or can be given."""
        for name, times in self.defined.items():
            if Time("t", 0) in times or None in times:
                continue
            for node in self.reads.get(name, []):
                if node.time not in times:
                    known = ", ".join(f"{name}[{time}]" for time in times)
                    raise self.error(
                        f"{node} has no value: only {known} is defined",
                        node,
                        f"write an equation for {name}[t]; {known} is then its boundary value",
                    )

    def pieces(self) -> list[Piece]:
        return [Piece(definition, self._interval(definition)) for definition in self.definitions]

    def _interval(self, definition: Definition) -> Interval | None:
        time = definition.target.time
        if time is None:
            return None
        if time.anchor != "t":
            return point(time)
        others = [other for other in self.defined[definition.target.name] if other is not None]
        starts = sum(1 for other in others if not other.anchor and other.offset > 0)
        ends = sum(1 for other in others if other.anchor == "T" and other.offset < 1)
        return Interval(Time("", 1 + starts), Time("T", -ends))

    def sequences(self) -> tuple[str, ...]:
        """Inputs with a value at every step: undefined, and read at t or at a lag."""
        return tuple(
            name
            for name, nodes in self.reads.items()
            if name not in self.defined and any(node.time is not None and node.time.anchor == "t" for node in nodes)
        )

    def given(self) -> tuple[tuple[str, Time], ...]:
        """Single values that no equation gives: beyond the steps 1..T, or of what is read at fixed times only."""
        sequences = set(self.sequences())
        found: dict[tuple[str, Time], None] = {}
        for piece in self.pieces():
            for node in references(piece.definition.value):
                if node.time is None:
                    continue
                for time in self._times_outside(node, piece):
                    if time not in self.defined.get(node.name, {}):
                        found[node.name, time] = None
                whole = node.name in sequences or Time("t", 0) in self.defined.get(node.name, {})
                if node.time.anchor != "t" and not whole and node.time not in self.defined.get(node.name, {}):
                    found[node.name, node.time] = None
        places = {name: place for place, name in enumerate(self.reads)}
        return tuple(sorted(found, key=lambda item: (places[item[0]], item[1].anchor, -item[1].offset)))

    def _times_outside(self, node: Reference, piece: Piece) -> list[Time]:
        """The times before 1 and after T at which an equation reads a variable."""
        assert node.time is not None
        if node.time.anchor != "t":
            return [node.time] if is_outside(node.time) else []
        general = piece.interval is not None and piece.definition.target.time == Time("t", 0)
        return times_outside((piece.interval if general and piece.interval else WHOLE).shifted(node.time.offset))

    def minimum_length(self) -> int:
        shortest = 1
        for times in self.defined.values():
            fixed = [time for time in times if time is not None]
            starts = max([time.offset for time in fixed if not time.anchor], default=0)
            ends = sum(1 for time in fixed if time.anchor == "T" and time.offset < 1)
            shortest = max(shortest, max(starts, 0) + ends)
        for nodes in self.reads.values():
            for node in nodes:
                if node.time is not None and node.time.anchor == "T":
                    shortest = max(shortest, 1 - node.time.offset)
                elif node.time is not None and not node.time.anchor:
                    shortest = max(shortest, node.time.offset)
        for early, late in self._fixed_inputs():
            # x[1] and x[T], handed in one by one, have to be different values.
            if early and late:
                shortest = max(shortest, max(early) - min(late) + 1)
        return shortest

    def _fixed_inputs(self) -> Iterator[tuple[list[int], list[int]]]:
        """For each variable of which single values are handed in: their offsets from the start and from the end."""
        given: dict[str, list[Time]] = {}
        for name, time in self.given():
            given.setdefault(name, []).append(time)
        for times in given.values():
            yield [t.offset for t in times if not t.anchor], [t.offset for t in times if t.anchor]


def times_outside(read: Interval) -> list[Time]:
    """The times of an interval that lie before step 1 and after step T.

    >>> [str(time) for time in times_outside(Interval(Time("", -1), Time("T", 1)))]
    ['-1', '0', 'T+1']
    """
    early = [Time("", offset) for offset in range(read.low.offset, 1)] if not read.low.anchor else []
    late = [Time("T", offset) for offset in range(1, read.high.offset + 1)] if read.high.anchor else []
    return early + late


def check_declared(declared: Iterable[str], definitions: tuple[Definition, ...], what: str) -> None:
    """Every declaration names a variable of the equations."""
    names = {node.name for d in definitions for node in (d.target, *references(d.value))}
    for name in declared:
        if name not in names:
            raise ModelError(
                f"{what} declares '{name}', which no equation uses",
                advice=suggestion(name, names) or f"the variables are: {', '.join(sorted(names))}",
            )
