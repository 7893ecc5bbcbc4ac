"""Backward passes as people write them, right and wrong: every verdict, and every fault by its name."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rnnsym
from rnnsym.verify.functions.verify import verify_function

FOLDER = Path(__file__).with_name("hand_written")


def cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"hand_written_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for case in module.CASES:
            yield pytest.param(case, id=case["function"].__name__)


@pytest.mark.parametrize("case", list(cases()))
def test_verdict_and_fault(case: dict[str, Any]) -> None:
    model = rnnsym.load(case["model"]) if isinstance(case["model"], str) else case["model"]
    result = verify_function(model, case["function"], **case.get("options", {}))
    assert str(result.verdict) == case.get("verdict", "refuted"), str(result)
    assert case.get("says", "") in str(result)
    if "kinds" in case:
        assert set(result.diagnosis[0].kinds) == case["kinds"], str(result)
        assert result.diagnosis[0].complete


def test_there_are_enough_of_them() -> None:
    every = [case.values[0] for case in cases()]
    right = [case for case in every if case.get("verdict") in ("supported", "conditional")]
    assert len(every) >= 25
    assert len(every) - len(right) >= len(every) // 3
