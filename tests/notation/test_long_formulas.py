"""Formulas of thousands of terms are broken into lines in a time that grows with their length."""

from __future__ import annotations

import time

from rnnsym.notation.renderers import broken, columns, visible


def test_a_formula_of_thousands_of_terms_is_broken_at_once() -> None:
    row = "a = " + " + ".join(f"W_{number} ā[t]ᵀ" for number in range(3000))
    started = time.process_time()
    rows = broken(row, 4, 100, 80)
    assert time.process_time() - started < 5
    assert all(columns(part) <= 100 for part in rows)
    assert "".join("".join(rows).split()) == "".join(row.split())


def test_what_fits_is_left_alone() -> None:
    assert broken("a + b", 0, 20, 20) == ["a + b"]
    assert broken(r"\alpha + \beta", 0, 4, 4, visible) == [r"\alpha + \beta"]
