r"""Elements by their numbers: `W_{12}`, `h_{t,2}`, `\delta_1^{(t)}`.

All elements of an array are alike, so that what holds of the first and the second holds of any two. A number becomes
a letter that counts elements; two numbers of the same array are different elements, which `apart` says in full.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sympy import Expr

from rnnsym.claims.lexicon import Lexicon, label, moment, spelled
from rnnsym.claims.references import Letters, Script, find, pieces, taken_apart
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Relation,
    Run,
    Scripted,
    Statement,
    Total,
    Written,
    every,
    parts_of,
    with_parts,
)

#: What numbers are called.
LETTERS = ("i", "j", "l", "p", "q", "u", "v", "k", "r", "s")
MOST_DIGITS = 3
#: Letters that may count elements, beside which a number is a time: the k of x_{1,k}.
COUNTING = Letters(frozenset(string.ascii_lowercase) - {"t"})
#: A number and how many elements there are; None where that is not known.
Key = tuple[int, Expr | None]


@dataclass(frozen=True)
class Numbered:
    """A statement whose numbered elements have letters, and which letters are different elements of as many."""

    statement: Statement
    letters: dict[Key, str]

    @property
    def different(self) -> tuple[tuple[str, str], ...]:
        """Pairs of letters that cannot be equal."""
        keys = list(self.letters)
        return tuple(
            (self.letters[one], self.letters[other])
            for place, one in enumerate(keys)
            for other in keys[place + 1 :]
            if one[1] == other[1]
        )

    @property
    def assumed(self) -> str:
        """How numbers were taken, in words."""
        return f"line {self.statement.span.line} holds of any elements that are numbered so, all of them being alike"


@dataclass(frozen=True)
class Element:
    """A name for a numbered element: its scripts, and which parts of these are the numbers."""

    node: Scripted
    numbers: tuple[int, ...]
    sizes: tuple[Expr | None, ...]


def numbered(statement: Statement, lexicon: Lexicon, own: Collection[str]) -> Numbered | None:
    """A statement with letters for numbers; None where it has no numbered elements. own: the claim's sequences."""
    nodes = [node for side in (statement.left, statement.right) for node in every(side)]
    found = {node: element for node in nodes
             if isinstance(node, Scripted) and (element := element_of(node, lexicon, own))}  # fmt: skip
    if not any(None not in element.sizes for element in found.values()):
        return None
    taken = {node.text for node in nodes if isinstance(node, Name)} | set(lexicon.spellings) | set(lexicon.sizes)
    free = iter([letter for letter in LETTERS if letter not in taken])
    letters: dict[Key, str] = {}
    for element in found.values():
        for key in zip(element.numbers, element.sizes, strict=True):
            if key[1] is not None and key not in letters:
                name = next(free, None)
                if name is None:
                    return None
                letters[key] = name
    replaced = {}
    for node, element in found.items():
        names = [letter_of(number, size, letters) for number, size in zip(element.numbers, element.sizes, strict=True)]
        if None in names:
            return None
        replaced[node] = with_letters(node, element, [name for name in names if name is not None])
    sides = [exchanged(side, replaced) for side in (statement.left, statement.right)]
    return Numbered(replace(statement, left=sides[0], right=sides[1]), letters)


def letter_of(number: int, size: Expr | None, letters: dict[Key, str]) -> str | None:
    """The letter for a number; of what has an unknown size, the first with this number."""
    if size is not None:
        return letters.get((number, size))
    return next((letter for (known, _), letter in letters.items() if known == number), None)


