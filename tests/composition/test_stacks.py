"""Layers, directions, encoder and decoder: each against running its parts one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, relative_difference
from rnnsym.errors import ModelError
from rnnsym.language.model import Model
from rnnsym.testing import models

CELLS = ("rnn", "lstm", "gru", "gru_reset_after")


def right(model: Model, seed: int = 0, length: int = 4) -> None:
    """The kernel's gradients are those of the complex step on the syntax tree."""
    params, inputs, sizes = draw(model, seed, length=length, batch=2)
    steps = max(length, model.timing.minimum_length)
    _, gradients = rnnsym.generate(model, sizes).loss_and_grad(params, inputs, length=steps)
    assert relative_difference(complex_step(model, params, inputs, length=steps), gradients) < 1e-9, model.text


def predicted(model: Model, params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    return rnnsym.generate(model).predict(params, inputs)


@pytest.mark.parametrize("name", CELLS)
def test_a_stack_is_its_layers_one_after_the_other(name: str) -> None:
    cell = rnnsym.load(name)
    deep = rnnsym.stack(cell, 2)
    params, inputs, _ = draw(deep, 1, length=4, batch=2)
    found = predicted(deep, params, inputs)
    x = inputs["x"]
    for layer in (1, 2):
        own = {key: params.get(f"{key}_{layer}", params.get(key)) for key in cell.parameters}
        starts = {f"{n}[{t}]": inputs[f"{n}_{layer}[{t}]"] for n, t in cell.given}
        x = predicted(cell, own, {"x": x, **starts})["h"]
        np.testing.assert_allclose(found[f"h_{layer}"], x, rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_backwards_is_forwards_on_the_reversed_sequence(name: str) -> None:
    cell = rnnsym.load(name)
    both = rnnsym.bidirectional(cell)
    params, inputs, _ = draw(both, 2, length=5, batch=2)
    found = predicted(both, params, inputs)
    for suffix, step, start in (("fw", 1, "0"), ("bw", -1, "T+1")):
        own: dict[str, Any] = {key: params.get(f"{key}_{suffix}", params.get(key)) for key in cell.parameters}
        own = {key: value if key != "V" else value[:, : own["V"].shape[1] // 2] for key, value in own.items()}
        starts = {f"{n}[{t}]": inputs[f"{n}_{suffix}[{start}]"] for n, t in cell.given}
        h = predicted(cell, own, {"x": inputs["x"][::step], **starts})["h"][::step]
        np.testing.assert_allclose(found[f"h_{suffix}"], h, rtol=1e-12)
    np.testing.assert_allclose(found["h"], np.concatenate([found["h_fw"], found["h_bw"]], axis=-1))


def test_the_decoder_begins_where_the_encoder_ended() -> None:
    encoder, decoder = rnnsym.load("lstm"), rnnsym.load("lstm")
    model = rnnsym.encoder_decoder(encoder, decoder)
    params, inputs, _ = draw(model, 3, length=4, batch=2)
    found = predicted(model, params, inputs)
    enc: dict[str, Any] = {key: params.get(f"{key}_enc") for key in encoder.parameters if f"{key}_enc" in params}
    whole = rnnsym.task(encoder)  # any read-out will do
    more, _, _ = draw(whole, 0, length=4)
    size = {"V": np.zeros((2, enc["W_i"].shape[0])), "c": np.zeros(2), "c_": 0}
    starts = {key: inputs[key.replace("[", "_enc[")] for key in ("h[0]", "c[0]")}
    own = {key: enc.get(key, size.get(key, np.zeros(2))) for key in more}
    states = predicted(whole, own, {"x": inputs["x_enc"], **starts})
    np.testing.assert_allclose(found["h_enc"], states["h"], rtol=1e-12)
    dec = {key: params[f"{key}_dec"] for key in decoder.parameters}
    after = predicted(decoder, dec, {"x": inputs["x_dec"], "h[0]": states["h"][-1], "c[0]": states["c"][-1]})
    np.testing.assert_allclose(found["y_dec"], after["y"], rtol=1e-12)


COMPOSITIONS = {
    "stack": "stack({}, 2)",
    "residual": "stack({}, 3, residual=True, dropout=True)",
    "bidirectional": "bidirectional({})",
    "sum": 'bidirectional({}, merge="sum")',
    "deep and both ways": "stack(bidirectional({}), 2)",
    "both ways and deep": "bidirectional(stack({}, 2))",
    "masked": "masked(stack({}, 2))",
    "seq2seq": "encoder_decoder({0}, {0}, project=True)",
    "to one": 'task(bidirectional({}), "many-to-one", "huber")',
    "fed back": 'task({}, "one-to-many")',
}


@pytest.mark.parametrize("name", COMPOSITIONS)
@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_gradients(cell: str, name: str) -> None:
    model = rnnsym.load(COMPOSITIONS[name].format(cell))
    right(model)
    derivation = rnnsym.derive(model)
    assert derivation.replay() == derivation.adjoints


def test_all_routes_agree() -> None:
    assert rnnsym.crosscheck(rnnsym.load("stack(bidirectional(rnn), 2)")).passed


@pytest.mark.slow
def test_every_shipped_model_that_has_one_input_and_one_output() -> None:
    worked = []
    for name in rnnsym.available():
        cell = rnnsym.load(name)
        try:
            deep = rnnsym.stack(cell, 2, residual=True)
        except ModelError:  # it wants to be told its input or output
            continue
        right(deep)
        worked.append(name)
    assert set(CELLS) <= set(worked)


@settings(max_examples=25)
@given(models(), st.data())
def test_drawn_models(model: Model, data: st.DataObject) -> None:
    """Any computed sequence can be the output of a cell, and any input sequence its input."""
    losses = {loss.target.name for loss in model.losses}
    outputs = [name for name in model.names if name in model.timed and name in model.defined and name not in losses]
    assume(outputs)
    output = data.draw(st.sampled_from(outputs))
    compositions = [
        lambda: rnnsym.stack(model, 2, output=output, input=data.draw(st.sampled_from(model.sequences or ("x",)))),
        lambda: rnnsym.bidirectional(model, output=output, merge="sum"),
        lambda: rnnsym.masked(model),
    ]
    try:
        composed = data.draw(st.sampled_from(compositions))()
    except ModelError:  # shapes that do not fit, or a model that is no cell
        assume(False)
    right(composed)


def test_questions_are_asked_where_the_equations_leave_something_open() -> None:
    two = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + V @ z[t])\nE[t] = squared_error(d[t], h[t])")
    with pytest.raises(ModelError, match="several sequences: x, z") as caught:
        rnnsym.stack(two, 2)
    assert 'input="x"' in str(caught.value)
    right(rnnsym.stack(two, 2, input="z"))
    forked = Model("h[t] = tanh(h[t-1] + x[t])\ng[t] = tanh(g[t-1] + x[t])\nE[t] = dot(g[t], h[t])")
    with pytest.raises(ModelError, match="leaves open which variable is its output"):
        rnnsym.bidirectional(forked)
    with pytest.raises(ModelError, match="no parameter of the cell"):
        rnnsym.stack(rnnsym.load("rnn"), 2, shared=["W_"])
    with pytest.raises(ModelError, match="at least one layer"):
        rnnsym.stack(two, 0)
    with pytest.raises(ModelError, match="at most 100 layers"):
        rnnsym.stack(two, 10**9)


def test_shared_and_tied_weights() -> None:
    rnn = rnnsym.load("rnn")
    shared = rnnsym.stack(rnnsym.tie(rnn, {"U": "W"}), 2, shared=["W", "b"])
    assert shared.parameters == ("W", "b", "V", "c")
    right(shared)
    tied = rnnsym.tie(rnnsym.stack(rnn, 2), {"V": "U_1.T", "W_2": "W_1"})
    assert "V" not in tied.parameters
    assert tied.shapes["c"] == tied.shapes["x"]
    right(tied)
    with pytest.raises(ModelError, match="not made of parameters"):
        rnnsym.tie(rnn, {"V": "x.T"})


def test_documents_have_a_section_for_each_layer() -> None:
    derivation = rnnsym.derive(rnnsym.load("stack(lstm, 2)"))
    text = derivation.to_text()
    for title in ("Forward equations: layer 1", "Derivation: layer 2", "Adjoints: layer 1", "Gradients: layer 2"):
        assert title in text
    latex = derivation.to_latex("result", document=False)
    assert r"a^{(2)}_{i,t} &= W^{(2)}_i h^{(2)}_{t-1} + U^{(2)}_i h^{(1)}_t + b^{(2)}_i" in latex


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("stack(rnn, two)", "neither a number nor a text"),
        ("stak(rnn, 2)", "did you mean stack"),
        ("stack(rnm, 2)", "did you mean rnn"),
        ("stack(rnn, 2, layer=3)", "do not fit"),
        ("stack()", "takes 1 model first"),
        ("stack(rnn, __import__('os'))", "neither a number nor a text"),
        ("task(rnn, 'many-to-few')", "there is no task"),
        ("stack(rnn 2)", "neither a model nor a composition"),
    ],
)
def test_specs_that_cannot_be_read(spec: str, message: str) -> None:
    with pytest.raises(rnnsym.RnnsymError, match=message):
        rnnsym.load(spec)
