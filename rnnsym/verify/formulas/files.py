"""Claims in a file: its formulas found, each with its line, and judged together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rnnsym.claims.macros import defined
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.formulas.check import check
from rnnsym.verify.formulas.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict

#: A formula in LaTeX or Markdown: an environment of its own, or what stands between delimiters. A comment hides it.
DISPLAY = re.compile(
    r"\\begin\s*\{(?P<name>equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|math)(?P<star>\*?)\}.*?"
    r"\\end\s*\{(?P=name)(?P=star)\}|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|(?<![\\$])\$(?!\$)[^$]+?\$(?!\$)",
    re.DOTALL,
)
INLINE = re.compile(r"(?<![\\$])\$(?!\$)[^$]+\$(?!\$)|\\\(.*\\\)")
OPENING = re.compile(r"\$\$|\\\[|\\begin")
#: Lines of code in Markdown hold no formulas, unless the block says that it is one.
FENCE = re.compile(r"^(```+|~~~+)[ \t]*(?P<word>\w*)[^\n]*\n(?P<inside>.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
MATHS = ("math", "latex", "tex", "claim")
COMMENT = re.compile(r"(?<!\\)%[^\n]*")
LARGEST = 2_000_000
SUFFIXES = {".tex": "latex", ".md": "latex", ".txt": "text"}


@dataclass(frozen=True)
class FileResult:
    """The verdict on the claims of a file, with line numbers of the file.

    skipped: formulas within the prose that are no claims about the model, each with its line and the reason.
    """

    path: str
    result: Result
    skipped: tuple[tuple[int, str], ...] = ()

    @property
    def holds(self) -> bool:
        return self.result.holds


class NothingClaimedError(ClaimError):
    """A file in which no equation is found."""


def check_file(
    model: Model, path: str, where: str = "", layout: str = "numerator", convention: str = "columns"
) -> FileResult:
    """The verdict on what a .tex, .md or .txt file claims of a model. Raises RnnsymError where it cannot be read."""
    source = Path(path)
    if source.suffix not in SUFFIXES:
        raise RnnsymError(f"{path}: claims are read from {', '.join(SUFFIXES)} files")
    if source.stat().st_size > LARGEST:
        raise RnnsymError(f"{path}: a file of more than {LARGEST:,} bytes is not read")
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RnnsymError(f"{path}: the file is not UTF-8 text") from None
    notation = SUFFIXES[source.suffix]
    claims = text if notation == "text" else formulas(text, source.suffix)
    if "=" not in claims:
        raise NothingClaimedError(
            f"{path}: no equation is found", "", None, "formulas stand in $...$, \\[...\\] or align"
        )
    prose = set() if notation == "text" else inline(text, claims)
    result, skipped = judged_lines(model, claims, where, layout, convention, notation, prose)
    return FileResult(path, result, skipped)


def formulas(text: str, suffix: str) -> str:
    """The formulas of a document in their lines, and nothing but spaces elsewhere: so every place keeps its number."""
    kept = [" " if character != "\n" else "\n" for character in text]
    searched = COMMENT.sub(lambda match: " " * len(match[0]), text) if suffix == ".tex" else _without_code(text)
    for start, stop in stretches(searched):
        if "=" in searched[start:stop]:
            kept[start:stop] = searched[start:stop]
    for _, _, start, stop in defined(searched):  # the author's commands, which formulas use
        kept[start:stop] = searched[start:stop]
    return "".join(kept)


def inline(text: str, claims: str) -> set[int]:
    """The lines whose formulas stand within the prose."""
    found = set()
    for number, (row, kept) in enumerate(zip(text.split("\n"), claims.split("\n"), strict=True), 1):
        if "=" in kept and INLINE.search(row) and not OPENING.search(row):
            found.add(number)
    return found


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where formulas begin and end."""
    for match in DISPLAY.finditer(text):
        yield match.span()


def _without_code(text: str) -> str:
    """Markdown with its code blanked, and fenced maths in delimiters."""

    def blank(match: re.Match[str]) -> str:
        if match["word"] in MATHS:
            head = match.start("inside") - match.start()
            return (
                "\\["
                + " " * (head - 3)
                + "\n"
                + match["inside"]
                + "\\]"
                + " " * (match.end() - match.end("inside") - 2)
            )
        return re.sub(r"[^\n]", " ", match[0])

    text = FENCE.sub(blank, text)
    return re.sub(r"`[^`\n]+`", lambda match: " " * len(match[0]), text)


def judged_lines(
    model: Model, claims: str, where: str, layout: str, convention: str, notation: str, prose: set[int]
) -> tuple[Result, tuple[tuple[int, str], ...]]:
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
                return Result(Verdict.MALFORMED, tuple(malformed), problem="\n".join(problems)), tuple(skipped)
        except ClaimError as error:
            line = error.span.line if error.span else 0
            if line in prose and rows[line - 1].strip():
                skipped.append((line, error.problem))
                rows[line - 1] = ""
                if any("=" in row for row in rows):
                    continue
            elif malformed:
                return Result(Verdict.MALFORMED, tuple(malformed), problem="\n".join(problems)), tuple(skipped)
            raise
    if not malformed:
        return result, tuple(skipped)
    equations = tuple(sorted((*result.equations, *malformed), key=lambda equation: equation.line))
    whole = replace(result, verdict=Verdict.MALFORMED, equations=equations, problem="\n".join(problems))
    return whole, tuple(skipped)
