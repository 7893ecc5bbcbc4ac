"""How many mistakes are caught, and how many are named: mistakes made in the LaTeX of every shipped model's derivation.

    python benchmarks/mutations.py [--models rnn,lstm] [--singles 40] [--doubles 20] [--slips 0] [--seed 0] [--show]

A mistake is named where the equations blamed are those that were changed and each is corrected to what stood there
before, or to what is the same but for the order of summands and factors. It is named otherwise where as many changes,
or fewer, make another right equation of it: a sum that lost its first step can be mended by its bound.
Half of the mistakes are made in the text (tests/verify/mutator.py), half in the tree of a formula (tree_mutator.py),
each kind as often as the others. A slip is a sign deleted, doubled, replaced or exchanged in the whole text: it has to
be refuted, or told as unreadable, or to be right in numbers, which another evaluator than that of verify tells.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sys
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import rnnsym
from rnnsym.claims.interpret import Outcome, decide
from rnnsym.claims.match import read
from rnnsym.errors import RnnsymError
from rnnsym.verify.formulas.result import Diagnosis, Result
from rnnsym.verify.formulas.writing import Writer
from rnnsym.verify.verdict import Verdict

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "verify"))
import mutator
import tree_mutator
from mutator import Lines, Mutation, mutated, printed, whole

#: What is not wrong, or only without an assumption: proved, equal in exact arithmetic, or conditional.
ASIDE = ("equal", "supported", "conditional")
NAMED = ("named", "named otherwise")
#: Seconds after which a verdict counts as one that does not come.
LONGEST = 120


class TooLongError(Exception):
    """No verdict in time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=",".join(rnnsym.available()))
    parser.add_argument("--singles", type=int, default=40, help="of each model; 0 means all")
    parser.add_argument("--doubles", type=int, default=20, help="of each model")
    parser.add_argument("--slips", type=int, default=0, help="of each model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", help="only these, with commas between them")
    parser.add_argument("--show", action="store_true", help="show what is not named")
    parser.add_argument("--report", type=Path, help="a file that gets a line of JSON for every mistake")
    options = parser.parse_args()
    every: dict[str, Counter[str]] = {}
    kinds: dict[str, Counter[str]] = {}
    slowest: list[float] = []
    signal.signal(signal.SIGALRM, _too_long)
    for name in options.models.split(","):
        model = rnnsym.load(name)
        lines = printed(model)
        found: dict[str, Counter[str]] = {}
        spent: list[float] = []
        for sort, kind, text, chosen in drawn(name, lines, options):
            case = {"model": name, "sort": sort, "kind": kind, **tried(model, lines, text, chosen)}
            spent.append(case["seconds"])
            for table, key in ((found, sort), (every, sort), (kinds, kind)):
                table.setdefault(key, Counter())[case["came"]] += 1
            if options.report:
                with options.report.open("a") as file:
                    file.write(json.dumps(case, ensure_ascii=False) + "\n")
            if options.show and case["came"] not in (*NAMED, *ASIDE) and (sort, case["came"]) != ("slip", "unreadable"):
                print(shown(case), flush=True)
        slowest += spent
        for sort, counts in found.items():
            print(f"{name:16} {sort:7} {told(counts)}; at most {max(spent):.1f} s", flush=True)
    for kind, totals in sorted(kinds.items()):
        if " + " not in kind:
            print(f"{kind:24} {told(totals)}")
    for sort, totals in every.items():
        print(f"{sort}: {told(totals)}")
    slowest.sort()
    print(f"processor time: median {slowest[len(slowest) // 2]:.2f} s, most {slowest[-1]:.2f} s")


