"""A claim verified: read, compared with the model in numbers, proved or put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rnnsym.claims.definitions import before_the_last
from rnnsym.claims.match import read, read_torn
from rnnsym.claims.resolve import ELEMENTWISE
from rnnsym.claims.syntax import (
    Claim,
    Derivative,
    Equation,
    Kind,
    Node,
    TimeProduct,
    children,
    free_letters,
    walk,
    with_children,
)
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.language.model import Model
from rnnsym.verify.formulas.conditions import NONE, Condition, usual_conditions
from rnnsym.verify.formulas.evaluate import Meaning
from rnnsym.verify.formulas.field import PRIME
from rnnsym.verify.formulas.judge import EXACT_DRAWS, Bench, Reading, loose, reads
from rnnsym.verify.formulas.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict

#: What each layout says of a Jacobian.
LAYOUTS = {
    "numerator": "row i of dy/dx holds the derivatives of y_i",
    "denominator": "column i of dy/dx holds the derivatives of y_i",
}


@np.errstate(all="ignore")  # a wrong claim may divide by zero
def check(
    model: Model, text: str, where: str = "", layout: str = "numerator", convention: str = "columns",
    format: str = "auto", whole: bool = True,
) -> Result:  # fmt: skip
    """The verdict on a claim in LaTeX or text; see `rnnsym.verify`.

    whole: shapes that do not fit make the claim malformed; else MalformedClaim is raised.
    """
    other = next(name for name in LAYOUTS if name != layout)
    try:
        claim = read(text, model, where, convention, format, layout)
    except MalformedClaim as error:
        found = next(held_otherwise(None, in_layout(text, model, where, other, convention, format), model), None)
        if found is not None:
            return found
        beside = read_side_by_side(text, model, where, convention, format, layout)
        if beside is not None and (found := held_side_by_side(beside)) is not None:
            return found
        mending = mended(text, model, where, convention, format, layout)
        simpler = None if beside is None else refuted_side_by_side(beside)
        if simpler is not None and (mending is None or changes(simpler) < changes(mending)):
            return simpler
        if mending is not None:
            return mending
        if not whole:
            raise
        line = error.span.line if error.span else 1
        source = error.text.split("\n")[line - 1].strip() if error.text else ""
        equation = EquationResult(line, source, "claim", Verdict.MALFORMED)
        return Result(Verdict.MALFORMED, (equation,), problem=str(error))
    turned = partial(in_layout, text, model, where, other, convention, format)
    return judged(claim, model, turned, partial(read, text, model, where, convention, format, layout))


def mended(text: str, model: Model, where: str, convention: str, format: str, layout: str) -> Result | None:
    """What makes the equations fit whose shapes do not; None where they cannot be read even without them."""
    from rnnsym.verify.formulas.misfits import mended as found

    try:
        claim, errors = read_torn(text, model, where, convention, format, layout)
    except ClaimError:
        return None
    return found(claim, errors, model)


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
    options = {"powers": bool(claim.raised_to_length), "different": claim.numbered}
    for option in (name for name, possible in options.items() if possible and again is not None):
        if found is None and again is not None:
            other = again(**{option: True})
            found = holding(Bench(other, model))
            claim = claim if found is None else other
    found = found or held_before_the_last(claim, model)
    found = found or next(held_otherwise(claim, turned(), model), None)
    if found is None:
        from rnnsym.verify.formulas.diagnose import refuted

        found = refuted(bench)
        refusal = before_the_last_refuted(claim, model) if unexplained(found) else None
        found = found if refusal is None or unexplained(refusal) else refusal
    return finished(found, bench.with_claim(claim))


def unexplained(found: Result) -> bool:
    """Whether some equation is wrong, and no change is known that puts it right."""
    return any(not one.explanations or not one.explanations[0].changes for one in found.diagnoses)


def finished(found: Result, bench: Bench) -> Result:
    """A result with what was assumed, and remarks on what was not checked."""
    claim = bench.claim
    return replace(found, assumed=claim.assumed, remarks=(*found.remarks, *empty_claims(bench), *unused(claim, found)))


def read_side_by_side(text: str, model: Model, where: str, convention: str, format: str, layout: str) -> Bench | None:
    """A claim in which vectors side by side are multiplied element by element; None where it does not fit so."""
    try:
        return Bench(read(text, model, where, convention, format, layout, beside=True), model)
    except ClaimError:
        return None


def held_side_by_side(bench: Bench) -> Result | None:
    """The verdict on such a claim if it holds, or else None."""
    found = holding(bench) or held_before_the_last(bench.claim, bench.model)
    if found is None:
        return None
    whole = ELEMENTWISE + (f", and {found.assumption}" if found.assumption else "")
    claim = replace(bench.claim, assumed=tuple(said for said in bench.claim.assumed if said != ELEMENTWISE))
    return finished(replace(found, verdict=Verdict.CONDITIONAL, assumption=whole), bench.with_claim(claim))


def refuted_side_by_side(bench: Bench) -> Result | None:
    """What is wrong with such a claim; None where it cannot be told."""
    from rnnsym.verify.formulas.diagnose import refuted

    try:
        return finished(refuted(bench), bench)
    except ClaimError:
        return None


def changes(found: Result) -> int:
    """How many changes put a claim right; many where that is not known."""
    return sum(one.explanations[0].changes or 100 if one.explanations else 100 for one in found.diagnoses)


# What authors leave open about Jacobians


def in_layout(text: str, model: Model, where: str, layout: str, convention: str, format: str) -> Claim | None:
    """The claim with its Jacobians laid out so; None where it has none, or does not fit so."""
    try:
        claim = read(text, model, where, convention, format, layout)
    except ClaimError:
        return None
    return claim if any(is_jacobian(node) for equation in claim.equations for node in nodes(equation)) else None


def nodes(equation: Equation) -> Iterator[Node]:
    """Everything in an equation."""
    yield from walk(equation.left)
    yield from walk(equation.right)


def is_jacobian(node: Node) -> bool:
    """Whether a node is the derivative of a vector by a vector."""
    if not isinstance(node, Derivative) or node.top.shape is None or node.bottom.shape is None:
        return False
    return all(len(shape) == 2 and shape != (1, 1) and 1 in shape for shape in (node.top.shape, node.bottom.shape))


def latest_first(claim: Claim) -> Claim | None:
    """The claim with every product over rising times taken with its latest factor first; None where it has none."""

    def turned(node: Node) -> Node:
        parts = children(node)
        node = with_children(node, tuple(map(turned, parts))) if parts else node
        if isinstance(node, TimeProduct) and not node.descending and node.shape != (1, 1):
            return replace(node, first=node.last, last=node.first, descending=True)
        return node

    equations = tuple(replace(equation, right=turned(equation.right)) for equation in claim.equations)
    return None if equations == claim.equations else replace(claim, equations=equations)


def held_otherwise(claim: Claim | None, other: Claim | None, model: Model) -> Iterator[Result]:
    """Verdicts on a claim that holds only when its products, or its Jacobians, are taken in another way."""
    order = "the factors of the product stand with the latest time first"
    layout = "" if other is None else f"{LAYOUTS[other.layout]} ({other.layout} layout)"
    ways = (
        (claim and latest_first(claim), order),
        (other, layout),
        (other and latest_first(other), f"{layout}, and {order}"),
    )
    for way, assumption in ways:
        found = None if way is None else holding(Bench(way, model))
        if way is None or found is None:
            continue
        rows = tuple(
            replace(row, verdict=Verdict.CONDITIONAL)
            if any(is_jacobian(node) or isinstance(node, TimeProduct) for node in nodes(equation))
            else row
            for row, equation in zip(found.equations, way.equations, strict=True)
        )
        whole = assumption + (f", and {found.assumption}" if found.assumption else "")
        yield replace(found, verdict=Verdict.CONDITIONAL, equations=rows, assumption=whole)


def ending_before_the_last(claim: Claim) -> Claim | None:
    """The claim with its recursions said of t < T alone; None where it has none."""
    equations = tuple(map(before_the_last, claim.equations))
    return None if equations == claim.equations else replace(claim, equations=equations)


def held_before_the_last(claim: Claim, model: Model) -> Result | None:
    """The verdict on a claim that holds where its recursions end before the last step; None where it does not."""
    earlier = ending_before_the_last(claim)
    found = None if earlier is None else holding(Bench(earlier, model))
    if earlier is None or found is None:
        return None
    changed = [one != other for one, other in zip(earlier.equations, claim.equations, strict=True)]
    lines = [str(e.span.line) for e, other in zip(claim.equations, changed, strict=True) if other]
    rows = tuple(
        replace(row, verdict=Verdict.CONDITIONAL) if other else row
        for row, other in zip(found.equations, changed, strict=True)
    )
    said = f"line {' and '.join(lines)} is said of t < T alone, since nothing comes after the last step"
    whole = said + (f", and {found.assumption}" if found.assumption else "")
    return replace(found, verdict=Verdict.CONDITIONAL, equations=rows, assumption=whole)


def before_the_last_refuted(claim: Claim, model: Model) -> Result | None:
    """The diagnosis of a claim whose recursions are said of t < T alone; None where it has none."""
    from rnnsym.verify.formulas.diagnose import refuted

    earlier = ending_before_the_last(claim)
    return None if earlier is None else refuted(Bench(earlier, model))


def empty_claims(bench: Bench) -> Iterator[str]:
    """What of a claim says nothing about the model."""
    for equation in bench.checked:
        if equation.left == equation.right:
            yield f"line {equation.span.line} says nothing about the model: both sides are the same"


def unused(claim: Claim, found: Result) -> Iterator[str]:
    """The sequences of a claim that holds of which nothing was shown: no claim uses them, and they are no adjoints."""
    definitions = [equation for equation in claim.equations if equation.defines is not None]
    used = {name for e in claim.equations if e.defines is None for name in claim.sequences if reads(e, name)}
    for _ in definitions:
        used |= {name for e in definitions if e.defines in used for name in claim.sequences if reads(e, name)}
    told = {row.line for row in found.equations if row.note}
    for equation in definitions:
        own = next(e for e in definitions if e.defines == equation.defines)
        known = any(e.span.line in told for e in definitions if e.defines == equation.defines)
        if (
            found.verdict is not Verdict.REFUTED
            and equation is own
            and not (equation.given or known or own.defines in used)
        ):
            yield (f"line {own.span.line} was not checked: {own.defines} is no derivative that the model has, and no "
                   "equation says anything of it")  # fmt: skip


#: Said where a plain partial sign can only be taken so.
IMMEDIATE = (
    "∂ between states is taken for the immediate derivative, which holds the other values of earlier steps fixed; "
    "of the total one this does not hold"
)


def holding(bench: Bench) -> Result | None:
    """The verdict on a claim that agrees with the model, if need be under a condition; None where it does not."""
    claim, model = bench.claim, bench.model
    _once_defined(claim)
    _timed_as_its_right_side(claim)
    for equation in bench.out_of_time():
        raise ClaimError(
            "this says nothing of any time from 1 to T", claim.text, equation.span, "look at its range of times"
        )
    for condition in (NONE, *usual_conditions(model)):
        for meaning in bench.partials:
            reading = Reading(meaning, condition)
            if not bench.holds(reading) or bench.has_wrong_definition(reading):
                continue
            if not condition.sentence or (bench.says_something(reading) and bench.defines_rightly(reading)):
                found = _held(bench, reading)
                # The total meaning comes first: it does not hold here.
                return replace(found, remarks=(*found.remarks, IMMEDIATE)) if meaning is Kind.IMMEDIATE else found
    return None


def _once_defined(claim: Claim) -> None:
    """Raise ClaimError where two equations define the same sequence at the same times."""
    known: dict[object, Equation] = {}
    for equation in claim.equations:
        if equation.defines is None or equation.ranges:
            continue
        before = known.setdefault(equation.left, equation)
        if before is not equation and before.right != equation.right:
            problem = f"{equation.defines} is defined here, and in line {before.span.line} already"
            raise ClaimError(problem, claim.text, equation.span, "leave one of the two out")


def _timed_as_its_right_side(claim: Claim) -> None:
    """Raise ClaimError where a definition of no variable's adjoint speaks of a time that its left side has not."""
    for equation in claim.equations:
        untold = [letter for letter in equation.letters if letter not in free_letters(equation.left)]
        if equation.defines is None or equation.defines in claim.adjoints or equation.given or not untold:
            continue
        raise ClaimError(
            f"the left side has no {untold[0]}, and the right side has", claim.text, equation.span,
            f"sum over {untold[0]}, or give {equation.defines} that time",
        )  # fmt: skip


