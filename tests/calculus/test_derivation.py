"""The reverse sweep: formulas derived by hand, steps that replay, lookups and unrolling."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

import rnnsym
from rnnsym import Model, derive
from rnnsym.calculus.steps import ReplayError, replay
from rnnsym.derivation import UnknownVariableError
from rnnsym.errors import RnnsymError
from rnnsym.testing import models

MODELS = rnnsym.available()

#: Model, variable, and its derivative as derived by hand.
BY_HAND = [
    ("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])",
     {"h": "h̄[T] = h[T] - d[T]\nh̄[t] = h[t] - d[t] + Wᵀ ā[t+1]   t = T-1..1",
      "a": "ā[t] = (1 - h[t]²) ⊙ h̄[t]   t = T..1",
      "W": "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ",
      "U": "∂E/∂U = Σ_{t=1..T} ā[t] x[t]ᵀ",
      "b": "∂E/∂b = Σ_{t=1..T} ā[t]",
      "x": "∂E/∂x[t] = Uᵀ ā[t]   t = T..1",
      "d": "∂E/∂d[t] = d[t] - h[t]   t = T..1",
      "h[0]": "∂E/∂h[0] = Wᵀ ā[1]"}),
    ("h[t] = tanh(h[t-1] @ W + x[t] @ U)\nE[t] = squared_error(d[t], h[t])",
     {"h": "h̄[T] = h[T] - d[T]\nh̄[t] = h[t] - d[t] + ā[t+1] Wᵀ   t = T-1..1",
      "W": "∂E/∂W = Σ_{t=1..T} h[t-1]ᵀ ā[t]"}),
    ("c[t] = f[t] * c[t-1] + g[t]\nE = sum(c[T] ** 2) / 2",
     {"c": "c̄[T] = c[T]\nc̄[t] = f[t+1] ⊙ c̄[t+1]   t = T-1..1", "f": "∂E/∂f[t] = c[t-1] ⊙ c̄[t]   t = T..1"}),
    ("h[t] = W @ h[t-2]\nE[t] = dot(v, h[t])",
     {"h": "h̄[T-1..T]", "h[0]": "∂E/∂h[0] = Wᵀ h̄[2]", "h[-1]": "∂E/∂h[-1] = Wᵀ h̄[1]", "v": "∂E/∂v = Σ_{t=1..T} h[t]"}),
    ("y[t] = softmax(x[t])\nE[t] = cross_entropy(d[t], y[t])", {"x": "∂E/∂x[t] = (𝟏ᵀ d[t]) y[t] - d[t]   t = T..1"}),
    ("h = logsumexp(x)\ny = h / size(x)\nE = y + h", {"h": "h̄ = 1/n_x + 1", "x": "∂E/∂x = h̄ exp(x - h)"}),
    ("E = mean(squared_error(d[t], w * x[t]))", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BY_HAND, ids=range(len(BY_HAND)))
def test_formulas_derived_by_hand(text: str, expected: dict[str, str]) -> None:
    derivation = derive(Model(text))
    for key, formula in expected.items():
        if ".." not in formula.split(" ")[0]:
            assert str(derivation[key]) == formula


def test_lag_two_has_a_boundary_of_two_steps() -> None:
    lines = str(derive(Model("h[t] = W @ h[t-2]\nE[t] = dot(v, h[t])"))["h"]).splitlines()
    assert lines == ["h̄[t] = v   t = T..T-1", "h̄[t] = v + Wᵀ h̄[t+2]   t = T-2..1"]


@pytest.mark.parametrize("name", MODELS)
def test_steps_of_shipped_models_replay(name: str) -> None:
    derivation = derive(rnnsym.load(name))
    assert derivation.replay() == derivation.adjoints


@given(models())
@settings(max_examples=40)
def test_steps_of_drawn_models_replay(model: Model) -> None:
    derivation = derive(model)
    assert derivation.replay() == derivation.adjoints


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_a_changed_step_is_noticed(name: str) -> None:
    """Each recorded result matters: with any of them changed, the replay stops there."""
    derivation = derive(rnnsym.load(name))
    changed = 0
    for position, step in enumerate(derivation.steps):
        if step.action is None or not step.result[0].terms:
            continue
        (result, *others) = step.result
        (first, *rest) = result.terms
        wrong = replace(first, factors=(*first.factors, first.factors[-1]))
        tampered = replace(step, result=(replace(result, terms=(wrong, *rest)), *others))
        steps = (*derivation.steps[:position], tampered, *derivation.steps[position + 1 :])
        with pytest.raises(ReplayError, match=f"step {step.number} "):
            replay(derivation.system, steps)
        changed += 1
    assert changed > 10


def test_steps_are_numbered_and_say_what_was_done() -> None:
    derivation = derive(rnnsym.load("rnn"))
    assert [step.number for step in derivation.steps] == list(range(1, len(derivation.steps) + 1))
    rules = {step.rule for step in derivation.steps}
    assert {"name", "seed", "chain rule", "jacobian", "path through time", "shared parameter", "substitution"} <= rules


def test_what_the_loss_does_not_need_has_gradient_zero() -> None:
    derivation = derive(Model("h[t] = tanh(W @ x[t])\nz[t] = V @ h[t]\nE[t] = squared_error(d[t], h[t])"))
    assert str(derivation["V"]) == "∂E/∂V = 0"


def test_unknown_variable_is_suggested() -> None:
    derivation = derive(rnnsym.load("lstm"))
    with pytest.raises(UnknownVariableError, match="did you mean"):
        derivation["W_ii"]
    with pytest.raises(KeyError):
        derivation["h[7]"]


def test_the_order_of_terms_is_the_authors() -> None:
    one = derive(Model("a[t] = b + W @ h[t-1] + U @ x[t]\nh[t] = tanh(a[t])\nE[t] = squared_error(d[t], h[t])"))
    other = derive(Model("a[t] = U @ x[t] + W @ h[t-1] + b\nh[t] = tanh(a[t])\nE[t] = squared_error(d[t], h[t])"))
    assert "a[t] = b + W h[t-1] + U x[t]" in one.to_text("result")
    assert "a[t] = U x[t] + W h[t-1] + b" in other.to_text("result")


# Unrolled


def test_unrolled_names_every_step() -> None:
    text = derive(rnnsym.load("rnn")).unroll(2).to_text()
    for line in (
        "a[1] = W h[0] + U x[1] + b",
        "h̄[2] = Vᵀ ō[2]",
        "h̄[1] = Vᵀ ō[1] + Wᵀ ā[2]",
        "∂E/∂W = Σ_{t=1..2} ā[t] h[t-1]ᵀ",
    ):
        assert line in text
    assert "a[3]" not in text
    assert "ā[3]" not in text


def test_unrolled_grows_linearly() -> None:
    derivation = derive(rnnsym.load("rnn"))
    lengths = [len(derivation.unroll(length).to_latex()) for length in (10, 20, 40, 80)]
    assert lengths[3] - lengths[2] < 2.5 * (lengths[2] - lengths[1])
    assert len(derivation.unroll(32).to_latex()) <= 10_000


def test_unrolled_needs_the_shortest_length() -> None:
    model = Model("h[1] = x[1]\nh[t] = tanh(h[t-1])\nh[T] = x[T]\nE[t] = squared_error(d[t], h[t])")
    with pytest.raises(RnnsymError, match="at least 2 steps"):
        derive(model).unroll(1)
    assert "h[1] = x[1]" in derive(model).unroll(2).to_text()


def test_the_same_model_gives_the_same_bytes() -> None:
    texts = {derive(rnnsym.load("gru")).to_latex() for _ in range(2)}
    assert len(texts) == 1
