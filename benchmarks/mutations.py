"""How many mistakes are caught, and how many are named: mistakes made in the LaTeX of every shipped model's derivation.

    python benchmarks/mutations.py [--models rnn,lstm] [--singles 40] [--doubles 20] [--seed 0] [--show]

A mistake is named where the equations blamed are those that were changed and each is corrected to what stood there
before, or to what is the same but for the order of summands and factors. It is named otherwise where as many changes,
or fewer, make another right equation of it: a sum that lost its first step can be mended by its bound.
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
from rnnsym.verify.result import Result
from rnnsym.verify.verdict import Verdict
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
    for name in options.models.split(","):
        model = rnnsym.load(name)
        lines = printed(model)
        found: dict[str, Counter[str]] = {"single": Counter(), "double": Counter()}
        spent: list[float] = []
        rng = random.Random(options.seed)
        some = singles(lines)
        if options.singles and len(some) > options.singles:
            some = rng.sample(some, options.singles)
        cases = [("single", [mutation]) for mutation in some]
        cases += [("double", pair) for pair in doubles(lines, options.doubles, options.seed)]
        for sort, chosen in cases:
            start = time.perf_counter()
            came = "error"
            result = None
            try:
                result = rnnsym.verify(model, mutated(lines, chosen), format="latex")
                spent.append(time.perf_counter() - start)
                came = outcome(model, lines, chosen, result)
            except RnnsymError as error:
                came = f"error: {str(error).splitlines()[0]}"
            found[sort][came] += 1
            kinds.setdefault(chosen[0].kind if sort == "single" else "double", Counter())[came] += 1
            if options.show and came not in ("named", "equal", "conditional", "malformed"):
                print(f"--- {name}: {came}: {', '.join(m.kind for m in chosen)}")
                for mutation in chosen:
                    print(f"    line {mutation.line}: {lines[mutation.line][0]} = {lines[mutation.line][1]}")
                    print(f" -> {lines[mutation.line][0]} = {mutation.text}", flush=True)
                for diagnosis in () if result is None else result.diagnoses:
                    for e in diagnosis.explanations:
                        print(f"    said of line {diagnosis.line - 1}: {e.sentence} | {e.corrected_text}", flush=True)
        for sort, counts in found.items():
            every[sort] += counts
            print(
                f"{name:16} {sort:7} {told(counts)}; {sum(spent) / len(spent):.1f} s each, at most {max(spent):.1f} s"
            )
        sys.stdout.flush()
    for kind, counts in sorted(kinds.items()):
        print(f"{kind:22} {dict(counts)}")
    for sort, counts in every.items():
        print(f"{sort}: {told(counts)}")


def told(found: Counter[str]) -> str:
    """Counts in words."""
    wrong = sum(found.values()) - found["equal"] - found["conditional"] - found["malformed"]
    both = found["named"] + found["named otherwise"]
    others = "".join(f", {count} {came}" for came, count in sorted(found.items()) if came != "named")
    return (
        f"{sum(found.values())} made{others}; of {wrong} wrong ones {found['named']} named "
        f"({found['named'] / max(wrong, 1):.1%}), {both} with those named otherwise ({both / max(wrong, 1):.1%})"
    )


def judged(model: rnnsym.Model, lines: list[tuple[str, str, str]], chosen: list[Mutation]) -> str:
    """What came of it.

    named; named otherwise: the right equations, put right by other changes, no more than were made; blamed: the right
    equations, no such correction; elsewhere: another equation; equal: proved to be; conditional; supported; malformed.
    """
    try:
        result = rnnsym.verify(model, mutated(lines, chosen), format="latex")
    except RnnsymError as error:
        return f"error: {str(error).splitlines()[0]}"
    return outcome(model, lines, chosen, result)


def outcome(model: rnnsym.Model, lines: list[tuple[str, str, str]], chosen: list[Mutation], result: Result) -> str:
    """What came of it, as `judged` says."""
    if result.verdict is not Verdict.REFUTED:
        return "equal" if result.verdict is Verdict.PROVED else str(result.verdict)
    changed = {mutation.line + 1 for mutation in chosen}
    blamed = {diagnosis.line for diagnosis in result.diagnoses}
    if blamed != changed:
        # One of two mistakes may change nothing.
        alone = [m for m in chosen if m.line + 1 in blamed]
        if len(chosen) == 1 or not alone or not _same_without(model, lines, chosen, alone):
            return "elsewhere"
    before = originals(model, lines)
    found = "named"
    for diagnosis in result.diagnoses:
        if any(e.changes and tokens(e.corrected_text) == before[diagnosis.line] for e in diagnosis.explanations):
            continue
        made = sum(m.kind.count(" + ") + 1 for m in chosen if m.line + 1 == diagnosis.line)
        if not any(0 < e.changes <= made for e in diagnosis.explanations):
            return "blamed"
        found = "named otherwise"
    return found


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
    return tuple(sorted(re.findall(r"[^\s()⊙+-]+|-|\+(?=\d)", text)))


if __name__ == "__main__":
    main()
