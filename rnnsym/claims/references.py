"""Names with their scripts, matched: which variable, at which time, and which scripts are powers and transposes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.claims.lexicon import Lexicon, label, moment, spelled
from rnnsym.claims.syntax import Moment
from rnnsym.claims.written import Group, Name, Numeral, Relation, Scripted, Sign, Written

Script = tuple[str, tuple[Written, ...]]


@dataclass(frozen=True)
class Reading:
    """One way to take a name: its spelling, its times, and the scripts that are operations on it."""

    spelling: str
    times: tuple[Moment, ...]
    operations: tuple[Script, ...]


@dataclass(frozen=True)
class Found:
    """A name that is known: a variable of the model, or (`own`) one of the claim's sequences."""

    name: str
    times: tuple[Moment, ...]
    operations: tuple[Script, ...]
    own: bool
    behind: str | None = None  # the variable that a sequence of the claim's is named after


def taken_apart(written: Written) -> tuple[Name, tuple[Script, ...]] | None:
    """A name and its scripts; None for anything else."""
    match written:
        case Name():
            return parted(written, ())
        case Scripted(Name() as base, scripts):
            return parted(base, scripts)
        case _:
            return None


def parted(name: Name, scripts: tuple[Script, ...]) -> tuple[Name, tuple[Script, ...]]:
    """A word such as `a_t` with what stands behind its underscores as subscripts."""
    head, _, tail = name.text.partition("_")
    if not tail:
        return name, scripts
    parts = [
        Numeral(Fraction(part), name.span) if part.isdigit() else Name(part, name.span)
        for part in tail.split("_")
        if part
    ]
    return replace(name, text=head), (("_", tuple(parts)), *scripts)


def is_mark(part: Written) -> bool:
    """Whether a superscript can only be an operation: a transpose, or an elementwise power."""
    return isinstance(part, Sign) or (isinstance(part, Name) and part.text in ("top", "prime"))


def is_operation(part: Written) -> bool:
    """Whether a superscript may be a power or a transpose."""
    return not isinstance(part, Group) or moment(part) is None or isinstance(part, Numeral)


def readings(base: Name, scripts: tuple[Script, ...], prefix: str = "") -> Iterator[Reading]:
    """Every way to share a name's scripts out among labels, times and operations; the most usual first."""
    below = [part for kind, parts in scripts if kind == "_" for part in parts]
    above = [part for kind, parts in scripts if kind == "^" for part in parts]
    index = [part for kind, parts in scripts if kind == "[" for part in parts if not isinstance(part, Relation)]
    slices = [(kind, parts) for kind, parts in scripts if kind == "[" and isinstance(parts[0], Relation)]
    fixed: tuple[Script, ...] = tuple(script for script in scripts if script[0] in ("T", "'", "accent"))
    fixed = (*slices, *fixed)
    marks = [part for part in above if is_mark(part)]
    rest = [part for part in above if not is_mark(part)]
    fixed += tuple(("^", (part,)) for part in marks)
    for role in ("label", "operation", "time") if rest else ("none",):
        if role == "operation" and not all(is_operation(part) for part in rest):
            continue
        early = [moment(part) for part in rest] if role == "time" else []
        high = [label(part) for part in rest] if role == "label" else []
        if None in early or None in high:
            continue
        operations = fixed + (tuple(("^", (part,)) for part in rest) if role == "operation" else ())
        for count in range(1 if index else min(2, len(below)) + 1):
            labels = [label(part) for part in below[: len(below) - count]]
            late = [moment(part) for part in [*below[len(below) - count :], *index]]
            if None in labels or None in late:
                continue
            times = tuple(found for found in (*early, *late) if found is not None)
            spelling = spelled(base, (s for s in labels if s), (s for s in high if s))
            yield Reading(prefix + spelling, times, operations)


def find(written: Written, lexicon: Lexicon, sequences: dict[str, int], prefix: str = "") -> Found | None:
    """What a name means: the claim's own sequences first, since the author knows what they defined."""
    apart = taken_apart(written)
    if apart is None:
        return None
    options = list(readings(*apart, prefix))
    for reading in options:
        if sequences.get(reading.spelling) == len(reading.times):
            return Found(reading.spelling, reading.times, reading.operations, True)
    if prefix:
        return None
    for reading in options:
        name = lexicon.named(reading.spelling)
        if name is not None and len(reading.times) == int(lexicon.variable(name).timed):
            return Found(name, reading.times, reading.operations, False)
    return None


def defined(written: Written, lexicon: Lexicon, prefix: str = "") -> Found | None:
    """What a left side defines: a name that is not the model's, with the times that its scripts can only be."""
    apart = taken_apart(written)
    if apart is None:
        return None
    labels = set(lexicon.spellings)
    named = named_after(*apart, lexicon, prefix)
    if named is not None:
        return named
    options = [
        reading
        for reading in readings(*apart, prefix)
        if not reading.operations and all(is_time(time, labels) for time in reading.times)
    ]
    if not options:
        return None
    best = max(options, key=lambda reading: len(reading.times))
    return Found(best.spelling, best.times, best.operations, True)


def named_after(base: Name, scripts: tuple[Script, ...], lexicon: Lexicon, prefix: str) -> Found | None:
    r"""A name made from a variable's, as \bar{h}_t and \delta h_t are: its scripts are shared out as those are."""
    if not prefix and not (base.accents and base.accents[-1] == "bar"):
        return None
    bare = base if prefix else replace(base, accents=base.accents[:-1])
    for own, behind in zip(readings(base, scripts, prefix), readings(bare, scripts), strict=True):
        name = lexicon.named(behind.spelling)
        if name is not None and not own.operations and len(own.times) == int(lexicon.variable(name).timed):
            return Found(own.spelling, own.times, (), True, name)
    return None


def is_time(time: Moment, labels: set[str]) -> bool:
    """Whether an index of an unknown name is a time: t, k, T, a number, but not a gate's name."""
    return all(letter in ("t", "T", "s", "k", "tau") or (letter in TIMES and letter not in labels)
               for letter, _ in time.terms)  # fmt: skip


TIMES = frozenset("jiluvr")
