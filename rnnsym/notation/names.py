"""How names look: subscripts, Greek letters, accents, and the bars of adjoints."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from rnnsym.equations.indexed import Variable

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
)  # fmt: skip
GREEK_TEXT = dict(zip(GREEK, "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
GREEK_NAMES = {letter: name for name, letter in GREEK_TEXT.items()}
#: `lambda` is a Python keyword; this is what people write instead.
SPELLINGS = {"lam": "lambda", "eps": "epsilon"}
#: Combining accents with their LaTeX, and the endings of names that stand for them: yhat, zbar.
HAT, MACRON, TILDE = "\u0302", "\u0304", "\u0303"
ACCENTS = {
    HAT: r"\hat", MACRON: r"\bar", TILDE: r"\tilde", "\u0307": r"\dot", "\u0308": r"\ddot", "\u0301": r"\acute",
    "\u0300": r"\grave", "\u0306": r"\breve", "\u030c": r"\check",
}  # fmt: skip
ENDINGS = {"hat": HAT, "bar": MACRON, "tilde": TILDE}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
#: What marks an adjoint: a bar; where the author uses bars, a letter in front.
MARKS = (("", MACRON), (r"\delta ", "δ"), (r"\nabla ", "∇"))


@dataclass(frozen=True)
class Form:
    """A symbol in LaTeX, taken apart: `h^{(1)}_{x,y}` has the letter h."""

    letter: str
    above: str = ""
    below: tuple[str, ...] = ()

    def latex(self, time: str = "") -> str:
        """The symbol, with a time as its last subscript."""
        text = f"{self.letter}^{_group(self.above)}" if self.above else self.letter
        below = ",".join((*self.below, time) if time else self.below)
        return f"{text}_{_group(below)}" if below else text

    def marked(self, mark: str) -> Form:
        r"""The adjoint's symbol: `\bar{h}^{(1)}`."""
        if mark:
            return replace(self, letter=mark + self.letter)
        wide = self.letter.startswith((r"\mathrm{", r"\text{"))
        return replace(self, letter=rf"\{'overline' if wide else 'bar'}{{{self.letter}}}")

    def looks_like(self, timed: bool, other: Form, other_timed: bool) -> bool:
        """Whether two variables could be taken for each other: a parameter h_0 for the state h at time 0."""
        if timed == other_timed:
            return self == other
        if not timed:
            return other.looks_like(True, self, False)
        is_time = bool(other.below) and re.fullmatch(r"-?\d+|[tTs]", other.below[-1])
        return bool(is_time) and replace(other, below=other.below[:-1]) == self


