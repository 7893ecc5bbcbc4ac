"""Names with their scripts, matched: which variable, at which time, which element, and which scripts are operations.

Whether a letter counts time or elements is told by `Letters`; see `indices.py` for how that is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeGuard

from rnnsym.claims.lexicon import TIME_LETTERS, Lexicon, label, moment, spelled
from rnnsym.claims.syntax import ZERO, ElementIndex, Moment
from rnnsym.claims.written import Group, Name, Numeral, Relation, Run, Scripted, Sign, Total, Written

Several = tuple[Written, ...]
Script = tuple[str, Several]


@dataclass(frozen=True)
class Reading:
    """One way to take a name: its spelling, its times, its element, and the scripts that are operations on it."""

    spelling: str
    times: tuple[Moment, ...]
    operations: tuple[Script, ...]
    elements: tuple[Written, ...] = ()
    above: str = ""  # a letter that is taken for a time above what has another below: it may be a label
    below: str = ""  # the other one

    def labelled(self, lexicon: Lexicon) -> bool:
        r"""Whether what is taken for a time is a label: the k of `\delta^k_t`, where the model has k[t].

        Or the s of `\epsilon_s^t`, where the claim has a `\epsilon_c^t` too; or the n of `\delta_{n,t}`, where n is a
        gate of the model and counts nothing.
        """
        labels = ((self.above, "^"), (self.below, "_"))
        if any(letters_in(part) & lexicon.gates for part in self.elements):
            return True
        return (bool(self.above) and self.above in lexicon.spellings) or any(
            letter and letter not in ("t", "T") and (self.spelling, kind) in lexicon.labelled for letter, kind in labels
        )


@dataclass(frozen=True)
class Found:
    """A name that is known: a variable of the model, or (`own`) one of the claim's sequences."""

    name: str
    times: tuple[Moment, ...]
    operations: tuple[Script, ...]
    own: bool
    behind: str | None = None  # the variable that a sequence of the claim's is named after
    elements: tuple[ElementIndex, ...] = ()


@dataclass(frozen=True)
class Letters:
    """The letters of an equation that count elements, and how many indices the elements of its sequences may have.

    None instead of letters: nothing is known yet, and any letter may count either.
    """

    elements: frozenset[str] | None = frozenset()
    ranks: Mapping[str, int] = field(default_factory=dict)

    def fits(self, reading: Reading) -> bool:
        """Whether every letter of a reading counts what it can count."""
        if self.elements is None:
            return True
        times = {letter for time in reading.times for letter in time.letters}
        return not times & self.elements and all(letters_in(part) & self.elements for part in reading.elements)


WHOLE = Letters()
#: No element has more indices: that of a derivative of a vector by a matrix has three.
MOST_INDICES = 3


def taken_apart(written: Written) -> tuple[Name, tuple[Script, ...]] | None:
    """A name and its scripts; None for anything else."""
    match written:
        case Name():
            return parted(written, ())
        case Scripted(Name() as base, scripts):
            return parted(base, tuple(script for one in scripts for script in without_mark(one)))
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


def without_mark(script: Script) -> Iterator[Script]:
    r"""A superscript such as `(t-1) \top` as a time and a transpose."""
    match script:
        case ("^", (Run((*early, Name("top" | "T" as mark) as last), signs) as run,)) if not any(signs) and early:
            if mark == "top" or isinstance(early[-1], Group):
                first = early[0] if len(early) == 1 else Run(tuple(early), signs[:-1], run.span)
                yield ("^", (first,))
                yield ("^", (replace(last, text="top"),))
                return
    yield script


def is_prime(part: Written) -> TypeGuard[Name]:
    r"""Whether a superscript is \prime, which may belong to the name."""
    return isinstance(part, Name) and part.text == "prime"


def is_mark(part: Written) -> bool:
    """Whether a superscript can only be an operation: a transpose, or an elementwise power."""
    return isinstance(part, Sign) or (isinstance(part, Name) and part.text in ("top", "prime"))


def is_operation(part: Written) -> bool:
    """Whether a superscript may be a power or a transpose."""
    return not isinstance(part, Group) or moment(part) is None or isinstance(part, Numeral)


