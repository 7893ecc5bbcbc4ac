"""A symbol in LaTeX, taken apart: its letter, and what stands above and below."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnsym.notation.letters import ACCENTS, GREEK_TEXT, WORDS


@dataclass(frozen=True)
class Form:
    """A symbol in LaTeX, taken apart: `h^{(1)}_{x,y}` has the letter h."""

    letter: str
    above: str = ""
    below: tuple[str, ...] = ()

    def latex(self, time: str = "", indices: str = "", time_above: bool = False) -> str:
        """The symbol at a time: its last subscript before the indices of an element, or a superscript in brackets."""
        over = [self.above, f"({time})" if time and time_above else ""]
        below = [*self.below, "" if time_above else time, indices]
        above, under = (",".join(part for part in parts if part) for parts in (over, below))
        text = f"{self.letter}^{_group(above)}" if above else self.letter
        return f"{text}_{_group(under)}" if under else text

    def marked(self, mark: str) -> Form:
        r"""The adjoint's symbol: `\bar{h}^{(1)}`."""
        if mark:
            return replace(self, letter=mark + self.letter)
        wide = self.letter.startswith(WORDS)
        letter = rf"\{self.letter}math" if self.letter in ("i", "j") else self.letter  # no dot below a bar
        return replace(self, letter=rf"\{'overline' if wide else 'bar'}{{{letter}}}")

    def looks_like(self, timed: bool, other: Form, other_timed: bool, time_above: bool = False) -> bool:
        """Whether two variables could be taken for each other: a parameter h_0 for the state h at time 0."""
        if timed == other_timed:
            return self == other
        if not timed:
            return other.looks_like(True, self, False, time_above)
        if time_above:
            return bool(re.fullmatch(r"\(?(-?\d+|[tTs])\)?", other.above)) and replace(other, above="") == self
        is_time = bool(other.below) and re.fullmatch(r"-?\d+|[tTs]", other.below[-1])
        return bool(is_time) and replace(other, below=other.below[:-1]) == self


def _group(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


#: Letters of other alphabets that print like Latin ones.
LOOKS = str.maketrans("АВЕКМНОРСТХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxijsABEZHIKMNOPTYXo")
#: What stands around a letter and hardly changes how it looks.
UPRIGHT = re.compile(r"\\(?:mathrm|text|mathit|operatorname)\s*\{([^{}]*)\}")


def appearance(form: Form) -> tuple[str, ...]:
    r"""What a reader sees of a symbol: `h`, `{h}` and `\mathrm{h}` look the same, and so does a Cyrillic letter.

    >>> appearance(Form(r"\mathrm{E}")) == appearance(Form("\u0415"))
    True
    """

    def seen(part: str) -> str:
        for word, sign in GREEK_TEXT.items():
            part = re.sub(rf"\\{word}(?![A-Za-z])", sign, part)
        return re.sub(r"[{}\s]", "", UPRIGHT.sub(r"\1", part)).translate(LOOKS)

    return tuple(seen(part) for part in (form.letter, form.above, *form.below))


def text_of(latex: str) -> str:
    r"""An author's LaTeX symbol as a name in text; empty where it has no such form.

    >>> text_of("W_{hh}"), text_of(r"\hat{y}"), text_of(r"\mathbf{h}^{(1)}"), text_of(r"\theta_{\text{in}}")
    ('W_hh', 'ŷ', 'h1', 'θ_in')
    """
    form = taken_apart(latex)
    above = form.above.strip("()")
    name = _bare(form.letter) + (above if above.isdigit() else f"_{_bare(above)}" if above else "")
    name += "".join(f"_{_bare(part)}" for part in ",".join(form.below).split(",") if part)
    name = unicodedata.normalize("NFC", name)
    spelt = unicodedata.normalize("NFD", name)
    letters = "".join(character for character in spelt if not unicodedata.combining(character))
    return name if letters.replace("_", "a").isalnum() and not letters[0].isdigit() else ""


def _bare(latex: str) -> str:
    """Letters with their accents, Greek ones as such; without commands for type faces."""
    for accent, command in ACCENTS.items():
        latex = re.sub(re.escape(command) + r"\{((?:[^{}]|\{[^{}]*\})*)\}", lambda found: found[1] + accent, latex)  # noqa: B023
    latex = re.sub(r"\\([A-Za-z]+)", lambda found: GREEK_TEXT.get(found[1], "′" * (found[1] == "prime")), latex)
    return re.sub(r"[{}\s]", "", latex)


def taken_apart(latex: str) -> Form:
    r"""An author's LaTeX with its sub- and superscript found.

    >>> taken_apart(r"W^{(1)}_{\text{in}}")
    Form(letter='W', above='(1)', below=('\\text{in}',))
    """
    parts: dict[str, list[str]] = {"": [], "^": [], "_": []}
    place = ""
    for token in _tokens(latex):
        if token in ("^", "_"):
            place = token
            continue
        if token == "'":
            place, token = "^", r"\prime"
        argument = bool(parts[place]) and parts[place][-1].startswith("\\")  # of \text in x_\text{in}
        parts[place].append(token[1:-1] if place and token.startswith("{") and not argument else token)
        place = place if token.startswith("\\") and token != r"\prime" else ""
    below = "".join(parts["_"])
    return Form("".join(parts[""]), "".join(parts["^"]), (below,) if below else ())


def _tokens(latex: str) -> Iterator[str]:
    """Commands, groups in braces, and single characters."""
    at = 0
    while at < len(latex):
        end = at + 1
        if latex[at] == "\\":
            match = re.compile(r"\\([A-Za-z]+ ?|.)").match(latex, at)
            end = match.end() if match else end
        elif latex[at] == "{":
            depth = 0
            for end in range(at, len(latex)):
                depth += (latex[end] == "{") - (latex[end] == "}")
                if not depth:
                    break
            end += 1
        yield latex[at:end]
        at = end
