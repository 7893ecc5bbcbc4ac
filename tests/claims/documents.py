"""Claims of whole files, read as `rnnsym verify` reads them."""

from __future__ import annotations

from rnnsym.claims.claim import Claim
from rnnsym.claims.document import formulas
from rnnsym.claims.match import read
from rnnsym.language.model import Model


def read_document(text: str, model: Model, kind: str) -> Claim:
    """The claim of a file whose prose has no equations; kind is "tex", "md" or "txt"."""
    if kind == "txt":
        return read(text, model, format="text")
    return read(formulas(text, f".{kind}"), model, format="latex")