def readings(base: Name, scripts: tuple[Script, ...], prefix: str = "") -> Iterator[Reading]:
    """Every way to share a name's scripts out among labels, times and operations; the most usual first."""
    if any(kind == "^" and is_prime(part) for kind, parts in scripts for part in parts):
        named = tuple(
            (kind, tuple(replace(part, text="′") if kind == "^" and is_prime(part) else part for part in parts))
            for kind, parts in scripts
        )
        for reading in readings(base, named, prefix):
            yield replace(reading, spelling=reading.spelling.replace("′", "prime"))
    below = [part for kind, parts in scripts if kind == "_" for part in parts]
    above = [part for kind, parts in scripts if kind == "^" for part in parts]
    index = [part for kind, parts in scripts if kind == "[" for part in parts if not isinstance(part, Relation)]
    slices = [(kind, parts) for kind, parts in scripts if kind == "[" and isinstance(parts[0], Relation)]
    fixed: tuple[Script, ...] = tuple(script for script in scripts if script[0] in ("T", "'", "accent"))
    fixed = (*slices, *fixed)
    marks = [part for part in above if is_mark(part)]
    rest = [part for part in above if not is_mark(part)]
    fixed += tuple(("^", (part,)) for part in marks)
    for words, raised, timed in shares(tuple(rest)):
        early, high = [moment(part) for part in timed], [label(part) for part in words]
        if None in early or None in high:
            continue
        operations = fixed + tuple(("^", (part,)) for part in raised)
        for count in range(1 if index else min(2, len(below)) + 1):
            labels = [label(part) for part in below[: len(below) - count]]
            late = [moment(part) for part in [*below[len(below) - count :], *index]]
            if None in labels or None in late:
                continue
            if late and any(found is not None and not found.terms for found in early):
                continue  # a number above what has a time is a layer's
            if late and any(counts_steps(part) for part in raised):
                continue  # what has a time is not raised to a time
            times = tuple(found for found in (*early, *late) if found is not None)
            spelling = spelled(base, (s for s in labels if s), (s for s in high if s))
            first = timed[0] if timed and late else None
            high_letter = first.text if isinstance(first, Name) else ""
            low_letter = below[-1].text if first and below and isinstance(below[-1], Name) else ""
            yield Reading(prefix + spelling, times, operations, (), high_letter, low_letter)


def shares(above: Several) -> Iterator[tuple[Several, Several, Several]]:
    """The superscripts of a name shared out among labels, operations and times; the most usual first."""
    yield above, (), ()
    if above and all(map(is_operation, above)):
        yield (), above, ()
    if above:
        yield (), (), above
    if len(above) > 1 and isinstance(above[-1], Group):  # as in x^{re,(t)}
        yield above[:-1], (), above[-1:]


def counts_steps(part: Written) -> bool:
    """Whether a superscript is a time such as t or t-1, and no transpose."""
    found = moment(part)
    return found is not None and bool(found.letters & {"t", "tau"})


def pieces(part: Written) -> list[Written]:
    """The letters of an index: `ij` is i and j."""
    match part:
        case Run(factors, signs) if not any(signs) and all(isinstance(factor, Name) for factor in factors):
            return list(factors)
        case Name(text, span, ()) if 1 < len(text) <= MOST_INDICES and text.isalpha() and text.isascii():
            return [Name(letter, span) for letter in text]
        case _:
            return [part]


def letters_in(part: Written) -> set[str]:
    """The letters in an index."""
    match part:
        case Name(text, _, ()):
            return {text}
        case Total(terms):
            return {letter for _, term in terms for letter in letters_in(term)}
        case _:
            return set()


def may_count(part: Written) -> bool:
    """Whether an index may be that of an element: a letter, or a letter and a size."""
    match part:
        case Name(text, _, ()):
            return len(text) == 1 and text.isalpha() and text != "T"
        case Total(terms):
            return all(sign == "+" and isinstance(term, Name | Run | Scripted) for sign, term in terms)
        case _:
            return False


