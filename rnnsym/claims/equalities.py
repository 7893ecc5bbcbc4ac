r"""Equations of SymPy as claims: in LaTeX, with words kept together.

>>> from sympy import Eq, IndexedBase, Sum, symbols
>>> t, i, j, T = symbols("t i j T", integer=True)
>>> delta, h, dW = map(IndexedBase, ("delta", "h", "dW"))
>>> in_latex(Eq(dW[i, j], Sum(delta[t, i] * h[t - 1, j], (t, 1, T))))
'{\\mathrm{dW}}_{i,j} = \\sum_{t=1}^{T} {\\delta}_{t,i} {h}_{t - 1,j}'
"""

from __future__ import annotations

import re
from typing import Any

from sympy import Equality, Symbol
from sympy.printing.latex import LatexPrinter

from rnnsym.notation.letters import GREEK

#: Endings and names that SymPy writes as accents and letters, as authors do.
ACCENTED = re.compile(r"[A-Za-z]+(bar|hat|tilde|dot)")


class ClaimPrinter(LatexPrinter):  # type: ignore[misc]
    """LaTeX in which a name of several letters is one name."""

    def _print_Symbol(self, symbol: Symbol, style: str = "plain") -> str:
        head = symbol.name.partition("_")[0]
        word = len(head) > 1 and head.isalpha() and head.lower() not in GREEK and not ACCENTED.fullmatch(head)
        if not word:
            found: str = super()._print_Symbol(symbol, style)
            return found
        _, sign, label = symbol.name.partition("_")
        return rf"\mathrm{{{head}}}" + (f"_{{{label}}}" if sign else "")


def in_latex(equation: Equality) -> str:
    """One equation."""
    printer: Any = ClaimPrinter()
    found: str = printer.doprint(equation)
    return found
