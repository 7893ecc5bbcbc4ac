"""Verdicts on functions: relations with their numbers, conventions, and what cannot be judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.verify.functions.file import verify_file
from rnnsym.verify.functions.verify import adapt, verify_function

Arrays = Mapping[str, Any]
RNN = rnnsym.load("rnn")
KERNEL = rnnsym.generate(RNN)


def right(params: Arrays, inputs: Arrays) -> tuple[float, dict[str, Any]]:
    return KERNEL.loss_and_grad(params, inputs)


def gradients(params: Arrays, inputs: Arrays) -> dict[str, Any]:
    found = right(params, inputs)[1]
    return {key: found[key] for key in RNN.parameters}


def shape(inputs: Arrays) -> tuple[int, int]:
    steps, batch = inputs["x"].shape[:2]
    return steps, batch


def changed(change: Callable[[str, Any, Arrays], Any]) -> Callable[[Arrays, Arrays], dict[str, Any]]:
    return lambda params, inputs: {key: change(key, g, inputs) for key, g in gradients(params, inputs).items()}


# Relations


@pytest.mark.parametrize(
    ("change", "kind", "factor"),
    [
        (lambda key, g, i: g / shape(i)[0], "multiple", "1/T"),
        (lambda key, g, i: g / shape(i)[1], "multiple", "1/B"),
        (lambda key, g, i: g / np.prod(shape(i)), "multiple", "1/(T B)"),
        (lambda key, g, i: g / i["target"].shape[2], "multiple", "1/k"),
        (lambda key, g, i: g / i["target"].size, "multiple", "1/(T B k)"),
        (lambda key, g, i: g * shape(i)[1], "multiple", "B"),
        (lambda key, g, i: 2 * g, "multiple", "2"),
        (lambda key, g, i: 0.37 * g / shape(i)[0], "multiple", "0.37/T"),
        (lambda key, g, i: -g, "negative", "-1"),
        (lambda key, g, i: -0.01 * g / shape(i)[1], "update", "-0.01/B"),
    ],
)
def test_multiples(change: Any, kind: str, factor: str) -> None:
    result = verify_function(RNN, changed(change))
    assert str(result.verdict) == "refuted"
    assert {found.relation.kind for found in result.gradients.values()} == {kind}
    assert {found.relation.detail["factor"] for found in result.gradients.values()} == {factor}
    assert result.diagnosis[0].kinds == (kind,)


def test_one_gradient_alone() -> None:
    result = verify_function(RNN, changed(lambda key, g, i: g / shape(i)[1] if key == "b" else g))
    assert result.wrong == ("b",)
    assert "averaged over the batch" in result.diagnosis[0].texts[0]
    assert result.gradients["W"].relation.kind == "exact"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda key, g, i: g.T if key == "W" else g, "transposed"),
        (lambda key, g, i: np.zeros_like(g) if key == "W" else g, "zero"),
        (lambda key, g, i: np.clip(g, -0.05, 0.05) if key == "W" else g, "clipped"),
        (lambda key, g, i: g * min(1.0, 0.1 / np.linalg.norm(g)) if key == "W" else g, "clipped"),
    ],
)
def test_relations_of_one_gradient(change: Any, kind: str) -> None:
    result = verify_function(RNN, changed(change))
    assert result.gradients["W"].relation.kind == kind
    assert result.wrong == ("W",)


def test_common_norm() -> None:
    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        found = gradients(params, inputs)
        norm = np.sqrt(sum((g**2).sum() for g in found.values()))
        return {key: g * min(1.0, 1.0 / norm) for key, g in found.items()}

    result = verify_function(RNN, function)
    assert {found.relation.text for found in result.gradients.values()} == {
        "scaled down so that their common norm is at most 1"
    }


def test_exchanged() -> None:
    model = rnnsym.load("gru")
    kernel = rnnsym.generate(model)

    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        _, found = kernel.loss_and_grad(params, inputs)
        return {"W_r": found["W_z"], "W_z": found["W_r"], "W_g": found["W_g"]}

    result = verify_function(model, function)
    assert result.gradients["W_r"].relation.text == "the gradient of W_z"
    assert result.gradients["W_g"].relation.kind == "exact"


def test_right_weights_and_a_wrong_input() -> None:
    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        found = right(params, inputs)[1]
        found["x"] = found["x"][::-1]
        return {key: found[key] for key in ("W", "U", "x")}

    result = verify_function(RNN, function)
    assert result.wrong == ("x",)
    assert "reversed" in result.gradients["x"].relation.text


def test_another_loss() -> None:
    """Forward with cross-entropy, backward with the squared error."""
    other = rnnsym.generate(rnnsym.Model(RNN.text.replace("cross_entropy", "squared_error"), RNN.sizes))

    def function(params: Arrays, inputs: Arrays) -> tuple[float, dict[str, Any]]:
        found = other.loss_and_grad(params, inputs)[1]
        return right(params, inputs)[0], {key: found[key] for key in RNN.parameters}

    result = verify_function(RNN, function)
    assert result.loss is not None
    assert result.loss.kind == "exact"
    assert "E[t] = squared_error(target[t], y[t])" in result.diagnosis[0].texts[0]
    assert "the loss is the model's" in result.diagnosis[0].texts[0]
    assert "the gradients are not those of the loss that the function itself returns" in result.facts


def test_loss_and_gradient_of_another_model() -> None:
    other = rnnsym.generate(rnnsym.Model(RNN.text.replace("tanh", "sigmoid"), RNN.sizes))
    result = verify_function(RNN, other.loss_and_grad)
    assert "h[t] = sigmoid(W @ h[t-1] + U @ x[t] + b)" in result.diagnosis[0].texts[0]
    assert any("the gradients are those of the loss that the function returns" in fact for fact in result.facts)


@pytest.mark.parametrize(
    ("restrict", "says"),
    [
        (lambda i: {k: np.repeat(a[:, :1] if a.ndim == 3 else a[:1], shape(i)[1], -2) for k, a in i.items()}, "B = 1"),
        (lambda i: {**i, "h[0]": 0 * i["h[0]"]}, "the initial states are zero"),
        (lambda i: {**i, "target": i["target"] / i["target"].sum(-1, keepdims=True)}, "each target sum to one"),
        (lambda i: {**i, "target": np.eye(i["target"].shape[2])[i["target"].argmax(-1)]}, "each target is one-hot"),
    ],
)
def test_right_under_an_assumption(restrict: Any, says: str) -> None:
    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        return gradients(params, restrict(inputs))

    result = verify_function(RNN, function)
    assert str(result.verdict) == "conditional"
    assert says in result.assumptions[0]
    assert result.holds


def test_right_for_equal_sizes_only() -> None:
    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        found = gradients(params, inputs)
        n, m = params["U"].shape
        return {**found, "U": found["U"] * n / m}

    result = verify_function(RNN, function)
    assert result.gradients["U"].verdict.value in ("conditional", "refuted")
    assert "all sizes are equal" in str(result)


def test_a_loss_of_its_own() -> None:
    result = verify_function(
        RNN, lambda params, inputs: (lambda found: (found[0] / 2, found[1]))(right(params, inputs))
    )
    assert result.loss is not None
    assert result.loss.text == "1/2 times the model's loss"
    assert not result.wrong
    assert str(result.verdict) == "refuted"


@pytest.mark.parametrize(("loss", "unit"), [("mean", (1, 1)), ("mean_time", (1, 0)), ("mean_batch", (0, 1))])
def test_losses(loss: str, unit: tuple[int, int]) -> None:
    def function(params: Arrays, inputs: Arrays) -> tuple[float, dict[str, Any]]:
        steps, batch = shape(inputs)
        factor = 1 / steps ** unit[0] / batch ** unit[1]
        value, found = right(params, inputs)
        return value * factor, {key: g * factor for key, g in found.items()}

    assert str(verify_function(RNN, function, loss=loss).verdict) == "supported"
    assert str(verify_function(RNN, function).verdict) == "refuted"


def test_only_a_subset_is_returned() -> None:
    result = verify_function(RNN, lambda params, inputs: {"dU": gradients(params, inputs)["U"]})
    assert str(result.verdict) == "supported"
    assert set(result.missing) == {"W", "V", "b", "c", "x", "h[0]"}


# What cannot be judged


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda p, i: None, "returned None; expected a dictionary of gradients"),
        (lambda p, i: {}, "empty dictionary"),
        (lambda p, i: {"Wx": p["W"]}, "gradient of 'Wx'"),
        (lambda p, i: {"W": "text"}, "W is a str; expected an array of the shape (n, n) = "),
        (lambda p, i: {"U": p["U"].T}, "it is the transpose"),
        (lambda p, i: {"b": np.zeros((i["x"].shape[1], *p["b"].shape))}, "axis 0, of length 3, is not summed"),
        (lambda p, i: {"b": p["b"] * np.inf}, "b is infinite at [0]"),
        (lambda p, i: {"W": [[1.0], [1.0, 2.0]]}, "W is a list of 2; expected an array"),
        (lambda p, i: {"W": p["W"] * 1j}, "W is a complex array of the shape (3, 3); expected"),
        (lambda p, i: {3: p["W"]}, "gradient of '3'"),
        (lambda p, i: [][0], "the function raised IndexError: list index out of range"),
        (lambda p, i: exit(1), "the function raised SystemExit: 1"),
        (dict, "the function raised TypeError"),
        (lambda p, i: (_ for _ in ()), "returned a generator; expected a dictionary"),
        (lambda p, i: {"b": p["b"] + np.ones(77)}, "the function raised ValueError"),
        (lambda p, i: (np.ones(3), {"b": p["b"]}), "the loss is an array of the shape (3,); expected one number"),
        (lambda p, i: {"b": p["b"]} if len(i["x"]) == 4 else {"c": p["c"]}, "other gradients for other data"),
        (lambda p, i: i["x"].fill(0.0) or gradients(p, i), "changes its argument x in place"),
    ],
)
def test_malformed(function: Any, says: str) -> None:
    result = verify_function(RNN, function)
    assert str(result.verdict) == "malformed"
    assert says in str(result)


def test_arrays_that_are_not_finite_do_not_stop_the_judge() -> None:
    result = verify_function(RNN, lambda p, i: {"W": gradients(p, i)["W"], "b": np.full_like(p["b"], np.nan)})
    assert "b is NaN at [0]" in str(result)


def test_single_precision() -> None:
    kernel = rnnsym.generate(RNN, dtype="float32")

    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        found = kernel.loss_and_grad(*({key: a.astype("float32") for key, a in d.items()} for d in (params, inputs)))[1]
        return {key: found[key] for key in RNN.parameters}

    assert str(verify_function(RNN, function).verdict) == "supported"
    result = verify_function(RNN, lambda p, i: {key: g / len(i["x"]) for key, g in function(p, i).items()})
    assert result.diagnosis[0].kinds == ("multiple",)


# Conventions


def test_options_that_make_no_sense() -> None:
    for options, says in (
        ({"layout": "diagonal"}, "layout is 'rows' or 'columns'"),
        ({"loss": "median"}, "loss is 'sum'"),
        ({"names": {"Wx": "a"}}, "names: rnn has no 'Wx'"),
        ({"stack": {"A": [["x"]]}}, "x is not a parameter"),
        ({"outputs": ["Q"]}, "outputs: rnn has no 'Q'"),
        ({"names": {"W": "Wh"}, "transpose": ["Wh"]}, "this is what the function calls W: write W here"),
        ({"indices": ["W"]}, "W has no time index and is taken for a parameter"),
    ):
        with pytest.raises(rnnsym.RnnsymError, match=says.replace("(", r"\(")):
            verify_function(RNN, right, **options)


def columns(params: Arrays, inputs: Arrays) -> tuple[Any, ...]:
    """Columns (n, B), names of its own, a tuple."""
    W, U, V = params["Whh"], params["Wxh"], params["Why"]
    assert params["bh"].shape == (W.shape[0], 1)
    hs = [inputs["h[0]"]]
    for x in inputs["x"]:
        hs.append(np.tanh(W @ hs[-1] + U @ x + params["bh"]))
    dW, dU, db, dh = np.zeros_like(W), np.zeros_like(U), np.zeros_like(params["bh"]), 0.0
    for t in range(len(hs) - 1, 0, -1):
        scores = np.exp(V @ hs[t] + params["by"])
        target = inputs["target"][t - 1]
        dy = scores / scores.sum(0) * target.sum(0) - target
        da = (V.T @ dy + dh) * (1 - hs[t] ** 2)
        dW, dU, db, dh = dW + da @ hs[t - 1].T, dU + da @ inputs["x"][t - 1].T, db + da.sum(1, keepdims=True), W.T @ da
    return dW, dU, db, dh


@pytest.mark.parametrize("batch", ["batched", "single"])
def test_columns(batch: str) -> None:
    names = {"W": "Whh", "U": "Wxh", "V": "Why", "b": "bh", "c": "by"}
    options: dict[str, Any] = {"layout": "columns", "batch": batch, "names": names, "outputs": ("W", "U", "b", "h[0]")}
    assert str(verify_function(RNN, columns, **options).verdict) == "supported"
    adapted = adapt(RNN, columns, **options)
    data = draw(RNN, 3, 4, 3)
    expected = right(data.params, data.inputs)[1]
    for key, found in adapted(data.params, data.inputs).items():
        np.testing.assert_allclose(found, expected[key], rtol=1e-9, atol=1e-12)


def test_stacked_blocks_of_different_widths() -> None:
    def stacked(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        n = len(params["b"])
        found = gradients({"W": params["A"][:, :n], "U": params["A"][:, n:], **{k: params[k] for k in "Vbc"}}, inputs)
        return {"A": np.hstack([found["W"], found["U"] * 2]), "V": found["V"]}

    result = verify_function(RNN, stacked, stack={"A": [["W", "U"]]})
    assert result.wrong == ("U",)
    assert result.gradients["U"].relation.detail["factor"] == "2"


# Results


def test_results_are_the_same_each_time_and_are_plain_data() -> None:
    first, second = (verify_function(RNN, changed(lambda key, g, i: -g if key == "W" else g)) for _ in range(2))
    assert str(first) == str(second)
    told = json.loads(json.dumps(first.to_dict()))
    assert told["verdict"] == "refuted"
    assert told["gradients"]["W"]["relation"] == "negative"
    assert first.counterexample is not None
    assert first.counterexample.length == 1
    assert first.counterexample.returned == pytest.approx(-first.counterexample.expected)
    assert not first
    assert "smallest counterexample: T = 1, B = 1" in str(first)


def test_models_without_time_or_with_one_loss() -> None:
    for name in ("neuron", "feedforward", "many_to_one", "one_to_many", "jordan"):
        model = rnnsym.load(name)
        kernel = rnnsym.generate(model)
        assert str(verify_function(model, kernel.loss_and_grad).verdict) == "supported", name


# Files

FILE = """
import numpy as np
from neighbour import scale

