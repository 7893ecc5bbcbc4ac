"""Functions of whole vectors and matrices in compiled kernels give the numbers of the NumPy kernel."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interpreted import interpreted

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import c
from rnnsym.kernels.backends.native import whole
from rnnsym.operations import MATRIX_FUNCTIONS, VECTOR_FUNCTIONS

COMPILER = any(shutil.which(name) for name in ("cc", "gcc", "clang"))
MODELS = {
    "rows of a matrix": "H[t] = tanh(x[t] @ k.T + softmax(W @ H[t-1]))\nE[t] = sum(H[t] * H[t])",
    "largest, smallest, and the same for all examples": (
        "s[t] = softmax(b)\nm[t] = max(b)\nh[t] = tanh(W @ h[t-1] + s[t])\nq = min(c)\n"
        "E[t] = m[t] * dot(h[t], h[t]) + q * min(h[t])"
    ),
    "solve": "h[t] = tanh(solve(W, h[t-1]) + x[t])\ns[t] = softmax(2 * h[t])\nE[t] = dot(s[t], h[t])",
    "inverse of what has a batch": "h[t] = tanh(W @ h[t-1] + x[t])\nB = inv(softmax(h[T] @ h[T].T) + I)\nE = sum(B * B)",
    "without time": "a = softmax(W @ x)\nH = softmax(V)\nE = dot(a, H @ log(a)) + max(a) + log(sum(exp(a)))",
}


def backends(text: str) -> list[Any]:
    """`loss_and_grad` of both compiled backends."""
    model = model_of(text)
    source = rnnsym.generate(model, backend="numba").source.replace("DEEP = 128", "DEEP = 4")
    found = [interpreted(source).loss_and_grad]
    return [*found, rnnsym.generate(model, backend="c").loss_and_grad] if COMPILER else found


def model_of(text: str) -> rnnsym.Model:
    return rnnsym.Model(text, inputs=() if "[t]" in text else ("x",))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RNNSYM_CACHE", str(tmp_path))
    monkeypatch.setattr(c, "FLAGS", ["-std=c99", "-O0", "-fPIC", "-shared", "-Wall", "-Werror", "-Wno-unknown-pragmas"])


@pytest.mark.parametrize("text", MODELS.values(), ids=MODELS.keys())
def test_like_numpy(text: str) -> None:
    model = model_of(text)
    reference = rnnsym.generate(model)
    for run in backends(text):
        for seed, (length, batch) in enumerate(((1, 1), (5, 3))):
            params, inputs, _ = draw(model, seed, length=length if model.timed else 1, batch=batch)
            loss, wanted = reference.loss_and_grad(params, inputs)
            found, gradients = run(params, inputs)
            assert found == pytest.approx(loss, rel=1e-9)
            for key, gradient in wanted.items():
                np.testing.assert_allclose(gradients[key], gradient, rtol=1e-9, atol=1e-9)


def test_pivots_are_chosen() -> None:
    """A matrix with zeros on its diagonal has an inverse, and a nearly singular order of rows does not matter."""
    text = "B = inv(A)\nE = sum(B * M)"
    model = rnnsym.Model(text, sizes={"A": ("n", "n")}, inputs=("M",))
    matrix = np.array([[0.0, 2.0, 0.0, 1.0], [1e-14, 1.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.5], [0.0, 0.0, -1.0, 4.0]])
    source = rnnsym.generate(model, backend="numba").source
    runs = [interpreted(source).loss_and_grad]
    runs += [rnnsym.generate(model, backend="c").loss_and_grad] if COMPILER else []
    for run in runs:
        for row, column in np.ndindex(4, 4):
            chosen = np.zeros((1, 4, 4))
            chosen[0, row, column] = 1
            loss, _ = run({"A": matrix}, {"M": chosen})
            assert loss == pytest.approx(np.linalg.inv(matrix)[row, column], rel=1e-9, abs=1e-12)


def test_every_function_has_code() -> None:
    assert {entry.name for entry in (*VECTOR_FUNCTIONS, *MATRIX_FUNCTIONS)} == whole.NUMBERS.keys() | whole.ARRAYS


def test_what_has_no_code_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(whole.NUMBERS, "max_elements")
    with pytest.raises(RnnsymError, match=r"the C backend has no code for max_elements, which p\[t\] is.*numpy"):
        rnnsym.generate(rnnsym.Model("h[t] = tanh(W @ h[t-1])\nE[t] = 2 * max(h[t])"), backend="c")