def element_readings(base: Name, scripts: tuple[Script, ...], prefix: str = "") -> Iterator[Reading]:
    """Every way to take a name for an element: labels, then a time, then the indices, or these before the time."""
    yield from counted_above(base, scripts, prefix)
    for whole in readings(base, tuple(script for script in scripts if script[0] not in "_["), prefix):
        below = [part for kind, parts in scripts if kind == "_" for part in parts]
        index = [part for kind, parts in scripts if kind == "[" for part in parts if not isinstance(part, Relation)]
        for count in range(len(below) + 1):
            labels = [label(part) for part in below[:count]]
            if None in labels:
                break
            _, sign, above = whole.spelling.removeprefix(prefix).partition("^")
            spelling = spelled(base, (s for s in labels if s), (above,) if sign else ())
            rest = [piece for part in [*below[count:], *index] for piece in pieces(part)]
            for number in range(1, min(MOST_INDICES, len(rest)) + 1):
                for late, own in dict.fromkeys(
                    ((tuple(rest[:-number]), tuple(rest[-number:])), (tuple(rest[number:]), tuple(rest[:number])))
                ):
                    times = [moment(part) for part in late]
                    if None not in times and all(map(may_count, own)):
                        every = (*whole.times, *(found for found in times if found is not None))
                        yield Reading(prefix + spelling, every, whole.operations, own)


def counted_above(base: Name, scripts: tuple[Script, ...], prefix: str) -> Iterator[Reading]:
    """A letter above a name that counts its elements, the others below: the sensitivities `p^k_{ij}[t]`."""
    above = [script for script in scripts if script[0] == "^"]
    below = [piece for kind, parts in scripts if kind == "_" for part in parts for piece in pieces(part)]
    late = [moment(part) for kind, parts in scripts if kind == "[" for part in parts]
    if len(above) != 1 or len(above[0][1]) != 1 or None in late or any(kind in "T'" for kind, _ in scripts):
        return
    own = (*pieces(above[0][1][0]), *below)
    if below and all(map(may_count, own)) and len(own) <= MOST_INDICES:
        times = tuple(found for found in late if found is not None)
        yield Reading(prefix + spelled(base), times, (), own)


def element_index(part: Written, lexicon: Lexicon, letters: Letters) -> ElementIndex | None:
    """An index of an element: its letter, and the size that is added."""
    if isinstance(part, Name):
        return ElementIndex(part.text)
    assert isinstance(part, Total)
    terms = [term for _, term in part.terms]
    known = letters.elements or frozenset()
    own = [term for term in terms if isinstance(term, Name) and (term.text in known or lexicon.size(term) is None)]
    sizes = [lexicon.size(term) for term in terms if term not in own]
    if len(own) != 1 or None in sizes:
        return None
    return ElementIndex(own[0].text, sum((size for size in sizes if size is not None), start=ZERO))


def every_reading(apart: tuple[Name, tuple[Script, ...]], letters: Letters, prefix: str = "") -> list[Reading]:
    """Every way to take a name: as a whole, and where letters count elements, as one of its elements."""
    found = list(readings(*apart, prefix))
    return found if letters.elements == frozenset() else [*found, *element_readings(*apart, prefix)]


def find(
    written: Written, lexicon: Lexicon, sequences: Mapping[str, int], prefix: str = "", letters: Letters = WHOLE
) -> Found | None:
    """What a name means: the claim's own sequences first, since the author knows what they defined."""
    return next(meanings(written, lexicon, sequences, prefix, letters), None)


