"""The shipped models: each loads, says where it comes from, and computes what it is known to compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx.helper import make_node
from onnx.reference import ReferenceEvaluator

from rnnsym.checks.reference import Evaluation
from rnnsym.library import available, declaration, find, load

Array = NDArray[np.float64]

#: The sizes are pairwise different, so that an exchanged axis cannot go unnoticed.
T, BATCH, SIZES = 6, 3, {"m": 2, "n": 5, "k": 4}


@pytest.mark.parametrize("name", available())
def test_says_what_it_is(name: str) -> None:
    model = load(name)
    assert model.name == name
    assert model.title != name
    assert not model.title.endswith(".")
    assert 2 <= " ".join(model.summary.split()).count(". ") + 1 <= 6
    assert model.parameters


@pytest.mark.parametrize("name", available())
def test_cites_its_sources(name: str) -> None:
    sources = load(name).sources
    assert sources
    for source in sources:
        fields = dict(source.fields)
        required = {"article": {"journal", "year"}, "book": {"publisher", "year"}, "misc": {"url"}}
        required |= {"inproceedings": {"booktitle", "year"}, "techreport": {"institution", "year"}}
        required |= {"incollection": {"booktitle", "publisher", "year"}}
        assert required[fields["type"]] <= set(fields), source.key
        assert 1900 < int(fields.get("year", "2000")) < 2100
        assert "doi" not in fields or fields["doi"].startswith("10.")


def test_a_source_is_the_same_wherever_it_is_cited() -> None:
    cited: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in available():
        for source in load(name).sources:
            assert cited.setdefault(source.key, source.fields) == source.fields


def test_every_model_belongs_to_a_family() -> None:
    for name in available():
        assert declaration(find(name).read_text("utf-8"), find(name)).family, name


# Forward passes against an implementation that is not ours


def drawn(name: str, seed: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """Random parameters and inputs; the targets are distributions and not one-hot."""
    model, rng = load(name), np.random.default_rng(seed)

    def shape(variable: str) -> tuple[int, ...]:
        return tuple(SIZES[str(size)] for size in model.shapes[variable])

    params = {key: rng.normal(size=shape(key)) for key in model.parameters}
    inputs = {
        key: rng.normal(size=((T,) if key in model.sequences else ()) + (BATCH, *shape(key.partition("[")[0])))
        for key in model.input_keys
    }
    weights = np.exp(inputs["target"])
    inputs["target"] = weights / weights.sum(axis=-1, keepdims=True)
    return params, inputs


def states(name: str, params: dict[str, Array], inputs: dict[str, Array], variable: str = "h") -> Array:
    """A state at t = 1..T, (T, batch, size), evaluated from the model's equations."""
    evaluation = Evaluation(load(name), params, inputs)
    return np.stack([evaluation.value(variable, t) for t in range(1, T + 1)])


def onnx(operation: str, weights: list[Array], inputs: dict[str, Array], **options: Any) -> list[Array]:
    """The outputs of ONNX's reference implementation; W, R and B as its documentation orders them."""
    w, r, b = (part[np.newaxis] for part in weights)
    feed = {"X": inputs["x"], "W": w, "R": r, "B": b, "h": inputs["h[0]"][np.newaxis]}
    names = ["X", "W", "R", "B", "", "h"]
    if "c[0]" in inputs:
        feed["c"] = inputs["c[0]"][np.newaxis]
        names.append("c")
    outputs = ["Y", "Y_h", "Y_c"][: 3 if operation == "LSTM" else 2]
    node = make_node(operation, names, outputs, hidden_size=SIZES["n"], **options)
    return [np.asarray(found) for found in ReferenceEvaluator(node).run(None, feed)]


def stacked(params: dict[str, Array], letter: str, gates: str) -> Array:
    return np.concatenate([params[f"{letter}_{gate}"] for gate in gates])


def close(ours: Array, theirs: Array) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["rnn", "many_to_one"])
def test_vanilla_networks_compute_what_onnx_computes(name: str) -> None:
    params, inputs = drawn(name, seed=1)
    bias = np.concatenate([params["b"], np.zeros(SIZES["n"])])
    sequence, last = onnx("RNN", [params["U"], params["W"], bias], inputs)
    found = states(name, params, inputs)
    close(found, sequence[:, 0])
    close(found[-1], last[0])


