"""What verification says, for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rnnsym.claims.claim import Equation
from rnnsym.errors import Span, excerpt
from rnnsym.verify.verdict import Verdict

#: What is always taken for granted, and so always said.
CONVENTION = "sequences are zero beyond their ends"


@dataclass(frozen=True)
class Explanation:
    """One way to put an equation right: what is wrong in words, and the equation as it should be.

    changes: how many changes of what was written that takes; 0 where no few changes do.
    """

    sentence: str
    corrected: str  # LaTeX
    corrected_text: str
    part: str = ""  # the piece of the equation that is wrong
    changes: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"sentence": self.sentence, "corrected": self.corrected, "part": self.part}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with one equation. `explanations`: the simplest first, more than one where several fit.

    remarks: when nobody would notice the mistake, and the like.
    """

    line: int
    source: str
    explanations: tuple[Explanation, ...]
    remarks: tuple[str, ...] = ()
    column: int | None = None
    width: int = 1

    @property
    def changes(self) -> int:
        """How many changes put the equation right; many where that is not known."""
        return (self.explanations[0].changes if self.explanations else 0) or 100

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The diagnosis as lines of text."""
        if self.column is None:
            yield f"  {self.line} | {self.source}"
        else:
            rows = "\n" * (self.line - 1) + self.source
            yield from excerpt(rows, Span(self.line, self.column, self.column + self.width))
        for number, explanation in enumerate(self.explanations):
            yield ("or: " if number else "") + explanation.sentence
            if explanation.corrected_text:
                yield f"  right is: {explanation.corrected_text}"
        yield from self.remarks

    def to_dict(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "source": self.source,
            "explanations": [explanation.to_dict() for explanation in self.explanations],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class Difference:
    """A value that a claim gets wrong: what it is, at which time, and both numbers."""

    quantity: str
    claimed: float
    true: float

    def __str__(self) -> str:
        return f"{self.quantity} is {self.true:.6g}, and the claim gives {self.claimed:.6g}"


@dataclass(frozen=True)
class Counterexample:
    """The smallest data found on which a claim is wrong. `differences`: in the order of computation."""

    length: int
    sizes: dict[str, int]
    data: dict[str, Any]  # names as in the model, nested lists of numbers
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        sizes = "".join(f", {name} = {size}" for name, size in self.sizes.items())
        rows = [f"T = {self.length}{sizes}"]
        rows += [f"  {name} = {_shown(value)}" for name, value in self.data.items()]
        rows += [f"  {'first to differ: ' if not place else ''}{one}" for place, one in enumerate(self.differences)]
        return "\n".join(rows)

    def to_dict(self) -> dict[str, Any]:
        return {
            "T": self.length,
            "sizes": self.sizes,
            "data": self.data,
            "differences": [
                {"quantity": one.quantity, "claimed": one.claimed, "true": one.true} for one in self.differences
            ],
        }


def _shown(value: Any) -> str:
    """Numbers as a person writes them: a vector in brackets, without a zero behind the point."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:g}"


#: The note on an equation of a file that is left out, since it cannot be read.
UNREAD = "cannot be read"


@dataclass(frozen=True)
class EquationResult:
    """The verdict on one equation of a claim. `role` is claim, definition or given; `note` says what it stands for."""

    line: int
    source: str
    role: str
    verdict: Verdict
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "source": self.source,
            "role": self.role,
            "verdict": str(self.verdict),
            "note": self.note,
        }


def row(equation: Equation, verdict: Verdict, note: str = "") -> EquationResult:
    """The verdict on an equation of a claim."""
    role = "given" if equation.given else "definition" if equation.defines else "claim"
    return EquationResult(equation.span.line, equation.source, role, verdict, note)