def _group(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


class Names:
    """The names of one model's variables, in LaTeX and in text; `symbols` are the author's own LaTeX forms.

    No two variables look the same, and no adjoint looks like a variable of the author's.
    """

    def __init__(self, symbols: Mapping[str, str], variables: Iterable[Variable] = ()) -> None:
        self.symbols = dict(symbols)
        own = sorted((v for v in variables if v.adjoint_of is None), key=lambda v: (bool(v.label), not v.timed))
        self.heads = frozenset(variable.name.split("_")[0] for variable in own)
        self.untimed = frozenset(variable.name for variable in own if not variable.timed)
        self.forms: dict[str, Form] = {}
        self.texts: dict[str, str] = {}
        for variable in own:
            others = [(self.forms[other.name], other.timed) for other in own if other.name in self.forms]
            candidates = [*self._candidates(variable)]
            clear = (f for f in candidates if not any(f.looks_like(variable.timed, *other) for other in others))
            self.forms[variable.name] = next(clear, candidates[-1])
            used = {
                self.texts[other.name] for other in own if other.name in self.texts and other.timed == variable.timed
            }
            shown = self.plain(variable.label or variable.name)
            self.texts[variable.name] = variable.name if shown in used else shown
        letters = "".join(form.letter for form in self.forms.values())
        self.mark = next((m for m, _ in MARKS if not any(taken in letters for taken in _taken(m))), MARKS[-1][0])
        written = unicodedata.normalize("NFD", "".join(self.texts.values()))
        self.text_mark = next((m for _, m in MARKS if m not in written), MARKS[-1][1])

    # LaTeX

    def latex(self, variable: Variable, time: str = "") -> str:
        r"""A variable in LaTeX, at a time: `\bar{a}_{i,t}`."""
        return self._form(variable).latex(time)

    def _form(self, variable: Variable) -> Form:
        if variable.name not in self.forms:
            if variable.adjoint_of is None:
                self.forms[variable.name] = next(self._candidates(variable))
            else:
                origin = replace(variable, name=variable.adjoint_of, adjoint_of=None)
                self.forms[variable.name] = self._form(origin).marked(self.mark)
        return self.forms[variable.name]

    def _candidates(self, variable: Variable) -> Iterator[Form]:
        """The forms that a variable may take, the preferred one first."""
        own = self.symbols.get(variable.name) or self.symbols.get(variable.label)
        form = taken_apart(own) if own else self.form(variable.label or variable.name)
        yield form
        if variable.label:
            yield self.form(variable.name)
        if form.below and not form.above:
            yield Form(form.letter, f"({form.below[-1]})", form.below[:-1])
        yield Form(upright(variable.name))

    def form(self, name: str) -> Form:
        r"""A name as a symbol, by its spelling alone.

        >>> Names({}).form("W_hx").latex(), Names({}).form("yhat").latex("t"), Names({}).form("h1").latex("t-1")
        ('W_{hx}', '\\hat{y}_t', 'h^{(1)}_{t-1}')
        """
        head, _, tail = name.partition("_")
        match = re.fullmatch(r"([^\W\d_]+?)(\d+)", head)
        number = match and is_letter(_split(match[1])[0])
        base = match[1] if match and number else head
        below = tuple(self._subscript(part) for part in tail.split("_") if part)
        return Form(letter(base), f"({match[2]})" if match and number else "", below)

    def _subscript(self, part: str) -> str:
        """A subscript in LaTeX; words stand upright. `W_xi` leads from x to i, unless there is a variable xi."""
        if part.isdigit() or (part.isascii() and len(part) <= 2 and part not in self.heads):
            return part
        return letter(part) if len(part) > 2 or is_letter(part) else part

    # Text

    def text(self, variable: Variable, time: str | None = None) -> str:
        """A variable in Unicode text: `ā_i[t]`."""
        own = variable.adjoint_of or variable.name
        shown = self.texts.get(own) or self.plain(variable.label or own)
        if variable.adjoint_of is not None:
            shown = self._marked(shown)
        return shown if time is None else f"{shown}[{time}]"

    def plain(self, name: str) -> str:
        """A name in Unicode text, by its spelling alone."""
        parts = [part for part in name.split("_") if part]
        shown = [
            _accented(part) if len(part) > 2 or not place or part in self.heads else part
            for place, part in enumerate(parts)
        ]
        return unicodedata.normalize("NFC", "_".join(shown))

    def _marked(self, shown: str) -> str:
        if self.text_mark != MACRON:
            return self.text_mark + shown
        single = re.match(r"[^\W\d_]\d*(_|$)", shown)
        if single and not unicodedata.decomposition(shown[0]):
            return unicodedata.normalize("NFC", shown[0] + MACRON + shown[1:])
        return f"bar({shown})"

    # Sizes

    def size(self, size: Expr, text: bool = False) -> str:
        """A size, or a sum of them: `n_x`. One that is called like a variable gets an n before its name."""
        own = {symbol: self._size_name(symbol.name) for symbol in size.atoms(Symbol)}
        if text:
            shown = str(size.xreplace({symbol: Symbol(self.plain(name)) for symbol, name in own.items()}))
            return re.sub(r"\*\*(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), shown).replace("*", " ")
        return str(sympy.latex(size, symbol_names={symbol: self.form(name).latex() for symbol, name in own.items()}))

    def _size_name(self, name: str) -> str:
        while name in self.untimed:
            name = f"n_{name}"
        return name


def _taken(mark: str) -> tuple[str, ...]:
    """What the letters of a model must not hold if a mark is to stand for adjoints."""
    return (mark.strip(),) if mark else (r"\bar", r"\overline")


def is_letter(head: str) -> bool:
    """Whether a name is a single letter: Latin, or Greek in words."""
    return len(head) == 1 or head in GREEK_TEXT or head in SPELLINGS


def _split(head: str) -> tuple[str, str]:
    """The letter of a name and its accents: yhat is y with a hat."""
    for ending, accent in ENDINGS.items():
        if head.endswith(ending) and is_letter(head[: -len(ending)]):
            return head[: -len(ending)], accent
    bare = unicodedata.normalize("NFD", head)
    if len(bare) > 1 and all(mark in ACCENTS for mark in bare[1:]):
        return bare[0], bare[1:]
    return head, ""


def _accented(head: str) -> str:
    """A part of a name in Unicode; bars are left to adjoints."""
    word = head.rstrip("0123456789") or head
    base, accents = _split(word)
    if MACRON in accents:
        return head
    base = SPELLINGS.get(base, base)
    return GREEK_TEXT.get(base, base) + accents + head[len(word) :]


def letter(head: str) -> str:
    r"""The part of a name before its subscript in LaTeX.

    >>> letter("alpha"), letter("yhat"), letter("target"), letter("h"), letter("β")
    ('\\alpha', '\\hat{y}', '\\mathrm{target}', 'h', '\\beta')
    """
    base, accents = _split(head)
    base = GREEK_NAMES.get(base, SPELLINGS.get(base, base))
    text = f"\\{base}" if base in GREEK_TEXT else base if len(base) == 1 and base.isascii() else upright(base)
    for accent in accents:
        text = f"{ACCENTS[accent]}{{{text}}}"
    return text


def upright(word: str) -> str:
    """A word among formulas."""
    return rf"\{'mathrm' if word.isascii() else 'text'}{{{word}}}".replace("_", r"\_")


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
