"""Models that were drawn once and gave wrong gradients, cut down to what was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from rnnsym import Model, generate
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, relative_difference

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    # One adjoint times two matrices, added up.
    "two matrices": ("h[t] = tanh(W @ h[t-1] + V @ h[t-1])\nE = sum(h[t-1] @ x[t])", {}),
    "three terms": ("h[t] = tanh(W @ h[t-1] + V @ (h[t-1] * x[t]) + V @ h[t-1])\nE = sum(h[t-1] @ x[t])", {"h": "n"}),
    # An adjoint that reads another one, of the next step, where both are computed for all steps at once.
    "a later adjoint": ("z[t] = sigmoid(V @ b)\nE[t] = sum(x[t] * z[t-1])", {}),
    "an earlier value": ("z[t] = tanh(V @ x[t])\ny[t] = tanh(U @ z[t-1])\nE[t] = dot(y[t-1], x[t])", {}),
    # A piece of a vector in a product with a whole: the adjoint has terms of both kinds.
    "a part of sums": ("""
        h[1] = 0
        h[t] = h[t-1] @ (I - 0.5 * outer(concat(b * x[t], W @ a)[:n], V @ a)) + U * outer(a, x[t])
        E[T] = sum(h[T])""", {"h": ("m", "n"), "x": "n", "b": "n", "W": ("n", "m")}),
    # Values that lie where others came over from later steps, which waited for each other.
    "different lags": ("""
        g[t] = sigmoid(p * s[t-2] + W @ x[t])
        s[t] = g[t] - s[t-3] / 2
        k[t] = sigmoid(q * h[t-2] + V @ s[t-1])
        h[t] = k[t] * arctan(U @ s[t])
        E = sum(h[T] ** 2)""", {"p": "r", "q": "n"}),
    # At the first step, a part under the name of one that is made of it at the others.
    "names of the first step": ("""
        h[t] = tanh(W @ h[t-1])
        E[1] = 0.1 * sum(abs(x[1] - mod(V @ h[T], 1.5)))
        E[t] = mean(x[t] * mod(U @ concat(h[T], h[t]), 1.5))""", {"x": "n"}),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_gradients(name: str, backend: str) -> None:
    text, sizes = MODELS[name]
    model = Model(text, sizes=sizes)
    params, inputs, _ = draw(model, 3, length=5, batch=2)
    _, gradients = generate(model, backend=backend).loss_and_grad(params, inputs)
    assert relative_difference(complex_step(model, params, inputs), gradients) < 1e-11
