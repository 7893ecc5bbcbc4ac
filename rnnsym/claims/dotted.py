r"""Matrices and vectors that are told by their corners, with dots between them, as the array of one element.

>>> from rnnsym.claims.latex import lexemes
>>> text = r"\begin{bmatrix} W_{11} & \cdots & W_{1n} \\ \vdots & & \vdots \\ W_{n1} & \cdots & W_{nn} \end{bmatrix}"
>>> " ".join(lexeme.text for lexeme in lexemes(text))
'[ W _ { j q } ] _ { j q }'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rnnsym.claims.grammar import Lexeme
from rnnsym.claims.tokens import DEPTH
from rnnsym.claims.written import ClaimError

#: Letters for the elements; those that the text has are left out.
LETTERS = "jqvupisr"
Cell = tuple[Lexeme, ...]


def dotted(found: Sequence[Lexeme], text: str) -> list[Lexeme]:
    """Tokens in which no matrix has dots any more."""
    made: list[Lexeme] = []
    taken = {lexeme.text for lexeme in found}
    free = [letter for letter in LETTERS if letter not in taken]
    place = 0
    while place < len(found):
        end = closing(found, place) if found[place].kind == "LMATRIX" else None
        rows = table(found[place + 1 : end]) if end is not None else []
        if end is None or not any(is_dots(cell) for row in rows for cell in row):
            made.append(found[place])
            place += 1
            continue
        element = by_corners(rows, free)
        if element is None:
            raise ClaimError("the elements of this matrix follow no one pattern", text, found[place].span,
                             "its corners have to differ in the numbers of row and column alone")  # fmt: skip
        made += element
        place = end + 1
    return made


def closing(found: Sequence[Lexeme], place: int) -> int | None:
    """The place of the end of a matrix."""
    depth = 0
    for number in range(place, len(found)):
        depth += DEPTH.get(found[number].kind, 0)
        if depth == 0:
            return number
    return None


def table(inside: Sequence[Lexeme]) -> list[list[Cell]]:
    """The cells of a matrix, row by row."""
    rows: list[list[list[Lexeme]]] = [[[]]]
    depth = 0
    for lexeme in inside:
        depth += DEPTH.get(lexeme.kind, 0)
        if depth == 0 and lexeme.kind == "ROW":
            rows.append([[]])
        elif depth == 0 and lexeme.kind == "AMPERSAND":
            rows[-1].append([])
        else:
            rows[-1][-1].append(lexeme)
    cells = [[tuple(digits(cell)) for cell in row] for row in rows]
    return [row for row in cells if any(row)]


def digits(cell: Sequence[Lexeme]) -> Iterator[Lexeme]:
    """The tokens of a cell; numbers of rows and columns side by side, as in W_{11}, by themselves."""
    for place, lexeme in enumerate(cell):
        below = [other.kind for other in cell[max(0, place - 2) : place]] == ["SUB", "LBRACE"]
        if below and lexeme.kind == "NUMBER" and lexeme.text.isdigit():
            yield from (replace(lexeme, text=digit) for digit in lexeme.text)
        else:
            yield lexeme


def is_dots(cell: Cell) -> bool:
    return len(cell) == 1 and cell[0].kind == "RANGE"


def is_nothing(cell: Cell) -> bool:
    return not cell or (len(cell) == 1 and cell[0].text == "0")


def by_corners(rows: list[list[Cell]], free: list[str]) -> list[Lexeme] | None:
    """The array of the element that all corners and all cells beside them are; None where there is none."""
    first, last = rows[0], rows[-1]
    if len(free) < 2:
        return None
    if len(rows) > 1 and len(first) > 1 and len(first) == len(last):
        if is_nothing(first[-1]) and is_nothing(last[0]):
            inside = along([row[n] for n, row in enumerate(rows) if n < len(row)], free[0])
            others = (c for r, row in enumerate(rows) for n, c in enumerate(row) if n != r)
            plain = inside is not None and all(is_nothing(cell) or is_dots(cell) for cell in others)
            return diagonal(inside) if inside is not None and plain else None
        return whole(rows, free)
    line = [row[0] for row in rows] if len(first) == 1 else first if len(rows) == 1 else []
    inside = along(line, free[0]) if line else None
    if inside is None:
        return None
    array = bracketed(inside, free[:1])
    return array if len(first) == 1 else [*array, *turn(inside[0])]


def whole(rows: list[list[Cell]], free: list[str]) -> list[Lexeme] | None:
    """A matrix: its element by the first and the last of the first row and of the first column."""
    across, down = along(rows[0], free[1]), along([row[0] for row in rows], free[0])
    one, corner = rows[0][0], rows[-1][-1]
    if across is None or down is None or not len(one) == len(across) == len(down) == len(corner):
        return None
    element = list(one)
    for place, parts in enumerate(zip(one, down, across, strict=True)):
        letters = [part for part in parts[1:] if part.text != parts[0].text]
        if len(letters) > 1:
            return None
        element[place] = letters[0] if letters else parts[0]
    below, beside = labels([row[0] for row in rows], down, free[0]), labels(rows[0], across, free[1])
    for row, number in zip(rows, below, strict=True):
        for cell, other in zip(row, beside, strict=False):
            told = {free[0]: number, free[1]: other}
            if number and other and [e.text for e in cell] != [told.get(e.text, e.text) for e in element]:
                return None
    return bracketed(element, free[:2])


def labels(cells: list[Cell], element: Sequence[Lexeme], letter: str) -> list[str]:
    """The number of each cell of a row or column; empty for dots."""
    place = next(n for n, part in enumerate(element) if part.text == letter)
    return ["" if is_dots(cell) or is_nothing(cell) else cell[place].text for cell in cells]


def along(cells: list[Cell], letter: str) -> list[Lexeme] | None:
    """The element of a row or column, with a letter for its number: of the first and the last, and those between."""
    if len(cells) < 3 or not any(is_dots(cell) for cell in cells) or len(cells[0]) != len(cells[-1]):
        return None
    first, last = cells[0], cells[-1]
    places = [n for n, (one, other) in enumerate(zip(first, last, strict=True)) if one.text != other.text]
    if not places or {first[n].text for n in places} != {"1"} or len({last[n].text for n in places}) > 1:
        return None
    for number, cell in enumerate(cells[:-1], 1):
        if is_dots(cell):
            break
        if [e.text for e in cell] != [str(number) if n in places else e.text for n, e in enumerate(first)]:
            return None
    return [replace(e, kind="NAME", text=letter) if n in places else e for n, e in enumerate(first)]


def bracketed(element: Sequence[Lexeme], letters: Sequence[str]) -> list[Lexeme]:
    """Elements in brackets with their indices below."""
    span = element[0].span
    below = [Lexeme("NAME", letter, span) for letter in letters]
    start, end = Lexeme("LSQUARE", "[", span), Lexeme("RSQUARE", "]", span)
    braces = Lexeme("LBRACE", "{", span), Lexeme("RBRACE", "}", span)
    return [start, *element, end, Lexeme("SUB", "_", span), braces[0], *below, braces[1]]


def diagonal(element: Sequence[Lexeme]) -> list[Lexeme]:
    """A diagonal matrix by its elements."""
    span = element[0].span
    letter = next(e.text for e in element if e.kind == "NAME" and e.text in LETTERS)
    inside = bracketed(element, [letter])
    return [Lexeme("NAME", "diag", span), Lexeme("LPAREN", "(", span), *inside, Lexeme("RPAREN", ")", span)]


def turn(lexeme: Lexeme) -> list[Lexeme]:
    """A transpose."""
    return [Lexeme("SUP", "^", lexeme.span), Lexeme("NAME", "top", lexeme.span)]
