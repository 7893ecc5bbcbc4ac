"""Never a false proof: thousands of random pairs of formulas, judged by the canonical form and by numbers.

    python benchmarks/proofs.py [COUNT] [FIRST]

A pair that is proved and differs in numbers is an error of the prover; one that is equal and not proved, a gap.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from rich.progress import track

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "proof"))

from drawn_pairs import judged


def main() -> int:
    count, first = (int(text) for text in (sys.argv[1:] + ["20000", "1000"][len(sys.argv) - 1 :]))
    found: Counter[tuple[bool, bool]] = Counter()
    for seed in track(range(first, first + count), description="pairs"):
        verdict = judged(seed)
        found[verdict.proved, verdict.equal_in_numbers] += 1
        if verdict.proved != verdict.equal_in_numbers:
            print(f"seed {seed}: {'proved and unequal' if verdict.proved else 'equal and not proved'}\n{verdict}")
    print(f"{count} pairs: {found[False, False]} unequal and not proved, {found[True, True]} equal and proved,")
    print(f"{found[True, False]} proved and unequal, {found[False, True]} equal and not proved")
    return int(bool(found[True, False]))


if __name__ == "__main__":
    sys.exit(main())
