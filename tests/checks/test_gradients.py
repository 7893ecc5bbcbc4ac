"""The oracles against gradients derived by hand, and against each other on drawn models."""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from numpy.testing import assert_allclose

from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import (
    central_differences,
    complex_step,
    holds_values,
    kink_margin,
    precise,
    relative_difference,
)
from rnnsym.checks.scalars import scalar_calculus
from rnnsym.errors import ShapeError
from rnnsym.language.model import Model
from rnnsym.testing import Problem, problems

ORACLES = (complex_step, central_differences, precise, scalar_calculus)
RNN = """
    a[t] = W @ h[t-1] + U @ x[t] + b
    h[t] = tanh(a[t])
    y[t] = softmax(V @ h[t] + c)
    E[t] = cross_entropy(target[t], y[t])
"""
LSTM = """
    i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)
    f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)
    o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)
    g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    h[t] = o[t] * tanh(c[t])
    E[t] = squared_error(target[t], h[t])
"""


def rnn_by_hand(p: dict[str, Array], x: dict[str, Array]) -> dict[str, Array]:
    """Backpropagation through time as in the textbooks, for any target."""
    h, y = [x["h[0]"]], []
    for x_t in x["x"]:
        h.append(np.tanh(p["W"] @ h[-1] + p["U"] @ x_t + p["b"]))
        weights = np.exp(p["V"] @ h[-1] + p["c"])
        y.append(weights / weights.sum())
    found = {key: np.zeros_like(array) for key, array in (p | x).items()}
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(y))):
        target = x["target"][t]
        found["target"][t] = -np.log(y[t])
        do = target.sum() * y[t] - target
        found["V"] += np.outer(do, h[t + 1])
        found["c"] += do
        da = (1 - h[t + 1] ** 2) * (p["V"].T @ do + dh)
        found["W"] += np.outer(da, h[t])
        found["U"] += np.outer(da, x["x"][t])
        found["b"] += da
        found["x"][t] = p["U"].T @ da
        dh = p["W"].T @ da
    return found | {"h[0]": dh}


@pytest.mark.parametrize("oracle", ORACLES)
def test_rnn_by_hand(oracle: object) -> None:
    assert callable(oracle)
    model = Model(RNN, sizes={"x": "m", "h": "n"})
    params, inputs, _ = draw(model, 3, length=5, batch=None)
    found = {key: np.asarray(value).astype(float) for key, value in oracle(model, params, inputs).items()}
    expected = rnn_by_hand(params, inputs)
    tolerance = 1e-11 if oracle is central_differences else 1e-13
    assert relative_difference(found, {key: expected[key] for key in found}) < tolerance


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_batch_is_the_sum_of_its_examples(oracle: object) -> None:
    assert callable(oracle)
    model = Model(RNN + "    R = 0.1 * sum(s * W ** 2)", sizes={"x": "m", "h": "n", "s": ()}, inputs=("s",))
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    found = oracle(model, params, inputs)
    assert {key: np.shape(value) for key, value in found.items()} == {
        key: np.shape(value) for key, value in (params | inputs).items()
    }
    axes = {key: int(key in model.sequences) for key in model.input_keys}
    single = [
        oracle(model, params, {key: np.take(inputs[key], number, axis=axis) for key, axis in axes.items()})
        for number in range(2)
    ]
    expected = {key: single[0][key] + single[1][key] for key in params}
    expected |= {key: np.stack([one[key] for one in single], axis=axis) for key, axis in axes.items()}
    assert relative_difference(found, expected) < (1e-10 if oracle is central_differences else 1e-14)


@given(problems())
def test_complex_step_equals_central_differences(problem: Problem) -> None:
    assume(not holds_values(problem.model))  # differences of values see what stop_gradient hides
    data = problem.model, problem.params, problem.inputs
    one, other = complex_step(*data, length=problem.length), central_differences(*data, length=problem.length)
    assert relative_difference(one, other) < 1e-9


@settings(max_examples=10)
@given(problems(max_batch=1))
def test_complex_step_is_right_to_rounding(problem: Problem) -> None:
    data = problem.model, problem.params, problem.inputs
    one, other = complex_step(*data, length=problem.length), precise(*data, length=problem.length)
    assert relative_difference(one, other) < 1e-13


