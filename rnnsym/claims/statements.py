"""The equations of a text as they stand, in LaTeX or in plain text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from rnnsym.claims import latex, text
from rnnsym.claims.arguments import with_indices
from rnnsym.claims.document import without_titles
from rnnsym.claims.grammar import Lexeme, joined
from rnnsym.claims.lexicon import Lexicon
from rnnsym.claims.macros import Macro
from rnnsym.claims.notations import in_full
from rnnsym.claims.rows import statements
from rnnsym.claims.written import Statement

#: A name's signs: the kind and the text of each.
Signs = tuple[tuple[str, str], ...]


def written(part: str, text_shown: str, format: str, lexicon: Lexicon, defined: Mapping[str, Macro]) -> list[Statement]:
    """The equations of a text as they stand."""
    if notation(part, format) == "text":
        found = statements(text.lexemes(without_titles(part)), text_shown)
    else:
        lexemes = with_names(latex.lexemes(part, names=lexicon.styled, defined=defined), lexicon.several)
        found = statements(with_names(lexemes, dict(words(lexemes))), text_shown)
    return [with_indices(in_full(statement, lexicon), lexicon) for statement in found]


def with_names(lexemes: list[Lexeme], symbols: Mapping[Signs, str]) -> list[Lexeme]:
    r"""Names of several signs, such as \Delta t, as one."""
    found: list[Lexeme] = []
    place = 0
    while place < len(lexemes):
        for signs, name in symbols.items():
            here = lexemes[place : place + len(signs)]
            apart = any(one.span.stop != two.span.start for one, two in itertools.pairwise(here))
            letters = all(len(text) == 1 for _, text in signs)  # of a word, which stand side by side
            if tuple((lexeme.kind, lexeme.text) for lexeme in here) == signs and not (letters and apart):
                found.append(Lexeme("NAME", name, joined(here[0].span, here[-1].span)))
                place += len(signs)
                break
        else:
            found.append(lexemes[place])
            place += 1
    return found


#: A word of fewer letters may be a product, or a d before a name.
SHORTEST_WORD = 3


def words(lexemes: list[Lexeme]) -> Iterator[tuple[Signs, str]]:
    r"""Words that an author defines without \mathrm: letters side by side at the beginning of an equation."""
    begins = True
    for place, lexeme in enumerate(lexemes):
        if begins and lexeme.kind == "NAME":
            run = [lexeme]
            for other in lexemes[place + 1 :]:
                if other.kind != "NAME" or run[-1].span.stop != other.span.start:
                    break
                run.append(other)
            plain = all(len(one.text) == 1 and one.text.isascii() and one.text.isalpha() for one in run)
            end = place + len(run)
            follows = lexemes[end].kind if end < len(lexemes) else ""
            if plain and len(run) >= SHORTEST_WORD and follows in ("SUB", "SUP", "EQUALS"):
                yield tuple((one.kind, one.text) for one in run), "".join(one.text for one in run)
        begins = lexeme.kind in ("ROW", "END", "SPACE")


def notation(part: str, chosen: str) -> str:
    """The notation of a text: latex or text."""
    if chosen == "auto":
        return "latex" if looks_like_latex(part) else "text"
    return chosen


def looks_like_latex(part: str) -> bool:
    r"""Whether a text has LaTeX's commands or its scripts."""
    if re.search(r"\\[A-Za-z]", part):
        return True
    if re.search(r"_[A-Za-z]{2}", part):  # a word such as W_hh; in LaTeX that takes braces
        return "\\\\" in part
    return bool(re.search(r"\\\\|[_^](\{|\w)", part)) and not re.search(r"\w\[[^\]]*\]|ᵀ|\.T\b|Σ_\{", part)
