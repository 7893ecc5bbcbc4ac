r"""Plain text with sentences in it: what is prose becomes blank, so that every equation keeps its line and column.

>>> print(sift("The error is e[t] = h[t] - y[t], and h is the state.\nIt is small.", {"h", "y"}).text.rstrip(" ,"))
             e[t] = h[t] - y[t]

Nothing else marks a formula here, so that its borders are told by words: one that may stand beside a formula
parts it from the sentence. Any other stays with the formula, which then cannot be read: nothing of it is lost unseen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rnnsym.claims.document import blank
from rnnsym.notation.letters import GREEK

#: Words after which a formula may begin, and words that may follow one.
BEFORE = frozenset(
    "let is are be was were by get gets got give gives given have has obtain obtains find finds yield yields that and "
    "with where when so then thus hence therefore as write writing define defining call set setting put use using "
    "assume assuming suppose know since because if means reads follows becomes say now first second third next finally "
    "last here but or both namely note recall via only to from for in of at all".split()
)
AFTER = frozenset(
    "be is are was which that where with and or so because since then when if as by at follows holds hold gives here "
    "again also denotes means we it this in from to for on while but hence thus therefore throughout".split()
)
#: Short words that are no names.
SHORT = frozenset("is be we so at as by an or if it us do my no on up to of in".split())
#: Words that a formula may have: they do not tell one from prose.
EITHER = frozenset("sum over of for in range to from all if where".split()) | frozenset(GREEK)
MARK = re.compile(r"\s*(?:[-*•–]|\d{1,3}[.)]|\(\d{1,3}\)|[a-z]\))\s+")
NUMBER_BESIDE = re.compile(r"\s{2,}\(\d+\)\s*$")
COMMENT = re.compile(r"#[^\n]*")
DEFINED = re.compile(r"([A-Za-z]\w*)\s*(?:\[[^\]\n]*\])?\s*[-+:]?=(?!=)")
TOKEN = re.compile(r"\S+")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]{3,}")
RULE = re.compile(r"\s*([=\-~_*#])\1{2,}\s*")
#: What a line has that is a formula, or the rest of one.
SIGNS = re.compile(r"[A-Za-z]\s*[\[(_^]|[@*/^+∑Σ]")
OPERATORS = "+-*/@=⊙"


@dataclass(frozen=True)
class Sifted:
    """The formulas of a text in their lines, and which of these lines begin as a sentence does.

    broken: the lines that are formulas by their signs, and have no equals sign.
    """

    text: str
    prose: frozenset[int]
    broken: tuple[int, ...] = ()


def sift(text: str, names: Collection[str]) -> Sifted:
    """The formulas of a text in plain notation; names: those of the model."""
    known = {*names, *(f"d{name}" for name in names), *DEFINED.findall(text)}
    found: list[str] = []
    sentences, broken = set(), []
    depth = 0
    for number, line in enumerate(COMMENT.sub(lambda match: blank(match[0]), text).split("\n"), 1):
        before = next((kept.rstrip() for kept in reversed(found) if kept.strip()), "")
        goes_on = depth > 0 or line.lstrip()[:1] in tuple(OPERATORS) or before.endswith(tuple(OPERATORS))
        kept = one_line(line, known, goes_on)
        if kept.strip() and not goes_on and "=" not in kept:
            broken.append(number)
        depth = max(0, depth + balance(kept)) if kept.strip() else depth if line.strip() else 0
        found.append(kept)
        if "=" in kept and has_prose(line.partition("=")[0], known):
            sentences.add(number)
    return Sifted("\n".join(found), frozenset(sentences), tuple(broken))


def one_line(line: str, known: Collection[str], goes_on: bool) -> str:
    """A line without its prose. goes_on: it may continue the formula above it."""
    if RULE.fullmatch(line):
        return blank(line)
    if "=" not in line:
        formula = not has_prose(line, known) and (goes_on or SIGNS.search(line))
        return line if formula else blank(line)
    mark = MARK.match(line)
    start = mark.end() if mark else 0
    beside = NUMBER_BESIDE.search(line, start)
    stop = beside.start() if beside else len(line)
    kept = [" "] * len(line)
    for first, last in stretches(line, start, stop, known):
        kept[first:last] = line[first:last]
        if last < stop and line[last] in ".;":
            kept[last] = ","  # what parts two sentences parts their equations
    return "".join(kept)


def stretches(line: str, start: int, stop: int, known: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where the equations of a line begin and end."""
    tokens = list(TOKEN.finditer(line, start, stop))
    run: list[int] = []
    for place in range(len(tokens) + 1):
        ends = place == len(tokens) or is_prose(tokens, place, known)
        if not ends:
            run.append(place)
        if run and (ends or (tokens[place][0][-1] in ".;" and not tokens[place][0].endswith(".."))):
            if any("=" in tokens[one][0] for one in run):
                yield with_neighbours(tokens, run, known)
            run = []


def with_neighbours(tokens: list[re.Match[str]], run: list[int], known: Collection[str]) -> tuple[int, int]:
    """Where a run of tokens begins and ends, with what stands beside it and does not part it from the sentence."""
    first, last = run[0], run[-1]
    while first < last and bare(tokens[first][0]).lower() in BEFORE and bare(tokens[first][0]) not in known:
        first += 1
    while last > first and bare(tokens[last][0]).lower() in AFTER and bare(tokens[last][0]) not in known:
        last -= 1
    if first == run[0] and first and not parts(tokens[first - 1][0], BEFORE):
        first -= 1
    closed = tokens[last][0][-1] in ",.;:"
    if last == run[-1] and last + 1 < len(tokens) and not closed and not parts(tokens[last + 1][0], AFTER):
        last += 1
    end = tokens[last].end()
    while tokens[last].start() < end - 1 and tokens[last][0][end - tokens[last].start() - 1] in ",.;:!?":
        end -= 1
    return tokens[first].start(), end


def parts(token: str, words: Collection[str]) -> bool:
    """Whether a word of prose parts a formula from its sentence."""
    return token[-1] in ",.;:!?" or bare(token).lower() in words


def has_prose(text: str, known: Collection[str]) -> bool:
    """Whether a piece of text has a word that is in no formula."""
    tokens = list(TOKEN.finditer(text + "="))
    return any(is_prose(tokens, place, known) for place in range(len(tokens)))


def is_prose(tokens: list[re.Match[str]], place: int, known: Collection[str]) -> bool:
    """Whether a token is a word of a sentence, and no name."""
    word = bare(tokens[place][0])
    if place + 1 < len(tokens) and tokens[place + 1][0][0] == "=" and tokens[place][0] == word:
        return False
    pieces = re.split(r"[-–/'’]", word)
    return all(WORD.fullmatch(piece) and piece not in known and is_word(piece) for piece in pieces) and any(
        len(piece) > 1 for piece in pieces
    )


def is_word(piece: str) -> bool:
    """Whether a piece of a word is English rather than a name of a formula, as far as its letters tell."""
    lower = piece.lower()
    return lower in SHORT - EITHER or (len(piece) > 2 and lower not in EITHER) or lower == "s"


def bare(token: str) -> str:
    """A token without the signs of a sentence around it."""
    return token.strip("\"“”‘’'.,;:!?()")


def balance(line: str) -> int:
    """How many brackets a line opens more than it closes."""
    return sum((sign in "([{") - (sign in ")]}") for sign in line)
