"""Recurrences that run backwards in time: the mirror of those that run forwards."""

from __future__ import annotations

import numpy as np
import pytest

import rnnsym
from rnnsym.calculus.onestep import NoStepError
from rnnsym.checks.compose import TIME, mirrored
from rnnsym.checks.data import draw
from rnnsym.errors import ModelError, RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify import verify

FORWARDS = "h[t] = tanh(W @ h[t-1] + V @ h[t-2] + U @ x[t-1] + b)\nE[t] = squared_error(d[t], h[t])"
MODELS = {
    "one way": "g[t] = tanh(W @ g[t+1] + U @ x[t] + b)\nE[t] = squared_error(d[t], g[t])",
    "both ways": "g[t] = tanh(W @ g[t+1] + U @ x[t])\nh[t] = tanh(A @ h[t-1] + C @ g[t])\nE[t] = squared_error(d[t], h[t])",
    "there and back": "h[t] = tanh(W @ h[t-1] + x[t])\ng[t] = tanh(A @ g[t+1] + h[t-1])\ny[t] = tanh(B @ y[t-1] + g[t+1])\n"
    "E[t] = squared_error(d[t], y[t])",
    "given by the end": "h[t] = tanh(W @ h[t-1] + x[t])\ng[T+1] = V @ h[T]\ng[t] = tanh(A @ g[t+1] + h[t])\n"
    "E[t] = squared_error(d[t], g[t])",
    "boundary": "g[T] = tanh(x[T])\ng[T-1] = tanh(W @ g[T])\ng[t] = tanh(W @ g[t+1] + V @ g[t+2])\nE = squared_error(d[1], g[1])",
    "later input": "h[t] = tanh(W @ h[t-1] + U @ x[t+2])\nE[t] = squared_error(d[t], h[t])",
    "function of a given value": "g[t] = sigmoid(g[t+1]) * (W @ sigmoid(g[t+1])) + x[t]\nE[t] = squared_error(d[t], g[t])",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_gradients_agree(name: str) -> None:
    model = Model(MODELS[name])
    for length in (1, 2, 5):
        if length >= model.timing.minimum_length:
            report = rnnsym.crosscheck(model, length=length)
            assert report.passed, report
    derivation = rnnsym.derive(model)
    assert derivation.replay() == derivation.adjoints


def test_a_mirror_image_computes_the_same() -> None:
    mirror = "\n".join(TIME.sub(mirrored, line) for line in FORWARDS.split("\n"))
    assert "h[t+2]" in mirror
    one, other = Model(FORWARDS), Model(mirror)
    params, inputs, _ = draw(one, 3, length=5, batch=2)
    turned = {TIME.sub(mirrored, key): value[::-1] if key in one.sequences else value for key, value in inputs.items()}
    loss, gradients = rnnsym.generate(one).loss_and_grad(params, inputs)
    again, same = rnnsym.generate(other).loss_and_grad(params, turned)
    assert loss == pytest.approx(again, rel=1e-14)
    for name in params:
        np.testing.assert_allclose(gradients[name], same[name], rtol=1e-12)
    np.testing.assert_allclose(gradients["x"], same["x"][::-1], rtol=1e-12)
    np.testing.assert_allclose(gradients["h[-1]"], same["h[T+2]"], rtol=1e-12)


def test_adjoints_run_the_other_way() -> None:
    derivation = rnnsym.derive(Model(MODELS["one way"]))
    shown = derivation.to_text("result")
    assert "Adjoints, forwards in time" in shown
    assert shown.index("ḡ[1] =") < shown.index("ḡ[t] =")
    assert "t = 2..T" in shown
    assert "t = T..1" in shown
    unrolled = str(derivation.unroll(3))
    assert unrolled.index("g[3] =") < unrolled.index("g[1] =") < unrolled.index("ḡ[1] =") < unrolled.index("ḡ[3] =")


def test_claims_are_judged() -> None:
    model = Model(MODELS["one way"])
    right = "\\frac{\\partial E}{\\partial b} = \\sum_{t=1}^{T} (1-g_t^2) \\odot \\frac{\\partial E}{\\partial g_t}"
    assert verify(model, right).verdict.value == "proved"
    assert verify(model, right.replace("(1-g_t^2) \\odot", "")).verdict.value == "refuted"


def test_forms_that_need_steps_forwards_say_so() -> None:
    for name in ("one way", "both ways"):
        model = Model(MODELS[name])
        derivation = rnnsym.derive(model)
        with pytest.raises(NoStepError, match="a later value"):
            derivation.paths("W").to_text()
        with pytest.raises(NoStepError, match="a later value"):
            derivation.jacobians().to_text()
        with pytest.raises(RnnsymError, match="a later value"):
            rnnsym.flow(model)


def test_one_recurrence_runs_in_one_direction() -> None:
    with pytest.raises(ModelError, match="both earlier and later"):
        Model("h[t] = tanh(h[t-1] + g[t])\ng[t] = tanh(g[t+1] + h[t])\nE[t] = dot(g[t], h[t])")


def test_two_boundary_equations_with_pre_activations() -> None:
    """The pre-activation of h[2] passes back what reaches it, though the general equation begins at step 3."""
    text = (
        "h[1] = tanh(x[1])\nh[2] = tanh(W @ h[1])\nh[t] = tanh(W @ h[t-1] + V @ h[t-2])\nE = squared_error(d[T], h[T])"
    )
    for length in (2, 3, 5):
        assert rnnsym.crosscheck(Model(text), length=length).passed
