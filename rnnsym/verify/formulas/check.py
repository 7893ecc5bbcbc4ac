"""A claim verified: read, compared with the model in numbers, proved or put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnsym.claims.claim import Claim
from rnnsym.claims.match import read, read_torn, stepwise
from rnnsym.claims.resolve import ELEMENTWISE
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.language.model import Model
from rnnsym.verify.formulas.bench import Bench
from rnnsym.verify.formulas.diagnose import blamed, refuted
from rnnsym.verify.formulas.holding import holding
from rnnsym.verify.formulas.indices import explained_by_index, refuted_by_index, with_other_index
from rnnsym.verify.formulas.meanings import reads
from rnnsym.verify.formulas.misfits import mended
from rnnsym.verify.formulas.otherwise import (
    ORDERED,
    ending_before_the_last,
    has_jacobian,
    held_before_the_last,
    held_otherwise,
    is_recursive,
    ordered,
    other_layout,
)
from rnnsym.verify.formulas.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict


@dataclass(frozen=True)
class Source:
    """A claim as it was handed in: its text, and how it is to be read."""

    model: Model
    text: str
    where: str = ""
    layout: str = "numerator"
    convention: str = "columns"
    format: str = "auto"

    def read(self, **options: Any) -> Claim:
        """The claim; raises ClaimError, MalformedClaim where its shapes do not fit."""
        return read(self.text, self.model, self.where, self.convention, self.format, self.layout, **options)

    def right(self, text: str, line: int) -> Claim | None:
        """The claim of another text, if it can be read and what it says in a line is right."""
        try:
            claim = replace(self, text=text).read()
            bench = Bench(claim, self.model)
            wrong = [] if holding(bench) is not None else list(blamed(bench, (bench.stated,)).wrong)
        except ClaimError:
            return None
        return None if any(equation.span.line == line for equation in wrong) else claim

    def in_the_other_layout(self) -> Claim | None:
        """The claim with its Jacobians laid out otherwise; None where it has none, or does not fit so."""
        try:
            claim = replace(self, layout=other_layout(self.layout)).read()
        except ClaimError:
            return None
        return claim if has_jacobian(claim) else None

    def side_by_side(self) -> Bench | None:
        """The claim with vectors side by side multiplied element by element; None where it does not fit so."""
        try:
            return Bench(self.read(beside=True), self.model)
        except ClaimError:
            return None

    def mended(self) -> Result | None:
        """What makes the equations fit whose shapes do not; None where they cannot be read even without them."""
        try:
            claim, errors = read_torn(self.text, self.model, self.where, self.convention, self.format, self.layout)
        except ClaimError:
            return None
        return mended(claim, errors, self.model)


@np.errstate(all="ignore")  # a wrong claim may divide by zero
def check(
    model: Model, text: str, where: str = "", layout: str = "numerator", convention: str = "columns",
    format: str = "auto", whole: bool = True,
) -> Result:  # fmt: skip
    """The verdict on a claim in LaTeX or text; see `rnnsym.verify`.

    whole: shapes that do not fit make the claim malformed; else MalformedClaim is raised.
    """
    model = stepwise(model, (where, text), format, convention)
    source = Source(model, text, where, layout, convention, format)
    try:
        claim = source.read()
    except MalformedClaim as error:
        found = unfit(source)
        if found is None and not whole:
            raise
        return with_other_indices(source, malformed(error) if found is None else found)
    except ClaimError as error:
        changed = with_other_index(source.text, model, format, error.span.line, source.right) if error.span else None
        if changed is None:
            raise
        return refuted_by_index(source.text, changed[1], changed[0])
    return with_other_indices(source, judged(claim, model, source.in_the_other_layout, source.read))


def with_other_indices(source: Source, found: Result) -> Result:
    """A result in which wrong indices of elements are named, where nothing else explains an equation."""
    for line in [one.line for one in found.diagnoses if one.changes > 2]:
        changed = with_other_index(source.text, source.model, source.format, line, source.right)
        found = found if changed is None else explained_by_index(found, changed[0])
    return found


def unfit(source: Source) -> Result | None:
    """The result for a claim whose shapes do not fit: it holds if read otherwise, or a change makes it fit."""
    found = next(held_otherwise(None, source.in_the_other_layout(), source.model), None)
    if found is not None:
        return found
    beside = source.side_by_side()
    if beside is not None and (found := held_side_by_side(beside)) is not None:
        return found
    mending = source.mended()
    simpler = None if beside is None else refuted_side_by_side(beside)
    if simpler is not None and (mending is None or simpler.changes < mending.changes):
        return simpler
    return mending


def malformed(error: MalformedClaim) -> Result:
    """The result for a claim whose shapes do not fit, where nothing is known that makes them fit."""
    line = error.span.line if error.span else 1
    source = error.text.split("\n")[line - 1].strip() if error.text else ""
    equation = EquationResult(line, source, "claim", Verdict.MALFORMED)
    return Result(Verdict.MALFORMED, (equation,), problem=str(error))


def judged(
    claim: Claim, model: Model, turned: Callable[[], Claim | None] = lambda: None,
    again: Callable[..., Claim] | None = None,
) -> Result:  # fmt: skip
    """The verdict on a claim that has been read.

    Should it not hold as it was read: `turned` gives it in the other layout, `again` reads it with other options: the T
    above a number as its power, different numbers as different elements.
    """
    bench = Bench(claim, model)
    found = holding(bench)
    werbos = ordered(claim, bench.system.loss) if found is None else None
    if werbos is not None:
        other_bench = Bench(werbos, model)
        held = holding(other_bench)
        if held is not None or is_recursive(claim, bench.system.loss):
            claim, bench, found = replace(werbos, assumed=(*werbos.assumed, ORDERED)), other_bench, held
    options = {"powers": bool(claim.raised_to_length), "different": claim.numbered}
    apart: Bench | None = None
    for option in (name for name, possible in options.items() if possible and again is not None):
        if found is None and again is not None:
            other = again(**{option: True})
            tried = Bench(other, model)
            found = holding(tried)
            claim = claim if found is None else other
            apart = tried if option == "different" else apart
    found = found or held_before_the_last(claim, model)
    found = found or next(held_otherwise(claim, turned(), model), None)
    if found is None:
        found = refuted(bench)
        if apart is not None:  # with elements kept apart, right equations are not blamed
            kept_apart = refuted(apart)
            if count_wrong(kept_apart) < count_wrong(found):
                found, bench = kept_apart, apart
        refusal = before_the_last_refuted(claim, model) if unexplained(found) else None
        found = found if refusal is None or unexplained(refusal) else refusal
    return finished(found, bench.with_claim(claim))


def count_wrong(found: Result) -> int:
    """How many equations are wrong."""
    return sum(equation.verdict is Verdict.REFUTED for equation in found.equations)


def held_side_by_side(bench: Bench) -> Result | None:
    """The verdict on a claim with elementwise products side by side if it holds, or else None."""
    found = holding(bench) or held_before_the_last(bench.claim, bench.model)
    if found is None:
        return None
    whole = ELEMENTWISE + (f", and {found.assumption}" if found.assumption else "")
    claim = replace(bench.claim, assumed=tuple(said for said in bench.claim.assumed if said != ELEMENTWISE))
    return finished(replace(found, verdict=Verdict.CONDITIONAL, assumption=whole), bench.with_claim(claim))


def refuted_side_by_side(bench: Bench) -> Result | None:
    """What is wrong with such a claim; None where it cannot be told."""
    try:
        return finished(refuted(bench), bench)
    except ClaimError:
        return None


def before_the_last_refuted(claim: Claim, model: Model) -> Result | None:
    """The diagnosis of a claim whose recursions are said of t < T alone; None where it has none."""
    earlier = ending_before_the_last(claim)
    return None if earlier is None else refuted(Bench(earlier, model))


def unexplained(found: Result) -> bool:
    """Whether some equation is wrong, and no change is known that puts it right."""
    return any(not one.explanations or not one.explanations[0].changes for one in found.diagnoses)


# What else there is to say


def finished(found: Result, bench: Bench) -> Result:
    """A result with what was assumed, and remarks on what was not checked."""
    claim = bench.claim
    return replace(found, assumed=claim.assumed, remarks=(*found.remarks, *empty_claims(bench), *unused(claim, found)))


def empty_claims(bench: Bench) -> Iterator[str]:
    """What of a claim says nothing about the model."""
    for equation in bench.checked:
        if equation.left == equation.right:
            yield f"line {equation.span.line} says nothing about the model: both sides are the same"


def unused(claim: Claim, found: Result) -> Iterator[str]:
    """The sequences of a claim that holds of which nothing was shown: no claim uses them, and they are no adjoints."""
    if found.verdict is Verdict.REFUTED:
        return
    definitions = [equation for equation in claim.equations if equation.defines is not None]
    used = {name for e in claim.equations if e.defines is None for name in claim.sequences if reads(e, name)}
    for _ in definitions:
        used |= {name for e in definitions if e.defines in used for name in claim.sequences if reads(e, name)}
    told = {row.line for row in found.equations if row.note}
    for name in claim.sequences:
        first, *_ = own = claim.defining(name)
        known = any(equation.span.line in told for equation in own)
        if not (first.given or known or name in used):
            yield (f"line {first.span.line} was not checked: {name} is no derivative that the model has, and no "
                   "equation says anything of it")  # fmt: skip