def meanings(
    written: Written, lexicon: Lexicon, sequences: Mapping[str, int], prefix: str = "", letters: Letters = WHOLE
) -> Iterator[Found]:
    """Everything that a name may mean; the most likely first."""
    apart = taken_apart(written)
    if apart is None:
        return
    labels = set(lexicon.spellings) - set(TIME_LETTERS)
    options = [
        reading
        for reading in every_reading(apart, letters, prefix)
        if letters.fits(reading) and not any(time.letters & labels for time in reading.times)
        and not reading.labelled(lexicon)
    ]  # fmt: skip
    for reading in options:
        rank = letters.ranks.get(reading.spelling, len(reading.elements))
        if sequences.get(reading.spelling) == len(reading.times) and len(reading.elements) in (0, rank):
            yield from _found(reading.spelling, reading, True, lexicon, letters)
    # a^{(1)}_{z,2} is a_{z,2} at step 1, and no a_z^(1) at step 2, where both may be a_z_1 and a_z_2.
    for reading in sorted(options, key=lambda reading: reading.spelling not in lexicon.spellings) if not prefix else ():
        if reading.spelling in lexicon.sizes and reading.spelling not in lexicon.spellings and not reading.elements:
            continue  # a size m is no matrix M, only m_{ij} may be of its elements
        name = lexicon.named(reading.spelling)
        if name in lexicon.copies and reading.times:
            name = lexicon.copies[name]
        if name is not None and fits_variable(reading, name, lexicon):
            yield from _found(name, reading, False, lexicon, letters)


def fits_variable(reading: Reading, name: str, lexicon: Lexicon) -> bool:
    """Whether a reading has as many times and indices as a variable."""
    variable = lexicon.variable(name)
    return len(reading.times) == int(variable.timed) and len(reading.elements) in (0, len(variable.shape))


def _found(name: str, reading: Reading, own: bool, lexicon: Lexicon, letters: Letters) -> Iterator[Found]:
    indices = [element_index(part, lexicon, letters) for part in reading.elements]
    if None not in indices:
        found = tuple(index for index in indices if index is not None)
        yield Found(name, reading.times, reading.operations, own, None, found)


def defined(written: Written, lexicon: Lexicon, prefix: str = "", letters: Letters = WHOLE) -> Found | None:
    """What a left side defines: a name that is not the model's, with the times that its scripts can only be."""
    apart = taken_apart(written)
    if apart is None:
        return None
    labels = set(lexicon.spellings)
    named = named_after(*apart, lexicon, letters, prefix)
    if named is not None:
        return named
    options = [
        reading
        for reading in every_reading(apart, letters, prefix)
        if not reading.operations and letters.fits(reading) and all(is_time(time, labels) for time in reading.times)
        and not reading.labelled(lexicon)
    ]  # fmt: skip
    if not lexicon.model.timed:  # a number below is a layer's
        options = [reading for reading in options if not reading.times]
    if not options:
        return None
    best = max(options, key=lambda reading: (len(reading.times) + len(reading.elements), -len(reading.elements),
                                             any("t" in time.letters for time in reading.times)))  # fmt: skip
    return next(_found(best.spelling, best, True, lexicon, letters), None)


def named_after(
    base: Name, scripts: tuple[Script, ...], lexicon: Lexicon, letters: Letters, prefix: str
) -> Found | None:
    r"""A name made from a variable's, as \bar{h}_t and \delta h_t are: its scripts are shared out as those are."""
    if not prefix and not (base.accents and base.accents[-1] == "bar"):
        return None
    bare = base if prefix else replace(base, accents=base.accents[:-1])
    ours, theirs = every_reading((base, scripts), letters, prefix), every_reading((bare, scripts), letters)
    for own, behind in zip(ours, theirs, strict=True):
        name = lexicon.named(behind.spelling)
        if name is None or own.operations or not letters.fits(own) or not fits_variable(own, name, lexicon):
            continue
        for found in _found(own.spelling, own, True, lexicon, letters):
            return replace(found, behind=name)
    return None


def is_time(time: Moment, labels: set[str]) -> bool:
    """Whether an index of an unknown name is a time: t, k, T, a number, but not a gate's name."""
    return all(letter in ("t", "T", "s", "k", "tau") or (letter in TIMES and letter not in labels)
               for letter, _ in time.terms)  # fmt: skip


TIMES = frozenset("jiluvrn")


def without_d(written: Written) -> Written | None:
    """`dW` without its d; None for what is no such word."""
    match written:
        case Name(text, span, accents) if len(text) > 1 and text[0] == "d":
            return Name(text[1:], span, accents)
        case Scripted(Name() as base, scripts, span):
            inner = without_d(base)
            return None if inner is None else Scripted(inner, scripts, span)
        case _:
            return None
