"""A claim verified: read, compared with the model in numbers, proved or put right."""

from __future__ import annotations

from typing import Any

from rnnsym.claims.match import read
from rnnsym.claims.syntax import Claim, Equation
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.language.model import Model
from rnnsym.verify.conditions import NONE, Condition, usual_conditions
from rnnsym.verify.evaluate import Meaning
from rnnsym.verify.field import PRIME
from rnnsym.verify.judge import EXACT_DRAWS, Bench, Reading, loose
from rnnsym.verify.result import EquationResult, Result
from rnnsym.verify.verdict import Verdict


def check(
    model: Model, text: str, where: str = "", layout: str = "numerator", convention: str = "columns",
    format: str = "auto", whole: bool = True,
) -> Result:  # fmt: skip
    """The verdict on a claim in LaTeX or text; see `rnnsym.verify`.

    whole: shapes that do not fit make the claim malformed; else MalformedClaim is raised.
    """
    try:
        claim = read(text, model, where, convention, format, layout)
    except MalformedClaim as error:
        if not whole:
            raise
        line = error.span.line if error.span else 1
        source = error.text.split("\n")[line - 1].strip() if error.text else ""
        equation = EquationResult(line, source, "claim", Verdict.MALFORMED)
        return Result(Verdict.MALFORMED, (equation,), problem=str(error))
    return judged(claim, model)


def judged(claim: Claim, model: Model) -> Result:
    """The verdict on a claim that has been read."""
    bench = Bench(claim, model)
    _once_defined(claim)
    for equation in bench.checked:
        if bench.is_silent(equation):
            raise ClaimError(
                "this says nothing of any time from 1 to T", claim.text, equation.span, "look at its range of times"
            )
    for condition in (NONE, *usual_conditions(model)):
        for partial in bench.partials:
            reading = Reading(partial, condition)
            if not bench.holds(reading) or bench.wrong_definitions(reading)[0]:
                continue
            if not condition.sentence or bench.says_something(reading):
                return _held(bench, reading)
    from rnnsym.verify.diagnose import refuted

    return refuted(bench)


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
