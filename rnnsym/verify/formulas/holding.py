"""Whether a claim holds: proved, supported in exact arithmetic, or under a condition."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.syntax import Kind, free_letters
from rnnsym.claims.written import ClaimError
from rnnsym.proof import Proof, UnprovenError, prove
from rnnsym.verify.formulas.bench import EXACT_DRAWS, Bench, Reading
from rnnsym.verify.formulas.conditions import NONE, Condition
from rnnsym.verify.formulas.field import PRIME
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.meanings import defines_rightly, has_wrong_definition, loose, note, stated_meanings
from rnnsym.verify.formulas.result import EquationResult, Result, row
from rnnsym.verify.verdict import Verdict

#: Said where a plain partial sign can only be taken so.
IMMEDIATE = (
    "∂ between states is taken for the immediate derivative, which holds the other values of earlier steps fixed; "
    "of the total one this does not hold"
)


def holding(bench: Bench) -> Result | None:
    """The verdict on a claim that agrees with the model, if need be under a condition; None where it does not."""
    claim = bench.claim
    _once_defined(claim)
    _timed_as_its_right_side(claim)
    for equation in bench.out_of_time():
        raise ClaimError(
            "this says nothing of any time from 1 to T", claim.text, equation.span, "look at its range of times"
        )
    for condition in bench.conditions:
        for meaning in bench.partials:
            reading = Reading(meaning, condition)
            if not bench.holds(reading) or has_wrong_definition(bench, reading):
                continue
            if not condition.sentence or (bench.says_something(reading) and defines_rightly(bench, reading)):
                found = held(bench, reading)
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


def held(bench: Bench, reading: Reading) -> Result:
    """A claim that agrees with the model: proved, or supported in exact arithmetic, if need be under a condition."""
    meanings = stated_meanings(bench, reading)
    # The prover knows one assumption; what holds under another one only has no proof.
    assumed = reading.condition.sentence
    proof = proof_of(bench) if bench.stated is NONE and (not assumed or "sum to one" in assumed) else None
    if proof is not None and not proof.assumption.sum_to_one and not assumed:
        return Result(Verdict.PROVED, _rows(bench, Verdict.PROVED, meanings), proof=proof)
    evidence = _evidence(bench, reading, meanings)
    if assumed:
        rows = _rows(bench, Verdict.SUPPORTED, meanings, _conditional(bench, reading.condition))
        return Result(Verdict.CONDITIONAL, rows, (), None, assumed, proof, evidence)
    return Result(Verdict.SUPPORTED, _rows(bench, Verdict.SUPPORTED, meanings), evidence=evidence)


def _conditional(bench: Bench, condition: Condition) -> list[Equation]:
    """The equations that need the condition."""
    reading = Reading(bench.partials[0], bench.stated)
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
        row(equation, Verdict.CONDITIONAL if equation in (conditional or []) else verdict, note(equation, meanings))
        for equation in bench.claim.equations
    )


def proof_of(bench: Bench) -> Proof | None:
    """A proof for every T and all sizes, or None: the one place where the prover is asked."""
    try:
        return prove(bench.claim, bench.model, bench.theory)
    except UnprovenError:
        return None
