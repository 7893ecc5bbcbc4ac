r"""The maths of a whole file: what is prose becomes blank, so that every place keeps its line and column.

>>> print(formulas("Let $\\delta_t = h_t - y_t$ be for all $t$, and `b = 0`.", ".md").rstrip())
    $\delta_t = h_t - y_t$

Each place is looked at once: a sign that is never closed is remembered, so that hostile files take no longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rnnsym.claims.macros import defined

DISPLAYS = "equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|math"
#: What opens a formula, and what closes it. A single dollar sign is closed by the next one.
OPENING = re.compile(rf"\\begin\s*\{{(?P<name>(?:{DISPLAYS})\*?)\}}|\$\$|\\\[|\\\(|(?<![\\$])\$(?!\$)")
CLOSING = {"$$": re.compile(r"\$\$"), r"\[": re.compile(r"\\\]"), r"\(": re.compile(r"\\\)")}
REST = re.compile(r"[^$]++\$(?!\$)")
#: Formulas within a line of prose, and what opens one that stands apart.
INLINE = re.compile(r"(?<![\\$])\$(?!\$)[^$]+\$(?!\$)|\\\(.*\\\)")
APART = re.compile(r"\$\$|\\\[|\\begin")
#: Lines of code in Markdown hold no formulas, unless the block says that it is one.
FENCE = re.compile(r"^(?P<fence>`{3,}+|~{3,}+)[ \t]*+(?P<word>\w*+)[^\n]*+\n", re.MULTILINE)
MATHS = ("math", "latex", "tex", "claim")
COMMENT = re.compile(r"(?<!\\)%[^\n]*")
#: What parts the equations of a display, and what such signs may stand within.
PARTING = re.compile(r"(?P<sign>\\\\)|\\(?P<edge>begin|end)\s*\{\w+\*?\}")
UNDERLINE = re.compile(r"\s*(={3,}|-{3,}|~{3,})\s*")


def formulas(text: str, suffix: str) -> str:
    """The formulas of a document in their lines, and nothing but spaces elsewhere: so every place keeps its number."""
    kept = [" " if character != "\n" else "\n" for character in text]
    searched = COMMENT.sub(lambda match: " " * len(match[0]), text) if suffix == ".tex" else without_code(text)
    for start, stop in stretches(searched):
        if "=" in searched[start:stop]:
            kept[start:stop] = searched[start:stop]
    for _, _, start, stop in defined(searched):  # the author's commands, which formulas use
        kept[start:stop] = searched[start:stop]
    return "".join(kept)


def inline(text: str, claims: str) -> set[int]:
    """The lines whose formulas stand within the prose."""
    found = set()
    for number, (row, kept) in enumerate(zip(text.split("\n"), claims.split("\n"), strict=True), 1):
        if "=" in kept and INLINE.search(row) and not APART.search(row):
            found.add(number)
    return found


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where formulas begin and end, their signs included."""
    at = 0
    never: set[str] = set()
    while opening := OPENING.search(text, at):
        at = opening.end()
        sign = opening["name"] or opening[0]
        if sign in never:
            continue
        if sign == "$":
            closing = REST.match(text, at)
        else:
            closing = (CLOSING.get(sign) or re.compile(rf"\\end\s*\{{{re.escape(sign)}\}}")).search(text, at)
            if closing is None:
                never.add(sign)
        if closing is not None:
            at = closing.end()
            yield opening.start(), at


def without(text: str, line: int, column: int) -> str:
    r"""Formulas without the equation at a place: a row of its display, a display, or a line where there is none.

    >>> print(without(r"\[ a = b \\ c = d \]", 1, 5))
    \[         \\ c = d \]
    """
    rows = text.split("\n")
    begin = sum(len(row) + 1 for row in rows[: line - 1])
    at = begin + min(column, len(rows[line - 1]))
    start, stop = begin, begin + len(rows[line - 1])
    for opening, closing in stretches(text):
        if opening <= at < closing:
            start, stop = _equation(text, opening, closing, at)
    return text[:start] + blank(text[start:stop]) + text[stop:]


def _equation(text: str, opening: int, closing: int, at: int) -> tuple[int, int]:
    """Where the equation at a place of a display begins and ends; the whole display where no other stands in it."""
    first = OPENING.match(text, opening)
    assert first is not None
    last = text.rindex("\\end", opening, closing) if first["name"] else closing - len(first[0])
    edges, depth = [first.end()], 0
    for found in PARTING.finditer(text, first.end(), last):
        if found["edge"]:
            depth += 1 if found["edge"] == "begin" else -1
        elif not depth:
            edges += [found.start(), found.end()]
    edges.append(last)
    pieces = list(zip(edges[::2], edges[1::2], strict=True))
    here = next((piece for piece in pieces if at < piece[1]), pieces[-1])
    if any(text[start:stop].strip() for start, stop in pieces if (start, stop) != here):
        return here
    return opening, closing


def without_code(text: str) -> str:
    """Markdown with its code blanked, and fenced maths in delimiters."""
    found = list(text)
    for opening, closing in fences(text):
        inside = slice(opening.end(), closing.start())
        found[opening.start() : closing.end()] = blank(text[opening.start() : closing.end()])
        if opening["word"] in MATHS:
            found[inside] = text[inside]
            found[opening.start() : opening.start() + 2] = r"\["
            found[closing.start() : closing.start() + 2] = r"\]"
    return re.sub(r"`[^`\n]+`", lambda match: " " * len(match[0]), "".join(found))


def fences(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """The first and the last line of each fenced block."""
    at = 0
    never: set[str] = set()
    while opening := FENCE.search(text, at):
        at = opening.end()
        if opening["fence"] in never:
            continue
        closing = re.compile(rf"^{opening['fence']}[ \t]*$", re.MULTILINE).search(text, at)
        if closing is None:
            never.add(opening["fence"])
        else:
            yield opening, closing
            at = closing.end()


def blank(text: str) -> str:
    """Spaces in place of text; lines stay."""
    return re.sub(r"[^\n]", " ", text)


def without_titles(source: str) -> str:
    """Text without titles that are underlined."""
    lines = source.split("\n")
    rules = {number for number, line in enumerate(lines) if UNDERLINE.fullmatch(line)}
    titles = rules | {number - 1 for number in rules if number and not is_formula(lines[number - 1])}
    return "\n".join(" " * len(line) if number in titles else line for number, line in enumerate(lines))


def is_formula(line: str) -> bool:
    """Whether a line of plain text is an equation: one equals sign at least, and no run of words before it."""
    left, sign, _ = line.partition("=")
    return bool(sign) and not re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}", left) and bool(left.strip(" =-"))
