"""How the names of one model look: subscripts, letters that tell them apart, and the bars of adjoints."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import sympy
from sympy import Expr, Symbol

from rnnsym.equations.indexed import INDICES, Role, Variable
from rnnsym.errors import suggestion
from rnnsym.notation.letters import MACRON, SUPERSCRIPTS, bold, in_text, is_letter, letter, letter_and_accents, upright
from rnnsym.notation.style import DEFAULT, Notation, NotationError
from rnnsym.notation.symbols import Form, appearance, taken_apart, text_of

#: What marks an adjoint: a bar; where the author uses bars, a letter in front.
MARKS = (("", MACRON), (r"\delta ", "δ"), (r"\nabla ", "∇"))


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
        # W_t beside W would be told apart by the time alone: nobody chooses that on purpose.
        same = (other for other in chosen if appearance(self.forms[other.name]) == appearance(wanted))
        clash = self._alike(wanted, variable, chosen) or next(same, None)
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
        number = match and is_letter(letter_and_accents(match[1])[0])
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
            in_text(part) if len(part) > 2 or not place or part in self.heads else part
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
