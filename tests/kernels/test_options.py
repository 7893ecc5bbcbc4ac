"""Every backend and every option of a call: the numbers of the NumPy kernel, or a sentence that says why not."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from interpreted import interpreted
from test_backends import converter, wide_numbers  # noqa: F401
from test_both_ways import MODELS, model_of
from test_c import COMPILER, quick  # noqa: F401

from rnnsym import Model, RnnsymError, generate, load
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import relative_difference

BACKENDS = [
    "numpy",
    pytest.param("c", marks=pytest.mark.skipif(COMPILER is None, reason="no C compiler")),
    "numba",
    "jax",
    "torch",
    "array_api:array_api_strict",
]
CELLS = {
    "lstm": load("lstm"),
    "at the end": load("many_to_one"),
    "both ways": load("bidirectional(gru)"),
    "encoder": model_of("encoder"),
    "step by step": Model("h[t] = tanh(W @ h[t-1] + x[t])\nE[t] = dot(h[1], h[t])"),
}
assert "encoder" in MODELS
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "lengths": {"lengths": [6, 3, 3, 5]},
    "accumulate": {"accumulate": 1.0},
    "both": {"lengths": [3, 6, 4, 4], "accumulate": -2.0},
    "checkpoint": {"checkpoint": 3},
    "truncate": {"truncate": 2},
    "forward": {},
    "predict": {},
}
#: What a backend does not have, whatever the model.
REFUSED = {
    "c": {"checkpoint", "truncate"},
    "numba": {"checkpoint", "truncate"},
    "jax": {"checkpoint", "truncate", "forward", "predict"},
    "torch": {"checkpoint", "truncate", "forward", "predict"},
    "array_api:array_api_strict": {"checkpoint", "truncate", "forward", "predict"},
}


def kernel_of(model: Model, backend: str) -> Any:
    kernel = generate(model, backend=backend.split(":")[0])
    if backend == "numba":
        kernel.__dict__["module"] = interpreted(kernel.source)
    return kernel


def called(kernel: Any, option: str, params: Any, inputs: Any, convert: Any) -> tuple[float, dict[str, Any]]:
    """The loss, and every array that a call gives."""
    if option == "forward":  # rows beyond the steps hold anything
        return kernel.forward(params, inputs)[0], {}
    if option == "predict":
        return 0.0, kernel.predict(params, inputs)
    options = copy.deepcopy(OPTIONS[option])
    if "accumulate" in options:
        options["accumulate"] = {k: convert(np.full(v.shape, options["accumulate"])) for k, v in params.items()}
    loss, found = kernel.loss_and_grad(params, inputs, **options)
    return loss, {**found, **{f"added {key}": value for key, value in options.get("accumulate", {}).items()}}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_every_option(name: str, backend: str) -> None:
    model = CELLS[name]
    convert = converter(backend) if backend not in ("numpy", "c", "numba") else np.array
    params, inputs, _ = draw(model, 5, length=6, batch=4)
    reference, kernel = generate(model), kernel_of(model, backend)
    own, given = ({key: convert(value) for key, value in group.items()} for group in (params, inputs))
    reasons: dict[str, str] = {}
    for option in OPTIONS:
        try:
            loss, found = called(kernel, option, own, given, convert)
        except (RnnsymError, ValueError) as error:
            reasons[option] = str(error)
            continue
        expected, wanted = called(reference, option, params, inputs, np.array)
        assert float(loss) == pytest.approx(expected, rel=1e-10, abs=1e-11), option
        assert relative_difference({key: np.asarray(value) for key, value in found.items()}, wanted) < 1e-9, option
    whole = {"checkpoint", "truncate"} if name not in ("lstm", "at the end") else set()
    assert set(reasons) == REFUSED.get(backend, set()) | whole
    for option, reason in reasons.items():
        assert option in reason
        assert len(reason) < 200
        assert "\n" not in reason
