"""Inverses, pi, whole numbers, comparisons and single elements."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym import Model
from rnnsym.checks import numeric
from rnnsym.checks.data import draw
from rnnsym.errors import ModelError

CAYLEY = """
W = inv(I + A - A.T) @ (I - A + A.T)
h[t] = tanh(W @ h[t-1] + U @ x[t])
E[t] = squared_error(target[t], h[t])
"""
#: A matrix of each step is inverted, so that the kernel cannot do it once.
FITTED = """
H[t] = 0.5 * k[t] @ k[t].T
o[t] = solve(H[t] + diag(exp(a)), U @ k[t])
E[t] = squared_error(target[t], o[t])
"""


def right(model: Model, length: int = 3) -> None:
    params, inputs, sizes = draw(model, 1, length=length, batch=2)
    loss, gradients = rnnsym.generate(model, sizes).loss_and_grad(params, inputs, length=length)
    assert np.isclose(loss, numeric.loss(model, params, inputs, length=length), rtol=1e-12)
    exact = numeric.complex_step(model, params, inputs, length=length)
    assert numeric.relative_difference(gradients, exact) < 1e-10


def test_an_inverse_is_derived_as_books_have_it() -> None:
    model = Model(CAYLEY)
    text = str(rnnsym.derive(model))
    assert "P = M⁻¹" in text
    assert "M̄ = -Pᵀ P̄ Pᵀ" in text
    assert r"P &= M^{-1}" in rnnsym.derive(model).to_latex("result")
    right(model)


def test_an_inverse_of_each_step_is_checked_by_all_routes() -> None:
    model = Model(FITTED, sizes={"k": "n"})
    right(model)
    assert rnnsym.crosscheck(model, length=2).passed


def test_what_is_inverted_is_square() -> None:
    with pytest.raises(ModelError, match="inverse takes matrices, and this is a vector"):
        Model("y[t] = inv(x[t])\nE[t] = sum(y[t])", sizes={"x": "n"})
    with pytest.raises(ModelError, match="sizes clash"):
        Model("y[t] = inv(A) @ x[t]\nE[t] = sum(y[t])", sizes={"x": "n", "A": ("n", "m")})


def test_a_claim_about_an_orthogonal_network_is_judged() -> None:
    claim = r"\frac{\partial E}{\partial U} = \sum_{t=1}^T \bar a_t x_t^\top"
    assert rnnsym.verify(Model(CAYLEY), claim).verdict.value == "proved"
    assert rnnsym.verify(Model(CAYLEY), claim.replace("x_t", "x_{t-1}")).verdict.value == "refuted"


def test_pi_is_a_number_unless_the_model_has_a_variable_of_that_name() -> None:
    model = Model("y[t] = sin(2 * pi * x[t])\nE[t] = sum(y[t] ** 2)")
    assert model.parameters == ()
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    expected = (np.sin(2 * np.pi * inputs["x"]) ** 2).sum()
    assert np.isclose(rnnsym.generate(model).loss_and_grad(params, inputs)[0], expected, rtol=1e-12)
    assert "2 π" in str(rnnsym.derive(model))
    assert Model("y[t] = pi * x[t]\nE[t] = sum(y[t])", sizes={"pi": "n"}).parameters == ("pi",)


def test_comparisons_and_whole_numbers() -> None:
    model = Model("y[t] = where(x[t] < b, x[t] * b, mod(x[t], 0.75)) * (x[t] >= 0)\nE[t] = sum(w * y[t])")
    right(model)
    params, inputs, _ = draw(model, 1, length=3, batch=2)
    x, b = inputs["x"], params["b"]
    expected = (np.where(x < b, x * b, np.mod(x, 0.75)) * (x >= 0) * params["w"]).sum()
    assert np.isclose(numeric.loss(model, params, inputs), expected, rtol=1e-12)
    with pytest.raises(ModelError, match="two values at a time"):
        Model("y[t] = 0 < x[t] < 1\nE[t] = sum(y[t])")


def test_an_element_of_a_vector_is_a_number() -> None:
    model = Model("y[t] = a[t][0] * x[t] + a[t][2]\nE[t] = sum(y[t] ** 2)", sizes={"a": 3, "x": "n"})
    assert [str(size) for size in model.shapes["y"]] == ["n"]
    right(model)
    with pytest.raises(ModelError, match="the vector has 3 elements"):
        Model("y[t] = a[t][3] * x[t]\nE[t] = sum(y[t])", sizes={"a": 3, "x": "n"})


def test_what_stands_before_a_row_is_a_column() -> None:
    text = "S[t] = S[t-1] + (S[t-1] @ q[t] - S[t-1] @ k[t]) @ k[t].T\ny[t] = S[t] @ x[t]\nE[t] = sum(y[t] ** 2)"
    assert len(Model(text).shapes["S"]) == 2
