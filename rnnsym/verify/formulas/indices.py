r"""A wrong index of an element, found by putting another one of the equation in its place: \delta_{jk} for \delta_{ik}.

What is said of elements is judged as a statement about whole arrays, in which a wrong index may have no form at all.
So the text is changed, and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rnnsym.claims.claim import Claim
from rnnsym.claims.lexicon import Lexicon, label, spelled
from rnnsym.claims.references import pieces
from rnnsym.claims.statements import written
from rnnsym.claims.written import ClaimError, Name, Numeral, Scripted, Statement, every
from rnnsym.equations.lowering import lower
from rnnsym.errors import Span
from rnnsym.language.model import Model
from rnnsym.verify.formulas.diagnose import placed
from rnnsym.verify.formulas.result import Diagnosis, EquationResult, Explanation, Result
from rnnsym.verify.verdict import Verdict

#: Names with indices that are no elements.
TIMES = frozenset("t T tau".split())
#: So many changes of an equation are tried; fewer in a long claim, which is read anew with each.
MOST, LEAST = 120, 6


@dataclass(frozen=True)
class Change:
    """A text in which one index is another, and what that undoes."""

    text: str
    line: int
    sentence: str
    corrected: str


def changes(text: str, statement: Statement, lexicon: Lexicon) -> Iterator[Change]:
    """The texts in which one index of a statement's right side is another one of the statement."""
    lines = text.split("\n")
    marks = list(indices(statement, lexicon))
    names = dict.fromkeys(shown(mark.part) for mark in marks)
    for mark in marks:
        span = mark.part.span
        line = lines[span.line - 1] if span.line <= len(lines) else ""
        if not mark.right or line[span.start : span.stop] != shown(mark.part):
            continue
        for name in dict.fromkeys((*names, *beside(mark.part))):
            if name == shown(mark.part):
                continue
            new = line[: span.start] + name + line[span.stop :]
            where = line[mark.whole.start : mark.whole.stop]
            sentence = f"The index {shown(mark.part)} of {where} has to be {name}."
            yield Change("\n".join((*lines[: span.line - 1], new, *lines[span.line :])), statement.span.line, sentence,
                         corrected(lines, statement.span, span.line, new))  # fmt: skip


def corrected(lines: list[str], statement: Span, number: int, new: str) -> str:
    """The statement with a line of it changed."""
    return new.strip() if statement.line == number else lines[statement.line - 1].strip()


@dataclass(frozen=True)
class Mark:
    """An index in a statement: its sign, what it is the index of, and the side."""

    part: Name | Numeral
    whole: Span
    right: bool


def indices(statement: Statement, lexicon: Lexicon) -> Iterator[Mark]:
    """The signs in scripts that may be indices of elements, those above and below sums aside."""
    for side in (statement.left, statement.right):
        for node in every(side):
            if not isinstance(node, Scripted) or (isinstance(node.base, Name) and node.base.text in ("∑", "∏")):
                continue
            if is_labelled(node, lexicon):
                continue
            for kind, parts in node.scripts:
                for part in (piece for one in parts for piece in pieces(one)) if kind in "_^[" else ():
                    letter = isinstance(part, Name) and len(part.text) == 1 and part.text not in TIMES
                    if letter or (isinstance(part, Numeral) and part.value.denominator == 1):
                        yield Mark(part, node.span, side is statement.right)  # type: ignore[arg-type]


def is_labelled(node: Scripted, lexicon: Lexicon) -> bool:
    """Whether the letters below a name are part of it, as in W_f; names are exchanged for one another elsewhere."""
    below = [label(part) for kind, parts in node.scripts for part in parts if kind == "_"]
    labels = [word for word in below if word is not None and word not in TIMES]
    return isinstance(node.base, Name) and bool(labels) and lexicon.named(spelled(bare(node.base), labels)) is not None


def bare(name: Name) -> Name:
    """A name without the bar of an adjoint."""
    return replace(name, accents=tuple(accent for accent in name.accents if accent != "bar"))


def beside(part: Name | Numeral) -> list[str]:
    """The numbers next to one: of another layer, or another element."""
    return [] if isinstance(part, Name) else [str(part.value - 1), str(part.value + 1)]


def shown(part: Name | Numeral) -> str:
    return part.text if isinstance(part, Name) else str(part.value)


def with_other_index(
    text: str, model: Model, format: str, line: int, right: Callable[[str, int], Claim | None]
) -> tuple[Change, Claim] | None:
    """The change of one index that puts the statement in a line right. right: the claim of a text if that line is."""
    lexicon = Lexicon(model, lower(model), "columns", True)
    try:
        statements = [found for found in written(text, text, format, lexicon, {}) if found.span.line == line]
    except ClaimError:
        return None
    tried, most = 0, max(LEAST, MOST // (1 + text.count("\n")))
    for statement in statements:
        for change in changes(text, statement, lexicon):
            tried += 1
            if tried > most:
                return None
            claim = right(change.text, line)
            if claim is not None:
                return change, claim
    return None


def explanation(change: Change) -> Explanation:
    return Explanation(change.sentence, change.corrected, change.corrected, "", 1)


def explained_by_index(found: Result, change: Change) -> Result:
    """A result of which the diagnosis of one line says which index is wrong."""
    diagnoses = tuple(
        replace(one, explanations=(explanation(change),)) if one.line == change.line else one for one in found.diagnoses
    )
    return replace(found, diagnoses=diagnoses)


def refuted_by_index(text: str, claim: Claim, change: Change) -> Result:
    """The result for a claim that could not be read for a wrong index alone. claim: with that index put right."""
    rows = tuple(
        EquationResult(e.span.line, text.split("\n")[e.span.line - 1].strip(), "claim",
                       Verdict.REFUTED if e.span.line == change.line else Verdict.SUPPORTED)
        for e in claim.equations
    )  # fmt: skip
    equation = next(e for e in claim.equations if e.span.line == change.line)
    source = text.split("\n")[change.line - 1]
    diagnosis = Diagnosis(change.line, source, (explanation(change),))
    return Result(Verdict.REFUTED, rows, (replace(placed(claim, equation, diagnosis.explanations, ()), source=source),))
