"""How many mistakes are caught, and how many are named: mistakes made in the LaTeX of every shipped model's derivation.

    python benchmarks/mutations.py [--models rnn,lstm] [--singles 40] [--doubles 20] [--seed 0] [--show]

A mistake is named where the equations blamed are those that were changed and each is corrected to what stood there
before, or to what is the same but for the order of summands and factors.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path

import rnnsym
from rnnsym.claims.match import read
from rnnsym.errors import RnnsymError
from rnnsym.verify.writing import Writer

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "verify"))
from mutator import Mutation, doubles, mutated, printed, singles, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=",".join(rnnsym.available()))
    parser.add_argument("--singles", type=int, default=40, help="of each model; 0 means all")
    parser.add_argument("--doubles", type=int, default=20, help="of each model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="show what is not named")
    options = parser.parse_args()
    every: dict[str, Counter[str]] = {"single": Counter(), "double": Counter()}
    kinds: dict[str, Counter[str]] = {}
    slowest = 0.0
    for name in options.models.split(","):
        model = rnnsym.load(name)
        lines = printed(model)
        rng = random.Random(options.seed)
        some = singles(lines)
        if options.singles and len(some) > options.singles:
            some = rng.sample(some, options.singles)
        cases = [("single", [mutation]) for mutation in some]
        cases += [("double", pair) for pair in doubles(lines, options.doubles, options.seed)]
        for sort, chosen in cases:
            start = time.perf_counter()
            outcome = judged(model, lines, chosen)
            slowest = max(slowest, time.perf_counter() - start)
            every[sort][outcome] += 1
            kinds.setdefault(chosen[0].kind if sort == "single" else "double", Counter())[outcome] += 1
            if options.show and outcome not in ("named", "equal", "malformed"):
                print(f"--- {name}: {outcome}: {', '.join(m.kind for m in chosen)}")
                for mutation in chosen:
                    print(f"    {lines[mutation.line][0]} = {lines[mutation.line][1]}")
                    print(f" -> {lines[mutation.line][0]} = {mutation.text}", flush=True)
        print(name, {sort: dict(found) for sort, found in every.items()}, f"slowest {slowest:.1f} s", flush=True)
    for kind, found in sorted(kinds.items()):
        print(f"{kind:22} {dict(found)}")
    for sort, found in every.items():
        wrong = sum(found.values()) - found["equal"] - found["malformed"]
        share = f"{found['named']}/{wrong} named ({found['named'] / max(wrong, 1):.1%})"
        others = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.items()) if outcome != "named")
        print(f"{sort}: {sum(found.values())} made, {others}; {share}")


def judged(model: rnnsym.Model, lines: list[tuple[str, str, str]], chosen: list[Mutation]) -> str:
    """What came of it.

    named; blamed: the right equations, another correction; elsewhere: another equation; equal; malformed.
    """
    text = mutated(lines, chosen)
    try:
        result = rnnsym.verify(model, text, format="latex")
    except RnnsymError as error:
        return f"error: {str(error).splitlines()[0]}"
    if str(result.verdict) == "malformed":
        return "malformed"
    if result.verdict.holds:
        return "equal"
    changed = {mutation.line + 1 for mutation in chosen}
    blamed = {diagnosis.line for diagnosis in result.diagnoses}
    if blamed != changed:
        # One of two mistakes may change nothing.
        alone = [m for m in chosen if m.line + 1 in blamed]
        if len(chosen) == 1 or not alone or not _same_without(model, lines, chosen, alone):
            return "elsewhere"
    before = originals(model, lines)
    for diagnosis in result.diagnoses:
        if not any(tokens(e.corrected_text) == before[diagnosis.line] for e in diagnosis.explanations):
            return "blamed"
    return "named"


def _same_without(
    model: rnnsym.Model, lines: list[tuple[str, str, str]], chosen: list[Mutation], alone: list[Mutation]
) -> bool:
    rest = [mutation for mutation in chosen if mutation not in alone]
    return rnnsym.verify(model, mutated(lines, rest), format="latex").verdict.holds


def originals(model: rnnsym.Model, lines: list[tuple[str, str, str]]) -> dict[int, tuple[str, ...]]:
    """The lines before the mistakes, written as corrections are."""
    claim = read(whole(lines), model, format="latex")
    writer = Writer.text(claim, model)
    return {equation.span.line: tokens(writer.equation(equation)) for equation in claim.equations}


def tokens(text: str) -> tuple[str, ...]:
    """What a formula is made of, whatever the order."""
    text = re.sub(r"(\S+) ⊙ \1(?![\w\[])", r"\1²", unicodedata.normalize("NFC", text))
    return tuple(sorted(re.findall(r"[^\s()⊙-]+|-", text)))


if __name__ == "__main__":
    main()
