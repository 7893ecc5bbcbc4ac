"""How formulas look: the choices that authors differ in, as one value that every printer reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from rnnsym.errors import RnnsymError


class NotationError(RnnsymError, ValueError):
    """A choice of notation that there is not, or that would make formulas ambiguous."""


#: The values of every choice; the first is the default.
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "adjoint": ("bar", "leibniz", "nabla", "delta"),
        "time": ("subscript", "superscript"),
        "hadamard": ("odot", "circ", "ast"),
        "vectors": ("as written", "columns", "rows"),
        "transpose": ("top", "T", "mathsf"),
    }
)
#: Other ways of writing a value: its LaTeX, or its sign.
SAME = {r"\odot": "odot", "⊙": "odot", r"\circ": "circ", "∘": "circ", r"\ast": "ast", "*": "ast", r"\top": "top",
        r"\mathsf T": "mathsf", r"\mathsf{T}": "mathsf"}  # fmt: skip
#: The signs of the choices, in LaTeX and in text.
HADAMARD = {"odot": (r"\odot", "⊙"), "circ": (r"\circ", "∘"), "ast": (r"\ast", "*")}
TRANSPOSE = {"top": r"\top", "T": "T", "mathsf": r"\mathsf{T}"}


#: Letters that every formula uses.
TIMES = {"t": "the time", "T": "the length of the sequence"}


@dataclass(frozen=True)
class Notation:
    r"""The notation of a document; `notation=` of every `to_text`, `to_latex` and `to_markdown`.

    adjoint: "bar" writes derivatives of the loss with a bar inside the derivation and gradients of parameters as
    fractions, "leibniz" all of them as fractions, "nabla" as gradients, "delta" with a delta in front.
    time: "subscript", or "superscript" as in h^{(t)}; text writes h[t] for both.
    hadamard: the sign of the elementwise product, "odot", "circ" or "ast".
    vectors: "as written" by the model's author, or the same model for "columns" or "rows".
    indices: write every equation for single elements, with sums over indices.
    bold: set vectors and matrices in bold type; text has none.
    symbols: LaTeX for names of the model, `{"h": "s", "W": "W_{hh}"}`; the form in text follows from it.
    transpose: the mark of a transpose, "top", "T" or "mathsf".

    Raises NotationError for a value that there is not.

    >>> from rnnsym import Model, derive
    >>> d = derive(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])"))
    >>> print(d["W"].to_text(notation=Notation(adjoint="nabla", symbols={"W": r"\Theta"})))
    ∇_{Θ} E = Σ_{t=1..T} (∇_{a[t]} E) h[t-1]ᵀ
    >>> print(d["W"].to_text(notation=Notation(indices=True)))
    ∂E/∂W[i,j] = Σ_{t=1..T} ā[t,i] h[t-1,j]
    >>> Notation(time="subscripts")
    Traceback (most recent call last):
    rnnsym.notation.style.NotationError: time is 'subscript' or 'superscript', not 'subscripts'; did you mean ...
    """

    adjoint: str = "bar"
    time: str = "subscript"
    hadamard: str = "odot"
    vectors: str = "as written"
    indices: bool = False
    bold: bool = False
    symbols: Mapping[str, str] = field(default_factory=dict, hash=False)
    transpose: str = "top"

    def __post_init__(self) -> None:
        for name, values in CHOICES.items():
            value = getattr(self, name)
            value = SAME.get(value, value) if isinstance(value, str) else value
            if value not in values:
                raise NotationError(_unknown(name, value, values))
            object.__setattr__(self, name, value)
        for name in ("indices", "bold"):
            if not isinstance(getattr(self, name), bool):
                raise NotationError(f"{name} is True or False, not {getattr(self, name)!r}")
        if not isinstance(self.symbols, Mapping):
            raise NotationError(f"symbols is a dictionary of names and their LaTeX, not {self.symbols!r}")
        for name, latex in self.symbols.items():
            check_symbol(name, latex)
        object.__setattr__(self, "symbols", MappingProxyType(dict(self.symbols)))

    @property
    def marks(self) -> bool:
        """Whether an adjoint is the variable's own symbol with a mark, and not a fraction or a gradient."""
        return self.adjoint in ("bar", "delta")


DEFAULT = Notation()


def _unknown(name: str, value: object, values: tuple[str, ...]) -> str:
    shown = [repr(known) for known in values]
    near = get_close_matches(value, values, 1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name} is {', '.join(shown[:-1])} or {shown[-1]}, not {value!r}{hint}"


def check_symbol(name: object, latex: object) -> None:
    """Raise NotationError unless `latex` can stand where a symbol stands: a letter, with its braces closed."""
    if not isinstance(name, str) or not isinstance(latex, str):
        raise NotationError(f"symbols is a dictionary of names and their LaTeX, not {name!r}: {latex!r}")
    depth = 0
    plain = latex.replace(r"\{", "").replace(r"\}", "")
    for character in plain:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth:
        raise NotationError(f"the braces of {latex!r}, the symbol for {name}, do not close")
    if not latex.strip() or latex.strip()[0] in "^_'" or latex.rstrip().endswith(("^", "_", "\\")):
        raise NotationError(f"the symbol for {name} needs a letter, with what stands below or above it: not {latex!r}")
    if latex.strip(" {}") in TIMES:
        raise NotationError(f"{latex.strip(' {}')} is {TIMES[latex.strip(' {}')]}: give {name} another symbol")
    if any(sign in plain for sign in "$&#%~\n") or r"\\" in plain:
        raise NotationError(f"the symbol for {name} is one symbol in LaTeX without dollars: not {latex!r}")
