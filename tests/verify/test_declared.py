"""The claims that model files declare get the verdicts that they declare."""

from __future__ import annotations

import pytest

from rnnsym import available, load, verify
from rnnsym.library import declaration, find

CLAIMS = [
    (name, number, claim)
    for name in available()
    for number, claim in enumerate(declaration(find(name).read_text(encoding="utf-8"), find(name)).claims)
]


@pytest.mark.parametrize(("name", "number", "claim"), CLAIMS, ids=lambda value: str(value)[:40])
def test_a_declared_claim_has_its_verdict(name: str, number: int, claim: dict[str, str]) -> None:
    result = verify(load(name), claim["claim"], claim.get("where", ""), claim.get("layout", "numerator"))
    assert result.verdict.value == claim["verdict"], str(result)
    assert result.proof is not None


def test_there_are_claims_of_the_best_known_cells() -> None:
    assert {"rnn", "lstm", "gru"} <= {name for name, _, _ in CLAIMS}
