r"""Equations for several parts of a model at once: \delta^l for each layer l, \delta W_\star for each gate.

What is said of a letter is said of everything that it can stand for: the numbers of layers, the names of gates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.claims.lexicon import Lexicon, moment, spelled
from rnnsym.claims.references import taken_apart
from rnnsym.claims.times import told_range
from rnnsym.claims.written import (
    Group,
    Name,
    Note,
    Numeral,
    Scripted,
    Statement,
    Written,
    every,
    parts_of,
    with_parts,
)

#: Letters that stand for the number of a layer, the number of the last one, and a sign that stands for a gate.
LAYER, LAST, GATE = "l", "L", "⋆"
MOST_LAYERS = 40
#: What letters stand for: a number, or a name.
Values = Mapping[str, int | str]


@dataclass(frozen=True)
class Expanded:
    """Statements in which no letter stands for a layer or a gate, and what was said of which."""

    statements: tuple[Statement, ...]
    assumed: tuple[str, ...] = ()


def for_each_part(statements: Iterable[Statement], lexicon: Lexicon) -> Expanded:
    """Statements about any layer or gate, as statements about each."""
    found: list[Statement] = []
    assumed: list[str] = []
    last = last_layer(lexicon)
    statements = list(statements)
    gates = next((told for statement in statements if (told := ranges(statement, GATE, {}))), None)
    for statement in (with_last(statement, lexicon) for statement in statements):
        nodes = [node for side in (statement.left, statement.right) for node in every(side)]
        letters = [letter for letter in (LAYER, GATE, LAST) if any(stands(node, letter, lexicon) for node in nodes)]
        if not letters or (last is None and GATE not in letters):
            found.append(statement)
            continue
        choices = list(possible(letters[0], statement, nodes, lexicon, last, gates))
        found += [filled(statement, values, lexicon) for values in choices] or [statement]
        if letters[0] != LAST and choices:
            said = ", ".join(str(values[letters[0]]) for values in choices)
            assumed.append(f"line {statement.span.line} is said of {letters[0]} = {said}")
    return Expanded(tuple(found), tuple(assumed))


def with_last(statement: Statement, lexicon: Lexicon) -> Statement:
    r"""A statement in which \nabla_a derives by the last of the a, where there are only numbered ones."""

    def put_last(written: Written) -> Written:
        match written:
            case Scripted(Name("∇") as nabla, (("_", (Name() as bottom,)),), span) if is_layered(bottom, lexicon):
                last = Scripted(bottom, (("^", (Group("(", (Name(LAST, span),), "", span),)),), span)
                return Scripted(nabla, (("_", (last,)),), span)
        return with_parts(written, tuple(map(put_last, parts_of(written))))

    return replace(statement, left=put_last(statement.left), right=put_last(statement.right))


def last_layer(lexicon: Lexicon) -> int | None:
    """The largest number of a layer; None where no names are numbered."""
    numbers = [int(number) for name in lexicon.model.names for number in re.findall(r"^[^\W\d_]+_?(\d{1,2})$", name)]
    return max(numbers, default=None)


def is_layered(base: Name, lexicon: Lexicon) -> bool:
    """Whether a name is that of variables which are numbered, as the W of W_1 and W_2, and of no other."""
    word = spelled(base)
    numbered = any(lexicon.named(f"{word}^({number})") is not None for number in (1, 2))
    return numbered and lexicon.spellings.get(word) is None


def stands(node: Written, letter: str, lexicon: Lexicon) -> bool:
    """Whether a letter stands for a layer or a gate here."""
    apart = taken_apart(node)
    if apart is None:
        return False
    base, scripts = apart
    if letter == GATE:
        return base.text == GATE or any(part == Name(GATE, part.span) for _, parts in scripts for part in parts)
    if not is_layered(base, lexicon):
        return False
    return any(letter in numbers(part) for kind, parts in scripts if kind in "_^" for part in parts)


def numbers(part: Written) -> frozenset[str]:
    """The letters of a script that may be a number: l, (l), l+1."""
    found = moment(bare(part))
    return frozenset() if found is None or len(found.terms) != 1 else found.letters


def possible(
    letter: str, statement: Statement, nodes: list[Written], lexicon: Lexicon, last: int | None,
    gates: frozenset[int | str] | None,
) -> Iterator[Values]:  # fmt: skip
    """What a letter may stand for: that of which the model has all that is named. gates: those that are told."""
    ends: dict[str, int | str] = {} if last is None else {LAST: last}
    told = gates if letter == GATE else ranges(statement, letter, ends)
    if letter == GATE:
        options: list[int | str] = [name for name in lexicon.model.names if name in lexicon.model.timed]
    else:
        options = list(range(min(last or 0, MOST_LAYERS) + 1))
    if letter == LAST:
        options = [] if last is None else [last]
    for option in options:
        values = {**ends, letter: option}
        if told is not None and option not in told:
            continue
        if all(exists(node, values, lexicon) for node in nodes if stands(node, letter, lexicon)):
            yield values


def exists(node: Written, values: Values, lexicon: Lexicon) -> bool:
    """Whether the model has what a name with a letter in it is called for one layer or gate."""
    apart = taken_apart(put(node, values, lexicon))
    assert apart is not None
    base, scripts = apart
    labels = [
        str(part.value) if isinstance(part, Numeral) else part.text
        for _, parts in scripts for part in map(bare, parts) if isinstance(part, Numeral | Name)
    ]  # fmt: skip
    words = [str(value) for value in values.values()]
    own = [label for label in labels if label in words or label.isdigit()]
    return base.text in words or any(lexicon.named(f"{spelled(base)}^({label})") is not None for label in own)


def bare(part: Written) -> Written:
    """A script without brackets, and its letter ell as l."""
    if isinstance(part, Group) and len(part.parts) == 1:
        return bare(part.parts[0])
    return (
        replace(part, text=LAYER)
        if part == Name("ell", part.span)
        else with_parts(part, tuple(map(bare, parts_of(part))))
    )


def ranges(statement: Statement, letter: str, ends: Values) -> frozenset[int | str] | None:
    """What a letter is told to stand for beside an equation; None where nothing is told."""
    for note in statement.notes:
        if letter == GATE and (told := re.fullmatch(r"⋆∈\W*(\w+(?:,\w+)*)\W*", note.text.replace(" ", ""))):
            return frozenset(told[1].split(","))
        if about(note, letter):
            found = told_range(note, "")
            if found is None or letter == GATE:
                continue
            known = {name: int(value) for name, value in ends.items()}
            low = 0 if found.low is None else found.low.at(known)
            high = MOST_LAYERS if found.high is None else found.high.at(known)
            return frozenset(range(min(low, high), max(low, high) + 1))
    return None


def about(note: Note, letter: str) -> bool:
    """Whether a note tells a range of a letter."""
    return re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", note.text) is not None and bool(
        re.search(r"[=∈≤≥<>]", note.text)
    )


def filled(statement: Statement, values: Values, lexicon: Lexicon) -> Statement:
    """A statement about one layer or gate."""
    notes = tuple(note for note in statement.notes if not any(about(note, letter) for letter in values))
    left, right = (put(side, values, lexicon) for side in (statement.left, statement.right))
    return replace(statement, left=left, right=right, notes=notes)


def put(written: Written, values: Values, lexicon: Lexicon) -> Written:
    """An expression with what letters stand for in their places: in scripts the number of a layer."""
    if isinstance(written, Name):
        value = values.get(written.text)
        return replace(written, text=value) if isinstance(value, str) else written
    inner = with_parts(written, tuple(put(part, values, lexicon) for part in parts_of(written)))
    if not isinstance(inner, Scripted) or not isinstance(inner.base, Name):
        return inner
    return replace(
        inner, scripts=tuple((kind, tuple(number(part, kind, values) for part in own)) for kind, own in inner.scripts)
    )


def number(part: Written, kind: str, values: Values) -> Written:
    """A script with the number of a layer; above in brackets, since it is no power."""
    own = numbers(part)
    if not own or not all(isinstance(values.get(letter), int) for letter in own) or kind not in "_^":
        return part
    found = moment(bare(part))
    assert found is not None
    value = found.at({letter: int(values[letter]) for letter in own})
    numeral = Numeral(Fraction(value), part.span)
    return Group("(", (numeral,), "", part.span) if kind == "^" else numeral
