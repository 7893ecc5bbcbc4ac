"""The comparison of cells: it runs, and every cell's flow is that of its own trajectory."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

EXAMPLE = Path(__file__).parents[2] / "examples" / "flow"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE.parent / "sentiment")]

import compare  # noqa: E402
import reviews  # noqa: E402

TINY = replace(compare.SETTINGS, vector=3, hidden=4, epochs=1)


def test_compares_three_cells_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [example for example in reviews.read() if len(example.words) in (compare.WORDS, 4)][:150]
    monkeypatch.setattr(reviews, "read", lambda: few)
    flows, right = compare.compare(TINY, Console(file=None, quiet=True))
    assert [flow.name for flow in flows[2:4]] == ["LSTM, initial", "LSTM, trained"]
    assert [[name for name, _, _ in flow.states] for flow in flows[::2]] == [["h"], ["h", "c"], ["h"]]
    assert all(flow.length == compare.WORDS and np.isfinite(flow.decay()).all() for flow in flows)
    assert all(flows[number].to_csv() != flows[number + 1].to_csv() for number in (0, 2, 4))
    assert set(right) == set(compare.CELLS)
    compare.show(flows, right, Console(quiet=True))
