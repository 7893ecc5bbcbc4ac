"""Vectors that are put together of parts: each part is stored where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Expr

from rnnsym.equations.indexed import Equation, Select, Term
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.forms import Irregular
from rnnsym.kernels.numpy_code import size_code


def joined(draft: Draft, equation: Equation, target: str, code: Callable[[Equation], str]) -> list[str]:
    """Lines that store the parts of a vector; `code` gives one of them as an expression.

    Raises Irregular where a term is no single part.
    """
    parts: dict[tuple[Expr, Expr], list[Term]] = {}
    for term in equation.terms:
        selects = [factor for factor in term.factors if isinstance(factor, Select)]
        if len(selects) != 1 or len(equation.indices) != 1 or term.when is not None or term.over:
            raise Irregular(f"{equation.label} is put together of parts")
        whole, inner, offset, size = selects[0].args
        if whole != equation.indices[0]:
            raise Irregular(f"{equation.label} is put together of parts")
        rest = tuple(factor.xreplace({inner: whole}) for factor in term.factors if factor is not selects[0])
        parts.setdefault((offset, size), []).append(Term(rest))
    lines: list[str] = []
    filled: Expr = equation.variable.shape[0] * 0
    in_a_row = True
    for offset, size in parts:
        in_a_row = in_a_row and (offset - filled).expand() == 0
        filled = offset + size
    sign = "="
    if not in_a_row or (filled - equation.variable.shape[0]).expand() != 0:
        lines.append(f"{target}[...] = 0.0")
        sign = "+="
    for (offset, size), terms in parts.items():
        part = replace(equation, variable=replace(equation.variable, shape=(size,)), terms=tuple(terms))
        low, high = size_code(offset) if offset != 0 else "", size_code(offset + size)
        lines.append(f"{target}[..., {low}:{high}] {sign} {code(part)}")
    return lines
