"""What the two notations share: characters, words, and how lines become statements."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from rnnsym.claims.grammar import Lexeme, joined
from rnnsym.claims.written import ClaimError
from rnnsym.errors import Span
from rnnsym.notation.letters import ACCENTS, GREEK_NAMES

#: Characters that stand for a token of the grammar, as (kind, text).
CHARACTERS = {
    "+": ("PLUS", "+"), "-": ("MINUS", "-"), "−": ("MINUS", "-"), "=": ("EQUALS", "="), "/": ("OPERATOR", "/"),
    "⊙": ("OPERATOR", "⊙"), "∘": ("OPERATOR", "⊙"), "⊘": ("OPERATOR", "⊘"), "⊗": ("OPERATOR", "⊗"),
    "·": ("OPERATOR", "·"), "⋅": ("OPERATOR", "·"), "×": ("OPERATOR", "·"),
    "←": ("EQUALS", "←"), "⟵": ("EQUALS", "←"), "∝": ("EQUALS", "∝"), "@": ("OPERATOR", "@"), "*": ("OPERATOR", "*"),
    "_": ("SUB", "_"), "^": ("SUP", "^"), "'": ("PRIME", "'"), "′": ("PRIME", "'"), "’": ("PRIME", "'"),
    "(": ("LPAREN", "("), ")": ("RPAREN", ")"), "[": ("LSQUARE", "["), "]": ("RSQUARE", "]"), "{": ("LBRACE", "{"),
    "}": ("RBRACE", "}"), ",": ("COMMA", ","), ";": ("SEMICOLON", ";"), ":": ("COLON", ":"), "&": ("AMPERSAND", "&"),
    "<": ("RELATION", "<"), ">": ("RELATION", ">"), "≤": ("RELATION", "≤"), "≥": ("RELATION", "≥"),
    "∈": ("RELATION", "∈"), "≠": ("RELATION", "≠"), "…": ("RANGE", ".."), "ᵀ": ("TRANSPOSE", "ᵀ"),
    "⊤": ("NAME", "top"), "⋆": ("NAME", "⋆"), "∞": ("NAME", "infty"), "√": ("ROOT", "√"),
    "∂": ("NAME", "∂"), "∇": ("NAME", "∇"), "∑": ("NAME", "∑"), "∏": ("NAME", "∏"), "𝟏": ("NAME", "ones"),
    "𝟙": ("NAME", "ones"), "½": ("NUMBER", "1/2"), "¼": ("NUMBER", "1/4"), "¾": ("NUMBER", "3/4"),
    "⅓": ("NUMBER", "1/3"), "⅔": ("NUMBER", "2/3"),
}  # fmt: skip
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵗ", "0123456789+-()t", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₜₖᵢⱼ", "0123456789+-tkij", strict=True))
ACCENT_NAMES = {mark: command.removeprefix("\\") for mark, command in ACCENTS.items()}
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
#: What a star above a name is spelled as.
STARRED = "^star"
#: What a range of times is told of.
COUNTING = frozenset("t s k j i l u v r n m tau".split())
#: How far a token goes into brackets or out of them.
DEPTH = {
    "LPAREN": 1, "LSQUARE": 1, "LBRACE": 1, "INDEX": 1, "NORM_OPEN": 1, "LMATRIX": 1, "LCASES": 1,
    "RPAREN": -1, "RSQUARE": -1, "RBRACE": -1, "NORM_CLOSE": -1, "RMATRIX": -1, "RCASES": -1,
}  # fmt: skip


class Scanner:
    """A place in a text, and the tokens found so far."""

    def __init__(self, text: str, line: int = 1) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.line_start = 0
        self.found: list[Lexeme] = []
        self.norms = 0
        self.angles = 0
        self._counted = 0
        self._depth = 0

    @property
    def depth(self) -> int:
        """How many brackets are open."""
        for lexeme in self.found[self._counted :]:
            self._depth = max(0, self._depth + DEPTH.get(lexeme.kind, 0))
        self._counted = len(self.found)
        return self._depth

    def span(self, length: int) -> Span:
        start = self.at - self.line_start
        return Span(self.line, start, start + length)

    def add(self, kind: str, text: str, length: int) -> None:
        """A token that takes so many characters."""
        self.found.append(Lexeme(kind, text, self.span(length)))
        self.skip(length)

    def skip(self, length: int) -> None:
        stretch = self.text[self.at : self.at + length]
        if "\n" in stretch:
            self.line += stretch.count("\n")
            self.line_start = self.at + stretch.rfind("\n") + 1
        self.at += length

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.at)

    @property
    def after_script(self) -> bool:
        """Whether a subscript or superscript is about to come."""
        return bool(self.found) and self.found[-1].kind in ("SUB", "SUP")

    def angle(self) -> tuple[str, str] | None:
        """An angle as the bracket that it is in a script: the < and the > of h^{<t>}."""
        sign, kinds = self.text[self.at], [lexeme.kind for lexeme in self.found[-2:]]
        opens = kinds[-1:] == ["SUP"] or (kinds[-1:] == ["LBRACE"] and kinds[0] in ("SUP", "SUB"))
        if sign == "<" and opens:
            self.angles += 1
            return "LPAREN", "("
        if sign == ">" and self.angles:
            self.angles -= 1
            return "RPAREN", ")"
        return None

    def norm(self, length: int) -> None:
        """A norm's double bar: it opens and closes in turn."""
        self.norms += 1
        self.add("NORM_OPEN" if self.norms % 2 else "NORM_CLOSE", "‖", length)

    def scripts(self, table: dict[str, str], kind: str) -> bool:
        """A run of raised or lowered characters: `²`, `ₜ₋₁`."""
        end = self.at
        while end < len(self.text) and self.text[end] in table:
            end += 1
        if end == self.at:
            return False
        inner = "".join(table[character] for character in self.text[self.at : end])
        span = self.span(end - self.at)
        self.found += [Lexeme(kind, inner, span), Lexeme("LBRACE", "{", span)]
        for part in re.findall(r"[0-9]+|[^0-9]", inner):
            sort, text = ("NUMBER", part) if part.isdigit() else CHARACTERS.get(part, ("NAME", part))
            self.found.append(Lexeme(sort, text, span))
        self.found.append(Lexeme("RBRACE", "}", span))
        self.skip(end - self.at)
        return True

    def letter(self) -> bool:
        """One letter, perhaps with accents: Latin or Greek."""
        length = 1
        while self.at + length < len(self.text) and unicodedata.combining(self.text[self.at + length]):
            length += 1
        bare = unicodedata.normalize("NFD", self.text[self.at : self.at + length])
        name = GREEK_NAMES.get(bare[0], bare[0])
        if not (name in GREEK_NAMES.values() or (name.isascii() and name.isalpha())):
            return False
        self.accents(bare[1:], length)
        self.add("NAME", name, length)
        return True

    def accents(self, marks: str, length: int) -> None:
        """The accents over what comes next, the outermost first."""
        for mark in reversed(marks):
            if mark not in ACCENT_NAMES:
                raise self.error("an accent that is not known", length)
            self.found.append(Lexeme("ACCENT", ACCENT_NAMES[mark], self.span(length)))

    def character(self) -> None:
        """A single character of the table; raises ClaimError for any other."""
        sign = self.text[self.at]
        if sign == "‖":
            self.norm(1)
        elif sign in CHARACTERS:
            kind, text = CHARACTERS[sign]
            self.add(kind, text, 1)
        elif not (self.scripts(RAISED, "SUP") or self.scripts(LOWERED, "SUB") or self.letter()):
            name = unicodedata.name(sign, "a control character")
            advice = ""
            if sign.isalpha():
                advice = "it may look like another letter: write it in Latin or Greek"
            raise self.error(f"the character {sign!r} ({name}) has no meaning here", 1, advice)

    def error(self, problem: str, length: int, advice: str = "") -> ClaimError:
        return ClaimError(problem, self.text, self.span(length), advice)


