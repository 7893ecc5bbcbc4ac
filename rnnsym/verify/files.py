"""Claims in a file: its formulas found, each with its line, and judged together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.check import check
from rnnsym.verify.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict

#: A formula in LaTeX or Markdown: an environment of its own, or what stands between delimiters. A comment hides it.
DISPLAY = re.compile(
    r"\\begin\s*\{(?P<name>equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|math)(?P<star>\*?)\}.*?"
    r"\\end\s*\{(?P=name)(?P=star)\}|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|(?<![\\$])\$(?!\$)[^$]+?\$(?!\$)",
    re.DOTALL,
)
#: Lines of code in Markdown hold no formulas, unless the block says that it is one.
FENCE = re.compile(r"^(```+|~~~+)[ \t]*(?P<word>\w*)[^\n]*\n(?P<inside>.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
MATHS = ("math", "latex", "tex", "claim")
COMMENT = re.compile(r"(?<!\\)%[^\n]*")
LARGEST = 2_000_000
SUFFIXES = {".tex": "latex", ".md": "latex", ".txt": "text"}


@dataclass(frozen=True)
class FileResult:
    """The verdict on the claims of a file, with line numbers of the file."""

    path: str
    result: Result

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
    return FileResult(path, judged_lines(model, claims, where, layout, convention, notation))


def formulas(text: str, suffix: str) -> str:
    """The formulas of a document in their lines, and nothing but spaces elsewhere: so every place keeps its number."""
    kept = [" " if character != "\n" else "\n" for character in text]
    searched = COMMENT.sub(lambda match: " " * len(match[0]), text) if suffix == ".tex" else _without_code(text)
    for start, stop in stretches(searched):
        if "=" in searched[start:stop]:
            kept[start:stop] = searched[start:stop]
    return "".join(kept)


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


def judged_lines(model: Model, claims: str, where: str, layout: str, convention: str, format: str) -> Result:
    """The verdict on claims; an equation whose shapes do not fit is told, and the others judged without it."""
    malformed: list[EquationResult] = []
    problems: list[str] = []
    rows = claims.split("\n")
    while True:
        try:
            result = check(model, "\n".join(rows), where, layout, convention, format, whole=False)
            break
        except MalformedClaim as error:
            line = error.span.line if error.span else 1
            if not rows[line - 1].strip():
                raise
            malformed.append(EquationResult(line, rows[line - 1].strip(), "claim", Verdict.MALFORMED))
            problems.append(str(error))
            rows[line - 1] = ""
            if not any("=" in row for row in rows):
                return Result(Verdict.MALFORMED, tuple(malformed), problem="\n".join(problems))
        except ClaimError as error:
            if malformed:
                return Result(Verdict.MALFORMED, tuple(malformed), problem="\n".join(problems))
            raise error
    if not malformed:
        return result
    equations = tuple(sorted((*result.equations, *malformed), key=lambda equation: equation.line))
    return replace(result, verdict=Verdict.MALFORMED, equations=equations, problem="\n".join(problems))
