"""Adjoints that are plain numbers, of a part of a vector: how long the part is has to stay known."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym import Model
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, relative_difference

ONCE = "p, q = split(tanh(W @ x + b))\nE = mean(q)"
EACH = "p[t], q[t] = split(tanh(W @ p[t-1] + b))\nE[t] = mean(q[t])"


@pytest.mark.parametrize(
    ("text", "inputs"), [(ONCE, ("x",)), (EACH, ()), (EACH.replace("mean", "sum"), ()), (EACH.replace("(q", "(p"), ())]
)
def test_the_part_alone_passes_it_back(text: str, inputs: tuple[str, ...]) -> None:
    model = Model(text, sizes={"p": "n", "q": "n"}, inputs=inputs)
    assert rnnsym.crosscheck(model).passed


def test_it_is_printed_as_a_vector_beside_zeros() -> None:
    model = Model(ONCE, sizes={"p": "n", "q": "n"}, inputs=("x",))
    assert "[0; q̄]" in rnnsym.derive(model).to_text("result")


@pytest.mark.parametrize("backend", ["numpy", "c", "array_api"])
def test_every_backend_cuts_it(backend: str) -> None:
    model = Model(EACH, sizes={"p": "n", "q": "n"})
    params = {"W": np.full((4, 2), 0.5), "b": np.zeros(4)}
    _, gradients = rnnsym.generate(model, backend=backend).loss_and_grad(params, {"p[0]": np.ones((1, 2))}, length=1)
    share = (1 - np.tanh(1) ** 2) / 2
    np.testing.assert_allclose(gradients["b"], [0, 0, share, share], atol=1e-12)


CONSTANT = "c = concat(b, a)\nq[t] = c[:n]\nm = mean(q[t-1])\nE = sum(m * m) + sum(dot(q[t], x[t]))"


@pytest.mark.parametrize("text", [CONSTANT, CONSTANT.replace("c = concat(b, a)\n", "").replace("c[", "concat(b, a)[")])
@pytest.mark.parametrize("backend", ["numpy", "c", "array_api"])
def test_a_constant_is_cut_at_every_step(text: str, backend: str) -> None:
    model = Model(text, sizes={"b": "n", "a": "n"})
    params, inputs, _ = draw(model, 1, length=4, batch=2)
    _, gradients = rnnsym.generate(model, backend=backend).loss_and_grad(params, inputs)
    assert relative_difference(complex_step(model, params, inputs), gradients) < 1e-12