def drawn(name: str, lines: Lines, options: argparse.Namespace) -> Iterator[tuple[str, str, str, list[Mutation]]]:
    """Mistakes of both mutators: one or two, their kind, the claim with them, and themselves."""
    rng = random.Random(f"{name} {options.seed}")
    for way, source in enumerate((mutator, tree_mutator)):
        by_kind: dict[str, list[Mutation]] = {}
        for mutation in source.singles(lines):
            if not options.kinds or mutation.kind in options.kinds.split(","):
                by_kind.setdefault(mutation.kind, []).append(mutation)
        every = [mutation for kind in by_kind.values() for mutation in kind]
        if options.singles and by_kind:
            every = [rng.choice(by_kind[rng.choice(sorted(by_kind))]) for _ in range((options.singles + way) // 2)]
        for mutation in dict.fromkeys(every):
            yield "single", mutation.kind, mutated(lines, [mutation]), [mutation]
        for pair in source.doubles(lines, (options.doubles + way) // 2, rng.randrange(10**6)):
            kind = " + ".join(mutation.kind for mutation in pair)
            yield "double", kind, mutated(lines, pair), pair
    slips = tree_mutator.slips(whole(lines), rng)
    for _ in range(options.slips):
        yield "slip", "slip", next(slips), []


def _too_long(*_: Any) -> None:
    raise TooLongError


def tried(model: rnnsym.Model, lines: Lines, text: str, chosen: list[Mutation]) -> dict[str, Any]:
    """What came of a claim, with what is needed to look at it."""
    case: dict[str, Any] = {
        "lines": [[m.line, f"{lines[m.line][0]} = {lines[m.line][1]}", m.note or m.text] for m in chosen]
        or [[place, one, other] for place, (one, other) in enumerate(differing(whole(lines), text))],
        "said": [],
    }
    start = time.process_time()
    signal.alarm(LONGEST)
    try:
        result = rnnsym.verify(model, text, format="latex")
        case["seconds"] = time.process_time() - start
        signal.alarm(2 * LONGEST)
        case["came"] = outcome(model, lines, chosen, result) if chosen else of_slip(model, text, result)
        case["said"] = [
            [diagnosis.line - 1, e.sentence, e.corrected_text]
            for diagnosis in result.diagnoses
            for e in diagnosis.explanations
        ]
        case["problem"] = result.problem or result.assumption
    except RnnsymError as error:
        case["came"], case["problem"] = "unreadable" if "^" in str(error) else "unreadable without a place", str(error)
    except TooLongError:
        case["came"] = "too long"
    except Exception:
        case["came"], case["problem"] = "crash", traceback.format_exc()
    signal.alarm(0)
    case.setdefault("seconds", time.process_time() - start)
    return case


def differing(before: str, after: str) -> list[tuple[str, str]]:
    one, other = before.split("\n"), after.split("\n")
    if len(one) != len(other):
        return [("", after)]
    return [(a, b) for a, b in zip(one, other, strict=True) if a != b]


def shown(case: dict[str, Any]) -> str:
    """A case for a person to look at."""
    rows = [f"--- {case['model']}: {case['came']}: {case['kind']} ({case['seconds']:.1f} s)"]
    for line, before, after in case["lines"]:
        rows += [f"    line {line}: {before}", f"      -> {after}"]
    rows += [f"    said of line {line}: {sentence} | {right}" for line, sentence, right in case["said"]]
    return "\n".join([*rows, *(f"    {row}" for row in case.get("problem", "").splitlines()[-6:])])


def told(found: Counter[str]) -> str:
    """Counts in words."""
    wrong = sum(count for came, count in found.items() if came not in ASIDE)
    both = sum(found[came] for came in NAMED)
    others = "".join(f", {count} {came}" for came, count in sorted(found.items()) if came != "named")
    return (
        f"{sum(found.values())} made{others}; of {wrong} wrong ones {found['named']} named "
        f"({found['named'] / max(wrong, 1):.1%}), {both} with those named otherwise ({both / max(wrong, 1):.1%})"
    )


def judged(model: rnnsym.Model, lines: Lines, chosen: list[Mutation]) -> str:
    """What came of it.

    named; named otherwise: the right equations, put right by other changes, no more than were made; restored: the right
    equations, and what stood there, but not the changes; blamed: no such correction; elsewhere: another equation;
    equal: proved to be; conditional; supported; malformed.
    """
    return str(tried(model, lines, mutated(lines, chosen), chosen)["came"])


def of_slip(model: rnnsym.Model, text: str, result: Result) -> str:
    """What came of a slip of the pen: what is proved has to be right in numbers, as another evaluator finds them."""
    if result.verdict is Verdict.REFUTED:
        return "named"
    if result.verdict is not Verdict.PROVED:
        return str(result.verdict)
    return "equal" if decide(read(text, model, format="latex"), model) is Outcome.HOLDS else "FALSE PROOF"


def outcome(model: rnnsym.Model, lines: Lines, chosen: list[Mutation], result: Result) -> str:
    """What came of it, as `judged` says."""
    if not result.diagnoses:
        return "equal" if result.verdict is Verdict.PROVED else str(result.verdict)
    kept = [line for line in range(len(lines)) if not any(m.drop and m.line == line for m in chosen)]
    blamed = {kept[diagnosis.line - 1]: diagnosis for diagnosis in result.diagnoses}
    found = "named"
    before = originals(model, lines)
    changed = {mutation.line for mutation in chosen if mutation.plain}
    for mutation in chosen:
        if mutation.plain:
            diagnosis = blamed.pop(mutation.line, None)
            came = "elsewhere" if diagnosis is None else corrected(diagnosis, mutation, before[mutation.line + 1])
        else:
            told_there = _told_missing(lines, mutation, kept, result)
            diagnosis, came = told_there or (None, "elsewhere")
            blamed = {line: other for line, other in blamed.items() if other is not diagnosis or line in changed}
        if diagnosis is None:  # one of two mistakes may change nothing
            rest = [other for other in chosen if other is not mutation]
            if not rest or not (_holds(model, lines, [mutation]) or _same_without(model, lines, rest, result)):
                return "elsewhere"
            continue
        found = max(found, came, key=("named", "named otherwise", "restored", "blamed").index)
    return "elsewhere" if blamed else found


def _variable(line: tuple[str, str, str]) -> str:
    return re.sub(r"(?<=[_,{])[tT](?:[+-]\d)?|[{}]", "", line[0])


def _told_missing(lines: Lines, mutation: Mutation, kept: list[int], result: Result) -> tuple[Diagnosis, str] | None:
    """The diagnosis of an equation for the same variable, and whether it says at which times none gives it."""
    for diagnosis in result.diagnoses:
        if _variable(lines[kept[diagnosis.line - 1]]) == _variable(lines[mutation.line]):
            return diagnosis, "named" if "No equation gives" in str(diagnosis) else "blamed"
    return None


def corrected(diagnosis: Diagnosis, mutation: Mutation, before: tuple[str, ...]) -> str:
    """Whether a diagnosis puts an equation right as it was, or with no more changes than were made."""
    if any(e.changes and tokens(e.corrected_text) == before for e in diagnosis.explanations):
        return "named"
    made = mutation.kind.count(" + ") + 1
    if any(0 < e.changes <= made for e in diagnosis.explanations):
        return "named otherwise"
    restored = any(tokens(e.corrected_text) == before for e in diagnosis.explanations)
    return "restored" if restored else "blamed"


def _holds(model: rnnsym.Model, lines: Lines, chosen: list[Mutation]) -> bool:
    return rnnsym.verify(model, mutated(lines, chosen), format="latex").verdict.holds


def _same_without(model: rnnsym.Model, lines: Lines, rest: list[Mutation], result: Result) -> bool:
    """Whether the other mistakes alone are blamed in the same way."""
    other = rnnsym.verify(model, mutated(lines, rest), format="latex")
    return [d.source for d in other.diagnoses] == [d.source for d in result.diagnoses]


def originals(model: rnnsym.Model, lines: Lines) -> dict[int, tuple[str, ...]]:
    """The lines before the mistakes, written as corrections are."""
    return _originals(model, whole(lines))


@lru_cache(maxsize=4)
def _originals(model: rnnsym.Model, text: str) -> dict[int, tuple[str, ...]]:
    claim = read(text, model, format="latex")
    writer = Writer.text(claim, model)
    return {equation.span.line: tokens(writer.equation(equation)) for equation in claim.equations}


def tokens(text: str) -> tuple[str, ...]:
    """What a formula is made of, whatever the order."""
    text = re.sub(r"(\S+) ⊙ \1(?![\w\[])", r"\1²", unicodedata.normalize("NFC", text))
    return tuple(sorted(re.findall(r"[^\s()⊙+-]+|-|\+(?=\d)", text)))


if __name__ == "__main__":
    main()