def _held(bench: Bench, reading: Reading) -> Result:
    """A claim that agrees with the model: proved, or supported in exact arithmetic, if need be under a condition."""
    meanings = bench.stated_meanings(reading)
    proof = prove(bench)
    if proof is not None and not proof.assumption.sum_to_one and not reading.condition.sentence:
        return Result(Verdict.PROVED, _rows(bench, Verdict.PROVED, meanings), proof=proof)
    evidence = _evidence(bench, reading, meanings)
    if reading.condition.sentence:
        rows = _rows(bench, Verdict.SUPPORTED, meanings, _conditional(bench, reading.condition))
        proven = proof if proof is not None and "sum to one" in reading.condition.sentence else None
        return Result(Verdict.CONDITIONAL, rows, (), None, reading.condition.sentence, proven, evidence)
    return Result(Verdict.SUPPORTED, _rows(bench, Verdict.SUPPORTED, meanings), evidence=evidence)


def _conditional(bench: Bench, condition: Condition) -> list[Equation]:
    """The equations that need the condition."""
    reading = Reading(bench.partials[0], NONE)
    failing = bench.failing(reading)
    alone = [equation for equation in failing if not loose(equation, bench.claim)]
    return alone or failing


def _evidence(bench: Bench, reading: Reading, meanings: dict[str, Meaning]) -> str:
    """On what a verdict rests that is not a proof."""
    sizes = ", ".join(f"{name} = {size}" for name, size in bench.sizes.items())
    if bench.exact(reading, meanings):
        (length, count), *_ = bench.lengths(reading.condition, EXACT_DRAWS)
        # A polynomial of degree d vanishes at a random point of the field with probability at most d / PRIME.
        degree = 1000 * length
        exponent = count * (len(str(PRIME // degree)) - 1)
        return (
            f"equal in exact arithmetic at {count} random points of a prime field, T = {length}, {sizes}; "
            f"the chance that a wrong formula passes is below 1 in 10^{exponent}"
        )
    lengths = ", ".join(str(length) for length, _ in bench.lengths(reading.condition))
    return f"equal to 8 digits on random data, T = {lengths}, {sizes}"


def _rows(
    bench: Bench, verdict: Verdict, meanings: dict[str, Meaning], conditional: list[Equation] | None = None
) -> tuple[EquationResult, ...]:
    return tuple(
        EquationResult(
            equation.span.line,
            equation.source,
            role(equation),
            Verdict.CONDITIONAL if equation in (conditional or []) else verdict,
            note(equation, meanings),
        )
        for equation in bench.claim.equations
    )


def role(equation: Equation) -> str:
    """What an equation is in its claim."""
    if equation.given:
        return "given"
    return "definition" if equation.defines else "claim"


def note(equation: Equation, meanings: dict[str, Meaning]) -> str:
    """What a definition's sequence turned out to be."""
    meaning = meanings.get(equation.defines or "")
    if meaning is None:
        return ""
    loss = "E" if meaning.loss_place is None else f"{meaning.loss}[t]"
    return f"{equation.defines} is the derivative of {loss} by {meaning.variable}"


def prove(bench: Bench) -> Any:
    """A proof for every T and all sizes, or None: the one place where the prover is asked."""
    from rnnsym.proof import UnprovenError
    from rnnsym.proof import prove as prover

    try:
        return prover(bench.claim, bench.model, bench.theory)
    except UnprovenError:
        return None