def test_lstm_computes_what_onnx_computes() -> None:
    params, inputs = drawn("lstm", seed=2)
    order = "iofg"
    bias = np.concatenate([stacked(params, "b", order), np.zeros(4 * SIZES["n"])])
    sequence, _, cell = onnx("LSTM", [stacked(params, "U", order), stacked(params, "W", order), bias], inputs)
    close(states("lstm", params, inputs), sequence[:, 0])
    close(states("lstm", params, inputs, "c")[-1], cell[0])


@pytest.mark.parametrize(("name", "after"), [("gru", 0), ("gru_reset_after", 1)])
def test_both_grus_compute_what_onnx_computes(name: str, after: int) -> None:
    params, inputs = drawn(name, seed=3)
    order = "zrg"
    inner = np.concatenate([np.zeros(2 * SIZES["n"]), params.get("d_g", np.zeros(SIZES["n"]))])
    bias = np.concatenate([stacked(params, "b", order), inner])
    weights = [stacked(params, "U", order), stacked(params, "W", order), bias]
    sequence, _ = onnx("GRU", weights, inputs, linear_before_reset=after)
    close(states(name, params, inputs), sequence[:, 0])


def test_the_two_grus_differ() -> None:
    params, inputs = drawn("gru_reset_after", seed=4)
    without = {key: value for key, value in params.items() if key != "d_g"}
    assert np.abs(states("gru_reset_after", params, inputs) - states("gru", without, inputs)).max() > 0.01


# The other models against a few lines of NumPy


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(("name", "context"), [("elman", "h[0]"), ("jordan", "y[0]")])
def test_elman_remembers_its_state_and_jordan_its_output(name: str, context: str) -> None:
    params, inputs = drawn(name, seed=5)
    before, loss = inputs[context], np.zeros(BATCH)
    for x, target in zip(inputs["x"], inputs["target"], strict=True):
        h = sigmoid(x @ params["U"].T + before @ params["W"].T + params["b"])
        y = sigmoid(h @ params["V"].T + params["c"])
        loss = loss + ((target - y) ** 2).sum(axis=-1) / 2
        before = h if name == "elman" else y
    close(Evaluation(load(name), params, inputs).loss(), loss)


def test_one_to_many_reads_its_input_once() -> None:
    params, inputs = drawn("one_to_many", seed=6)
    h, y, loss = inputs["h[0]"], inputs["y[0]"], np.zeros(BATCH)
    entering = inputs["x"] @ params["U"].T
    for target in inputs["target"]:
        h = np.tanh(h @ params["W"].T + y @ params["R"].T + entering + params["b"])
        y = softmax(h @ params["V"].T + params["c"])
        loss = loss - (target * np.log(y)).sum(axis=-1)
        entering = np.zeros_like(entering)
    close(Evaluation(load("one_to_many"), params, inputs).loss(), loss)


def test_many_to_one_has_its_loss_at_the_end() -> None:
    params, inputs = drawn("many_to_one", seed=7)
    h = inputs["h[0]"]
    for x in inputs["x"]:
        h = np.tanh(h @ params["W"].T + x @ params["U"].T + params["b"])
    y = softmax(h @ params["V"].T + params["c"])
    close(Evaluation(load("many_to_one"), params, inputs).loss(), -(inputs["target"] * np.log(y)).sum(axis=-1))


def test_feedforward_is_one_step_of_the_rnn_without_recurrence() -> None:
    params, inputs = drawn("feedforward", seed=8)
    y = softmax(np.tanh(inputs["x"] @ params["U"].T + params["b"]) @ params["V"].T + params["c"])
    close(Evaluation(load("feedforward"), params, inputs).loss(), -(inputs["target"] * np.log(y)).sum(axis=-1))


def test_neuron_is_logistic_regression() -> None:
    rng = np.random.default_rng(9)
    w, b, x, target = rng.normal(size=2), rng.normal(), rng.normal(size=(BATCH, 2)), rng.uniform(size=BATCH)
    y = sigmoid(x @ w + b)
    loss = -target * np.log(y) - (1 - target) * np.log(1 - y)
    close(Evaluation(load("neuron"), {"w": w, "b": b}, {"x": x, "target": target}).loss(), loss)
