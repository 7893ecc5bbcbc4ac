"""Recurrences both ways in time, and several one after another, in C and Numba: the numbers of the NumPy kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interpreted import interpreted
from regular import regular_cells
from test_both_ways import MODELS, model_of, pairs, turned
from test_c import COMPILER, quick  # noqa: F401

from rnnsym import Model, generate
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import relative_difference

#: Few rows, so that there are several chunks of steps.
DEEP = 4


def in_c(model: Model) -> Any:
    kernel: Any = generate(model, backend="c")
    assert "steps = DEEP / problem->B > 1 ? DEEP" in kernel.source
    source = kernel.source.replace("steps = DEEP / problem->B > 1 ? DEEP", f"steps = {DEEP} / problem->B > 1 ? {DEEP}")
    object.__setattr__(kernel, "source", source)
    return kernel


def in_numba(model: Model) -> Any:
    source = generate(model, backend="numba").source
    assert "DEEP = 128" in source
    return interpreted(source.replace("DEEP = 128", f"DEEP = {DEEP}"))


MAKERS = [
    pytest.param(in_c, id="c", marks=pytest.mark.skipif(COMPILER is None, reason="no C compiler")),
    pytest.param(in_numba, id="numba"),
]


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that nothing was written to holds no numbers."""
    empty = np.empty

    def nothing(shape: Any, dtype: Any = float) -> Any:
        made = empty(shape, dtype)
        made.view(np.uint8).fill(0xFF)
        return made

    monkeypatch.setattr(np, "empty", nothing)


def compare(kernel: Any, model: Model, problems: tuple[tuple[int, int], ...]) -> None:
    plain = generate(model, optimize=False)
    for seed, (more, batch) in enumerate(problems):
        params, inputs, _ = draw(model, seed, length=model.timing.minimum_length + more, batch=batch)
        expected, wanted = plain.loss_and_grad(params, inputs)
        loss, found = kernel.loss_and_grad(params, inputs)
        assert loss == pytest.approx(expected, rel=1e-10, abs=1e-11)
        assert {key: value.shape for key, value in found.items()} == {key: v.shape for key, v in wanted.items()}
        assert relative_difference(found, wanted) < 1e-9


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_of_numpy(name: str, make: Any) -> None:
    model = model_of(name)
    kernel = make(model)
    compare(kernel, model, ((0, 1), (1, 2), (9, 1), (4, 3)))


@pytest.mark.parametrize("make", MAKERS)
@given(pairs(), st.integers(0, 12), st.integers(1, 3))
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_drawn_cells_one_after_another(make: Any, model: Model, more: int, batch: int) -> None:
    compare(make(model), model, ((more, batch),))


@pytest.mark.parametrize("make", MAKERS)
@given(regular_cells(), st.integers(0, 12), st.integers(1, 3))
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_a_drawn_cell_in_a_mirror(make: Any, model: Model, more: int, batch: int) -> None:
    at_once = ("target",) if "target[" not in model.text else ()
    mirror = Model(turned(model.text), model.sizes, inputs=at_once, name="mirror")
    compare(make(mirror), mirror, ((more, batch),))
