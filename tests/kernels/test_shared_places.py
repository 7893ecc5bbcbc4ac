"""A value of a step gives its place to what is computed from it only where nothing else still reads it."""

from __future__ import annotations

import numpy as np

import rnnsym
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

#: sigmoid(a) is read by a product of elements, and by an equation with a matrix of each example.
MEMORY = """
a[t] = M[t-1] @ k[t]
p[t] = a[t] * sigmoid(a[t])
d[t] = N[t-1] @ p[t] - v[t]
e[t] = (N[t-1].T @ d[t]) * sigmoid(a[t])
M[t] = 0.9 * M[t-1] - e[t] @ k[t].T
N[t] = 0.9 * N[t-1] - d[t] @ p[t].T
E[t] = squared_error(target[t], N[t] @ (M[t] @ k[t]))
"""


def test_what_an_equation_reads_as_it_is_keeps_its_place() -> None:
    model = rnnsym.Model(MEMORY)
    params, inputs, _ = draw(model, 3, length=3, batch=2)
    loss, gradients = rnnsym.generate(model).loss_and_grad(params, inputs)
    assert np.isclose(loss, numeric.loss(model, params, inputs), rtol=1e-12)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs)) < 1e-12


#: z is computed in the loop, read by a product for many steps, and no gradient needs it.
READ_BEYOND = """
z[t] = sigmoid(W @ h[t-1])
h[t] = z[t] * tanh(U @ x[t]) + h[t-1]
g[t] = tanh(V @ z[t] + W @ g[t-1])
E = 0.5 * mean(W ** 2)
"""


def test_what_another_loop_reads_has_a_place_for_each_step() -> None:
    model = rnnsym.Model(READ_BEYOND)
    params, inputs, _ = draw(model, 0, length=6, batch=2)
    loss, gradients = rnnsym.generate(model).loss_and_grad(params, inputs)
    assert np.isclose(loss, 0.5 * np.mean(params["W"] ** 2) * 2)
    assert np.allclose(gradients["W"], params["W"] / params["W"].size * 2)


#: What comes over from the second next step is handed on from where the product of a later call would lie.
HANDED_ON = """
g[t] = arctan(A @ concat(h[t-2], x[t]) + B @ (s[t-1] * s[t-3]) + b)
s[t] = g[t] - s[t-1] / 2
k[t] = arctan(p * h[t-2] + C @ s[t-2] + x[t] @ D + c)
h[t] = k[t] * arctan(C @ s[t])
E[t] = dot(target[t], h[t])
"""


def test_what_is_handed_on_does_not_wait_for_itself() -> None:
    model = rnnsym.Model(HANDED_ON)
    params, inputs, _ = draw(model, 3, length=7, batch=2)
    kernel = rnnsym.generate(model)
    assert "class Workspace" in kernel.source
    _, gradients = kernel.loss_and_grad(params, inputs)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs)) < 1e-12
