"""Verdicts on hand-derived claims and on hand-written backward passes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Equality

from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.verdict import Verdict

if TYPE_CHECKING:
    from rnnsym.verify.formulas.result import Result


def verify(
    model: Model, claim: str | Path | Any, where: str = "", layout: str = "numerator", convention: str = "columns",
    format: str = "auto",
) -> Result:  # fmt: skip
    r"""Verify a hand-derived gradient.

    claim: equations in LaTeX or in text, one a line, or SymPy equations, also between elements of IndexedBase; they
    may define sequences of their own, such as \delta_t. A path is that of a .tex, .md or .txt file with prose, whose
    equations are found and judged together.
    where: definitions that belong to it. layout: where the derivative of a vector by a vector has the numerator's
    elements: in its rows ("numerator") or its columns ("denominator"). convention: vectors are "columns" or "rows".
    format: "latex", "text", or "auto" to tell from the text; of a file, its name tells.

    Returns a Result: its verdict, and a diagnosis and a counterexample where the claim is wrong. Raises RnnsymError
    for a claim that cannot be read.

    >>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
    >>> result = verify(model, r"\frac{\partial E}{\partial W} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_t^\top")
    >>> result.verdict
    <Verdict.REFUTED: 'refuted'>
    >>> print(result.diagnoses[0].explanations[0].sentence)
    h[t] stands where h[t-1] is needed.
    """
    if isinstance(claim, Path):
        from rnnsym.verify.formulas.files import check_file

        return check_file(model, claim, where, layout, convention)
    from rnnsym.verify.formulas.check import check

    return check(model, as_text(claim), where, layout, convention, format)


def as_text(claim: str | Any) -> str:
    """A claim as text: SymPy's equations in LaTeX."""
    if isinstance(claim, str):
        return claim
    equations = [claim] if isinstance(claim, Equality) else list(claim) if isinstance(claim, list | tuple) else [None]
    if not all(isinstance(equation, Equality) for equation in equations):
        raise RnnsymError("a claim is text, or equations of SymPy: sympy.Eq(left, right), one or several")
    from rnnsym.claims.equalities import in_latex

    return "\n".join(map(in_latex, equations))


__all__ = ["Verdict", "verify"]
