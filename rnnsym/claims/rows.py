"""Tokens put in rows, and rows put together to the equations of a text."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction

from rnnsym.claims.grammar import Lexeme, parse
from rnnsym.claims.tokens import COUNTING, DEPTH
from rnnsym.claims.written import ClaimError, Note, Statement
from rnnsym.errors import Span

#: Where what stands beside an equation begins.
BESIDE = {"NOTE", "COMMA", "SPACE"}
#: Letters that count nothing but time.
CLOCKS = frozenset("t T tau s".split())
#: What an equation goes on with.
GOING_ON = ("EQUALS", "PLUS", "OPERATOR")


def displays(lexemes: Iterable[Lexeme]) -> list[list[list[Lexeme]]]:
    """Tokens split where a display ends, if it has an equation, and in it where a row ends."""
    found: list[list[list[Lexeme]]] = [[[]]]
    depth = 0
    for lexeme in lexemes:
        depth = max(0, depth + DEPTH.get(lexeme.kind, 0))
        if lexeme.kind == "END":
            if any(other.kind == "EQUALS" for row in found[-1] for other in row):
                found.append([])
            found[-1].append([])
            depth = 0
        elif lexeme.kind == "ROW" and not depth:
            found[-1].append([])
        else:
            found[-1][-1].append(lexeme)
    return [[equation for row in display if row for equation in side_by_side(in_columns(row))] for display in found]


def in_columns(row: list[Lexeme]) -> list[Lexeme]:
    """A row without the signs at which its columns are aligned; a space parts those that are equations each."""
    cells: list[list[Lexeme]] = [[]]
    depth = 0
    for lexeme in row:
        depth = max(0, depth + DEPTH.get(lexeme.kind, 0))
        if lexeme.kind == "AMPERSAND" and not depth:
            cells.append([])
        else:
            cells[-1].append(lexeme)
    found, complete = list(cells[0]), has_equals(cells[0])
    for cell, after in zip(cells[1:], [*cells[2:], []], strict=False):
        begins = (
            bool(cell)
            and cell[0].kind not in GOING_ON
            and (has_equals(cell) or [one.kind for one in after[:1]] == ["EQUALS"])
        )
        if complete and begins:
            found.append(Lexeme("SPACE", "&", cell[0].span))
        complete = has_equals(cell) or (complete and not begins)
        found += cell
    return list(itertools.dropwhile(lambda lexeme: lexeme.kind == "SPACE", found))  # how far a row is set in


def has_equals(row: list[Lexeme]) -> bool:
    """Whether an equals sign stands outside all brackets."""
    return any(lexeme.kind == "EQUALS" for lexeme in top_level(row))


def side_by_side(row: list[Lexeme]) -> list[list[Lexeme]]:
    """The equations of a row, each with what stands beside it: a range of times is no equation."""
    found: list[list[Lexeme]] = [[]]
    depth = 0
    for place, lexeme in enumerate(row):
        depth = max(0, depth + DEPTH.get(lexeme.kind, 0))
        if not depth and lexeme.kind in BESIDE and begins_equation(row[place + 1 :]):
            found.append([])
        else:
            found[-1].append(lexeme)
    return found


def begins_equation(rest: list[Lexeme]) -> bool:
    """Whether an equation begins here, and not a range of times such as t = 1, ..., T, or more space."""
    formula, _ = apart(rest)
    outside = top_level(formula)
    equals = next((place for place, lexeme in enumerate(formula) if lexeme in outside and lexeme.kind == "EQUALS"), 0)
    if not equals:
        return False
    right = formula[equals + 1 :]
    return not (
        equals == 1
        and formula[0].kind == "NAME"
        and all(lexeme.kind in ("NAME", "NUMBER", "PLUS", "MINUS", "RANGE") for lexeme in right)
        and formula[0].text in COUNTING
    )


def whole(split: Iterable[list[Lexeme]]) -> list[list[Lexeme]]:
    """Rows put together to equations: what has no left side of its own continues the row before.

    Unless it is the left side of the next row, which begins with an equals sign.
    """
    found: list[list[Lexeme]] = []
    pairs = [(row, *apart(row)) for row in split]
    pairs = [pair for pair in pairs if pair[1]]
    for place, (row, formula, notes) in enumerate(pairs):
        starts = formula[0].kind not in GOING_ON
        own = starts and any(lexeme.kind == "EQUALS" for lexeme in top_level(formula))
        after = pairs[place + 1][1][0].kind if place + 1 < len(pairs) else ""
        left = starts and after == "EQUALS" and bool(found) and found[-1][-1].kind not in GOING_ON
        if found and not own and not left:
            before, earlier = apart(found[-1])
            found[-1] = [*before, *formula, *earlier, *notes]
        else:
            found.append(row)
    return found


def top_level(lexemes: Iterable[Lexeme]) -> list[Lexeme]:
    """The tokens outside all brackets."""
    found = []
    depth = 0
    for lexeme in lexemes:
        change = DEPTH.get(lexeme.kind, 0)
        if not depth and not change:
            found.append(lexeme)
        depth = max(0, depth + change)
    return found


def apart(row: Sequence[Lexeme]) -> tuple[list[Lexeme], list[Lexeme]]:
    r"""A row's formula, and what stands beside it; of what set its value is, `\in \mathbb{R}^n`, is left out."""
    depth, end = 0, None
    for place, lexeme in enumerate(row):
        depth = max(0, depth + DEPTH.get(lexeme.kind, 0))
        if not depth and lexeme.kind in BESIDE:
            return list(row[: place if end is None else end]), list(row[place:])
        if not depth and end is None and lexeme.text == "∈" and any(one.kind == "EQUALS" for one in row[:place]):
            end = place
    return list(row[:end]), []


