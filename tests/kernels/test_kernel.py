"""Generated kernels: right, standalone, and clear about what does not fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnsym
from rnnsym import Model, RnnsymError, generate
from rnnsym.checks import numeric
from rnnsym.checks.data import draw
from rnnsym.testing import models

RNN = "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\ny[t] = softmax(V @ h[t] + c)\nE[t] = cross_entropy(target[t], y[t])"


def problem(model: Model, seed: int = 0, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    params, inputs, _ = draw(model, seed, **options)
    return dict(params), dict(inputs)


@pytest.mark.parametrize("name", rnnsym.available())
def test_shipped_models_against_the_complex_step(name: str) -> None:
    model = rnnsym.load(name)
    kernel = generate(model)
    params, inputs = problem(model, length=5, batch=3)
    loss, gradients = kernel.loss_and_grad(params, inputs)
    assert loss == pytest.approx(numeric.loss(model, params, inputs), rel=1e-13)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs)) < 1e-12


@given(models(), st.integers(3, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_drawn_models_against_the_complex_step(model: Model, length: int, batch: int, seed: int) -> None:
    params, inputs = problem(model, seed, length=length, batch=batch)
    steps = max(length, model.timing.minimum_length)
    loss, gradients = generate(model).loss_and_grad(params, inputs)
    assert loss == pytest.approx(numeric.loss(model, params, inputs, length=steps), rel=1e-12, abs=1e-12)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs, length=steps)) < 1e-12


@given(models())
@settings(max_examples=20)
def test_the_shortest_sequence(model: Model) -> None:
    shortest = model.timing.minimum_length
    params, inputs = problem(model, length=shortest, batch=2)
    _, gradients = generate(model).loss_and_grad(params, inputs)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs, length=shortest)) < 1e-12


def test_a_batch_is_the_sum_of_its_examples() -> None:
    model = rnnsym.load("lstm")
    kernel = generate(model)
    params, inputs = problem(model, batch=3)
    loss, gradients = kernel.loss_and_grad(params, inputs)
    axis = {key: int(key in model.sequences) for key in inputs}
    parts = [
        kernel.loss_and_grad(params, {key: np.take(value, [number], axis=axis[key]) for key, value in inputs.items()})
        for number in range(3)
    ]
    assert loss == pytest.approx(sum(part[0] for part in parts))
    for name in model.parameters:
        assert np.allclose(gradients[name], sum(part[1][name] for part in parts))
    for key in inputs:
        assert np.allclose(gradients[key], np.concatenate([part[1][key] for part in parts], axis=axis[key]))


def test_nothing_handed_in_is_changed() -> None:
    model = rnnsym.load("gru")
    params, inputs = problem(model)
    before = {key: value.copy() for key, value in (params | inputs).items()}
    generate(model).loss_and_grad(params, inputs)
    assert all(np.array_equal(value, before[key]) for key, value in (params | inputs).items())


def test_float32() -> None:
    model = rnnsym.load("lstm")
    params, inputs = problem(model, length=6)
    _, wide = generate(model).loss_and_grad(params, inputs)
    _, narrow = generate(model, dtype="float32").loss_and_grad(params, inputs)
    assert all(array.dtype == np.float32 for array in narrow.values())
    assert numeric.relative_difference(wide, {key: array.astype(float) for key, array in narrow.items()}) < 1e-5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_saturated_softmax_gives_no_nan(dtype: str) -> None:
    """Cross-entropy of a softmax stays finite where the softmax underflows, also where it feeds back."""
    for text in (RNN, RNN.replace("W @ h[t-1]", "W @ y[t-1]")):
        model = Model(text)
        params, inputs = problem(model)
        params["V"] = params["V"] * 1e4
        inputs["target"] = np.eye(2)[np.zeros(inputs["target"].shape[:2], int)] if inputs["target"].shape[-1] == 2 else (
            np.eye(inputs["target"].shape[-1])[np.zeros(inputs["target"].shape[:2], int)]
        )  # fmt: skip
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            loss, gradients = generate(model, dtype=dtype).loss_and_grad(params, inputs)
        assert np.isfinite(loss)
        assert all(np.isfinite(array).all() for array in gradients.values())


def test_predict_needs_no_targets() -> None:
    model = rnnsym.load("many_to_one")
    kernel = generate(model)
    params, inputs = problem(model, batch=2)
    expected = kernel.forward(params, inputs)[1]
    found = kernel.predict(params, {key: value for key, value in inputs.items() if key != "target"})
    assert np.array_equal(found["y"], expected["y"])
    assert found["h"].shape[0] == len(inputs["x"])
    assert "E" not in found


def test_init_is_seeded_and_takes_sizes() -> None:
    kernel = generate(Model(RNN, sizes={"x": "m", "h": "n", "y": "k"}), sizes={"m": 3, "n": 4})
    params = kernel.init(1, k=2)
    assert params["U"].shape == (4, 3)
    assert params["V"].shape == (2, 4)
    assert all(np.array_equal(params[name], kernel.init(1, k=2)[name]) for name in params)
    assert not np.array_equal(params["W"], kernel.init(2, k=2)["W"])
    with pytest.raises(RnnsymError, match="needs the size of"):
        kernel.init(1)


def test_the_saved_file_stands_alone(tmp_path: Path) -> None:
    generate(rnnsym.load("lstm")).save(tmp_path / "lstm_kernel.py")
    program = (
        "import sys, lstm_kernel as k\n"
        "assert not any(name.split('.')[0] in ('rnnsym', 'sympy') for name in sys.modules)\n"
        "import numpy as np\n"
        "p = k.init(0, n=3, m=2, k=4)\n"
        "i = {key: np.ones([{'T': 5, 'B': 2, 'n': 3, 'm': 2, 'k': 4}[s] for s in shape]) for key, shape in k.INPUTS.items()}\n"
        "print(k.loss_and_grad(p, i)[0])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) > 0


def test_the_source_is_deterministic_and_says_what_each_line_computes() -> None:
    source = generate(rnnsym.load("rnn")).source
    assert source == generate(rnnsym.load("rnn")).source
    assert "# h̄[t] = Vᵀ ō[t] + Wᵀ ā[t+1]" in source
    assert "# a[t] = W h[t-1] + U x[t] + b" in source
    assert all(line == line.rstrip() for line in source.splitlines())


WRONG: dict[str, tuple[Any, str]] = {
    "missing parameter": (lambda p, i: p.pop("W"), "params lacks 'W', an array of shape (n, n)"),
    "missing input": (lambda p, i: i.pop("h[0]"), "inputs lacks 'h[0]', an array of shape (B, n)"),
    "wrong rank": (lambda p, i: p.update(b=p["b"][None]), "expected (n)"),
    "wrong size": (lambda p, i: p.update(U=p["U"][:, :1]), "(T, B, m)"),
    "wrong length": (lambda p, i: i.update(target=i["target"][:2]), "inputs['target'] has shape"),
    "wrong batch": (lambda p, i: i.update({"h[0]": i["h[0]"][:1]}), "inputs['h[0]'] has shape"),
    "no steps": (lambda p, i: i.update(x=i["x"][:0], target=i["target"][:0]), "inputs['x'] has shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_do_not_fit_are_named(name: str) -> None:
    change, message = WRONG[name]
    model = Model(RNN, sizes={"x": "m", "h": "n", "y": "k"})
    params, inputs = problem(model, batch=2)
    change(params, inputs)
    with pytest.raises(ValueError, match="shape") as caught:
        generate(model).loss_and_grad(params, inputs)
    assert message in str(caught.value)


def test_too_short_a_sequence_is_refused() -> None:
    model = Model("h[1] = U @ x[1]\nh[t] = tanh(W @ h[t-1])\nh[T] = V @ h[T-1]\nE[t] = squared_error(d[t], h[t])")
    params, inputs = problem(model, length=2)
    generate(model).loss_and_grad(params, inputs)
    with pytest.raises(ValueError, match="T >= 2"):
        generate(model).loss_and_grad(
            params, {key: value[:1] if key in model.sequences else value for key, value in inputs.items()}
        )


def test_unknown_sizes_and_types_are_refused() -> None:
    with pytest.raises(RnnsymError, match="no size 'q'"):
        generate(rnnsym.load("rnn"), sizes={"q": 3})
    with pytest.raises(RnnsymError, match="positive whole number"):
        generate(rnnsym.load("rnn"), sizes={"n": 0})
    with pytest.raises(RnnsymError, match="dtype"):
        generate(rnnsym.load("rnn"), dtype="float16")


def test_names_that_collide_with_the_code() -> None:
    """A model may use the names that the generated module uses itself."""
    text = "params[t] = tanh(np @ params[t-1] + B @ inputs[t] + bar_h)\nvalues[t] = sizes * params[t]\nloss[t] = squared_error(seed[t], values[t])"
    model = Model(text)
    params, inputs = problem(model)
    _, gradients = generate(model).loss_and_grad(params, inputs)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs)) < 1e-12


def test_pieces_may_be_named_in_any_order() -> None:
    """And one of them may never be read."""
    text = "a[t] = W @ x[t]\nq[t] = a[t][n:2 * n]\np[t] = a[t][:n]\nr[t] = a[t][2 * n:]\nE[t] = dot(p[t] * q[t], d[t])"
    model = Model(text, sizes={"p": "n", "r": "n", "d": "n"}, loss="E")
    params, inputs = problem(model, length=3, batch=2)
    _, gradients = generate(model).loss_and_grad(params, inputs)
    assert numeric.relative_difference(gradients, numeric.complex_step(model, params, inputs)) < 1e-12
