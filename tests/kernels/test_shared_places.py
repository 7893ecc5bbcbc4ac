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
