"""The table of operations against itself: derivative, code and definition of each entry say the same."""

from __future__ import annotations

import math
import re
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from rnnsym.checks.kits import FloatKit, PreciseKit
from rnnsym.kernels.template import HELPERS
from rnnsym.operations import (
    ABBREVIATIONS,
    COMPOSITIONS,
    ELEMENTWISE,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    OPERATIONS,
    PAIRWISE,
    VECTOR_FUNCTIONS,
    Elementwise,
    Pairwise,
    VectorFunction,
    applied,
    operation_of,
)

POINTS = (-2.3, -0.7, -0.31, 0.17, 0.6, 1.9)


def arguments(entry: Elementwise) -> list[float]:
    low, high = entry.domain
    inside = [x for x in POINTS if low < x < high]
    return [x for x in inside if all(abs(x - float(kink)) > 1e-3 for kink in entry.kinks)]


def names(name: str) -> dict[str, Any]:
    """What the code of an operation may use."""
    space: dict[str, Any] = {"np": np, "DTYPE": np.float64}
    exec(HELPERS.get(name, ""), space)
    return space


def number(expression: sympy.Expr) -> Any:
    """The value of an expression of the table's functions, by their definitions."""
    kit = PreciseKit(30)
    operation = operation_of(expression)
    if isinstance(operation, Elementwise):
        return np.asarray(operation.definition(kit, kit.array([number(expression.args[0])])))[0]
    if expression == sympy.pi:
        return +kit.context.pi
    if expression.is_Number:
        return kit.context.mpf(expression.p) / expression.q if expression.is_Rational else kit.context.mpf(expression)
    parts = [number(argument) for argument in expression.args]
    if expression.is_Add:
        return sum(parts)
    if expression.is_Mul:
        product = kit.context.mpf(1)
        for part in parts:
            product *= part
        return product
    assert expression.is_Pow
    return parts[0] ** parts[1]


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_derivative_is_that_of_the_definition(entry: Elementwise) -> None:
    kit = PreciseKit(40)
    for point in arguments(entry):
        step = kit.context.mpf(10) ** -20
        x = kit.array([kit.context.mpc(point, step)])
        slope = kit.context.im(np.asarray(entry.definition(kit, x))[0]) / step
        value = np.asarray(entry.definition(kit, kit.array([point])))[0]
        derived = number(entry.derivative(sympy.Float(str(point), 30), sympy.Float(str(value), 30)))
        assert abs(derived - slope) < mpmath.mpf(10) ** -12, (point, derived, slope)


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_code_computes_the_definition(entry: Elementwise) -> None:
    x = np.array(arguments(entry))
    found = eval(entry.code.format(x="x"), names(entry.name) | {"x": x})
    assert np.allclose(found, entry.definition(FloatKit(), x), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_code_is_safe_far_out(entry: Elementwise) -> None:
    low, _ = entry.domain
    x = np.array([800.0, 1e4] if low == 0 else [-1e4, -800.0, 800.0, 1e4])
    if entry.name == "exp":
        x = -np.abs(x)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = eval(entry.code.format(x="x"), names(entry.name) | {"x": x})
    assert np.isfinite(found).all()


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_slope_bounds_the_derivative(entry: Elementwise) -> None:
    if entry.slope is None:
        return
    x = np.linspace(-6, 6, 4001) if entry.domain[0] != 0 else np.linspace(0.01, 6, 4001)
    y = np.asarray(entry.definition(FloatKit(), x))
    jumps = np.array([np.any(np.abs(x[:-1] - float(kink)) < 0.01) for kink in entry.kinks]) if entry.kinks else None
    slopes = np.abs(np.diff(y) / np.diff(x))
    if jumps is not None:
        near = np.min([np.abs(x[:-1] - float(kink)) for kink in entry.kinks], axis=0) < 0.01
        slopes = slopes[~near]
    assert slopes.max() <= float(entry.slope) + 1e-9
    assert slopes.max() >= 0.99 * float(entry.slope)


PAIRS = ((0.7, 0.2), (0.3, 1.9), (1.4, -0.6), (0.1, -2.5))


@pytest.mark.parametrize("entry", PAIRWISE, ids=lambda entry: entry.name)
def test_derivatives_of_functions_of_two_numbers(entry: Pairwise) -> None:
    kit = PreciseKit(40)
    step = kit.context.mpf(10) ** -20
    for pair in PAIRS:
        value = np.asarray(entry.definition(kit, *(kit.array([x]) for x in pair)))[0]
        symbols = [sympy.Float(str(x), 30) for x in pair]
        assert number(entry.expression(*symbols)) == pytest.approx(value, rel=1e-15)
        x, y = symbols
        for place, derived in enumerate(entry.derivatives(x, y, sympy.Float(str(value), 30))):
            moved = [kit.array([kit.context.mpc(at, step * (place == other))]) for other, at in enumerate(pair)]
            slope = kit.context.im(np.asarray(entry.definition(kit, *moved))[0]) / step
            assert abs(number(derived) - slope) < mpmath.mpf(10) ** -12


@pytest.mark.parametrize("entry", PAIRWISE, ids=lambda entry: entry.name)
def test_code_of_functions_of_two_numbers(entry: Pairwise) -> None:
    x, y = np.array(PAIRS).T
    found = eval(entry.code.format(x="x", y="y"), {"np": np, "x": x, "y": y})
    assert np.allclose(found, entry.definition(FloatKit(), x, y), rtol=1e-14)


@pytest.mark.parametrize("entry", VECTOR_FUNCTIONS, ids=lambda entry: entry.name)
def test_jacobian_is_that_of_the_definition(entry: VectorFunction) -> None:
    kit = FloatKit()
    x = np.array([0.3, -0.8, 1.1])
    scalar = entry.signature.endswith("()")
    value = np.asarray(entry.definition(kit, x))
    step = 1e-30
    for k in range(3):
        displaced = x.astype(complex)
        displaced[k] += 1j * step
        expected = np.asarray(entry.definition(kit, displaced)).imag / step
        for i in range(1 if scalar else 3):
            products = entry.jacobian(
                lambda j: sympy.Float(float(x[int(j)])),
                lambda *j: sympy.Float(float(value if scalar else value[int(j[0])])),
                None if scalar else sympy.Integer(i),
                sympy.Integer(k),
            )
            found = sum(float(number(sympy.Mul(*product))) for product in products)
            assert found == pytest.approx(float(expected if scalar else expected[i]), abs=1e-12)


@pytest.mark.parametrize("entry", VECTOR_FUNCTIONS, ids=lambda entry: entry.name)
def test_vector_code_computes_the_definition_and_is_safe(entry: VectorFunction) -> None:
    space: dict[str, Any] = {"np": np}
    exec(HELPERS.get(entry.name, ""), space)
    computed = eval(f"lambda x: {entry.code.format(x='x')}", space)
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert np.allclose(computed(x), entry.definition(FloatKit(), x), rtol=1e-13)
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(computed(1000 * x)).all()


@pytest.mark.parametrize(("outer", "inner"), COMPOSITIONS, ids=str)
def test_safe_compositions_are_the_same_function(outer: str, inner: str) -> None:
    kit = FloatKit()
    x = np.array([0.4, -1.2, 0.1])
    values = []
    for names_ in ((inner, outer), (COMPOSITIONS[outer, inner],)):
        value: Any = x
        for name in names_:
            entry = OPERATIONS[name]
            assert isinstance(entry, Elementwise | VectorFunction)
            value = entry.definition(kit, value)
        values.append(value)
    assert np.allclose(*values)


def test_functions_stay_as_written() -> None:
    """SymPy's own tanh(-x) becomes -tanh(x); the author's form must stay."""
    x = sympy.Symbol("x", real=True)
    assert applied("tanh", -x).args[0] == -x
    assert applied("tanh", sympy.Integer(0)) != 0
    assert set(FUNCTIONS) == {e.name for e in (*ELEMENTWISE, *PAIRWISE, *VECTOR_FUNCTIONS, *MATRIX_FUNCTIONS)}


ABBREVIATED: dict[str, tuple[str, Any]] = {
    "square": ("square(a)", lambda a, b: a**2),
    "norm": ("norm(a)", lambda a, b: np.sqrt(np.sum(a**2))),
    "silu": ("silu(a)", lambda a, b: a / (1 + np.exp(-a))),
    "gelu": ("gelu(a)", lambda a, b: 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))),
    "max": ("max(a, b)", lambda a, b: np.maximum(a, b)),
    "min": ("min(a, b)", lambda a, b: np.minimum(a, b)),
    "swish": ("swish(a)", lambda a, b: a / (1 + np.exp(-a))),
    "mish": ("mish(a)", lambda a, b: a * np.tanh(np.log(1 + np.exp(a)))),
    "gelu_erf": ("gelu_erf(a)", lambda a, b: 0.5 * a * (1 + np.vectorize(math.erf)(a / np.sqrt(2)))),
    "normalize": ("normalize(a)", lambda a, b: a / np.linalg.norm(a)),
    "cosine": ("cosine(a, b)", lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)),
    "var": ("var(a)", lambda a, b: np.var(a)),
    "layer_norm": ("a * layer_norm(a)", lambda a, b: a * (a - a.mean()) / np.sqrt(a.var() + 1e-5)),
    "rms_norm": ("rms_norm(a)", lambda a, b: a / np.sqrt(np.mean(a**2) + 1e-5)),
    "mod": ("mod(a, 0.4)", lambda a, b: np.mod(a, 0.4)),
    "round": ("round(a)", lambda a, b: np.floor(a + 0.5)),
    "where": ("where(a < b, 2 * a, b)", lambda a, b: np.where(a < b, 2 * a, b)),
    "clip": ("clip(a, b, 1)", lambda a, b: np.clip(a, b, 1)),
    "inv": ("inv(outer(a, a) + I) @ b", lambda a, b: np.linalg.inv(np.outer(a, a) + np.eye(3)) @ b),
    "solve": ("solve(outer(a, a) + I, b)", lambda a, b: np.linalg.solve(np.outer(a, a) + np.eye(3), b)),
    "squared_error": ("squared_error(a, b)", lambda a, b: 0.5 * np.sum((a - b) ** 2)),
    "cross_entropy": ("cross_entropy(a, sigmoid(b))", lambda a, b: -np.sum(a * np.log(1 / (1 + np.exp(-b))))),
    "binary_cross_entropy": (
        "binary_cross_entropy(a, sigmoid(b))",
        lambda a, b: -np.sum(a * np.log(1 / (1 + np.exp(-b))) + (1 - a) * np.log(1 - 1 / (1 + np.exp(-b)))),
    ),
}


@pytest.mark.parametrize("entry", ABBREVIATIONS, ids=lambda entry: entry.name)
def test_abbreviations_mean_what_their_name_says(entry: Any) -> None:
    from rnnsym import Model, generate

    call, expected = ABBREVIATED[entry.name]
    both = re.search(r"\bb\b", call) is not None
    kernel = generate(Model(f"E = sum_elements({call})", sizes={"a": "n", "b": "n"} if both else {"a": "n"}))
    a, b = np.array([0.3, -0.7, 1.4]), np.array([-0.2, 0.5, 0.9])
    loss, _ = kernel.loss_and_grad({"a": a, "b": b} if both else {"a": a}, {})
    assert loss == pytest.approx(float(np.sum(expected(a, b))), rel=1e-12)
