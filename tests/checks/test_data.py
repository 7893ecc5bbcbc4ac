"""Drawn data: what they must be like to catch errors, and where they must be positive."""

import numpy as np
import pytest
from hypothesis import given, settings

from rnnsym.checks.data import draw, positive_variables
from rnnsym.checks.numeric import kink_margin, loss
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.testing import models

RNN = Model(
    "h[t] = tanh(W @ concat(h[t-1], x[t]) + b)\ny[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])",
    sizes={"x": "m", "h": "n", "y": "k"},
)


def test_sizes_differ_and_nothing_is_zero_or_one_hot() -> None:
    for seed in range(20):
        params, inputs, sizes = draw(RNN, seed)
        assert len({sizes["n"], sizes["m"], sizes["k"], sizes["n"] + sizes["m"]}) == 4
        assert inputs["x"].shape == (4, 1, sizes["m"])
        for array in (params | inputs).values():
            assert np.all(array != 0)
        assert np.all(np.abs(inputs["target"].sum(axis=-1) - 1) > 1e-6)


def test_seeds_repeat_and_differ() -> None:
    one, same, other = (draw(RNN, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(one.params[key], same.params[key]) for key in one.params)
    assert not np.array_equal(one.inputs["x"], other.inputs["x"])
    assert {tuple(draw(RNN, seed).sizes.values()) for seed in range(20)} > {tuple(one.sizes.values())}


def test_length_batch_and_sizes_as_wanted() -> None:
    params, inputs, sizes = draw(RNN, 0, length=7, batch=3, sizes={"n": 2, "m": 2})
    assert (sizes["n"], sizes["m"]) == (2, 2)
    assert inputs["x"].shape == (7, 3, 2)
    assert inputs["h[0]"].shape == (3, 2)
    assert params["W"].shape == (2, 4)
    assert draw(RNN, 0, batch=None).inputs["x"].shape[0] == 4
    assert draw(Model("E[t] = sum(x[t]) * sum(x[9])"), 0).inputs["x"].shape[0] == 9
    with pytest.raises(RnnsymError, match=r"no size q; it has"):
        draw(RNN, 0, sizes={"q": 2})


def test_declared_numbers_are_kept_apart_from_symbolic_sizes() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])", sizes={"x": 2, "h": "n"})
    for seed in range(5):
        assert draw(model, seed).sizes == {"n": 3}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("E[t] = sum(log(x[t]) * sqrt(y[t]))", {"x", "y"}),
        ("E[t] = sum(z[t] / x[t] + x[t] ** 2 + y[t] ** 0.5)", {"x", "y"}),
        ("E[t] = cross_entropy(z[t], x[t])", {"x"}),
        ("E[t] = binary_cross_entropy(z[t], x[t])", {"x"}),
        ("E[t] = sum(log(x[t] * y[t] + z[t]))", {"x", "y", "z"}),
        ("h[t] = tanh(x[t])\nE[t] = sum(log(h[t] ** 2))", set()),
        ("E[t] = norm(x[t])", set()),
    ],
)
def test_positive_where_the_domain_asks_for_it(text: str, names: set[str]) -> None:
    model = Model(text)
    assert positive_variables(model) == names
    params, inputs, _ = draw(model, 0)
    assert np.isfinite(loss(model, params, inputs))


def test_other_restrictions_are_met_by_drawing_again() -> None:
    model = Model("h[t] = W @ x[t]\nE[t] = sum(log(h[t])) + sum(sqrt(2 - x[t] - x[t]))", sizes={"h": "n"})
    params, inputs, _ = draw(model, 0, sizes={"n": 2})
    assert np.isfinite(loss(model, params, inputs))


def test_what_has_no_finite_value_is_said_so() -> None:
    with pytest.raises(RnnsymError, match="a logarithm, root or division"):
        draw(Model("E[t] = sum(log(-sigmoid(x[t])))"), 0)


def test_kinks_are_kept_clear_of() -> None:
    model = Model("h[t] = relu(W @ h[t-1] + x[t])\nL = sum(h[T])", sizes={"h": "n"})
    for seed in range(10):
        params, inputs, _ = draw(model, seed)
        assert kink_margin(model, params, inputs) >= 2e-3


@settings(max_examples=20)
@given(models())
def test_data_for_drawn_models(model: Model) -> None:
    params, inputs, sizes = draw(model, 0)
    assert set(params) == set(model.parameters)
    assert set(inputs) == set(model.input_keys)
    assert len(set(sizes.values())) == len(sizes)