def element_of(node: Scripted, lexicon: Lexicon, own: Collection[str]) -> Element | None:
    """A numbered element; None for what has another meaning."""
    apart = taken_apart(node)
    if apart is None or find(node, lexicon, {}, "", COUNTING) is not None:
        return None
    base, scripts = apart
    numbers, rest = numbers_of(scripts)
    if not numbers:
        return None
    below = [label(part) for part in rest if label(part) is not None and moment(part) is None]
    above = [label(part) for kind, parts in scripts if kind == "^" for part in parts if is_layer(part)]
    times = [part for part in rest if is_time(part)]
    times += [part for kind, parts in scripts if kind in "^[" for part in parts if is_time(part)]
    names = (spelled(base, (b for b in below if b), (a for a in above if a)), spelled(base))
    name = next((found for spelling in names if (found := lexicon.named(spelling)) is not None), None)
    if name is None:
        known = any(spelling in own for spelling in names) and len(times) == 1 and len(numbers) == 1
        return Element(node, tuple(numbers), (None,)) if known else None
    variable = lexicon.variable(name)
    axes = tuple(variable.shape)
    if len(numbers) == 1 and len(axes) == 2 and len(str(numbers[0])) == 2:
        numbers = [int(digit) for digit in str(numbers[0])]
    if 0 in numbers:
        return None
    if len(numbers) < len(axes) and not variable.timed:  # a number beside a letter that counts elements
        indices = [piece for part in below_of(scripts) for piece in split(part)]
        if len(indices) != len(axes) or not all(isinstance(piece, Numeral | Name) for piece in indices):
            return None
        axes = tuple(axis for piece, axis in zip(indices, axes, strict=True) if isinstance(piece, Numeral))
        times = []
    if len(numbers) != len(axes) or len(times) != int(variable.timed):
        return None
    return Element(node, tuple(numbers), axes)


def below_of(scripts: Sequence[Script]) -> Iterator[Written]:
    """What stands below."""
    return (part for kind, parts in scripts if kind == "_" for part in parts)


def numbers_of(scripts: Sequence[Script]) -> tuple[list[int], list[Written]]:
    """The numbers among what stands below, and the rest of it."""
    numbers: list[int] = []
    rest: list[Written] = []
    for kind, parts in scripts:
        for part in parts if kind == "_" else ():
            for piece in split(part):
                if isinstance(piece, Numeral) and piece.value.denominator == 1 and 0 < piece.value < 10**MOST_DIGITS:
                    numbers.append(int(piece.value))
                else:
                    rest.append(piece)
    return numbers, rest


def split(part: Written) -> Iterator[Written]:
    """The parts of an index: `12` is one, `t2` are two."""
    if isinstance(part, Run) and not any(part.signs):
        yield from part.factors
    else:
        yield from pieces(part)


def is_layer(part: Written) -> bool:
    """Whether a superscript is the number of a layer."""
    inner = part.parts[0] if isinstance(part, Group) and len(part.parts) == 1 else part
    return isinstance(inner, Numeral) and isinstance(part, Group | Numeral)


def is_time(part: Written) -> bool:
    """Whether a script is a time such as t-1, (t) or T."""
    found = None if isinstance(part, Relation) else moment(part)
    letters = set() if found is None else {letter for letter, _ in found.terms}
    return bool(letters & {"t", "T", "tau"}) or (bool(letters) and isinstance(part, Total))


def with_letters(node: Scripted, element: Element, names: list[str]) -> Written:
    """A name with letters in place of its numbers."""
    waiting = list(names)
    digits = len(element.numbers) > 1 and len(numbers_of(node.scripts)[0]) == 1

    def changed(part: Written) -> tuple[Written, ...]:
        if isinstance(part, Run) and not any(part.signs):
            return tuple(one for factor in part.factors for one in changed(factor))
        if isinstance(part, Numeral):
            count = len(waiting) if digits else 1
            return tuple(Name(waiting.pop(0), part.span) for _ in range(count))
        return (part,)

    apart = taken_apart(node)
    assert apart is not None
    base, scripts = apart
    new = tuple((kind, tuple(one for part in parts for one in changed(part)) if kind == "_" else parts)
                for kind, parts in scripts)  # fmt: skip
    return Scripted(base, new, node.span)


def exchanged(written: Written, others: dict[Scripted, Written]) -> Written:
    """An expression with other names in it."""
    if isinstance(written, Scripted) and written in others:
        return others[written]
    return with_parts(written, tuple(exchanged(part, others) for part in parts_of(written)))


def apart(found: Numbered) -> Statement:
    """What a statement says of different elements: both sides count where the letters differ."""
    statement = found.statement
    span = statement.span
    factors: list[Written] = []
    for one, other in found.different:
        equal = Group("[", (Relation((Name(one, span), Name(other, span)), ("=",), span),), "", span)
        factors.append(Group("(", (Total((("+", Numeral(Fraction(1), span)), ("-", equal)), span),), "", span))
    if not factors:
        return statement

    def times(side: Written) -> Written:
        inner = Group("(", (side,), "", span) if isinstance(side, Run | Total) else side
        return Run((*factors, inner), ("",) * len(factors), span)

    return replace(statement, left=times(statement.left), right=times(statement.right))
