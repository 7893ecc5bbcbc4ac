"""Every model of the library goes the whole way: all forms in print, its kernel, its checks and its claims."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rnnsym
from rnnsym import Notation
from rnnsym.checks.data import draw
from rnnsym.library import declaration, find

NAMES = rnnsym.available()
#: Each of these takes seconds; the others of their families stand for them.
SLOW = {
    "attention_additive",
    "attention_intra",
    "gsa",
    "ttt_mlp",
    "comba",
    "abc",
    "longhorn",
    "rwkv7",
    "lstm_layer_norm",
    "lstm_multiplicative",
    "lstm_projected",
    "lstm_phased",
    "lstm_mogrifier",
    "gru_d",
    "kimi_delta",
    "deltaproduct",
    "mesanet",
    "titans",
    "rnn_cayley",
    "rwkv6",
    "hgrn2",
    "unicornn",
}
CASES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in NAMES]
#: A gradient may be off by so much, relative to the whole gradient.
ALLOWED = 1e-9


def test_the_library_has_the_families_that_people_use() -> None:
    families = {declaration(find(name).read_text("utf-8"), find(name)).family for name in NAMES}
    assert {"feed-forward", "classical", "gated", "continuous time", "linear", "matrix state", "attention"} == families
    assert len(NAMES) >= 45


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_about_as_long_as_the_box_of_its_paper(name: str) -> None:
    found = declaration(find(name).read_text("utf-8"), find(name))
    assert len(found.equations.strip().splitlines()) <= 14


@pytest.mark.parametrize("name", CASES)
def test_a_model_is_derived_and_printed_in_all_forms(name: str) -> None:
    model = rnnsym.load(name)
    derivation = rnnsym.derive(model)
    assert derivation.replay() == derivation.adjoints
    assert json.loads(derivation.to_notebook("result"))["cells"]
    texts = [derivation.to_text("outline"), derivation.to_text("result", Notation(indices=True))]
    texts += [derivation.to_markdown("result"), derivation.to_latex("result"), derivation.to_html("result")]
    one = model.parameters[0]
    forms = (derivation.paths(one), derivation.truncated(2, one), derivation.forward(one), derivation.jacobians())
    texts += [form.to_text("result") for form in (*forms, derivation.second_order(one))]
    if model.timed:
        texts.append(derivation.unroll(max(2, model.timing.minimum_length)).to_text("result"))
    assert all(len(text) > 100 for text in texts)


def assert_learning_can_start(kernel: rnnsym.Kernel, model: rnnsym.Model) -> None:
    """At the parameters of `init` the loss has a value, and every parameter a gradient that is not zero.

    What only one branch of a model reads has one in some of the draws.
    """
    moved = set()
    for seed in (3, 4):
        drawn, inputs, sizes = draw(model, seed, length=4, batch=2)
        params = kernel.init(0, **sizes) | {name: drawn[name] for name in model.fixed}
        loss, gradients = kernel.loss_and_grad(params, inputs)
        assert np.isfinite(loss)
        for name in model.parameters:
            assert np.all(np.isfinite(gradients[name])), name
        moved |= {name for name in model.parameters if np.any(gradients[name])}
    assert moved == set(model.parameters)


@pytest.mark.parametrize("name", CASES)
def test_a_model_is_exported_and_its_gradients_are_right(name: str) -> None:
    model = rnnsym.load(name)
    assert_learning_can_start(rnnsym.generate(model), model)
    report = rnnsym.crosscheck(model, length=3)
    assert report.passed, str(report)
    exact = [place for place, allowed in enumerate(report.tolerances) if allowed <= ALLOWED]
    assert max(row.errors[place] for row in report.rows for place in exact) < ALLOWED
