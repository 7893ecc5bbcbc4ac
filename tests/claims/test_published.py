"""Published claims: what numbers say of each is what the collection says."""

from __future__ import annotations

import pytest
from published import Case, cases

from rnnsym import Model
from rnnsym.claims.interpret import Outcome, decide
from rnnsym.claims.match import read
from rnnsym.claims.written import MalformedClaim

OUTCOMES = {"proved": Outcome.HOLDS, "conditional": Outcome.CONDITIONAL, "refuted": Outcome.FAILS}
READABLE = [case for case in cases() if case.verdict != "malformed"]
MALFORMED = [case for case in cases() if case.verdict == "malformed"]


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.id)
def test_published_claims_come_out_as_established(case: Case) -> None:
    model = Model(case.model)
    for layout in case.layouts:
        claim = read(case.claim, model, case.where, case.convention, "latex", layout)
        assert decide(claim, model) is OUTCOMES[case.verdict]


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.id)
def test_shapes_that_do_not_fit_are_told_with_the_product(case: Case) -> None:
    with pytest.raises(MalformedClaim, match="the matrix product needs 1 = n_a") as raised:
        read(case.claim, Model(case.model), case.where, case.convention, "latex")
    assert "diag" in str(raised.value)
    assert "^^^^" in str(raised.value)


def test_the_collection_is_whole() -> None:
    assert len(cases()) == 20
    assert {case.verdict for case in cases()} == {"proved", "conditional", "refuted", "malformed"}