def note(lexemes: Sequence[Lexeme]) -> tuple[Note, ...]:
    """What stands beside an equation, as compact strings."""
    shown = "".join("|" if lexeme.kind in ("NOTE", "SPACE") else lexeme.text for lexeme in lexemes)
    parts = [part.strip(",.;() ") for part in shown.split("|")]
    span = lexemes[0].span if lexemes else Span(1, 0, 1)
    return tuple(Note(part, span) for part in parts if part)


def statements(lexemes: Iterable[Lexeme], text: str) -> list[Statement]:
    """The equations of a piece of maths; raises ClaimError where one cannot be read."""
    found: list[Statement] = []
    for row in (row for display in displays(lexemes) for row in whole(display)):
        for formula, notes in alternatives(*apart(row), text):
            while formula and formula[-1].kind in ("SEMICOLON", "PERIOD"):
                formula.pop()
            sides = parse(formula, text)
            signs = [lexeme.text for lexeme in top_level(formula) if lexeme.kind == "EQUALS"]
            span = Span(formula[0].span.line, formula[0].span.start, formula[-1].span.stop)
            if len(sides) == 1:
                raise ClaimError("an equation has two sides, and here is no '='", text, span, "write  left = right")
            found += [
                Statement(sides[0], side, note(notes), span, sign)
                for side, sign in zip(sides[1:], signs or "=", strict=False)
            ]
    return found


def alternatives(formula: list[Lexeme], notes: list[Lexeme], text: str) -> Iterable[tuple[list[Lexeme], list[Lexeme]]]:
    """An equation whose right side is told case by case, as one equation for each case."""
    opening = [place for place, lexeme in enumerate(formula) if lexeme.kind == "LCASES"]
    if not opening:
        yield formula, notes
        return
    closing = [place for place, lexeme in enumerate(formula) if lexeme.kind == "RCASES"]
    if len(opening) != 1 or len(closing) != 1 or closing[0] != len(formula) - 1 or formula[opening[0] - 1].text != "=":
        raise ClaimError("cases have to be the whole right side", text, formula[opening[0]].span)
    branches: list[list[Lexeme]] = [[]]
    for lexeme in formula[opening[0] + 1 : closing[0]]:
        if lexeme.kind == "ROW":
            branches.append([])
        else:
            branches[-1].append(lexeme)
    if (chosen := of_elements(branches)) is not None:
        yield [*formula[: opening[0]], *chosen], notes
        return
    for branch in branches:
        cut = next((n for n, lexeme in enumerate(branch) if lexeme.kind in ("AMPERSAND", *BESIDE)), len(branch))
        condition = [lexeme for lexeme in branch[cut:] if lexeme.kind != "AMPERSAND"]
        if branch:
            yield [*formula[: opening[0]], *branch[:cut]], [*condition, *notes]


def of_elements(branches: list[list[Lexeme]]) -> list[Lexeme] | None:
    """Two cases that tell equal elements, i = j, from the others, as one sum; None where no such cases are told."""
    branches = [branch for branch in branches if branch]
    if len(branches) != 2:
        return None
    values, conditions = [], []
    for branch in branches:
        cut = next((n for n, lexeme in enumerate(branch) if lexeme.kind in ("AMPERSAND", *BESIDE)), len(branch))
        rest = [lexeme for lexeme in branch[cut:] if lexeme.kind not in ("AMPERSAND", *BESIDE)]
        values.append(branch[:cut])
        conditions.append([lexeme for lexeme in rest if lexeme.text not in ("if", "for", "when")])
    (same, apart_), (first, second) = conditions, values
    if [lexeme.text for lexeme in same[1:2]] == ["≠"]:
        same, first, second = apart_ or same, second, first
    letters = {lexeme.text for lexeme in same if lexeme.kind == "NAME"}
    if (
        len(same) != 3
        or same[1].text not in ("=", "≠")
        or len(letters) != 2
        or letters & CLOCKS
        or not (first and second)
    ):
        return None
    if not all(len(letter) == 1 for letter in letters):
        return None
    span = same[1].span
    equal = [Lexeme("EQUALS", "=", span) if n == 1 else lexeme for n, lexeme in enumerate(same)]

    def sign(kind: str, text: str) -> Lexeme:
        return Lexeme(kind, text, span)

    bracket = [sign("LSQUARE", "["), *equal, sign("RSQUARE", "]")]
    opening, closing = sign("LPAREN", "("), sign("RPAREN", ")")
    other = [opening, sign("NUMBER", "1"), sign("MINUS", "-"), *bracket, closing]
    return [*bracket, opening, *first, closing, sign("PLUS", "+"), *other, opening, *second, closing]


def number(text: str) -> str:
    """A number as the grammar has it, exact."""
    return str(Fraction(text))
