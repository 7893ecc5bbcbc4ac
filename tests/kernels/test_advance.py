"""One step at a time: the same states and outputs as for the whole sequence."""

from __future__ import annotations

import numpy as np
import pytest

from rnnsym import Model, RnnsymError, generate, load
from rnnsym.checks.data import draw

NARX = """
h[t] = tanh(W @ h[t-1] + R @ y[t-2] + U @ x[t-1] + b)
y[t] = V @ h[t] + c
E[t] = squared_error(target[t], y[t])
"""


@pytest.mark.parametrize("model", [load("lstm"), load("gru"), Model(NARX)], ids=["lstm", "gru", "narx"])
def test_steps_are_the_whole_sequence(model: Model) -> None:
    kernel = generate(model)
    params, data, _ = draw(model, 0, length=6, batch=2)
    inputs = {key: value for key, value in data.items() if key not in kernel.module.TARGETS}
    expected = kernel.predict(params, inputs)
    state = {key: value for key, value in inputs.items() if key not in model.sequences}
    before = {key: value.copy() for key, value in state.items()}
    for number in range(6):
        coming = {key: value[number] for key, value in inputs.items() if key in model.sequences}
        state, found = kernel.advance(params, state, coming)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values[number], rtol=1e-14)
    assert set(state) == set(before)


def test_a_model_that_reads_a_fixed_time_has_no_step() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[1])\nE[t] = dot(target[t], h[t])")
    with pytest.raises(RnnsymError, match="no single step"):
        generate(model).advance({}, {}, {})
