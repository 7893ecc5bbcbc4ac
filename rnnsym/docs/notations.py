"""The options of blocks that choose a notation: those of `rnnsym.Notation`, as words in a comment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rnnsym.docs.kinds import Option, OptionError
from rnnsym.notation.style import CHOICES, Notation

#: A comma that parts two symbols, not one inside braces.
COMMA = re.compile(r",(?![^{}]*\})")


def chosen(*values: str) -> Any:
    """Reads one of a few words, or nothing."""

    def read(text: str) -> str:
        if text and text not in values:
            raise OptionError(f"is one of {', '.join(values)}, not '{text}'")
        return text

    return read


def symbols(text: str) -> dict[str, str]:
    r"""Reads `h:s,W:W_{hh}`.

    >>> symbols(r"h:s,W:W_{h,h}")
    {'h': 's', 'W': 'W_{h,h}'}
    """
    found = {}
    for part in filter(None, COMMA.split(text)):
        name, colon, latex = (piece.strip() for piece in part.partition(":"))
        if not colon or not name or not latex:
            raise OptionError(f"is a list such as h:s,W:W_{{hh}}, not '{text}'")
        found[name] = latex
    return found


#: What a choice is about, by its name in the table of choices.
ABOUT = {
    "adjoint": "how derivatives of the loss are written",
    "time": "where formulas carry the time",
    "hadamard": "the sign of the elementwise product",
    "vectors": "what vectors are",
    "transpose": "the mark of a transpose",
}
#: Every kind that prints equations has these.
OPTIONS = (
    *(Option(name, f"{ABOUT[name]}: {', '.join(values)}", "", chosen(*values)) for name, values in CHOICES.items()),
    Option("indices", "yes: equations for single elements", "", chosen("yes", "no")),
    Option("bold", "yes: vectors and matrices in bold type", "", chosen("yes", "no")),
    Option("symbols", "other symbols for names of the model, as in h:s,W:W_{hh}", "", symbols),
)


def notation(options: Mapping[str, Any]) -> Notation | None:
    """The notation that the options of a block choose; None where they choose none."""
    given = {option.name: options[option.name] for option in OPTIONS if options.get(option.name)}
    for name in ("indices", "bold"):
        if name in given:
            given[name] = given[name] == "yes"
    return Notation(**given) if given else None
