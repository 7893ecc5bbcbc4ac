"""Every model of the library goes the whole way: all forms in print, its kernel, its checks and its claims."""

from __future__ import annotations

import ast
import json

import pytest

import rnnsym
from rnnsym import Notation
from rnnsym.library import declaration, find

NAMES = rnnsym.available()
#: Each of these takes seconds; the others of their families stand for them.
SLOW = {
    "attention_additive", "attention_dot", "gated_deltanet", "lmu", "lstm_layer_norm", "lstm_multiplicative",
    "lstm_projected", "mgu", "rwkv", "scrn", "slstm",
}  # fmt: skip
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
def test_a_model_is_printed_in_all_forms(name: str) -> None:
    model = rnnsym.load(name)
    derivation = rnnsym.derive(model)
    texts = [derivation.to_text("outline"), derivation.to_text("result", Notation(indices=True))]
    texts += [derivation.to_markdown("result"), derivation.to_latex("result"), derivation.to_html("result")]
    assert json.loads(derivation.to_notebook("result"))["cells"]
    for form in (derivation.paths(), derivation.truncated(2), derivation.forward(), derivation.jacobians()):
        texts.append(form.to_text("result"))
    texts.append(derivation.second_order(model.parameters[0]).to_text("result"))
    if model.timed:
        texts.append(derivation.unroll(max(2, model.timing.minimum_length)).to_text("result"))
    assert all(len(text) > 100 for text in texts)


@pytest.mark.parametrize("name", CASES)
def test_the_steps_of_a_derivation_lead_to_it(name: str) -> None:
    derivation = rnnsym.derive(rnnsym.load(name))
    assert derivation.replay() == derivation.adjoints


@pytest.mark.parametrize("name", CASES)
def test_a_model_is_exported_and_its_gradients_are_right(name: str) -> None:
    model = rnnsym.load(name)
    assert ast.parse(rnnsym.generate(model).source)
    report = rnnsym.crosscheck(model, length=3)
    assert report.passed, str(report)
    exact = [place for place, allowed in enumerate(report.tolerances) if allowed <= ALLOWED]
    assert max(row.errors[place] for row in report.rows for place in exact) < ALLOWED
