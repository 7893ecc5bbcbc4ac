"""The reference against losses written by hand in NumPy, and its kinds of number against each other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose

from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array, FloatKit, PreciseKit
from rnnsym.checks.numeric import loss
from rnnsym.checks.reference import Evaluation, evaluate
from rnnsym.errors import RnnsymError, ShapeError
from rnnsym.language.model import Model
from rnnsym.operations import OPERATIONS, Elementwise, VectorFunction
from rnnsym.testing import Problem, problems

Arrays = dict[str, Array]

LSTM = """
    i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)
    f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)
    o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)
    g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
    c[t] = f[t] * c[t-1] + i[t] * g[t]
    h[t] = o[t] * tanh(c[t])
    y[t] = softmax(V @ h[t] + d)
    E[t] = cross_entropy(target[t], y[t])
"""


def softmax(x: Array) -> Array:
    weights = np.exp(x - x.max())
    return np.asarray(weights / weights.sum())


def lstm_by_hand(p: Arrays, x: Arrays) -> float:
    h, c, total = x["h[0]"], x["c[0]"], 0.0
    for x_t, target in zip(x["x"], x["target"], strict=True):
        i, f, o = (1 / (1 + np.exp(-(p[f"W_{k}"] @ h + p[f"U_{k}"] @ x_t + p[f"b_{k}"]))) for k in "ifo")
        c = f * c + i * np.tanh(p["W_g"] @ h + p["U_g"] @ x_t + p["b_g"])
        h = o * np.tanh(c)
        total -= target @ np.log(softmax(p["V"] @ h + p["d"]))
    return total


def boundaries_by_hand(p: Arrays, x: Arrays) -> float:
    """Boundary equations, lags, a matrix state, sums and means over time, row convention."""
    steps, xs = len(x["x"]), [None, *x["x"]]
    h = {-1: x["h[-1]"], 0: np.full(len(p["b"]), 0.5), 1: np.tanh(p["b"])}
    for t in range(2, steps):
        h[t] = np.tanh(h[t - 1] @ p["W"] - h[t - 3] * xs[t])
    h[steps] = -h[steps - 1]
    M = x["M[0]"]
    total = np.zeros(len(p["b"]))
    for t in range(1, steps + 1):
        M = 0.5 * M + np.outer(h[t], xs[1])
        total += M.T @ h[t - 1]
    return float(total.sum() / steps + (h[steps] @ h[1]) / 2 + (p["W"] ** 2).mean())


BOUNDARIES = """
    h[0] = 0.5
    h[1] = tanh(b)
    h[t] = tanh(h[t-1] @ W - h[t-3] * x[t])
    h[T] = -h[T-1]
    M[t] = 0.5 * M[t-1] + outer(h[t], x[1])
    m = mean(M[t].T @ h[t-1])
    L = sum(m) + dot(h[T], h[1]) / 2 + mean(W ** 2)
"""


def decoder_by_hand(p: Arrays, x: Arrays) -> float:
    h = x["h[0]"]
    states = []
    for x_t in x["x"]:
        h = np.tanh(p["W"] @ np.concatenate([h, x_t]))
        states.append(h)
    s, total = h, 0.0
    for target in x["target"]:
        s = np.maximum(p["V"] @ s + states[0], 0.01 * (p["V"] @ s + states[0]))
        total += 0.5 * ((target - s) ** 2).sum()
    return total / len(x["x"]) + 3 * float(np.linalg.norm(s))


DECODER = """
    h[t] = tanh(W @ concat(h[t-1], x[t]))
    s[0] = h[T]
    s[t] = leaky_relu(V @ s[t-1] + h[1])
    E[t] = squared_error(target[t], s[t])
    L = mean(E[t]) + 3 * norm(s[T])
