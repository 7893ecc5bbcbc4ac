"""Equations in index notation: what gets a name, which indices are summed, and where order is the author's."""

from __future__ import annotations

import pytest

from rnnsym import Model
from rnnsym.equations.indexed import Role, accesses, whole_function
from rnnsym.equations.lowering import lower
from rnnsym.equations.system import System


def shown(system: System) -> list[str]:
    lines = []
    for equation in system.equations:
        terms = [" ".join(f"({factor})" for factor in term.factors) for term in equation.terms]
        lines.append(f"{equation.target} = {' + '.join(terms)}")
    return lines


CASES = [
    # Matrix products and transposes are where an index stands.
    ("E[t] = dot(v, W @ x[t])", ["E[t] = (v[i]) (W[i, j]) (x[t, j])"]),
    ("E[t] = dot(v, x[t] @ W)", ["E[t] = (v[i]) (x[t, j]) (W[j, i])"]),
    ("E[t] = dot(v, W.T @ x[t])", ["E[t] = (v[i]) (W[j, i]) (x[t, j])"]),
    # A sum inside a product gets a name; a sum of vectors does not.
    ("E[t] = dot(v, (W @ x[t] + b) * x[t])",
     ["s[t, i] = (W[i, j]) (x[t, j]) + (b[i])", "E[t] = (v[i]) (s[t, i]) (x[t, i])"]),
    ("E[t] = dot(v, (x[t] + b) * x[t])", ["E[t] = (v[i]) (b[i] + x[t, i]) (x[t, i])"]),
    # The same expression has the same name.
    ("E[t] = dot(tanh(W @ x[t]), tanh(W @ x[t]))", ["a[t, i] = (W[i, j]) (x[t, j])", "E[t] = (tanh(a[t, i])**2)"]),
    # What does not depend on a summed index counts as often as the index has values.
    ("E[t] = sum(x[t] + 1)", ["E[t] = (x[t, i]) + (n_x)"]),
    ("E[t] = mean(x[t])", ["E[t] = (1/n_x) (x[t, i])"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_lowering(text: str, expected: list[str]) -> None:
    assert shown(lower(Model(text)))[:-1] == expected


def test_boundary_equations_share_names() -> None:
    system = lower(Model("h[1] = tanh(U @ x[1])\nh[t] = tanh(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])"))
    assert [equation.label for equation in system.defining("a")] == ["a[1]", "a[t]"]


def test_names_of_different_variables_stay_apart() -> None:
    """The second part of E and the first part of E2 are two things."""
    text = "E[t] = dot(tanh(W @ x[t]), tanh(V @ x[t]))\nE2[t] = dot(tanh(U @ x[t]), x[t])"
    system = lower(Model(text, sizes={"x": "n"}))
    named = [v for v in system.variables.values() if v.role is Role.INTERMEDIATE]
    assert len(named) == len({v.name for v in named}) == 3
    assert all(len(system.defining(v.name)) == 1 for v in named)


def test_a_hidden_sum_is_no_function_of_its_argument() -> None:
    """E = sqrt(a[1]) + sqrt(a[2]) + ... must not be differentiated in terms of E."""
    system = lower(Model("E = sum(sqrt(1 + w ** 2))", sizes={"w": "n"}))
    assert whole_function(system.defining("E")[0]) is None
    system = lower(Model("y = tanh(w)\nE = sum(y)", sizes={"w": "n"}))
    assert whole_function(system.defining("y")[0]) is not None


def test_the_total_is_the_sum_of_all_losses() -> None:
    system = lower(Model("h[t] = W @ h[t-1]\nA[t] = sum(h[t])\nB = dot(v, v)"))
    total = system.defining(system.loss)[0]
    assert [len(term.over) for term in total.terms] == [1, 0]


def test_an_expression_shared_over_other_times_is_another_variable() -> None:
    """`a = W @ h[t-1]` of an equation that ends at T-1 has no value at T, where the other equation needs one."""
    model = Model(
        "g[t] = tanh(W @ h[t-1])\ng[T] = V @ h[T]\nh[t] = sigmoid(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])"
    )
    for equation in lower(model).equations:
        for name in {place.name for term in equation.terms for place in accesses(term, lower(model).variables)}:
            own = [e for e in lower(model).defining(name) if e.variable.role is Role.INTERMEDIATE]
            assert all(e.interval == equation.interval for e in own)


def test_what_does_not_depend_on_time_is_computed_once() -> None:
    text = "h[1] = softmax(W @ v)\nh[t] = solve(W, h[t-1] * softmax(W @ v)) / norm(v)\nE[t] = squared_error(d[t], h[t])"
    once = {str(e.target) for e in lower(Model(text)).equations if e.variable.role is Role.INTERMEDIATE and not e.time}
    assert once == {"P[i, j]", "o[i]", "p[i]", "a"}
