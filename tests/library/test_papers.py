"""Every model of the library computes what its paper says: its loss against cells written in plain loops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import loss

from . import attention, classical, continuous, feedforward, gated, linear, newest, recent
from .scalars import Step, Trace, cross_entropy, squared

LENGTH = 5
CELLS: dict[str, tuple[Step, str]] = {}
for module in (classical, gated, continuous, linear, attention, recent, newest):
    CELLS |= module.CELLS
CELLS |= classical.AT_THE_END
#: Compared elsewhere: with onnx.reference or with NumPy, in tests/test_derivations.py.
ELSEWHERE = {
    "elman", "feedforward", "gru", "gru_reset_after", "jordan", "lstm", "many_to_one", "neuron", "one_to_many", "rnn",
}  # fmt: skip


def drawn(name: str, seed: int = 11) -> tuple[rnnsym.Model, Any, Any]:
    model = rnnsym.load(name)
    params, inputs, _ = draw(model, seed, length=LENGTH, batch=None)
    return model, params, inputs


def plain(arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays as nested lists, single numbers as numbers."""
    return {name: np.asarray(array).tolist() for name, array in arrays.items()}


def total(step: Step, output: str, params: Any, inputs: Any, at_the_end: bool) -> float:
    p, trace, found = SimpleNamespace(**plain(params)), Trace(plain(inputs)), 0.0
    of_step = cross_entropy if output == "logits" else squared
    for trace.t in range(1, LENGTH + 1):
        values = step(p, trace)
        trace.computed |= {(name, trace.t): value for name, value in values.items()}
        if not at_the_end:
            found += of_step(trace["target"], values[output])
    return of_step(trace.inputs["target"], values[output]) if at_the_end else found


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_what_its_paper_says(name: str) -> None:
    model, params, inputs = drawn(name)
    expected = total(*CELLS[name], params, inputs, at_the_end=name in classical.AT_THE_END)
    assert loss(model, params, inputs) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", feedforward.LOSSES)
def test_a_network_without_time_computes_what_its_paper_says(name: str) -> None:
    model, params, inputs = drawn(name)
    expected = feedforward.LOSSES[name](SimpleNamespace(**plain(params)), plain(inputs))
    assert loss(model, params, inputs) == pytest.approx(expected, rel=1e-12)


def test_every_model_is_compared_with_something_that_is_not_ours() -> None:
    assert {*CELLS, *feedforward.LOSSES, *ELSEWHERE} == set(rnnsym.available())
