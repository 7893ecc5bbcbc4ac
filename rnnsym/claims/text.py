"""Formulas in plain text: the model language's notation, and the Unicode text that derivations are printed in.

>>> [lexeme.text for lexeme in lexemes("dE/dW = sum(delta[t] @ h[t-1].T)")]
['dE', '/', 'dW', '=', 'sum', '(', 'delta', '[', 't', ']', '@', 'h', '[', 't', '-', '1', ']', '.T', ')']
"""

from __future__ import annotations

import re
import unicodedata

from rnnsym.claims.grammar import Lexeme
from rnnsym.claims.tokens import ACCENT_NAMES, DEPTH, LOWERED, NUMBER, Scanner, assigned
from rnnsym.notation.letters import GREEK_NAMES

LETTER = r"A-Za-z\u00c0-\u024f\u0370-\u03ff\u1e00-\u1eff"
WORD = re.compile(rf"[{LETTER}](?:[{LETTER}0-9\u0300-\u036f]|_(?=[{LETTER}0-9]))*")
BARRED = re.compile(r"bar\(([^\W\d][\w\u0300-\u036f]*)\)")
IGNORED = re.compile(r"[ \t\r]+|#[^\n]*")
NOTE = re.compile(r" {3,}|\b(for|where|if)\b")
#: A library that a program calls, and the attribute in which some keep a gradient.
LIBRARY = re.compile(r"(?:np|numpy|jnp|torch|tf|math|xp)\.(?=[A-Za-z])")
GRADIENT = re.compile(rf"(?P<name>[{LETTER}][{LETTER}0-9_]*)\.grad\b")
METHOD = re.compile(r"\.dot(?=\()")
#: The sign of a sum or product in words, with the letter that it runs over behind it: `sum_t`, `sum_{t=1}^T`.
SIGN = re.compile(r"\\?(?P<sign>[Ss]um|[Pp]rod)_(?=\{|[A-Za-z](?![A-Za-z0-9_\[]))")
#: A sum told in a sentence: sum over t from 1 to T of.
SPOKEN = re.compile(
    r"[Ss]um\s+over\s+(?:all\s+)?(?P<letter>[A-Za-z])\b(?:\s*(?:=|from|in)\s*(?P<low>[^\s,]+?)\s*(?:to|\.\.\.?)\s*(?P<high>[^\s,]+))?"
    r"(?:\s+of\b|\s*:|(?=\s*\())"
)
SIGNS = {"sum": "∑", "prod": "∏"}


def lexemes(text: str, line: int = 1) -> list[Lexeme]:
    """The tokens of a piece of text; raises ClaimError for what has no meaning."""
    scan = Scanner(text, line)
    depth = 0
    while scan.at < len(text):
        sign = text[scan.at]
        if sign == "\n":
            if not depth:
                scan.add("ROW", "\n", 1)
            else:
                scan.skip(1)
        elif scan.found and scan.found[-1].kind != "ROW" and not depth and (beside := scan.match(NOTE)):
            scan.add("NOTE", "", len(beside[0]))
        elif ignored := scan.match(IGNORED):
            scan.skip(len(ignored[0]))
        elif barred := scan.match(BARRED):
            scan.found.append(Lexeme("ACCENT", "bar", scan.span(3)))
            word(scan, barred[1], len(barred[0]))
        elif text.startswith(".T", scan.at) and not text[scan.at + 2 : scan.at + 3].isalnum():
            scan.add("TRANSPOSE", ".T", 2)
        elif text.startswith("..", scan.at):
            scan.add("RANGE", "..", 3 if text.startswith("...", scan.at) else 2)
        elif text.startswith("**", scan.at):
            scan.add("SUP", "**", 2)
        elif sign == "Σ" and text[scan.at + 1 : scan.at + 2] in ("_", *LOWERED):
            scan.add("NAME", "∑", 1)
        elif library := scan.match(LIBRARY):
            scan.skip(len(library[0]))
        elif gradient := scan.match(GRADIENT):
            word(scan, "d" + gradient["name"], len(gradient[0]))
        elif method := scan.match(METHOD):
            scan.add("OPERATOR", "@", len(method[0]))
        elif found := scan.match(NUMBER):
            scan.add("NUMBER", found[0], len(found[0]))
        elif big := scan.match(SIGN):
            scan.add("NAME", SIGNS[big["sign"].lower()], len(big[0]) - 1)
        elif spoken := scan.match(SPOKEN):
            over(scan, spoken)
        elif found := scan.match(WORD):
            word(scan, found[0])
        elif sign == "[" and indexes(scan):
            depth += 1
            scan.add("INDEX", "[", 1)
        elif text.startswith(("<=", ">="), scan.at):
            scan.add("RELATION", "≤" if sign == "<" else "≥", 2)
        else:
            depth += (sign in "([{") - (sign in ")]}" and depth > 0)
            scan.character()
    return assigned(comprehended(scan.found))


