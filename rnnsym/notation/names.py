"""How names look: subscripts, Greek letters, accents, and the bars of adjoints."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from rnnsym.equations.indexed import INDICES, Role, Variable
from rnnsym.errors import suggestion
from rnnsym.notation.style import DEFAULT, Notation, NotationError

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
#: How the LaTeX of a name of several letters begins.
WORDS = (r"\mathrm{", r"\text{", r"\mathbf{")
#: What marks an adjoint: a bar; where the author uses bars, a letter in front.
MARKS = (("", MACRON), (r"\delta ", "δ"), (r"\nabla ", "∇"))


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


class Names:
    """The names of one model's variables, in LaTeX and in text; `symbols` are the author's own LaTeX forms.

    No two variables look the same, and no adjoint looks like a variable of the author's. What the notation asks for
    comes first; NotationError where it cannot be had.
    """

    def __init__(
        self, symbols: Mapping[str, str], variables: Iterable[Variable] = (), notation: Notation = DEFAULT
    ) -> None:
        self.notation = notation
        self.symbols = {**symbols, **notation.symbols}
        self.time_above = notation.time == "superscript"
        variables = [variable for variable in variables if variable.adjoint_of is None]
        _check_names(notation, variables)
        own = sorted(variables, key=lambda v: (v.name not in notation.symbols, bool(v.label), not v.timed))
        self.heads = frozenset(variable.name.split("_")[0] for variable in own)
        self.untimed = frozenset(variable.name for variable in own if not variable.timed)
        self.forms: dict[str, Form] = {}
        self.texts: dict[str, str] = {}
        for variable in own:
            others = [other for other in own if other.name in self.forms]
            candidates = [*self._candidates(variable)]
            clear = (form for form in candidates if not self._alike(form, variable, others))
            self.forms[variable.name] = next(clear, candidates[-1])
            self._check_clash(candidates[0], variable, others)
            used = {self.texts[other.name] for other in others if other.timed == variable.timed}
            shown = self._shown(variable)
            self.texts[variable.name] = variable.name if shown in used else shown
        self.indices = self._free_letters(variables)
        #: The elements of a bold vector are scalars, and not bold.
        self.elements = dict(self.forms)
        if notation.bold:
            arrays = {variable.name for variable in own if variable.shape}
            for name in arrays:
                self.forms[name] = replace(self.forms[name], letter=bold(self.forms[name].letter))
        marks = MARKS[1:] if notation.adjoint == "delta" else MARKS
        letters = "".join(form.letter for form in self.forms.values())
        self.mark = next((m for m, _ in marks if not any(taken in letters for taken in _taken(m))), MARKS[-1][0])
        written = unicodedata.normalize("NFD", "".join(self.texts.values()))
        self.text_mark = next((m for _, m in marks if m not in written), MARKS[-1][1])

    def _free_letters(self, variables: list[Variable]) -> dict[Symbol, Symbol]:
        """A letter for each index of elements, none of which is a name, a subscript or a size of the model's."""
        words = {part for form in self.forms.values() for part in (form.letter, *form.below, *form.above.split(","))}
        words |= {part for variable in variables for part in variable.name.split("_")}
        words |= {str(size) for variable in variables for entry in variable.shape for size in entry.free_symbols}
        letters = [letter for letter in "ijklpqruvwabcdefgh" if letter not in words]
        letters += [f"i{number}" for number in range(1, len(INDICES) + 1)]
        return {index: Symbol(letter, integer=True) for index, letter in zip(INDICES, letters, strict=False)}

    def _alike(self, form: Form, variable: Variable, others: list[Variable]) -> Variable | None:
        """A variable that has this form, or one that could be taken for it."""
        for other in others:
            if form.looks_like(variable.timed, self.forms[other.name], other.timed, self.time_above):
                return other
        return None

    def _check_clash(self, wanted: Form, variable: Variable, others: list[Variable]) -> None:
        """What was asked for must not look like anything else; names of our own making give way."""
        chosen = [other for other in others if other.name in self.notation.symbols]
        clash = self._alike(wanted, variable, chosen)
        if clash is None or variable.label or variable.role in (Role.INTERMEDIATE, Role.LOSS):
            return
        latex = self.notation.symbols[clash.name]
        raise NotationError(
            f"symbols writes {clash.name} as {latex}, and {variable.name} looks the same; "
            f"give {variable.name} another symbol too"
        )

    def _shown(self, variable: Variable) -> str:
        chosen = self.notation.symbols.get(variable.name)
        return (text_of(chosen) if chosen else "") or self.plain(variable.label or variable.name)

    # LaTeX

    def latex(self, variable: Variable, time: str = "", indices: str = "") -> str:
        r"""A variable in LaTeX, at a time: `\bar{a}_{i,t}`."""
        return self._form(variable, self.elements if indices else self.forms).latex(time, indices, self.time_above)

    def form_of(self, variable: Variable, element: bool = False) -> Form:
        """A variable's symbol, taken apart, or that of its elements."""
        return self._form(variable, self.elements if element else self.forms)

    def _form(self, variable: Variable, forms: dict[str, Form]) -> Form:
        if variable.name not in forms:
            if variable.adjoint_of is None:
                forms[variable.name] = next(self._candidates(variable))
            else:
                origin = replace(variable, name=variable.adjoint_of, adjoint_of=None)
                forms[variable.name] = self._form(origin, forms).marked(self.mark)
        return forms[variable.name]

    def _candidates(self, variable: Variable) -> Iterator[Form]:
        """The forms that a variable may take, the preferred one first."""
        own = self.symbols.get(variable.name) or self.symbols.get(variable.label)
        form = taken_apart(own) if own else self.form(variable.label or variable.name)
        yield form
        if variable.label:
            yield self.form(variable.name)
        if form.below and not form.above and not self.time_above:
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
        if match and number and self.time_above:
            return Form(letter(base), "", (match[2], *below))
        return Form(letter(base), f"({match[2]})" if match and number else "", below)

    def _subscript(self, part: str) -> str:
        """A subscript in LaTeX; words stand upright. `W_xi` leads from x to i, unless there is a variable xi."""
        if part.isdigit() or (part.isascii() and len(part) <= 2 and part not in self.heads):
            return part
        return letter(part) if len(part) > 2 or is_letter(part) else part

    # Text

    def text(self, variable: Variable, time: str | None = None, indices: Iterable[str] = ()) -> str:
        """A variable in Unicode text, or an element of it: `ā_i[t]`, `h[t,j]`."""
        own = variable.adjoint_of or variable.name
        shown = self.texts.get(own) or self.plain(variable.label or own)
        if variable.adjoint_of is not None:
            shown = self._marked(shown)
        places = ",".join([*([] if time is None else [time]), *indices])
        return f"{shown}[{places}]" if places else shown

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
            signs = {symbol: Symbol(self.plain(name)) for symbol, name in own.items()} | {sympy.pi: Symbol("π")}
            shown = str(size.xreplace(signs)).replace("sqrt(", "√(")
            return re.sub(r"\*\*(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), shown).replace("*", " ")
        return str(sympy.latex(size, symbol_names={symbol: self.form(name).latex() for symbol, name in own.items()}))

    def _size_name(self, name: str) -> str:
        while name in self.untimed:
            name = f"n_{name}"
        return name


def _check_names(notation: Notation, variables: Iterable[Variable]) -> None:
    """Raise NotationError for a symbol of a name that the model does not have."""
    known = [variable.name for variable in variables]
    for name in notation.symbols:
        if name not in known:
            hint = suggestion(name, known) or f"it has {', '.join(known)}"
            raise NotationError(f"symbols names {name!r}, which the model does not have; {hint}")


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


def bold(latex: str) -> str:
    r"""A letter in bold type; an accent stays above it.

    >>> bold("h"), bold(r"\hat{y}"), bold(r"\mathrm{target}")
    ('\\bm{h}', '\\hat{\\bm{y}}', '\\mathbf{target}')
    """
    if accented := re.fullmatch(r"(\\(?:hat|bar|tilde|dot|ddot|acute|grave|breve|check))\{(.*)\}", latex):
        return f"{accented[1]}{{{bold(accented[2])}}}"
    if latex.startswith((r"\mathbf{", r"\bm{", r"\boldsymbol{")):
        return latex
    return latex.replace(r"\mathrm{", r"\mathbf{", 1) if latex.startswith(r"\mathrm{") else rf"\bm{{{latex}}}"


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
