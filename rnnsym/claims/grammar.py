"""The grammar of a formula. LaTeX and text differ in their tokens only; both are read by this one.

Factors side by side stay a flat run: what binds how, and what a name is, is settled with the model in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedToken

from rnnsym.claims.written import (
    ClaimError,
    Group,
    Name,
    Numeral,
    Over,
    Relation,
    Root,
    Run,
    Scripted,
    Sign,
    Total,
    Written,
    parts_of,
)
from rnnsym.errors import Span

GRAMMAR = r"""
start: sum (EQUALS sum)*
sum: (PLUS | MINUS)? run ((PLUS | MINUS) run)*
run: factor (OPERATOR? factor | OPERATOR MINUS factor)*
factor: atom script*
script: SUB item | SUP item | PRIME | TRANSPOSE | INDEX entry (COMMA entry)* RSQUARE
item: NUMBER | NAME | MINUS NUMBER | OPERATOR | PLUS | MINUS | accented | group
    | LBRACE entry (COMMA entry)* RBRACE
entry: side ((EQUALS | RELATION | RANGE | COLON) side)*
side: sum | PLUS | MINUS | OPERATOR | OPERATOR sum
?atom: NUMBER -> numeral | NAME -> name | accented | group | braced | fraction | root
accented: ACCENT argument
fraction: FRAC argument argument
root: ROOT argument
argument: NUMBER | NAME | accented | group | LBRACE sum RBRACE
braced: LBRACE sum RBRACE
group: LPAREN sum (COMMA sum)* RPAREN
     | LSQUARE sum ((COMMA | SEMICOLON) sum)* RSQUARE
     | LPAREN relation RPAREN
     | LSQUARE relation RSQUARE
     | NORM_OPEN sum NORM_CLOSE
     | LMATRIX sum ((ROW | AMPERSAND) sum)* RMATRIX