@settings(max_examples=8)
@given(problems(max_batch=1))
def test_scalar_calculus_has_thirty_digits(problem: Problem) -> None:
    data = problem.model, problem.params, problem.inputs
    one, other = precise(*data, length=problem.length), scalar_calculus(*data, length=problem.length)
    assert relative_difference(one, other) < 1e-28


@pytest.mark.parametrize(
    "text",
    [
        # atan of a complex number loses half its digits where the imaginary part is tiny.
        "h[t] = arctan(W @ h[t-1] + x[t])\nL = sum(h[T])",
        # Conditions within conditions, which SymPy's Piecewise rearranges.
        "h[t] = hard_tanh(abs(W @ h[t-1] + x[t]) - maximum(x[t], relu(h[t-1])))\nL = sum(h[T] ** 2)",
        # Two reads that fall together at one step only.
        "h[t] = tanh(W @ (x[1] * h[t-1]) + x[t-1])\nE[t] = squared_error(x[t], h[t])",
        # A scalar for a whole array, at the start and in between.
        "h[0] = 0.5\nh[1] = 2\nh[t] = tanh(W @ h[t-1] + x[t]) - h[t-2]\nL = mean(sum(h[t]))",
    ],
)
def test_what_went_wrong_once(text: str) -> None:
    model = Model(text, sizes={"h": "n"})
    data = draw(model, 0, batch=2)[:2]
    found = [oracle(model, *data) for oracle in ORACLES]
    assert relative_difference(found[0], found[1]) < 1e-10
    assert relative_difference(found[0], found[2]) < 1e-14
    assert relative_difference(found[2], found[3]) < 1e-28


def test_scalar_calculus_of_an_lstm_takes_seconds() -> None:
    model = Model(LSTM, sizes={"x": "m", "h": "n"})
    params, inputs, _ = draw(model, 0, length=3, batch=None)
    start = time.perf_counter()
    scalar_calculus(model, params, inputs)
    assert time.perf_counter() - start < 10


def test_many_elements_take_several_passes() -> None:
    model = Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(x[t], h[t])", sizes={"h": "n"})
    params, inputs, _ = draw(model, 0, batch=4, sizes={"n": 30})
    assert relative_difference(complex_step(model, params, inputs), central_differences(model, params, inputs)) < 1e-10


def test_kink_margin_is_the_distance_of_the_nearest_argument() -> None:
    model = Model("h[t] = relu(x[t]) + hard_tanh(3 * x[t])\nL = sum(sum(h[t]))", sizes={"x": "n"})
    assert_allclose(kink_margin(model, {}, {"x": [[0.25, -0.7], [0.9, 0.3]]}), 0.1)
    # relu(relu(x)) is at a kink wherever relu has cut off, and nothing moves it from there.
    twice = Model("E[t] = sum(relu(relu(x[t])))")
    assert kink_margin(twice, {}, {"x": [[-0.5, 2.0]]}) == 0.5


def test_central_differences_keep_clear_of_kinks() -> None:
    model = Model("E[t] = sum(relu(x[t]) ** 2)")
    inputs = {"x": np.array([[1e-4], [-1e-4], [0.5]])}
    assert_allclose(central_differences(model, {}, inputs)["x"], [[2e-4], [0.0], [1.0]], atol=1e-10)


def test_relative_difference_of_other_things() -> None:
    with pytest.raises(ShapeError):
        relative_difference({"w": [1.0]}, {"v": [1.0]})
    with pytest.raises(ShapeError):
        relative_difference({"w": [1.0]}, {"w": [[1.0]]})
    assert relative_difference({"w": [np.nan]}, {"w": [1.0]}) == float("inf")
    assert relative_difference({"w": [1e-17]}, {"w": [-1e-17]}) < 1e-13
    assert relative_difference({}, {}) == 0.0


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": np.ones((3, 2)), "h[0]": np.ones((1, 2))}, "different batch size"),
        ({"x": np.ones((3, 2, 2)), "h[0]": np.ones((1, 2))}, "different batch size"),
        ({"x": np.ones((3, 2))}, "the data lack h"),
        ({"x": np.ones(3), "h[0]": np.ones(2)}, "x has the shape"),
    ],
)
def test_wrong_data_are_refused(inputs: dict[str, Array], message: str) -> None:
    model = Model("h[t] = h[t-1] * x[t]\nL = sum(h[T])")
    with pytest.raises(ShapeError, match=message):
        complex_step(model, {}, inputs)