def over(scan: Scanner, spoken: re.Match[str]) -> None:
    """A sum told in a sentence, as the sign with its range."""
    span = scan.span(len(spoken[0]))
    range_told = [spoken["letter"]]
    if spoken["low"]:
        range_told += ["=", spoken["low"], "..", spoken["high"]]
    inner = [lexeme for part in range_told for lexeme in lexemes(part, scan.line)]
    scan.found += [Lexeme("NAME", "∑", span), Lexeme("SUB", "_", span), Lexeme("LBRACE", "{", span)]
    scan.found += [Lexeme(lexeme.kind, lexeme.text, span) for lexeme in inner]
    scan.add("RBRACE", "}", len(spoken[0]))


def comprehended(found: list[Lexeme]) -> list[Lexeme]:
    """A sum as programs have it, `sum(x[t] for t in range(1, T+1))`, as the sign with its range and a bracket."""
    place = next((n for n, lexeme in enumerate(found) if loops(found, n)), None)
    if place is None:
        return found
    opened = opening(found, place)
    ends = closing(found, place + 4)
    if opened is None or ends is None or found[opened - 1].text != "sum" or found[ends + 1 : ends + 2] == []:
        return found
    span = found[opened - 1].span
    inside = found[place + 5 : ends]
    comma = [n for n, lexeme in enumerate(inside) if lexeme.kind == "COMMA"]
    if found[ends + 1].kind != "RPAREN" or len(comma) > 1:
        return found
    low = inside[: comma[0]] if comma else [Lexeme("NUMBER", "0", span)]
    high = inside[comma[0] + 1 :] if comma else inside

    def sign(kind: str, text: str) -> Lexeme:
        return Lexeme(kind, text, span)

    told = [sign("NAME", "∑"), sign("SUB", "_"), sign("LBRACE", "{"), found[place + 1], sign("EQUALS", "="), *low]
    told += [sign("RANGE", ".."), *high, sign("MINUS", "-"), sign("NUMBER", "1"), sign("RBRACE", "}")]
    whole = [sign("LPAREN", "("), *told, *found[opened:place], sign("RPAREN", ")"), sign("RPAREN", ")")]
    return comprehended([*found[: opened - 1], *whole, *found[ends + 2 :]])


def loops(found: list[Lexeme], place: int) -> bool:
    """Whether `for t in range(` stands at a place."""
    here = found[place : place + 5]
    return [lexeme.text for lexeme in here[:1] + here[2:]] == ["for", "in", "range", "("] and here[1].kind == "NAME"


def opening(found: list[Lexeme], place: int) -> int | None:
    """The bracket in which a place stands."""
    depth = 0
    for at in range(place - 1, 0, -1):
        depth += DEPTH.get(found[at].kind, 0)
        if depth > 0:
            return at
    return None


def closing(found: list[Lexeme], place: int) -> int | None:
    """The place of the bracket that closes the one at a place."""
    depth = 0
    for at in range(place, len(found)):
        depth += DEPTH.get(found[at].kind, 0)
        if not depth:
            return at
    return None


def indexes(scan: Scanner) -> bool:
    """Whether a bracket belongs to what stands directly before it: `h[t-1]`, and not `W [a; b]`."""
    return (
        scan.at > 0
        and not scan.text[scan.at - 1].isspace()
        and bool(scan.found)
        and scan.found[-1].kind in ("NAME", "RPAREN", "RSQUARE")
    )


def word(scan: Scanner, found: str, length: int | None = None) -> None:
    """A word; Greek letters by name, accents over its first letter before it. length: of what it stands for."""
    length = len(found) if length is None else length
    bare = unicodedata.normalize("NFD", found)
    marks = ""
    end = 1
    while end < len(bare) and bare[end] in ACCENT_NAMES:
        marks += bare[end]
        end += 1
    head = GREEK_NAMES.get(bare[0], bare[0])
    rest = bare[end:]  # an accent in a label, as in a_h̃, is spelled out
    inner = "".join(GREEK_NAMES.get(letter, ACCENT_NAMES.get(letter, letter)) for letter in rest)
    if not (head + inner).replace("_", "").isascii():
        raise scan.error(f"{found!r} has letters that are neither Latin nor Greek", len(found))
    scan.accents(marks, len(found))
    if head != bare[0] and rest and rest[0] not in "_0123456789":  # δh: a letter before a name
        scan.found.append(Lexeme("NAME", head, scan.span(1)))
        scan.add("NAME", inner, length)
    else:
        scan.add("NAME", head + inner, length)
