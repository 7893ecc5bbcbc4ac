r"""A claim's names matched to a model's, and its shapes checked.

>>> from rnnsym.language.model import Model
>>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
>>> claim = read(r'''\delta_t = (h_t - y_t) \odot (1 - h_t^2) + \ldots''', model)
Traceback (most recent call last):
    ...
rnnsym.claims.written.ClaimError: '..' does not fit here
  1 | \delta_t = (h_t - y_t) \odot (1 - h_t^2) + \ldots
    |                                            ^^^^^^
expected a number or a name
"""

from __future__ import annotations

from collections.abc import Iterable

from rnnsym.claims.claim import Claim
from rnnsym.claims.copies import with_copies
from rnnsym.claims.derivatives import copied
from rnnsym.claims.lexicon import Lexicon
from rnnsym.claims.reader import Reader
from rnnsym.claims.statements import notation, written
from rnnsym.claims.written import ClaimError, MalformedClaim, every
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model

FORMATS = ("latex", "text", "auto")
#: More than a person writes, and little enough to read at once.
LARGEST = 400_000


def read(
    source: str,
    model: Model,
    where: str = "",
    convention: str = "columns",
    format: str = "auto",
    layout: str = "numerator",
    powers: bool = False,
    beside: bool = False,
    different: bool = False,
) -> Claim:
    r"""The equations of a claim about a model, names settled and shapes checked.

    source: maths without delimiters, in LaTeX or in text. where: definitions that belong to it. convention: vectors
    are "columns" or "rows". layout: where the derivative of a vector by a vector has the numerator's elements:
    "numerator" in its rows, "denominator" in its columns. powers: the T above a number, as in w^T, is the length.
    beside: vectors of one shape side by side are multiplied element by element.
    different: elements with different numbers are different ones, of which alone an equation speaks.

    Raises ClaimError where something cannot be read, and MalformedClaim (a ClaimError) where shapes do not fit.

    >>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
    >>> claim = read(r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_{t-1}^\top", model)
    >>> from rnnsym.claims.brief import shown
    >>> shown(claim.equations[0].right)
    'Σ_{t=1..T} (dE/da[t] @ h[t-1]ᵀ)'
    >>> read(r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_{t-1}", model)
    Traceback (most recent call last):
        ...
    rnnsym.claims.written.MalformedClaim: dE/da[t] is n_h × 1 and h[t-1] is n_h × 1: the matrix product needs 1 = n_h
      1 | \frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_{t-1}
        |                                        ^^^^^^^^^^^^^^^^^
    """
    return taken(source, model, where, convention, format, layout, powers, beside, different).claim(source, convention)


def read_torn(
    source: str, model: Model, where: str = "", convention: str = "columns", format: str = "auto",
    layout: str = "numerator",
) -> tuple[Claim, dict[int, MalformedClaim]]:  # fmt: skip
    """As `read`, where shapes need not fit: which equations do not, by their numbers, and why."""
    return taken(source, model, where, convention, format, layout).torn(source, convention)


def stepwise(model: Model, texts: Iterable[str], format: str = "auto", convention: str = "columns") -> Model:
    r"""The model in which the parameters have copies by which a claim derives, as in \nabla_{W^{(t)}} E."""
    lexicon = Lexicon(model, lower(model), convention)
    names: dict[str, None] = {}
    for text in texts:
        try:
            statements = written(text, text, format, lexicon, {})
        except ClaimError:  # it is told by those who read the claim
            return model
        for statement in statements:
            for node in (*every(statement.left), *every(statement.right)):
                names |= dict.fromkeys(copied(node, lexicon))
    return with_copies(model, list(names)) if names else model


def taken(
    source: str, model: Model, where: str, convention: str, format: str, layout: str, powers: bool = False,
    beside: bool = False, different: bool = False,
) -> Reader:  # fmt: skip
    """A reader that has taken the statements of a claim."""
    check_options(convention, layout, format)
    tex = notation(source, format) == "latex"
    reader = Reader(Lexicon(model, lower(model), convention, tex), layout, powers, beside, different)
    for part, given in ((where, True), (source, False)):
        if len(part) > LARGEST:
            raise ClaimError(f"a claim of more than {LARGEST} characters is not read")
        reader.take_all(part, part, format, given)
    return reader


def check_options(convention: str, layout: str, format: str = "auto") -> None:
    """Options have one of a few values."""
    for value, options, what in (
        (convention, ("columns", "rows"), "convention"),
        (format, FORMATS, "format"),
        (layout, ("numerator", "denominator"), "layout"),
    ):
        if value not in options:
            raise ClaimError(f"{what} is one of {', '.join(options)}, not {value!r}")


__all__ = ["Claim", "ClaimError", "MalformedClaim", "read"]