def helper(a, b):
    return a

def right(params, inputs):
    return {"w": scale * ((params["w"] * inputs["x"]) * inputs["x"]).sum((0, 1))}

def wrong(params, inputs):
    return {"w": right(params, inputs)["w"] * 3}
"""
LINE = rnnsym.Model("E[t] = squared_error(0 * x[t], w * x[t])", sizes={"x": "n", "w": "n"})


def test_files(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("scale = 1\n")
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    found = verify_file(LINE, path)
    assert {name: str(result.verdict) for name, result in found.items()} == {"right": "supported", "wrong": "refuted"}
    assert list(verify_file(LINE, f"{path}:wrong")) == ["wrong"]
    with pytest.raises(rnnsym.RnnsymError, match="has no function 'wrnog'; did you mean wrong"):
        verify_file(LINE, f"{path}:wrnog")
    path.write_text("def f(:\n")
    with pytest.raises(rnnsym.RnnsymError, match="line 1 cannot be run: SyntaxError"):
        verify_file(LINE, path)
    path.write_text("x = 1\n")
    with pytest.raises(rnnsym.RnnsymError, match="no function of the arguments params and inputs"):
        verify_file(LINE, path)
    with pytest.raises(rnnsym.RnnsymError, match="there is no file"):
        verify_file(LINE, tmp_path / "other.py")