def primed(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Letters with a prime in scripts, such as the t' of a sum, as one name."""
    found: list[Lexeme] = []
    scripts: list[bool] = []
    for lexeme in lexemes:
        before = found[-1] if found else None
        if lexeme.kind == "LBRACE":
            scripts.append(before is not None and before.kind in ("SUB", "SUP"))
        elif lexeme.kind == "RBRACE" and scripts:
            scripts.pop()
        letter = before is not None and before.kind == "NAME" and before.text.removesuffix("prime") in COUNTING
        if lexeme.kind == "PRIME" and before is not None and letter and scripts and scripts[-1]:
            found[-1] = Lexeme("NAME", before.text + "prime", joined(before.span, lexeme.span))
        else:
            found.append(lexeme)
    return found


def assigned(lexemes: list[Lexeme]) -> list[Lexeme]:
    """A plus or minus and the equals sign behind it as one: what is added to what is there."""
    found: list[Lexeme] = []
    for lexeme in lexemes:
        before = found[-1] if found else None
        if lexeme.kind == "EQUALS" and before is not None and before.kind in ("PLUS", "MINUS"):
            found[-1] = Lexeme("EQUALS", before.text + "=", joined(before.span, lexeme.span))
        else:
            found.append(lexeme)
    return found


def starred(lexemes: list[Lexeme]) -> list[Lexeme]:
    """A star above a name as a label, star: there it is no product."""
    found = list(lexemes)
    for place, lexeme in enumerate(lexemes):
        before = [one.kind for one in lexemes[max(0, place - 2) : place]]
        after = [one.kind for one in lexemes[place + 1 : place + 2]]
        alone = before[-1:] == ["SUP"] or (before == ["SUP", "LBRACE"] and after == ["RBRACE"])
        if alone and lexeme.text in ("*", "⋆"):
            found[place] = replace(lexeme, kind="NAME", text=STARRED[1:])
    return found


def listed(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Lists of arguments without the dots between two commas."""
    found: list[Lexeme] = []
    opened: list[str] = []
    for place, lexeme in enumerate(lexemes):
        change = DEPTH.get(lexeme.kind, 0)
        if change > 0:
            opened.append(lexeme.text)
        elif change < 0 and opened:
            opened.pop()
        around = [one.kind for one in (*found[-1:], *lexemes[place + 1 : place + 2])]
        if lexeme.kind == "RANGE" and opened[-1:] == ["("] and around == ["COMMA", "COMMA"]:
            found.pop()
        else:
            found.append(lexeme)
    return found
