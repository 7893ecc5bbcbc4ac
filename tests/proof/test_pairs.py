"""Never a false proof, and no gap either: the canonical form and numbers agree on random pairs of formulas."""

import pytest
from drawn_pairs import judged

#: As many as take a few seconds; `benchmarks/proofs.py` tries 20,000.
COUNT = 400


def test_what_is_proved_is_equal_and_what_is_equal_is_proved() -> None:
    found = [judged(seed) for seed in range(COUNT)]
    assert [str(verdict) for verdict in found if verdict.proved and not verdict.equal_in_numbers] == []
    assert [str(verdict) for verdict in found if verdict.equal_in_numbers and not verdict.proved] == []
    assert sum(verdict.proved for verdict in found) > COUNT / 5
    assert sum(not verdict.proved for verdict in found) > COUNT / 5


@pytest.mark.parametrize("seed", range(5))
def test_a_pair_is_judged_alike_each_time(seed: int) -> None:
    assert judged(seed) == judged(seed)