@dataclass(frozen=True)
class Result:
    """The verdict on a claim.

    diagnoses: one for each equation that is wrong of itself. assumption: what a conditional claim leaves unsaid.
    proof: what the prover returns. evidence: on what the verdict rests. problem: why a claim is malformed.
    assumed: how what the claim leaves open was taken. remarks: what else there is to say of it. skipped: formulas in
    the prose of a file that are no claims about the model, each with its line and the reason.
    """

    verdict: Verdict
    equations: tuple[EquationResult, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    counterexample: Counterexample | None = None
    assumption: str = ""
    proof: Any = None
    evidence: str = ""
    problem: str = ""
    assumed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether the claim holds, if need be under its assumption."""
        return self.verdict.holds

    @property
    def holds(self) -> bool:
        return self.verdict.holds

    @property
    def unread(self) -> tuple[int, ...]:
        """The lines of a file with equations that cannot be read; the others are judged without them."""
        return tuple(equation.line for equation in self.equations if equation.note == UNREAD)

    @property
    def changes(self) -> int:
        """How many changes put the claim right; many where that is not known."""
        return sum(one.changes for one in self.diagnoses)

    @property
    def diagnosis(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        return "\n".join([*([self.problem] if self.problem else []), *map(str, self.diagnoses)])

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"Result({self.verdict}, {len(self.equations)} equation{'s' * (len(self.equations) != 1)})"

    def headline(self) -> str:
        """The verdict in a sentence."""
        count = sum(equation.verdict is Verdict.REFUTED for equation in self.equations)
        match self.verdict:
            case Verdict.PROVED:
                least = f" from {self.proof.shortest} on" if getattr(self.proof, "shortest", 1) > 1 else ""
                return f"proved: true for every length T{least} and all sizes"
            case Verdict.SUPPORTED:
                return f"supported: {self.evidence}"
            case Verdict.CONDITIONAL:
                proven = "; that is proved for every length T and all sizes" if self.proof is not None else ""
                return f"conditional: true where {self.assumption}{proven}"
            case Verdict.REFUTED:
                return f"refuted: {count} of {len(self.equations)} equations {'is' if count == 1 else 'are'} wrong"
        if not self.unread:
            return "malformed: the shapes do not fit"
        return f"malformed: {len(self.unread)} of {len(self.equations)} equations cannot be read"

    def lines(self) -> Iterator[str]:
        """The result as lines of text."""
        yield self.headline()
        if self.problem:
            yield self.problem
        for diagnosis in self.diagnoses:
            yield from diagnosis.lines()
        if self.counterexample is not None:
            yield "Counterexample:"
            yield from (f"  {row}" for row in str(self.counterexample).splitlines())
        yield from (f"Remark: {remark}." for remark in self.remarks)
        yield from (f"Line {line} is not judged: {reason}." for line, reason in self.skipped)
        if self.verdict is not Verdict.MALFORMED:
            yield f"Assumed: {'; '.join((CONVENTION, *self.assumed))}."

    def to_dict(self) -> dict[str, Any]:
        return {
            "verdict": str(self.verdict),
            "holds": self.holds,
            "assumption": self.assumption,
            "evidence": self.evidence,
            "problem": self.problem,
            "equations": [equation.to_dict() for equation in self.equations],
            "diagnoses": [diagnosis.to_dict() for diagnosis in self.diagnoses],
            "counterexample": None if self.counterexample is None else self.counterexample.to_dict(),
            "assumed": [CONVENTION, *self.assumed],
            "remarks": list(self.remarks),
            "unread": list(self.unread),
            "skipped": [{"line": line, "reason": reason} for line, reason in self.skipped],
        }

    def to_json(self) -> str:
        """The result for a program; keys and their order are stable."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def _repr_markdown_(self) -> str:
        rows = [f"**{self.verdict}**" + self.headline().removeprefix(str(self.verdict))]
        if self.problem:
            rows += ["", "```", self.problem, "```"]
        for diagnosis in self.diagnoses:
            rows += ["", f"Line {diagnosis.line}: `{diagnosis.source}`", ""]
            for explanation in diagnosis.explanations:
                rows += [
                    f"- {explanation.sentence}",
                    "",
                    f"  $${explanation.corrected}$$" if explanation.corrected else "",
                ]
            rows += [f"- {remark}" for remark in diagnosis.remarks]
        if self.counterexample is not None:
            rows += ["", "Counterexample:", "", "```", str(self.counterexample), "```"]
        rows += [text for remark in self.remarks for text in ("", f"Remark: {remark}.")]
        rows += [text for line, reason in self.skipped for text in ("", f"Line {line} is not judged: {reason}.")]
        if self.verdict is not Verdict.MALFORMED:
            rows += ["", f"Assumed: {'; '.join((CONVENTION, *self.assumed))}."]
        return "\n".join(rows)

    def report_lines(self) -> Iterator[str]:
        """The verdict on every equation by its line, then the result."""
        for equation in self.equations:
            note = f"   ({equation.note})" if equation.note else ""
            yield f"{equation.line:>4}  {equation.verdict!s:<11}  {shortened(equation.source)}{note}"
        yield ""
        yield from self.lines()

    def report(self) -> Any:
        """`report_lines` for a terminal, with colours."""
        return _coloured(self.report_lines())

    def __rich__(self) -> Any:
        return _coloured(self.lines())


COLOURS = {
    Verdict.PROVED: "green", Verdict.SUPPORTED: "green", Verdict.CONDITIONAL: "yellow", Verdict.REFUTED: "red",
    Verdict.MALFORMED: "red",
}  # fmt: skip


def shortened(source: str, width: int = 72) -> str:
    """A line of a claim, cut where it is long."""
    source = " ".join(source.split())
    return source if len(source) <= width else source[: width - 1] + "…"


def _coloured(rows: Iterator[str]) -> Any:
    """Lines for a terminal: verdicts in their colour, corrections in green."""
    from rich.console import Group
    from rich.text import Text

    found = []
    for row in rows:
        text = Text(row)
        if row.strip().startswith("right is:"):
            text.stylize("green")
        elif row.startswith("Assumed"):
            text.stylize("dim")
        elif set(row) <= set(" |^") and "^" in row:
            text.stylize("red")
        else:
            for verdict, colour in COLOURS.items():
                start = row.find(str(verdict))
                if 0 <= start <= 6:
                    text.stylize(f"bold {colour}", start, start + len(str(verdict)))
        found.append(text)
    return Group(*found)
