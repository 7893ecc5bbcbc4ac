"""Claims in a file: its formulas found, each with its line, and judged together."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from rnnsym.claims.document import formulas, inline, without
from rnnsym.claims.lexicon import Lexicon
from rnnsym.claims.prose import sift
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.equations.lowering import lower
from rnnsym.errors import RnnsymError, Span
from rnnsym.language.model import Model
from rnnsym.verify.formulas.check import check
from rnnsym.verify.formulas.result import UNREAD, EquationResult, Result
from rnnsym.verify.verdict import Verdict

LARGEST = 2_000_000
#: Equations that cannot be read, after which a file counts as no claim at all: so many, or so many characters read
#: again because of them.
MOST_LEFT_OUT = 100
MOST_READ_AGAIN = 300_000
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
    """The verdict on claims. An equation that cannot be read, or whose shapes do not fit, is told, and the others are
    judged without it.

    prose: the lines that are skipped where they cannot be read.
    """
    skipped: list[tuple[int, str]] = []
    left_out: list[EquationResult] = []
    problems: list[ClaimError] = []
    most = min(MOST_LEFT_OUT, 1 + MOST_READ_AGAIN // (len(claims) + 1))
    while True:
        try:
            result = check(model, claims, where, layout, convention, notation, whole=False)
            break
        except ClaimError as error:
            span = error.span
            rest = without(claims, span.line, span.start) if span is not None and error.text == claims else claims
            if span is None or rest == claims or len(problems) == most:
                raise
            if span.line in prose and not isinstance(error, MalformedClaim):
                skipped.append((span.line, error.problem))
            else:
                source = claims.split("\n")[span.line - 1].strip()
                note = "" if isinstance(error, MalformedClaim) else UNREAD
                left_out.append(EquationResult(span.line, source, "claim", Verdict.MALFORMED, note))
                problems.append(error)
            claims = rest
            if "=" not in claims:
                if len(problems) < 2 and not any(isinstance(problem, MalformedClaim) for problem in problems):
                    raise (problems or [error])[0] from None
                result = Result(Verdict.MALFORMED, ())
                break
    result = replace(result, skipped=tuple(skipped))
    if not left_out:
        return result
    equations = tuple(sorted((*result.equations, *left_out), key=lambda equation: equation.line))
    problem = "\n".join(map(str, problems))
    return replace(result, verdict=Verdict.MALFORMED, equations=equations, problem=problem)
