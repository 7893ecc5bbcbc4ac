"""How names look: subscripts, Greek letters, accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from rnnsym.equations.indexed import Variable

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
GREEK_TEXT = dict(zip(GREEK, "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
#: Endings of names that are accents on what comes before: yhat, zbar.
ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde"}
MACRON = "\u0304"
SPLIT = re.compile(r"^(?P<base>.*?)_(?:\{(?P<braced>[^{}]*)\}|(?P<single>[^{}]))$")


class Names:
    """The names of one model's variables, in LaTeX and in text; `symbols` are the author's own LaTeX forms."""

    def __init__(self, symbols: Mapping[str, str], variables: Iterable[Variable] = ()) -> None:
        self.symbols = dict(symbols)
        # Where the author uses bars, an adjoint gets a delta in front instead of a second bar.
        names = [variable.name for variable in variables if variable.adjoint_of is None]
        self.adjoint_bar = not any(name.split("_")[0].endswith("bar") for name in names)

    def latex(self, variable: Variable, time: str = "") -> str:
        r"""A variable in LaTeX, at a time: `\bar{a}_{i,t}`."""
        name = variable.adjoint_of or variable.name
        base, subscript = self._parts(name, variable)
        if variable.adjoint_of is not None:
            base = rf"\bar{{{base}}}" if self.adjoint_bar else rf"\delta {base}"
        below = ",".join(part for part in (subscript, time) if part)
        if not below:
            return base
        return f"{base}_{below}" if len(below) == 1 else f"{base}_{{{below}}}"

    def _parts(self, name: str, variable: Variable) -> tuple[str, str]:
        """The letter and its subscript."""
        override = self.symbols.get(name) or variable.label
        if override:
            match = SPLIT.match(override)
            if match:
                return match["base"], match["braced"] or match["single"]
            return override, ""
        head, _, tail = name.partition("_")
        return letter(head), ",".join(subscript(part) for part in tail.split("_") if part)

    def text(self, variable: Variable, time: str | None = None) -> str:
        """A variable in Unicode text: `ā_i[t]`."""
        name = variable.label or variable.adjoint_of or variable.name
        head, _, tail = name.partition("_")
        shown = GREEK_TEXT.get(head, head)
        if variable.adjoint_of is not None:
            shown = shown + MACRON if len(shown) == 1 else f"bar({name})"
            tail = "" if shown.startswith("bar(") else tail
        label = unicodedata.normalize("NFC", f"{shown}_{tail}" if tail else shown)
        return label if time is None else f"{label}[{time}]"


def letter(head: str) -> str:
    r"""The part of a name before its subscript in LaTeX.

    >>> letter("alpha"), letter("yhat"), letter("target"), letter("h")
    ('\\alpha', '\\hat{y}', '\\mathrm{target}', 'h')
    """
    if head in GREEK:
        return f"\\{head}"
    for ending, accent in ACCENTS.items():
        if head.endswith(ending) and len(head) > len(ending):
            return f"{accent}{{{letter(head[: -len(ending)])}}}"
    match = re.fullmatch(r"([^\W\d]+?)(\d+)", head)
    if match:
        return f"{letter(match[1])}^{{({match[2]})}}"
    return head if len(head) == 1 else rf"\mathrm{{{head}}}"


def subscript(part: str) -> str:
    """A subscript in LaTeX; words stand upright."""
    if part in GREEK:
        return f"\\{part}"
    return part if len(part) <= 2 else rf"\mathrm{{{part}}}"
