"""What the two notations share: characters, words, and how lines become statements."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction

from rnnsym.claims.grammar import Lexeme, joined, parse
from rnnsym.claims.written import ClaimError, Note, Statement
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


# From tokens to statements

#: Where what stands beside an equation begins.
BESIDE = {"NOTE", "COMMA", "SPACE"}
#: What a range of times is told of.
COUNTING = frozenset("t s k j i l u v r n m tau".split())
#: Letters that count nothing but time.
CLOCKS = frozenset("t T tau s".split())
#: What an equation goes on with.
GOING_ON = ("EQUALS", "PLUS", "OPERATOR")
DEPTH = {
    "LPAREN": 1, "LSQUARE": 1, "LBRACE": 1, "INDEX": 1, "NORM_OPEN": 1, "LMATRIX": 1, "LCASES": 1,
    "RPAREN": -1, "RSQUARE": -1, "RBRACE": -1, "NORM_CLOSE": -1, "RMATRIX": -1, "RCASES": -1,
}  # fmt: skip


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
        elif lexeme.kind == "SPACE" and not found[-1][-1]:
            continue  # how far a row is set in
        elif lexeme.kind != "AMPERSAND" or depth:
            found[-1][-1].append(lexeme)
    return [[equation for row in display if row for equation in side_by_side(row)] for display in found]


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
