"""Products in compiled kernels are taken two factors at a time, and those with fixed matrices are done in tiles."""

from __future__ import annotations

import pytest

import rnnsym
from rnnsym.equations.indexed import term_indices
from rnnsym.kernels.backends.native.contractions import contracted
from rnnsym.kernels.fast.regions import Plan, plan
from rnnsym.kernels.schedule import program, share_functions


def planned(text: str) -> Plan:
    model = rnnsym.Model(text)
    derivation = rnnsym.derive(model)
    wanted = (*model.parameters, *model.input_keys)
    return contracted(plan(share_functions(program(derivation.system, derivation.adjoints, wanted))))


def most_indices(cut: Plan) -> int:
    """The loops, besides those over time and batch, that the deepest term takes."""
    regions = (cut.forward, cut.backward)
    return max(
        len({index for index in term_indices(term) if str(index) != "t"})
        for region in regions
        for equation in (*region.equations, *region.sums)
        for term in equation.terms
    )


@pytest.mark.parametrize(
    "text",
    [
        "h[t] = tanh((W @ x[t]) * (U @ h[t-1]))\nE[t] = squared_error(y[t], h[t])",
        "h[t] = tanh(W @ h[t-1])\no[t] = A @ B @ h[t]\nE[t] = squared_error(y[t], o[t])",
        "h[t] = tanh(W @ h[t-1])\no[t] = c * (A @ (B @ (g[t] * h[t])))\nE[t] = squared_error(y[t], o[t])",
    ],
)
def test_two_loops_are_enough_for_vectors(text: str) -> None:
    assert most_indices(planned(text)) == 2


def test_a_product_is_named_once() -> None:
    """The gradients of both matrices need what the forward pass has named, and none is a sum over two indices."""
    cut = planned("h[t] = tanh(W @ h[t-1])\no[t] = A @ B @ h[t]\nE[t] = squared_error(y[t], o[t])")
    named = [e.name for e in cut.backward.equations if e.name.startswith("m_B")]
    assert len(named) == len(set(named)) == 1


def test_products_with_a_fixed_matrix_are_done_in_tiles() -> None:
    model = rnnsym.Model("h[t] = tanh((W @ x[t]) * (U @ h[t-1]))\nE[t] = squared_error(y[t], h[t])")
    source = rnnsym.generate(model, backend="c").source
    body = source[source.index("static void compute") :]
    assert "sum += W" not in body
    assert "sum += U" not in body
    for name in ("W_panels", "U_panels", "W_across", "U_across"):
        assert f"pack({name}" in body


def test_what_parameters_give_is_computed_once_for_all_examples() -> None:
    model = rnnsym.Model("W = inv(I + A - A.T)\nh[t] = tanh(W @ h[t-1] + x[t])\nE[t] = squared_error(y[t], h[t])")
    source = rnnsym.generate(model, backend="c").source
    assert "pack(W_panels" in source
    assert "TAKE(W, n_h * n_h)" in source


def test_ends_of_sequences_are_no_tests_in_loops() -> None:
    """What a step gets from the next one is a product in tiles too, though the last step has no next one."""
    source = rnnsym.generate(rnnsym.load("qrnn"), backend="c").source
    assert "if (t <= T - 1)" not in source
