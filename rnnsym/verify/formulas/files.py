"""Claims in a file: its formulas found, each with its line, and judged together."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from rnnsym.claims.document import formulas, inline
from rnnsym.claims.lexicon import Lexicon
from rnnsym.claims.prose import sift
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.equations.lowering import lower
from rnnsym.errors import RnnsymError, Span
from rnnsym.language.model import Model
from rnnsym.verify.formulas.check import check
from rnnsym.verify.formulas.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict

LARGEST = 2_000_000
SUFFIXES = (".tex", ".md", ".txt")


class NothingClaimedError(ClaimError):
    """A file in which no equation is found."""


def check_file(
    model: Model, path: str | Path, where: str = "", layout: str = "numerator", convention: str = "columns"
) -> Result:
    """The verdict on what a .tex, .md or .txt file claims of a model, with the line numbers of the file.

    Raises RnnsymError where it cannot be read.
    """
    source = Path(path)
    if source.suffix not in SUFFIXES:
        raise RnnsymError(f"{path}: claims are read from {', '.join(SUFFIXES)} files")
    if source.stat().st_size > LARGEST:
        raise RnnsymError(f"{path}: a file of more than {LARGEST:,} bytes is not read")
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RnnsymError(f"{path}: the file is not UTF-8 text") from None
    claims, notation, prose = maths(text, source.suffix, model)
    if "=" not in claims:
        raise NothingClaimedError(
            f"{path}: no equation is found", "", None, "formulas stand in $...$, \\[...\\] or align"
        )
    return judged_lines(model, claims, where, layout, convention, notation, prose)


def maths(text: str, suffix: str, model: Model) -> tuple[str, str, set[int]]:
    """The formulas of a document, their notation, and the lines whose formulas stand within the prose."""
    if suffix == ".txt" and "=" not in (marked := formulas(text, ".tex")):
        lexicon = Lexicon(model, lower(model), "columns")
        found = sift(text, {*lexicon.spellings, *lexicon.functions})
        for number in found.broken:
            length = len(text.split("\n")[number - 1])
            raise ClaimError("an equation has two sides, and here is no '='", text, Span(number, 0, length))
        return found.text, "latex" if re.search(r"\\[A-Za-z]", found.text) else "text", set(found.prose)
    claims = marked if suffix == ".txt" else formulas(text, suffix)
    return claims, "latex", inline(text, claims)


def judged_lines(
    model: Model, claims: str, where: str, layout: str, convention: str, notation: str, prose: set[int]
) -> Result:
    """The verdict on claims; an equation whose shapes do not fit is told, and the others judged without it.

    prose: the lines that are skipped where they cannot be read.
    """
    skipped: list[tuple[int, str]] = []
    malformed: list[EquationResult] = []
    problems: list[str] = []
    rows = claims.split("\n")
    while True:
        try:
            result = check(model, "\n".join(rows), where, layout, convention, notation, whole=False)
            break
        except MalformedClaim as error:
            line = error.span.line if error.span else 1
            if not rows[line - 1].strip():
                raise
            malformed.append(EquationResult(line, rows[line - 1].strip(), "claim", Verdict.MALFORMED))
            problems.append(str(error))
            rows[line - 1] = ""
            if not any("=" in row for row in rows):
                return unread(malformed, problems, skipped)
        except ClaimError as error:
            line = error.span.line if error.span else 0
            if line in prose and rows[line - 1].strip():
                skipped.append((line, error.problem))
                rows[line - 1] = ""
                if any("=" in row for row in rows):
                    continue
            elif malformed:
                return unread(malformed, problems, skipped)
            raise
    result = replace(result, skipped=tuple(skipped))
    if not malformed:
        return result
    equations = tuple(sorted((*result.equations, *malformed), key=lambda equation: equation.line))
    return replace(result, verdict=Verdict.MALFORMED, equations=equations, problem="\n".join(problems))


def unread(malformed: list[EquationResult], problems: list[str], skipped: list[tuple[int, str]]) -> Result:
    """The result where no equation is left whose shapes fit."""
    return Result(Verdict.MALFORMED, tuple(malformed), problem="\n".join(problems), skipped=tuple(skipped))
