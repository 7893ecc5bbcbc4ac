"""Names as pieces of text with sub- and superscripts, and how wide they are at most."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from rnnsym.equations.indexed import Variable
from rnnsym.notation.letters import ACCENTS, GREEK_TEXT
from rnnsym.notation.names import Names
from rnnsym.notation.symbols import taken_apart

#: Sub- and superscripts against the letter: their size, and how far they are moved, in letter sizes.
SMALL, DOWN, UP = 0.72, 0.22, -0.38
#: Widths of characters in letter sizes: generous, since the reader's font is not known.
NARROW, WIDE = 0.36, 0.95
COMMANDS = {f"\\{name}": letter for name, letter in GREEK_TEXT.items()} | {
    r"\ell": "ℓ", r"\prime": "′", r"\star": "⋆", r"\ast": "∗", r"\top": "⊤", r"\varepsilon": "ε", r"\vartheta": "ϑ",
    r"\varphi": "φ", r"\partial": "∂", r"\infty": "∞", r"\,": " ", r"\_": "_", r"\rightarrow": "→", r"\leftarrow": "←",
}  # fmt: skip
MARKS = {latex: accent for accent, latex in ACCENTS.items()} | {
    r"\widehat": "\u0302", r"\widetilde": "\u0303", r"\overline": "\u0304", r"\vec": "\u20d7",
}  # fmt: skip
UPRIGHT = (r"\mathrm", r"\text", r"\operatorname", r"\textrm", r"\mathsf", r"\texttt", r"\mathtt")
BOLD = (r"\mathbf", r"\boldsymbol", r"\bm", r"\mathcal", r"\mathit", r"\mathbb")


@dataclass(frozen=True)
class Span:
    """Text in one style; `level` is 0 for the letter, 1 above it, -1 below it."""

    text: str
    level: int = 0
    slanted: bool = False


def label(names: Names, variable: Variable, time: int | None = None) -> tuple[Span, ...]:
    r"""A variable's name, at a time where it has one.

    >>> from rnnsym.equations.indexed import Role
    >>> [(span.text, span.level) for span in label(Names({}), Variable("a_h", (), True, Role.INTERMEDIATE), 2)]
    [('a', 0), ('h', -1), (',2', -1)]
    """
    form = taken_apart(names.latex(variable))
    try:
        spans = [*_spans(form.letter, 0), *_spans(form.above, 1), *_spans(",".join(form.below), -1)]
    except _UnreadableError:  # LaTeX beyond names: the plain text says it
        spans = [Span(names.text(variable))]
    if time is not None:
        comma = "," if spans[-1].level < 0 else ""
        spans.append(Span(comma + str(time).replace("-", "−"), -1))
    return _joined(spans)


class _UnreadableError(Exception):
    """LaTeX that is more than a name."""


def _spans(latex: str, level: int) -> Iterator[Span]:
    for text, slanted in _characters(latex):
        yield Span(text, level, slanted)


def _characters(latex: str) -> Iterator[tuple[str, bool]]:
    """The characters of a name in LaTeX, each with whether it is slanted."""
    rest = latex
    while rest:
        match = re.match(r"\\([A-Za-z]+|.)\s*", rest)
        if not match:
            if rest[0] in "^_{}$&%#~":
                if rest[0] in "{}":
                    rest = rest[1:]
                    continue
                raise _UnreadableError
            yield rest[0], rest[0].isalpha()
            rest = rest[1:]
            continue
        command, rest = match[0].strip(), rest[match.end() :]
        if command in COMMANDS:
            yield COMMANDS[command], COMMANDS[command].islower()
        elif command in MARKS or command in UPRIGHT or command in BOLD:
            argument, rest = _argument(rest)
            inner = list(_characters(argument))
            if command in MARKS and inner:
                inner[0] = (unicodedata.normalize("NFC", inner[0][0] + MARKS[command]), inner[0][1])
            yield from ((text, slanted and command not in UPRIGHT) for text, slanted in inner)
        else:
            raise _UnreadableError


def _argument(rest: str) -> tuple[str, str]:
    """The argument of a command, and what follows it."""
    if not rest.startswith("{"):
        match = re.match(r"\\[A-Za-z]+|.", rest)
        end = match.end() if match else 0
        return rest[:end], rest[end:]
    depth = 0
    for place, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if not depth:
            return rest[1:place], rest[place + 1 :]
    raise _UnreadableError


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Neighbours of one style in one span."""
    found: list[Span] = []
    for span in spans:
        if found and (found[-1].level, found[-1].slanted) == (span.level, span.slanted):
            span = Span(found.pop().text + span.text, span.level, span.slanted)
        found.append(span)
    return tuple(found)


def width(spans: Iterable[Span], size: float) -> float:
    """The width of a label at a font size, estimated from above."""
    return sum(text_width(span.text, size * (SMALL if span.level else 1)) for span in spans)


def text_width(text: str, size: float) -> float:
    """The width of plain text at a font size, estimated from above."""
    return sum(_character_width(character) for character in text) * size


def _character_width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.1
    if character in "ijltfrI.,:;'()[]|! ":
        return NARROW if character not in "fr" else 0.46
    if character in "mwMW∂Σ→" or not character.isprintable():
        return WIDE
    return 0.74 if character.isupper() else 0.6


def tspans(spans: Iterable[Span], size: float) -> str:
    """A label as the content of an SVG text."""
    written = []
    shift = 0.0  # the current baseline, in letter sizes
    for span in spans:
        wanted = {0: 0.0, 1: UP, -1: DOWN}[span.level]
        attributes = f' dy="{number((wanted - shift) * size)}"' if wanted != shift else ""
        attributes += f' font-size="{number(SMALL * size)}"' if span.level else ""
        attributes += ' font-style="italic"' if span.slanted else ""
        written.append(f"<tspan{attributes}>{escape(span.text)}</tspan>")
        shift = wanted
    return "".join(written)


def number(value: float) -> str:
    """A coordinate, short and the same on every machine."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text
