"""Fast kernels: the same numbers as step by step, for any cell, length, batch and choice of passes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regular import regular_cells
from sympy import Symbol, symbols

import rnnsym
from rnnsym import Model, Passes, derive, generate
from rnnsym.checks import numeric
from rnnsym.checks.data import draw
from rnnsym.equations.indexed import name_of
from rnnsym.kernels.fast.lanes import Lane, Operation, cheapest, cost
from rnnsym.kernels.fast.normal import matvecs
from rnnsym.kernels.fast.packs import Spaces, packs, search
from rnnsym.kernels.fast.regions import Plan, plan
from rnnsym.kernels.schedule import program, share_functions

#: Chunks of few steps and parts of chunks, so that short sequences have several.
SMALL = Passes(rows=40, cache=2000)
SWITCHES = ("hoist", "fuse", "fold", "recompute", "split", "delay")


def problem(model: Model, seed: int = 0, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    params, inputs, _ = draw(model, seed, **options)
    return dict(params), dict(inputs)


def length_of(model: Model, steps: int) -> dict[str, int]:
    return {} if model.sequences else {"length": steps}


def same_as_step_by_step(model: Model, kernel: rnnsym.Kernel, seed: int, steps: int, batch: int) -> None:
    params, inputs = problem(model, seed, length=steps, batch=batch)
    length = length_of(model, steps)
    expected, values = kernel.forward(params, inputs, **length)
    gradients = kernel.module.backward(params, inputs, values, **length)
    loss, found = kernel.loss_and_grad(params, inputs, **length)
    assert loss == pytest.approx(expected, rel=1e-11, abs=1e-12)
    assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in gradients.items()}
    assert numeric.relative_difference(found, gradients) < 1e-10


@given(regular_cells(), st.integers(0, 99), st.integers(1, 40), st.sampled_from((1, 2, 5)))
@settings(max_examples=25)
def test_drawn_cells_as_step_by_step(model: Model, seed: int, steps: int, batch: int) -> None:
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace"), "the cell has no fast form"
    same_as_step_by_step(model, kernel, seed, steps, batch)


@given(regular_cells(), st.integers(1, 5), st.sampled_from((1, 2)))
@settings(max_examples=10)
def test_drawn_cells_against_the_complex_step(model: Model, steps: int, batch: int) -> None:
    params, inputs = problem(model, length=steps, batch=batch)
    loss, gradients = generate(model).loss_and_grad(params, inputs, **length_of(model, steps))
    assert loss == pytest.approx(numeric.loss(model, params, inputs, length=steps), rel=1e-12, abs=1e-12)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs, length=steps)) < 1e-11


@pytest.mark.parametrize("switch", SWITCHES)
@given(regular_cells(), st.integers(1, 40), st.sampled_from((1, 2)))
@settings(max_examples=5)
def test_each_pass_can_be_left_out(switch: str, model: Model, steps: int, batch: int) -> None:
    kernel = generate(model, passes=replace(SMALL, **{switch: False}))
    same_as_step_by_step(model, kernel, 0, steps, batch)


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_pass_does_something(switch: str) -> None:
    model = rnnsym.load("lstm")
    kernel = generate(model, passes=replace(Passes(), **{switch: False}))
    assert kernel.source != generate(model).source
    same_as_step_by_step(model, kernel, 0, 20, 3)


def test_a_workspace_serves_one_call_after_another() -> None:
    model = rnnsym.load("gru")
    module = generate(model, passes=SMALL).module
    first, second = problem(model, 1, length=30, batch=2), problem(model, 1, length=30, batch=2)
    second = {key: 0.5 * value for key, value in second[0].items()}, second[1]
    workspace = module.workspace(*first)
    for params, inputs in (first, second, first):
        loss, gradients = module.loss_and_grad(params, inputs, workspace=workspace)
        expected, others = module.loss_and_grad(params, inputs)
        assert loss == expected
        assert all(np.array_equal(gradients[key], others[key]) for key in others)


def test_a_workspace_for_other_sizes_is_refused() -> None:
    model = rnnsym.load("gru")
    module = generate(model).module
    workspace = module.workspace(*problem(model, length=5, batch=2))
    with pytest.raises(ValueError, match="the workspace is for"):
        module.loss_and_grad(*problem(model, length=6, batch=2), workspace=workspace)


@pytest.mark.parametrize("optimize", [True, False])
def test_gradients_of_several_calls_add_up(optimize: bool) -> None:
    model = rnnsym.load("lstm")
    kernel = generate(model, optimize=optimize)
    params, inputs = problem(model, 1, length=6, batch=2)
    others = {key: -0.5 * value for key, value in inputs.items()}
    total = {name: np.zeros_like(value) for name, value in params.items()}
    parts = [kernel.loss_and_grad(params, data, accumulate=total)[1] for data in (inputs, others)]
    for name in params:
        np.testing.assert_allclose(total[name], parts[0][name] + parts[1][name], rtol=1e-13, atol=1e-15)


def test_two_layers_in_parts_of_a_chunk() -> None:
    """The coefficients of a layer are there for a part of a chunk: each loop needs its own."""
    model = Model(
        """
        g[t] = tanh(W @ g[t-1] + U @ x[t])
        h[t] = tanh(R @ h[t-1] + S @ g[t])
        E[t] = dot(target[t], h[t])
        """
    )
    same_as_step_by_step(model, generate(model, passes=Passes(rows=64, cache=500)), 0, 60, 1)


def test_a_size_may_have_any_name() -> None:
    for size in ("r", "rows", "dot", "now"):
        model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = dot(target[t], h[t])", sizes={"h": size})
        same_as_step_by_step(model, generate(model), 0, 5, 2)


CONCATENATED = (
    "h[t] = tanh(W @ concat(h[t-1], x[t]) + b)\nE[t] = dot(target[t], h[t])",
    """
    z[t] = sigmoid(W @ concat(x[t], h[t-1]) + b)
    g[t] = tanh(concat(x[t], z[t] * h[t-1]) @ V)
    h[t] = (1 - z[t]) * h[t-1] + z[t] * g[t]
    E[t] = squared_error(target[t], R @ concat(h[t], x[t]))""",
    "v[t] = concat(h[t-1], x[t], h[t-2])\nh[t] = tanh(W @ v[t]) * sigmoid(V @ v[t])\nE[t] = dot(target[t], h[t])",
    "h[t] = tanh(W @ concat(h[t-1], x[t]) + W @ concat(h[t-2], u[t]))\nE[t] = dot(target[t], h[t])",
    "h[t] = tanh(W @ concat(2 * h[t-1] + a, x[t]))\nE[t] = dot(target[t], h[t])",
)


@pytest.mark.parametrize("text", CONCATENATED)
def test_a_product_with_a_concatenation_is_one_with_slices(text: str) -> None:
    model = Model(text)
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace")
    for steps, batch in ((1, 1), (30, 1), (33, 3)):
        same_as_step_by_step(model, kernel, 0, steps, batch)


def test_a_matrix_that_is_also_used_whole_is_not_cut() -> None:
    model = Model("h[t] = tanh(W @ concat(h[t-1], x[t]) + W @ u[t])\nE[t] = dot(target[t], h[t])")
    kernel = generate(model)
    assert "W[:" not in kernel.source
    same_as_step_by_step(model, kernel, 0, 7, 3)
    params, inputs = problem(model, length=3, batch=2)
    assert (
        numeric.relative_difference(
            kernel.loss_and_grad(params, inputs)[1], numeric.complex_step(model, params, inputs)
        )
        < 1e-12
    )


# Single passes


def planned(text: str) -> Plan:
    model = Model(text)
    derivation = derive(model)
    wanted = (*model.parameters, *model.input_keys)
    return plan(share_functions(program(derivation.system, derivation.adjoints, wanted)))


LEAKY = "h[t] = h[t-1] / 2 + tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = dot(target[t], h[t])"


def test_cheapest_collects_a_factor() -> None:
    z, h, g = symbols("z h g")
    assert cheapest(z * h + g - z * g) == g + z * (h - g)
    assert cost(cheapest((1 - z) * h + z * g)) == 3


def test_slabs_are_ordered_for_the_fewest_calls() -> None:
    shape = (Symbol("n"),)

    def operation(target: str, *sources: str) -> Operation:
        return Operation("multiply", Lane(target), tuple(Lane(source) for source in sources), shape)

    group = [operation("a", "p", "u"), operation("b", "q", "v"), operation("c", "r", "w")]
    spaces = Spaces({"one": ["a", "c", "b"], "two": ["r", "p", "q"], "three": ["v", "u", "w"]}, frozenset())
    search(spaces, [group], (), frozenset())
    (pack,) = packs(group, spaces)
    assert pack.target.distance == 1
    assert [run.distance for run in pack.sources if hasattr(run, "distance")] == [1, 1]


def test_nothing_is_packed_where_that_is_switched_off() -> None:
    shape = (Symbol("n"),)
    group = [Operation("tanh", Lane(name), (Lane(name),), shape) for name in "ab"]
    spaces = Spaces({"one": ["a", "b"]}, frozenset(), fuse=False)
    spaces.settle()
    assert len(packs(group, spaces)) == 2
    spaces.fuse = True
    assert len(packs(group, spaces)) == 1


def test_what_does_not_recur_leaves_the_loop() -> None:
    region = planned(LEAKY).forward
    assert [stage.loop for stage in region.stages] == [False, True]
    assert {e.name for e in region.stages[0].equations} == {"p_a"}
    products = [matvecs(e, planned(LEAKY).variables) for e in region.stages[1].equations]
    assert [[one.matrix_name for one in found] for found in products if found] == [["W"]]


def test_a_multiple_of_an_adjoint_is_a_product_with_a_coefficient() -> None:
    found = {e.name: e for e in planned(LEAKY).backward.equations}
    (term,) = found["bar(a)"].terms
    assert {name_of(factor) for factor in term.factors} == {"k_bar(a)", "bar(h)"}
    assert "bar(tanh_a)" not in found


def test_what_a_step_leaves_to_the_one_before_it_is_carried() -> None:
    cut = planned(LEAKY)
    assert len(cut.carried) == 1
    (name,) = cut.carried
    loops = [stage for stage in cut.backward.stages if stage.loop]
    assert any(equation.name == name for stage in loops for equation in stage.equations)


def test_an_equation_that_reads_one_step_at_all_steps_is_not_taken_for_a_lag() -> None:
    """Nothing needs h2, and so nothing but its own form said that x[1] is no x[t+1]."""
    model = Model(
        "h[t] = tanh(b + softmax(W @ v))\nh2[t] = x[t-1] * tanh(c + x[1])\nE[t] = squared_error(target[t], x[t])",
        sizes={"x": "n", "h": "n", "v": "m"},
    )
    same_as_step_by_step(model, generate(model), 0, 5, 2)


CELL = "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\n"


@pytest.mark.parametrize(
    "text",
    [
        "h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(v, h[t])",
        CELL + "E[t] = dot(G[t], V @ (s[t] * h[t]))",
        CELL + "e[t] = dot(G[t], h[t])\nE = sum(e[t]) + 0.1 * dot(b, b)",
        CELL + "e[t] = dot(G[t], h[t])\nE = sum(e[t]) + dot(v, h[T]) + norm(U @ v)",
        CELL + "z[t] = sigmoid(q * h[t] + Z @ h[t-1] + r)\nE[t] = dot(z[t], h[t])",
    ],
)
def test_sums_over_time_wherever_they_stand(text: str) -> None:
    model = Model(text)
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace")
    for steps, batch in ((1, 1), (50, 1), (30, 3)):
        same_as_step_by_step(model, kernel, 1, steps, batch)


def test_a_scale_goes_into_a_parameter() -> None:
    model = Model(
        "z[t] = sigmoid(W @ h[t-1] + p * h[t-1] + b)\nh[t] = z[t] * tanh(U @ x[t]) + h[t-1]\nE[t] = dot(G[t], h[t])"
    )
    source = generate(model).source
    assert "p_scaled = 0.5 * p" in source
    body = source[source.index("for ", source.index("# Forward, a chunk")) :]
    assert body.split("# Backward")[0].count("HALF") == 2  # z = 1/2 + 1/2 tanh(...), and nothing before


def test_a_buffer_of_numpy_is_as_long_as_before() -> None:
    model = rnnsym.load("gru")
    module = generate(model).module
    before = np.getbufsize()
    params, inputs = problem(model, length=5, batch=2)
    module.loss_and_grad(params, inputs)
    assert np.getbufsize() == before


def test_operations_that_make_coefficients_are_few_calls() -> None:
    """As many as a person needs for an LSTM: three gates at once, and products with c[t-1] and g as one."""
    source = generate(rnnsym.load("lstm")).source
    part = source[source.index("size = high - low") :]
    lines = part[: part.index(" in steps_")].splitlines()[1:-1]
    assert len([line for line in lines if "(" in line and "#" not in line]) <= 12
    views = re.findall(r"\w+\[[^]]*(?:low|size)[^]]*\]", "\n".join(lines))
    assert len(views) == len(set(views)), "a view is written out twice"


def test_a_gradient_that_is_more_than_a_sum_stands_before_what_reads_it() -> None:
    """The adjoint of p is a sum over time and a part that does not change; those of a and w read both together."""
    model = Model(
        "p = exp(a) * cos(w)\ng = (p - 1) * a\nh[t] = tanh(p * h[t-1] + g * x[t])\nE[t] = squared_error(d[t], h[t])",
        sizes={"x": "n", "h": "n", "a": "n", "w": "n", "p": "n", "g": "n"},
    )
    same_as_step_by_step(model, generate(model), 0, 5, 2)


@pytest.mark.parametrize(
    "text",
    [
        "E = sum(squared_error(y[t], h[t]))\nR = 0.5 * mean(W ** 2)",
        "R = 0.5 * mean(W ** 2)\nE = 0.5 * sum(squared_error(y[t], h[t]))\nQ = mean(squared_error(z[t], h[t]))",
    ],
)
def test_a_loss_over_time_beside_one_of_parameters(text: str) -> None:
    """A loss that is a sum over time already, and a penalty: the total is that of both."""
    model = Model(f"h[t] = tanh(W @ h[t-1] + x[t])\n{text}")
    params, inputs, _ = draw(model, 0, length=6, batch=2)
    expected, wanted = generate(model, optimize=False).loss_and_grad(params, inputs)
    kernel = generate(model)
    assert "class Workspace" in kernel.source
    loss, gradients = kernel.loss_and_grad(params, inputs)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert numeric.relative_difference(gradients, wanted) < 1e-12
