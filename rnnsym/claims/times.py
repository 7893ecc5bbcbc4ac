"""Times in a claim: the ends of sums and products, and the ranges beside equations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rnnsym.claims.claim import Range
from rnnsym.claims.lexicon import moment
from rnnsym.claims.syntax import Bound, Extreme, Moment
from rnnsym.claims.written import ClaimError, Group, Name, Note, Relation, Run, Written
from rnnsym.errors import Span

LENGTH = Moment.of("T")
#: A word, and a time, in the compact form of a note.
W, M = r"[A-Za-z]+", r"[-+]?[A-Za-z0-9]+(?:[-+][A-Za-z0-9]+)*"
LONGEST_NOTE = 200


def sample(bound: Bound, samples: Mapping[str, int]) -> int:
    """A number for a time, good enough to tell which of two comes first."""
    return bound.at({letter: samples.get(letter, 500) for letter in (*bound.letters, "T")})


def limits(below: list[Written], above: list[Written], span: Span, text: str) -> tuple[str, Bound, Bound, bool]:
    """The index of a sum or product, where it begins and ends, and whether it is said to fall."""
    end: Bound = LENGTH if not above else bound(above[0], text)
    match below:
        case [Name(letter)] if letter != "T":
            return letter, Moment((), 1), end, False
        case [Relation((Name(letter), low), ("=",))]:
            return letter, bound(low, text), end, False
        case [Relation((Name(letter), low, high), ("=", ".."))]:
            return letter, bound(low, text), bound(high, text), False
        case [Relation((Name(letter), high), ("≤" | "<" as sign,))]:
            return letter, Moment((), 1), shifted(high, -1 if sign == "<" else 0, text), False
        case [Relation((Name(letter), low), ("≥" | ">" as sign,))]:
            return letter, shifted(low, 1 if sign == ">" else 0, text), end, False
        case [Relation((low, Name(letter), high), ("≤" | "<" as one, "≤" | "<" as two))]:
            first, last = shifted(low, 1 if one == "<" else 0, text), shifted(high, -1 if two == "<" else 0, text)
            return letter, first, last, False
        case [Relation((high, Name(letter), low), ("≥" | ">" as one, "≥" | ">" as two))]:
            first, last = shifted(high, -1 if one == ">" else 0, text), shifted(low, 1 if two == ">" else 0, text)
            return letter, first, last, True
    raise ClaimError("this range is not read", text, span, "write it as t=1 below and T above")


def shifted(written: Written, offset: int, text: str) -> Bound:
    found = bound(written, text)
    shift = Moment((), offset)
    if isinstance(found, Extreme):
        return Extreme(found.function, tuple(own + shift for own in found.moments))
    return found + shift


def bound(written: Written, text: str) -> Bound:
    match written:
        case Run((Name("max" | "min" as function), Group("(", parts, ",")), ("",)):
            moments = [moment(part) for part in parts]
            if None not in moments:
                return Extreme(function, tuple(found for found in moments if found is not None))
        case Group("(", (inner,)):
            return bound(inner, text)
        case Name("infty"):
            return LENGTH  # what is beyond the last step is zero
    found = moment(written)
    if found is None:
        raise ClaimError("this is not a time", text, written.span, "a time is such as t-1, T, 0 or max(1, t-2)")
    return found


def told_range(note: Note, text: str) -> Range | None:
    """What is written beside an equation, as a range; None where it says nothing about time."""
    shown = note.text.replace("}", "").replace("{", "").replace(" ", "")
    patterns: tuple[tuple[str, Callable[[re.Match[str]], tuple[str, str | None, str | None]]], ...] = (
        (rf"({W})=({M})(?:,{M})*,?\.\.,?({M})", lambda m: (m[1], m[2], m[3])),
        (rf"({W})=({M})", lambda m: (m[1], m[2], m[2])),
        (rf"({W})∈[(\[]?({M})(?:,{M})*,?\.\.,?({M})[)\]]?", lambda m: (m[1], m[2], m[3])),
        (rf"({M})(≤|<)({W})(≤|<)({M})", lambda m: (m[3], m[1] + "+1" * (m[2] == "<"), m[5] + "-1" * (m[4] == "<"))),
        (rf"({W})(≤|<)({M})", lambda m: (m[1], None, m[3] + "-1" * (m[2] == "<"))),
        (rf"({W})(≥|>)({M})", lambda m: (m[1], m[3] + "+1" * (m[2] == ">"), None)),
    )
    for pattern, take in patterns if len(shown) < LONGEST_NOTE else ():
        match = re.fullmatch(pattern, shown)
        if match:
            letter, low, high = take(match)
            return ordered(Range(letter, time_of(low), time_of(high)))
    if re.search(r"[=<>≤≥]", shown):
        raise ClaimError(
            f"the range {note.text!r} is not read", text, note.span, "write it as t = 1, \\dots, T or t < T"
        )
    return None


def ordered(found: Range) -> Range:
    """A range told from its end, as adjoints are: t = T, ..., 1."""
    if (
        found.low is not None
        and found.high is not None
        and sample(found.low, {"T": 1000}) > sample(found.high, {"T": 1000})
    ):
        return Range(found.letter, found.high, found.low)
    return found


def time_of(shown: str | None) -> Moment | None:
    """A time from its compact string."""
    if shown is None:
        return None
    total = Moment((), 0)
    for sign, part in re.findall(r"([-+]?)([A-Za-z]+|\d+)", shown):
        found = Moment((), int(part[:6])) if part.isdigit() else Moment.of(part)
        total = total + found.times(-1 if sign == "-" else 1)
    return total
