"""What a proof says, and its sentences: what the sequences are, which equations were compared, why that is enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.syntax import Moment, Sequence
from rnnsym.proof.leaves import Meaning


@dataclass(frozen=True)
class Assumption:
    """Something that a claim leaves unsaid: `sum_to_one` are inputs whose elements sum to one."""

    sum_to_one: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """One case of an equation's proof: the ranges of its letters, and how often adjoints were written out."""

    ranges: tuple[tuple[str, Moment, Moment], ...]
    written_out: int


@dataclass(frozen=True)
class EquationProof:
    """How an equation was proved."""

    equation: Equation
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Proof:
    """A proof of a claim, for every T from `shortest` on and all sizes.

    meanings: what each of the claim's sequences is. assumption: what the claim leaves unsaid, if anything.
    """

    claim: Claim
    meanings: dict[str, Meaning]
    equations: tuple[EquationProof, ...]
    assumption: Assumption
    shortest: int

    def __str__(self) -> str:
        return "\n".join(told(self))


def told(proof: Proof) -> Iterator[str]:
    """The proof line by line."""
    yield f"Proof, for every T from {proof.shortest} on and all sizes."
    if proof.assumption.sum_to_one:
        names = " and ".join(sorted(proof.assumption.sum_to_one))
        yield f"It takes for granted that the elements of {names} sum to one."
    names_of = {name: equation.left for equation in proof.claim.equations if (name := equation.defines) is not None}
    for name, meaning in proof.meanings.items():
        factor = "" if meaning.number == 1 else f"{meaning.number} times "
        left = names_of[name]
        times = left.times if isinstance(left, Sequence) else ()
        shift = f"{meaning.shift:+d}" if meaning.shift else ""
        place = f"[t{shift}]" if times else ""
        what = f"the adjoint of {meaning.variable}{place}"
        if meaning.path:
            what = f"the part of the adjoint of {meaning.variable}[k{shift}] that comes from the loss of step t"
        yield f"- {name}{'[t, k]' if meaning.path else '[t]' if times else ''} is {factor}{what}."
    for equation in proof.equations:
        yield f"- {sentence(equation)}"
    yield from induction(proof)


def induction(proof: Proof) -> Iterator[str]:
    """Why the claim's recursions give the adjoints: the base and the step."""
    lines: dict[str, list[str]] = {}
    fixed: list[str] = []
    for equation in proof.claim.equations:
        name, left = equation.defines, equation.left
        if name in proof.meanings and isinstance(left, Sequence):
            constant = bool(left.times) and all(time.is_constant for time in left.times)
            (fixed if constant else lines.setdefault(name, [])).append(str(equation.span.line))
    if not lines:
        return
    names = joined(list(lines))
    numbers = joined([number for found in lines.values() for number in found])
    plural = "s" if sum(map(len, lines.values())) > 1 else ""
    base = "beyond the last step all of it is zero, as adjoints are"
    if fixed:
        base = f"line {joined(fixed)} gives the last one"
    verb = "are" if len(lines) > 1 else "is"
    yield (
        f"Induction over t. Base: {base}. Step: with the adjoints put in for {names} at later times, line{plural} "
        f"{numbers} give{'' if plural else 's'} the adjoints at time t. So {names} {verb} what is "
        "said above at every time, and the other lines hold as they stand."
    )


def joined(parts: list[str]) -> str:
    """A list in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence(proved: EquationProof) -> str:
    """How one equation was proved."""
    equation = proved.equation
    times = "; ".join(dict.fromkeys(ranges(case) for case in proved.cases if case.ranges))
    out = any(case.written_out for case in proved.cases)
    how = "with the adjoints of the states written out once" if out else "term by term"
    return (
        f"line {equation.span.line}, {shown(equation.left)}: both sides agree {how}{f', for {times}' if times else ''}."
    )


def ranges(case: Case) -> str:
    """The times of a case."""
    return ", ".join(
        f"{letter} = {low}" if low == high else f"{letter} = {low}..{high}" for letter, low, high in case.ranges
    )