"""


def feed_forward_by_hand(p: Arrays, x: Arrays) -> float:
    y = p["V"].T @ (p["a"] * np.tanh(x["x"] @ p["W"] + p["b"])) / 3
    return float(np.log(np.exp(y).sum()) - x["target"] @ y)


FEED_FORWARD = """
    h = a * tanh(x @ W + b)
    y = V.T @ h / 3
    E = logsumexp(y) - target @ y
"""

BY_HAND: tuple[tuple[Model, Callable[[Arrays, Arrays], float]], ...] = (
    (Model(LSTM, sizes={"x": "m", "h": "n"}), lstm_by_hand),
    (Model(BOUNDARIES, sizes={"M": ("n", "n"), "h": "n"}), boundaries_by_hand),
    (Model(DECODER, sizes={"h": "n", "x": "m"}), decoder_by_hand),
    (Model(FEED_FORWARD, sizes={"a": (), "x": "m", "h": "n", "y": "k"}, inputs=("x", "target")), feed_forward_by_hand),
)


@pytest.mark.parametrize(("model", "by_hand"), BY_HAND)
def test_loss_equals_the_one_by_hand(model: Model, by_hand: Callable[[Arrays, Arrays], float]) -> None:
    for seed in range(3):
        params, inputs, _ = draw(model, seed, length=5, batch=None)
        assert_allclose(evaluate(model, params, inputs), by_hand(params, inputs), rtol=1e-13)


@pytest.mark.parametrize(("model", "by_hand"), BY_HAND)
def test_loss_of_a_batch_is_the_sum_over_its_examples(model: Model, by_hand: Callable[[Arrays, Arrays], float]) -> None:
    params, inputs, _ = draw(model, 0, length=4, batch=3)
    examples = [
        {key: np.take(array, number, axis=int(key in model.sequences)) for key, array in inputs.items()}
        for number in range(3)
    ]
    assert_allclose(evaluate(model, params, inputs), [by_hand(params, example) for example in examples], rtol=1e-13)
    assert_allclose(loss(model, params, inputs), sum(by_hand(params, example) for example in examples), rtol=1e-13)


FORMULAS: dict[str, Callable[[Array], Any]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: np.exp(x) / (1 + np.exp(x)),
    "relu": lambda x: np.clip(x, 0, None),
    "leaky_relu": lambda x: np.where(x < 0, 0.01 * x, x),
    "elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "softplus": np.vectorize(lambda x: np.log1p(np.exp(x))),
    "softsign": lambda x: x / (1 + abs(x)),
    "hard_tanh": lambda x: np.minimum(1, np.maximum(-1, x)),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "arctan": np.arctan,
    "step": lambda x: (x > 0).astype(float),
    "sign": np.sign,
    "softmax": softmax,
    "log_softmax": lambda x: np.log(softmax(x)),
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
}


@pytest.mark.parametrize(
    "name", [name for name, entry in OPERATIONS.items() if isinstance(entry, Elementwise | VectorFunction)]
)
@pytest.mark.parametrize("kit", [FloatKit(), PreciseKit(30)])
def test_functions_of_the_table(name: str, kit: Any) -> None:
    if name not in FORMULAS:
        pytest.skip("an operation added since: its formula is checked by its derivative on drawn models")
    entry: Any = OPERATIONS[name]
    x = np.array([0.3, 1.7, 0.9] if getattr(entry, "domain", (-1,))[0] == 0 else [-2.1, -0.4, 0.7, 1.9])
    found = np.asarray(entry.definition(kit, kit.array(x))).astype(float)
    assert_allclose(found, FORMULAS[name](x), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("square(x[T])", lambda x, y: x**2),
        ("silu(x[T])", lambda x, y: x / (1 + np.exp(-x))),
        ("gelu(x[T])", lambda x, y: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
        ("maximum(x[T], y[T])", np.maximum),
        ("minimum(x[T], y[T])", np.minimum),
        ("squared_error(x[T], y[T])", lambda x, y: ((x - y) ** 2).sum() / 2),
        ("cross_entropy(x[T], softmax(y[T]))", lambda x, y: -(x * np.log(softmax(y))).sum()),
        ("norm(x[T])", lambda x, y: np.linalg.norm(x)),
        ("mean(x[T] @ outer(y[T], x[T]))", lambda x, y: (x @ np.outer(y, x)).mean()),
        ("sum(concat(x[T], y[T]) ** 3)", lambda x, y: (np.concatenate([x, y]) ** 3).sum()),
        ("1 / (2 - x[T] ** -2) - -y[T]", lambda x, y: 1 / (2 - 1 / x**2) + y),
    ],
)
def test_expressions(text: str, by_hand: Callable[[Array, Array], Any]) -> None:
    model = Model(f"L = sum(w * ({text}) + 0 * x[T] + 0 * y[T])", sizes={"x": "n", "y": "n", "w": ()})
    params, inputs, _ = draw(model, 1, batch=None)
    x, y = inputs["x[T]"], inputs["y[T]"]
    expected = params["w"] * (by_hand(x, y) + 0 * x)
    assert_allclose(evaluate(model, params, inputs, length=3), expected.sum(), rtol=1e-13)


@settings(max_examples=20)
@given(problems())
def test_float64_and_thirty_digits_agree(problem: Problem) -> None:
    data = problem.params, problem.inputs
    low = evaluate(problem.model, *data, length=problem.length)
    high = evaluate(problem.model, *data, length=problem.length, kit=PreciseKit(30))
    assert_allclose(low, high.astype(float), rtol=1e-12, atol=1e-13)


def test_long_sequences_need_no_recursion() -> None:
    model = BY_HAND[0][0]
    params, inputs, _ = draw(model, 0, length=1200, batch=None)
    assert_allclose(evaluate(model, params, inputs), lstm_by_hand(params, inputs), rtol=1e-12)


def test_values_are_there_for_every_time() -> None:
    model = Model("h[t] = w * h[t-1] + x[t]\nL = sum(h[t])", sizes={"h": (), "w": ()})
    evaluation = Evaluation(model, {"w": 2.0}, {"x": [1.0, 1.0], "h[0]": 3.0})
    assert [float(evaluation.value("h", t)) for t in (0, 1, 2)] == [3.0, 7.0, 15.0]
    with pytest.raises(RnnsymError, match=r"h\[3\] has no value"):
        evaluation.value("h", 3)


@pytest.mark.parametrize(
    ("params", "inputs", "message"),
    [
        ({}, {"x": np.ones((3, 2))}, "params lacks W"),
        ({"W": np.ones((2, 2)), "V": 1}, {"x": np.ones((3, 2))}, "params has V"),
        ({"W": np.ones((2, 2))}, {"x": np.ones((3, 4))}, "x has the size 4 where n_x = 2"),
        ({"W": np.ones((2, 2))}, {"x": np.ones((2, 2))}, "needs T >= 3"),
        ({"W": np.ones(2)}, {"x": np.ones((3, 2))}, r"W has the shape \(2,\)"),
    ],
)
def test_wrong_data_are_refused(params: Arrays, inputs: Arrays, message: str) -> None:
    model = Model("E[t] = sum(W @ x[t]) + sum(W.T @ x[3])")
    with pytest.raises(ShapeError, match=message):
        evaluate(model, params, inputs)


def test_a_size_that_no_array_tells_can_be_passed() -> None:
    model = Model("h[0] = 2\nh[t] = h[t-1] + a * x[t]\nL = sum(h[T])", sizes={"a": (), "x": (), "h": "n"})
    data = {"a": 1.0}, {"x": [1.0, 2.0]}
    assert evaluate(model, *data, sizes={"n": 4}) == 20
    with pytest.raises(ShapeError, match="no array tells the size n"):
        evaluate(model, *data)


def test_sequences_of_different_length_are_refused() -> None:
    model = Model("E[t] = squared_error(x[t], y[t])")
    with pytest.raises(ShapeError, match="sequences of different length"):
        evaluate(model, {}, {"x": np.ones((2, 1)), "y": np.ones((3, 1))})
