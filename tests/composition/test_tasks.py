"""Tasks and losses against formulas written by hand; padding against each sequence alone."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.composition.labels import ctc_inputs
from rnnsym.composition.losses import LOSSES
from rnnsym.composition.tasks import SHAPES
from rnnsym.errors import ModelError
from rnnsym.language.model import Model


def softmax(o: Any) -> Any:
    return np.exp(o) / np.exp(o).sum(axis=-1, keepdims=True)


BY_HAND = {
    "cross-entropy": lambda d, o: -(d * np.log(softmax(o))).sum(-1),
    "binary-cross-entropy": lambda d, o: -(d * np.log(1 / (1 + np.exp(-o))) + (1 - d) * np.log(1 / (1 + np.exp(o)))).sum(-1),
    "squared": lambda d, o: 0.5 * ((d - o) ** 2).sum(-1),
    "absolute": lambda d, o: np.abs(d - o).sum(-1),
    "huber": lambda d, o: np.where(np.abs(d - o) < 0.4, (d - o) ** 2 / 2, 0.4 * (np.abs(d - o) - 0.2)).sum(-1),
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_losses(loss: str, shape: str) -> None:
    model = rnnsym.task(rnnsym.load("rnn"), shape, loss, weights=True, delta=0.4)
    params, inputs, _ = draw(model, 5, length=4, batch=3)
    kernel = rnnsym.generate(model)
    found, _ = kernel.loss_and_grad(params, inputs)
    out = kernel.predict(params, {key: value for key, value in inputs.items() if key != "target"})["y"]
    by_hand = (inputs["weight"] * BY_HAND[loss](inputs["target"], out)).sum()
    assert found == pytest.approx(by_hand, rel=1e-12)
    assert rnnsym.crosscheck(model).passed


def test_many_to_one_reads_the_end_of_each_direction() -> None:
    model = rnnsym.task(rnnsym.bidirectional(rnnsym.load("rnn")), "many-to-one")
    assert "V @ concat(h_fw[T], h_bw[1]) + c" in model.text


def test_one_to_many_feeds_back() -> None:
    model = rnnsym.task(rnnsym.load("rnn"), "one-to-many")
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    p, h = inputs["p[0]"], inputs["h[0]"]
    found = rnnsym.generate(model).predict(params, inputs)
    for step in range(3):
        h = np.tanh(h @ params["W"].T + p @ params["U"].T + params["b"])
        p = softmax(h @ params["V"].T + params["c"])
        np.testing.assert_allclose(found["p"][step], p, rtol=1e-12)


@pytest.mark.parametrize("loss", ["cross-entropy", "binary-cross-entropy"])
def test_smoothed_labels(loss: str) -> None:
    """The loss of smoothed labels is the plain loss of labels that were smoothed before."""
    plain, smooth = (rnnsym.task(rnnsym.load("rnn"), loss=loss, smoothing=share) for share in (0.0, 0.2))
    params, inputs, _ = draw(plain, 1, length=4, batch=2)
    even = inputs["target"].sum(-1, keepdims=True) / inputs["target"].shape[-1] if loss == "cross-entropy" else 0.5
    before = {**inputs, "target": 0.8 * inputs["target"] + 0.2 * even}
    one, first = rnnsym.generate(plain).loss_and_grad(params, before)
    other, second = rnnsym.generate(smooth).loss_and_grad(params, inputs)
    assert one == pytest.approx(other, rel=1e-12)
    np.testing.assert_allclose(first["W"], second["W"], rtol=1e-9)
    assert rnnsym.crosscheck(smooth).passed


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != 0]


def test_ctc_adds_up_all_paths() -> None:
    model = rnnsym.task(rnnsym.load("rnn"), loss="ctc")
    labels = [[1, 2], [2, 2], [1]]
    length, classes = 4, 3
    params, inputs, _ = draw(model, 2, length=length, batch=3, sizes={"k": classes, "S": 5})
    inputs |= ctc_inputs(labels, classes)
    kernel = rnnsym.generate(model)
    loss, gradients = kernel.loss_and_grad(params, inputs)
    y = softmax(kernel.predict(params, inputs)["y"])
    expected = 0.0
    for example, wanted in enumerate(labels):
        paths = itertools.product(range(classes), repeat=length)
        expected -= np.log(
            sum(np.prod([y[t, example, c] for t, c in enumerate(p)]) for p in paths if collapsed(p) == wanted)
        )
    assert loss == pytest.approx(expected, rel=1e-12)
    for name in params:
        place = (0,) * params[name].ndim
        moved = {key: value.copy() for key, value in params.items()}
        moved[name][place] += 1e-6
        up = kernel.forward(moved, inputs)[0]
        moved[name][place] -= 2e-6
        down = kernel.forward(moved, inputs)[0]
        assert gradients[name][place] == pytest.approx((up - down) / 2e-6, abs=1e-7)


def test_ctc_stays_finite_over_long_sequences() -> None:
    model = rnnsym.task(rnnsym.load("rnn"), loss="ctc")
    params, inputs, _ = draw(model, 2, length=2000, batch=1, sizes={"k": 4, "S": 7})
    loss, gradients = rnnsym.generate(model).loss_and_grad(params, inputs | ctc_inputs([[1, 2, 3]], 4))
    assert np.isfinite(loss)
    assert all(np.isfinite(value).all() for value in gradients.values())


MASKED = {
    "every step": "rnn",
    "two states": "lstm",
    "at the end": 'task(gru, "many-to-one", "squared")',
    "both directions": 'task(bidirectional(rnn), "many-to-one", "squared")',
    "deep": "stack(bidirectional(rnn), 2)",
    "fed back": 'task(rnn, "one-to-many")',
}


@pytest.mark.parametrize("name", MASKED)
def test_padding_costs_no_gradient(name: str) -> None:
    model = rnnsym.load(MASKED[name])
    padded = rnnsym.masked(model)
    lengths = (5, 2, 3)
    params, inputs, _ = draw(padded, 7, length=max(lengths), batch=len(lengths))
    inputs["mask"] = (np.arange(max(lengths))[:, None] < np.array(lengths)).astype(float)
    loss, gradients = rnnsym.generate(padded).loss_and_grad(params, inputs)
    kernel = rnnsym.generate(model)
    total, summed = 0.0, {key: np.zeros_like(value) for key, value in params.items()}
    for example, length in enumerate(lengths):
        alone = {
            key: inputs[key][:length, [example]] if key in model.sequences else inputs[key][[example]]
            for key in model.input_keys
        }
        own, found = kernel.loss_and_grad(params, alone)
        total += own
        for key in params:
            summed[key] += found[key]
        for key in model.input_keys:
            there = gradients[key][:, example] if key in model.sequences else gradients[key][example]
            wanted = found[key][:, 0] if key in model.sequences else found[key][0]
            np.testing.assert_allclose(there[: len(wanted)] if key in model.sequences else there, wanted, atol=1e-12)
            if key in model.sequences:
                assert not there[length:].any()
    assert loss == pytest.approx(total, rel=1e-12)
    for key in params:
        np.testing.assert_allclose(gradients[key], summed[key], atol=1e-12)


def test_a_mean_over_time_is_one_over_the_steps_that_are_there() -> None:
    text = "h[t] = tanh(W @ h[t-1] + x[t])\nE = mean(squared_error(d[t], h[t])) + 0.1 * sum(sum_elements(h[t]))"
    padded = rnnsym.masked(Model(text))
    params, inputs, _ = draw(padded, 1, length=4, batch=1)
    inputs["mask"] = np.array([[1.0], [1.0], [0.0], [0.0]])
    short = {key: value[:2] if key in ("x", "d") else value for key, value in inputs.items()}
    assert rnnsym.generate(padded).forward(params, inputs)[0] == pytest.approx(
        rnnsym.generate(Model(text)).forward(params, short)[0]
    )


def test_several_losses() -> None:
    model = rnnsym.with_loss(rnnsym.load("stack(rnn, 2)"), "R = 0.01 * sum(W_1 ** 2) + 0.01 * sum(W_2 ** 2)")
    assert [str(loss.target) for loss in model.losses] == ["E[t]", "R"]
    assert rnnsym.crosscheck(model).passed
    for taken in "EW":
        with pytest.raises(ModelError, match=f"rnn has {taken} already"):
            rnnsym.with_loss(rnnsym.load("rnn"), f"{taken} = sum(U ** 2)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": "many-to-none"}, "there is no task"),
        ({"loss": "hubert"}, "did you mean huber"),
        ({"loss": "squared", "smoothing": 0.1}, "smoothed for losses of classes"),
        ({"smoothing": 2}, "a share from 0 to 1"),
        ({"loss": "ctc", "shape": "many-to-one"}, "goes with many-to-many"),
        ({"loss": "huber", "delta": -1}, "positive"),
    ],
)
def test_tasks_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        rnnsym.task(rnnsym.load("rnn"), **options)  # type: ignore[arg-type]


def test_parts_of_a_vector_that_are_states_keep_their_values_under_a_mask() -> None:
    model = Model(
        "p[t], q[t] = split(tanh(W @ concat(p[t-1], q[t-1]) + U @ x[t]))\nE[t] = squared_error(d[t], p[t])",
        sizes={"p": "n", "q": "m"},
    )
    assert rnnsym.crosscheck(rnnsym.masked(model)).passed
