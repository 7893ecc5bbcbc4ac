"""The generated product of the Hessian with a direction, against differences of the generated gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from rnnsym import Model, available, generate, load
from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import holds_values
from rnnsym.errors import RnnsymError
from rnnsym.testing import Problem, problems

STEP = 2e-5
#: Two central differences, extrapolated: what is left is of the fourth order in the step.
WEIGHTS = {1.0: -1 / 6, -1.0: 1 / 6, 0.5: 4 / 3, -0.5: -4 / 3}


def check(
    model: Model, params: dict[str, Array], inputs: dict[str, Array], sizes: dict[str, int], length: int | None
) -> None:
    kernel = generate(model, sizes=sizes, hessian=True)
    given_length = {} if length is None else {"length": length}
    # What is fixed has no gradient, and a direction in the others alone.
    direction = {name: np.random.default_rng(3).normal(size=params[name].shape) for name in model.parameters}
    ends = {}
    for part in WEIGHTS:
        moved = {name: value + part * STEP * direction.get(name, 0) for name, value in params.items()}
        ends[part] = kernel.loss_and_grad(moved, inputs, **given_length)[1]
    product = kernel.hessian_product(params, inputs, direction, **given_length)
    scale = max((np.abs(ends[1.0][name]).max(initial=0) for name in model.parameters), default=1.0)
    for name in model.parameters:
        difference = sum(weight * ends[part][name] for part, weight in WEIGHTS.items()) / STEP
        tolerance = 1e-5 * max(scale, np.abs(difference).max(initial=0), 1e-3)
        np.testing.assert_allclose(product[name], difference, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", available())
def test_the_product_is_how_the_gradient_changes(name: str) -> None:
    model = load(name)
    params, inputs, sizes = draw(model, 2, length=5, batch=3)
    check(model, params, inputs, sizes, None)


@settings(max_examples=15)
@given(problems())
def test_the_product_of_drawn_models(problem: Problem) -> None:
    model = problem.model
    assume(not holds_values(model))  # differences of the gradient see what stop_gradient hides
    length = problem.length if model.timed and not model.sequences else None
    check(model, dict(problem.params), dict(problem.inputs), dict(problem.sizes), length)


def test_what_the_direction_lacks_does_not_move() -> None:
    model = load("rnn")
    params, inputs, _ = draw(model, 2, length=3, batch=1)
    kernel = generate(model, hessian=True)
    whole = {name: np.zeros_like(value) for name, value in params.items()} | {"W": np.ones_like(params["W"])}
    one = kernel.hessian_product(params, inputs, {"W": whole["W"]})
    other = kernel.hessian_product(params, inputs, whole)
    for name in params:
        np.testing.assert_array_equal(one[name], other[name])


def test_the_hessian_is_symmetric() -> None:
    model = load("lstm")
    params, inputs, _ = draw(model, 4, length=3, batch=2)
    kernel = generate(model, hessian=True)
    random = np.random.default_rng(0)
    u, v = ({name: random.normal(size=value.shape) for name, value in params.items()} for _ in range(2))
    one = sum(np.vdot(u[name], value) for name, value in kernel.hessian_product(params, inputs, v).items())
    other = sum(np.vdot(v[name], value) for name, value in kernel.hessian_product(params, inputs, u).items())
    np.testing.assert_allclose(one, other, rtol=1e-10)


def test_what_only_unread_equations_read_has_no_row() -> None:
    """A value from long before the first step, which the loss does not need, leaves the other rows alone."""
    model = Model(
        """
        h[t] = tanh(W @ h[t-1] + U @ x[t])
        unread[t] = tanh(V @ h[t-3])
        E = squared_error(target, h[T])
        """,
        inputs=["target"],
        loss="E",
    )
    for length in (1, 2, 3):
        params, inputs, sizes = draw(model, 22, length=length, batch=2)
        check(model, params, inputs, sizes, None)


def test_a_kernel_without_the_product_says_how_to_get_it() -> None:
    with pytest.raises(RnnsymError, match="hessian=True"):
        generate(load("rnn")).hessian_product({}, {}, {})


def test_what_the_product_does_not_read_has_no_row() -> None:
    """Nothing of the second order reads h[T+2], which the model is given."""
    model = Model(
        "p[t], q[t] = split(concat(h[t], h[t+2]))\nh[t] = tanh(h[t+1] @ W + W @ x[t])\nE = mean(q[T] @ x[t-2])",
        sizes={"x": "n", "p": "n", "q": "n"},
    )
    params, inputs, sizes = draw(model, 1, length=5, batch=2)
    check(model, params, inputs, sizes, None)
