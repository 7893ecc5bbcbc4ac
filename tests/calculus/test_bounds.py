"""Bounds of one-step Jacobians: above the norms of drawn ones, and as tight as the papers have them."""

import numpy as np
import pytest
from sympy import Expr, Indexed, Rational, Symbol, oo

from rnnsym import Model, derive, library, load
from rnnsym.calculus.bounds import BoundTerm, Norm, StepBound, step_bounds
from rnnsym.calculus.onestep import one_step
from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array, FloatKit
from rnnsym.checks.symbolic import Evaluation
from rnnsym.equations.indexed import INDICES, Equation, Role, Term, Variable, indices_in
from rnnsym.equations.lowering import lower
from rnnsym.language.syntax import Time
from rnnsym.operations import ELEMENTWISE, Elementwise


@pytest.mark.parametrize("operation", ELEMENTWISE, ids=lambda operation: operation.name)
def test_values_lie_in_the_image_and_come_close_to_its_ends(operation: Elementwise) -> None:
    low, high = max(operation.domain[0], -60.0), min(operation.domain[1], 60.0)
    points = np.linspace(low + 1e-9, high - 1e-9, 40_001)
    with np.errstate(all="ignore"):
        values = operation.definition(FloatKit(), points)
    least, largest = (float(end) for end in operation.image)
    assert values.min() >= least - 1e-12
    assert values.max() <= largest + 1e-12
    # A finite end is the least there is: otherwise the bounds that follow from it would not be tight.
    if np.isfinite(least):
        assert values.min() <= least + 0.05
    if np.isfinite(largest):
        assert values.max() >= largest - 0.05


def size_of(norm: Norm, values: Evaluation, time: int) -> float:
    """A norm in numbers."""
    if norm.kind == "absolute" and not norm.expression.atoms(Indexed):
        symbols = norm.expression.free_symbols
        return abs(float(norm.expression.subs({symbol: float(values.value(str(symbol), None)) for symbol in symbols})))
    if norm.kind == "spectral":
        return float(np.linalg.norm(values.value(str(norm.expression.base), None), 2))
    if norm.kind == "step":
        return float(np.linalg.norm(values.value(norm.expression.base.label.name, time), 2))
    indices = tuple(sorted(indices_in(norm.expression), key=str))
    found = elementwise(norm.expression, indices, values, time)
    return float(np.abs(found).max() if norm.kind != "length" else np.linalg.norm(found))


def elementwise(expression: Expr, indices: tuple[Symbol, ...], values: Evaluation, time: int) -> Array:
    element = next(e for e in expression.atoms(Indexed))
    size = values.variables[element.base.label.name].shape
    variable = Variable("it", size, True, Role.DEFINED)

    renamed = expression.xreplace(dict(zip(indices, INDICES, strict=False)))
    equation = Equation(variable, Time("t", 0), INDICES[: len(size)], (Term((renamed,)),), None)
    return values._term(equation.terms[0], equation, time)


def value_of(term: BoundTerm, values: Evaluation, time: int) -> float:
    return float(term.number) * float(np.prod([size_of(norm, values, time) for norm in term.norms]))


MODELS = [name for name in library.available() if load(name).timed]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_no_jacobian_exceeds_its_bound(name: str, seed: int) -> None:
    model = load(name)
    step = one_step(lower(model))
    params, inputs, _ = draw(model, seed, length=4, batch=None)
    params = {key: 3 * value for key, value in params.items()}
    bounds = step_bounds(step)
    assert bool(bounds) == bool(step.jacobians())
    values = Evaluation(model, (*step.system.equations, *step.jacobians()), params, inputs)
    for bound in bounds:
        if bound.terms is None:
            continue
        for time in range(2, 5):
            exact = np.linalg.norm(values.value(bound.equation.name, time), 2)
            assert exact <= sum(value_of(term, values, time) for term in bound.terms) * (1 + 1e-9)


def test_most_models_whose_states_are_vectors_have_bounds() -> None:
    """Without one are those in which a state meets a matrix that is no parameter, or a product over more than a row."""
    found = [step_bounds(one_step(lower(load(name)))) for name in MODELS]
    vectors = [bounds for bounds in found if all(len(bound.equation.indices) == 2 for bound in bounds)]
    bounded = [bounds for bounds in vectors if all(bound.terms is not None for bound in bounds)]
    assert len(bounded) > 0.75 * len(vectors) > 40


def only(text: str) -> StepBound:
    (bound,) = step_bounds(one_step(derive(Model(text)).system))
    return bound


def test_the_slopes_of_the_papers() -> None:
    for function, slope in (("tanh", 1), ("sigmoid", Rational(1, 4)), ("relu", 1), ("sin", 1), ("softplus", 1)):
        bound = only(f"h[t] = {function}(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(d[t], h[t])")
        assert bound.terms is not None
        ((number, norms),) = [(term.number, term.norms) for term in bound.terms]
        assert (number, [norm.kind for norm in norms]) == (slope, ["spectral"]), function


def test_the_additive_path_has_no_weights() -> None:
    bounds = {bound.equation.name: bound for bound in step_bounds(one_step(derive(load("lstm")).system))}
    cell = bounds["step(c,c[t-1])"]
    assert cell.terms == (BoundTerm(Rational(1), (), carry=True),)
    assert [str(factor) for factor in cell.carries[0].factors] == ["f[t, i]", "KroneckerDelta(i, j)"]
    text = derive(load("lstm")).jacobians().to_text()
    assert "[∂c[t]/∂c[k]]_carry = ∏_{j=t..k+1} diag(f[j])" in text
    assert "[∂h[t]/∂h[k]]_carry = ∏_{j=t..k+1} diag(z[j])" in derive(load("gru")).jacobians().to_text()
    vanilla = derive(load("rnn")).jacobians().to_text()
    assert "‖∂h[t]/∂h[k]‖ ≤ ‖W‖^(t-k)" in vanilla
    assert "carry" not in vanilla
    assert (
        "(¼ ‖U‖)^(t-k)"
        in derive(Model("h[t] = sigmoid(U @ h[t-1])\nE[t] = squared_error(d[t], h[t])")).jacobians().to_text()
    )


def test_what_has_no_bound_stays_symbolic() -> None:
    bound = only("h[t] = relu(W @ h[t-1]) * h[t-1]\nE[t] = squared_error(d[t], h[t])")
    assert bound.terms is not None
    kinds = {norm.kind for term in bound.terms for norm in term.norms}
    assert kinds == {"spectral", "largest"}
    assert all(term.number != oo for term in bound.terms)
