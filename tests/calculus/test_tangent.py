"""The product of the Hessian with a direction, against differences of the gradient."""

import numpy as np
import pytest
from hypothesis import assume, given, settings

from rnnsym import Model, derive, library, load
from rnnsym.calculus.tangent import hessian_product, tangent_name, tangent_of
from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import holds_values
from rnnsym.checks.symbolic import Evaluation
from rnnsym.testing import Problem, problems

STEP = 2e-5
#: Two central differences, extrapolated: what is left is of the fourth order in the step.
WEIGHTS = {1.0: -1 / 6, -1.0: 1 / 6, 0.5: 4 / 3, -0.5: -4 / 3}


def check_product(model: Model, params: dict[str, Array], inputs: dict[str, Array]) -> None:
    derivation = derive(model)
    gradient = (*derivation.system.equations, *derivation.adjoints)
    # What is fixed has no gradient, and a direction in the others alone.
    direction = {name: np.random.default_rng(5).normal(size=np.shape(params[name])) for name in model.parameters}
    product = hessian_product(derivation.system, derivation.adjoints, model.parameters)
    values = Evaluation(model, (*gradient, *product), params, inputs)
    for name, change in direction.items():
        values.values[tangent_name(name), None] = change
        values.variables[tangent_name(name)] = tangent_of(derivation.system.variables[name])
    ends = {}
    for part in WEIGHTS:
        moved = {name: params[name] + part * STEP * direction.get(name, 0) for name in params}
        end = Evaluation(model, gradient, moved, inputs)
        ends[part] = {name: end.value(f"bar({name})", None) for name in model.parameters}
    scale = max((np.abs(value).max(initial=0) for value in ends[1.0].values()), default=1)
    for name in model.parameters:
        difference = np.asarray(sum(weight * ends[part][name] for part, weight in WEIGHTS.items())) / STEP
        found = values.value(tangent_name(f"bar({name})"), None)
        np.testing.assert_allclose(found, difference, rtol=1e-5, atol=1e-5 * max(scale, np.abs(difference).max()))


@pytest.mark.parametrize("name", library.available())
def test_the_product_is_how_the_gradient_changes(name: str) -> None:
    model = load(name)
    params, inputs, _ = draw(model, 3, length=4, batch=None)
    check_product(model, params, inputs)


@settings(max_examples=25)
@given(problems(max_batch=1))
def test_the_product_of_drawn_models(problem: Problem) -> None:
    assume(not holds_values(problem.model))  # differences of the gradient see what stop_gradient hides
    params, inputs, _ = draw(problem.model, 1, length=problem.length, batch=None)
    check_product(problem.model, params, inputs)


def test_a_gradient_that_does_not_change_has_a_product_of_zero() -> None:
    model = Model("h[t] = h[t-1] + b\nE = sum(h[t])", sizes={"h": (), "b": ()})
    derivation = derive(model)
    (product,) = hessian_product(derivation.system, derivation.adjoints, ("b",))
    assert product.terms == ()


def test_a_sum_counts_what_loses_its_index() -> None:
    """The second derivative of (m - b[i])**2 by m is the same for every i: the sum over i has n of them."""
    model = Model("s = mean(b)\nE = dot(v, tanh(b)) * sqrt(mean((b - s) ** 2))", sizes={"b": 3}, inputs=("v",))
    params, inputs, _ = draw(model, 1, length=1, batch=None)
    check_product(model, params, inputs)