relation: sum (RELATION | EQUALS) sum
%declare EQUALS PLUS MINUS OPERATOR SUB SUP PRIME TRANSPOSE INDEX RSQUARE LSQUARE COMMA SEMICOLON NUMBER NAME ACCENT
%declare FRAC ROOT LBRACE RBRACE LPAREN RPAREN NORM_OPEN NORM_CLOSE LMATRIX RMATRIX ROW AMPERSAND RELATION RANGE COLON
"""

#: What a person is told that would have been understood.
SPOKEN = {
    "EQUALS": "'='", "NUMBER": "a number", "NAME": "a name", "RBRACE": "'}'", "RPAREN": "')'", "RSQUARE": "']'",
    "LBRACE": "'{'", "LPAREN": "'('", "$END": "the end of the equation",
}  # fmt: skip
#: Bounds on what is read: no formula that a person writes comes near.
DEEPEST, LONGEST, MOST_DIGITS, MOST_SCRIPTS, MOST_ACCENTS = 60, 20_000, 40, 8, 3


@dataclass(frozen=True)
class Lexeme:
    """A token: its kind in the grammar, its meaning in one string, and its place."""

    kind: str
    text: str
    span: Span


def joined(first: Span, last: Span) -> Span:
    """From one place to another, within the first line."""
    return Span(first.line, first.start, last.stop if last.line == first.line else 10_000)


class Builder(Transformer[Token, Any]):
    """Makes the written tree while the parser runs, so that no recursion goes over a deep tree."""

    def start(self, children: list[Any]) -> list[Written]:
        return [child for child in children if not isinstance(child, Token)]

    def sum(self, children: list[Any]) -> Written:
        terms: list[tuple[str, Written]] = []
        sign = "+"
        for child in children:
            if isinstance(child, Token):
                sign = str(child)
            else:
                terms.append((sign, child))
                sign = "+"
        if len(terms) == 1 and terms[0][0] == "+":
            return terms[0][1]
        return Total(tuple(terms), joined(place(children[0]), place(children[-1])))

    def run(self, children: list[Any]) -> Written:
        factors: list[Written] = []
        signs: list[str] = []
        sign, minus = "", None
        for child in children:
            if isinstance(child, Token):
                sign, minus = (str(child), None) if child.type == "OPERATOR" else (sign, child)
                continue
            if minus is not None:
                child = Group("(", (Total((("-", child),), child.span),), "", child.span)
            factors.append(child)
            signs.append(sign)
            sign, minus = "", None
        if len(factors) == 1:
            return factors[0]
        return Run(tuple(factors), tuple(signs[1:]), joined(factors[0].span, factors[-1].span))

    def factor(self, children: list[Any]) -> Written:
        base, *scripts = children
        if not scripts:
            return base  # type: ignore[no-any-return]
        found = tuple((kind, parts) for kind, parts, _ in scripts)
        return Scripted(base, found, joined(base.span, scripts[-1][2]))

    def script(self, children: list[Any]) -> tuple[str, tuple[Written, ...], Span]:
        mark, *rest = children
        if mark.type in ("PRIME", "TRANSPOSE"):
            return ("'" if mark.type == "PRIME" else "T"), (), place(mark)
        if mark.type == "INDEX":
            return "[", tuple(part for part in rest if not isinstance(part, Token)), place(rest[-1])
        parts, span = rest[0]
        return ("_" if mark.type == "SUB" else "^"), parts, span

    def item(self, children: list[Any]) -> tuple[tuple[Written, ...], Span]:
        first = children[0]
        span = joined(place(first), place(children[-1]))
        if isinstance(first, Token):
            if first.type == "LBRACE":
                return tuple(child for child in children if not isinstance(child, Token)), span
            if first.type == "MINUS" and len(children) == 2:
                return (Total((("-", numeral(children[1])),), span),), span
            if first.type in ("PLUS", "MINUS", "OPERATOR"):
                return (Sign(str(first), None, span),), span
        return (leaf(first),), span

    def entry(self, children: list[Any]) -> Written:
        if len(children) == 1:
            return children[0]  # type: ignore[no-any-return]
        sides = tuple(child for child in children if not isinstance(child, Token))
        signs = tuple(str(child) for child in children if isinstance(child, Token))
        return Relation(sides, signs, joined(sides[0].span, sides[-1].span))

    def relation(self, children: list[Any]) -> Written:
        return self.entry(children)

    def side(self, children: list[Any]) -> Written:
        first = children[0]
        if isinstance(first, Token):
            return Sign(str(first), children[1] if len(children) > 1 else None, place(first))
        return first  # type: ignore[no-any-return]

    def numeral(self, children: list[Any]) -> Written:
        return numeral(children[0])

    def name(self, children: list[Any]) -> Written:
        return leaf(children[0])

    def accented(self, children: list[Any]) -> Written:
        mark, operand = children
        return accented(operand, str(mark), joined(place(mark), operand.span))

    def fraction(self, children: list[Any]) -> Written:
        mark, top, bottom = children
        return Over(top, bottom, joined(place(mark), bottom.span))

    def root(self, children: list[Any]) -> Written:
        mark, operand = children
        return Root(operand, joined(place(mark), operand.span))

    def argument(self, children: list[Any]) -> Written:
        return leaf(children[1] if len(children) == 3 else children[0])

    def braced(self, children: list[Any]) -> Written:
        inner = children[1]
        if isinstance(inner, Name | Numeral | Scripted | Group | Over | Root):
            return inner
        return Group("(", (inner,), "", joined(place(children[0]), place(children[-1])))

    def group(self, children: list[Any]) -> Written:
        kinds = {"LPAREN": "(", "LSQUARE": "[", "NORM_OPEN": "‖", "LMATRIX": "matrix"}
        parts = tuple(child for child in children if not isinstance(child, Token))
        between = [str(child) for child in children[1:-1] if isinstance(child, Token)]
        span = joined(place(children[0]), place(children[-1]))
        if "&" in between and len(set(between)) > 1:  # a matrix of several rows and columns
            rows: list[list[Written]] = [[parts[0]]]
            for sign, part in zip(between, parts[1:], strict=True):
                rows.append([part]) if sign != "&" else rows[-1].append(part)
            parts = tuple(Group("matrix", tuple(row), "&" if len(row) > 1 else "", span) for row in rows)
            between = [sign for sign in between if sign != "&"]
        return Group(
            "⟨" if children[0] == "⟨" and len(parts) > 1 else kinds[children[0].type],
            parts,
            between[0] if between else "",
            span,
        )


def accented(operand: Written, mark: str, span: Span) -> Written:
    """A name with an accent more; an accent over a name with scripts belongs to the name."""
    match operand:
        case Name(text, _, accents):
            return Name(text, span, (*accents, mark))
        case Scripted(base, scripts):
            return Scripted(accented(base, mark, span), scripts, span)
        case _:
            return Scripted(operand, (("accent", (Name(mark, span),)),), span)


def place(found: Any) -> Span:
    """Where a token or a node stands."""
    if isinstance(found, Token):
        return Span(found.line or 1, found.column or 0, found.end_column or 0)
    span: Span = found.span
    return span


def leaf(found: Any) -> Written:
    if isinstance(found, Token):
        return numeral(found) if found.type == "NUMBER" else Name(str(found), place(found))
    return found  # type: ignore[no-any-return]


def numeral(token: Token) -> Numeral:
    return Numeral(Fraction(str(token)), place(token))


@cache
def parser() -> Lark:
    """The parser, made when the first claim is read."""
    return Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=Builder())


def parse(lexemes: Sequence[Lexeme], text: str) -> list[Written]:
    """The sides of an equation (`a = b = c` has three), or one expression; raises ClaimError with the place."""
    check_bounds(lexemes, text)
    run = parser().parse_interactive("")
    last = Token("$END", "")
    for lexeme in lexemes:
        token = Token(lexeme.kind, lexeme.text, 0, lexeme.span.line, lexeme.span.start, None, lexeme.span.stop)
        try:
            run.feed_token(token)
        except UnexpectedToken as error:
            raise ClaimError(
                f"{lexeme.text!r} does not fit here", text, lexeme.span, expected(error.accepts or error.expected)
            ) from None
        last = token
    try:
        sides: list[Written] = run.feed_eof(last)  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        span = lexemes[-1].span if lexemes else Span(1, 0, 1)
        raise ClaimError(
            "the equation ends too early", text, Span(span.line, span.stop, span.stop + 1),
            expected(error.accepts or error.expected),
        ) from None  # fmt: skip
    for side in sides:
        check_depth(side, text)
    return sides


def expected(kinds: set[str]) -> str:
    """What would have been understood, where that is little."""
    closing = [SPOKEN[kind] for kind in ("RBRACE", "RPAREN", "RSQUARE") if kind in kinds]
    others = [SPOKEN[kind] for kind in ("NUMBER", "NAME", "EQUALS") if kind in kinds]
    return f"expected {' or '.join((others + closing)[:4])}" if others or closing else ""


OPENING = {"LBRACE", "LPAREN", "LSQUARE", "INDEX", "NORM_OPEN", "LMATRIX"}
CLOSING = {"RBRACE", "RPAREN", "RSQUARE", "NORM_CLOSE", "RMATRIX"}


def check_bounds(lexemes: Sequence[Lexeme], text: str) -> None:
    """No formula is longer or deeper than a person can write."""
    if len(lexemes) > LONGEST:
        raise ClaimError(f"an equation of more than {LONGEST} signs is not read", text, lexemes[0].span)
    depth = 0
    for lexeme in lexemes:
        depth += (lexeme.kind in OPENING) - (lexeme.kind in CLOSING)
        if depth > DEEPEST:
            raise ClaimError(f"brackets nested more than {DEEPEST} deep are not read", text, lexeme.span)
        if lexeme.kind == "NUMBER" and len(lexeme.text) > MOST_DIGITS:
            raise ClaimError(f"a number of more than {MOST_DIGITS} digits is not read", text, lexeme.span)


def check_depth(node: Written, text: str) -> None:
    """The same for nesting without brackets, such as accents over accents."""
    waiting: list[tuple[Written, int]] = [(node, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > 4 * DEEPEST:
            raise ClaimError("a formula nested so deeply is not read", text, found.span)
        if isinstance(found, Scripted) and len(found.scripts) > MOST_SCRIPTS:
            raise ClaimError(f"more than {MOST_SCRIPTS} scripts on one thing are not read", text, found.span)
        if isinstance(found, Name) and len(found.accents) > MOST_ACCENTS:
            raise ClaimError(f"more than {MOST_ACCENTS} accents on one letter are not read", text, found.span)
        waiting.extend((part, depth + 1) for part in parts_of(found))
