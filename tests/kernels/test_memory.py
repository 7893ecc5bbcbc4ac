"""The memory that a kernel says it takes, against what Python measures."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from rnnsym import Model, RnnsymError, generate, load

CELLS = {
    **{name: load(name) for name in ("rnn", "lstm", "many_to_one")},
    "both ways": load("bidirectional(lstm)"),
    "encoder": load("encoder_decoder(bidirectional(gru), rnn)"),
    "concatenated": Model("h[t] = tanh(W @ concat(h[t-1], x[t]) + b)\nE[t] = dot(target[t], h[t])"),
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(("length", "batch", "size"), [(50, 1, 24), (600, 1, 64), (60, 16, 48), (300, 4, 32)])
def test_the_prediction_is_right_within_a_tenth(name: str, length: int, batch: int, size: int) -> None:
    model = CELLS[name]
    kernel = generate(model)
    module = kernel.module
    names = sorted({str(symbol) for shape in model.shapes.values() for part in shape for symbol in part.free_symbols})
    sizes = {own: size + number for number, own in enumerate(names)}
    known = {**sizes, "T": length, "B": batch}
    random = np.random.default_rng(0)
    params, inputs = (
        {key: 0.1 * random.normal(size=[module._size(part, known) for part in shape]) for key, shape in table.items()}
        for table in (module.PARAMETERS, module.INPUTS)
    )
    kernel.loss_and_grad(params, inputs)
    tracemalloc.start()
    kernel.loss_and_grad(params, inputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kernel.memory(T=length, B=batch, **sizes) == pytest.approx(peak, rel=0.1)


def test_memory_in_float32_is_less() -> None:
    sizes = {"n": 40, "m": 30, "k": 20}
    single, double = (generate(load("lstm"), sizes, dtype).memory(200, 8) for dtype in ("float32", "float64"))
    assert 0.45 * double < single < 0.6 * double


def test_a_missing_size_is_named() -> None:
    with pytest.raises(RnnsymError, match="memory needs the size"):
        generate(load("rnn")).memory(T=10)


def test_a_kernel_that_goes_step_by_step_says_so() -> None:
    with pytest.raises(RnnsymError, match="step by step"):
        generate(load("rnn"), optimize=False).memory(T=10)
