"""Every model of the library goes the whole way: all forms in print, its kernel, its checks and its claims."""

from __future__ import annotations

import json

import pytest

import rnnsym
from rnnsym import Notation
from rnnsym.library import declaration, find

NAMES = rnnsym.available()
#: Each of these takes seconds; the others of their families stand for them.
SLOW = {"attention_additive", "lstm_layer_norm", "lstm_multiplicative", "lstm_projected"}
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


@pytest.mark.parametrize("name", CASES)
def test_a_model_is_exported_and_its_gradients_are_right(name: str) -> None:
    model = rnnsym.load(name)
    compile(rnnsym.generate(model).source, name, "exec")
    report = rnnsym.crosscheck(model, length=3)
    assert report.passed, str(report)
    exact = [place for place, allowed in enumerate(report.tolerances) if allowed <= ALLOWED]
    assert max(row.errors[place] for row in report.rows for place in exact) < ALLOWED
