"""Kernels in C give the numbers of the NumPy kernel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import c
from rnnsym.operations import ELEMENTWISE
from rnnsym.testing import models

COMPILER = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
#: T and B: single ones, tiles that are not full, several chunks of steps, and more examples than a chunk has rows.
PROBLEMS = ((1, 1), (2, 1), (5, 2), (40, 17), (2, 150))


@cache
def kernel_of(name: str) -> rnnsym.Kernel:
    """A kernel that is compiled once for several tests."""
    return rnnsym.generate(rnnsym.load(name), backend="c")


def difference(one: Any, other: Any) -> float:
    one, other = np.asarray(one), np.asarray(other)
    assert one.shape == other.shape
    return float(np.max(np.abs(one - other), initial=0.0) / (1 + np.max(np.abs(other), initial=0.0)))


def compare(model: rnnsym.Model, dtype: str, problems: tuple[tuple[int, int], ...] = PROBLEMS) -> None:
    reference, kernel = rnnsym.generate(model, dtype=dtype), rnnsym.generate(model, dtype=dtype, backend="c")
    for seed, (length, batch) in enumerate(problems):
        steps = max(length, model.timing.minimum_length) if model.timed else 1
        params, inputs, _ = draw(model, seed, length=steps, batch=batch)
        extra = {} if model.sequences or not model.timed else {"length": steps}
        expected, values = reference.forward(params, inputs, **extra)
        wanted = reference.module.backward(params, inputs, values, **extra)
        loss, gradients = kernel.loss_and_grad(params, inputs, **extra)
        assert difference(loss, expected) < TOLERANCE[dtype]
        assert set(gradients) == set(wanted)
        for key, gradient in wanted.items():
            assert difference(gradients[key], gradient) < TOLERANCE[dtype], (key, steps, batch)
        known = {key: array for key, array in inputs.items() if key not in reference.module.TARGETS}
        outputs, given = (one.predict(params, known, **extra) for one in (reference, kernel))
        assert set(given) == set(outputs)
        for key, output in outputs.items():
            assert difference(given[key], output) < TOLERANCE[dtype], (key, steps, batch)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Compile without optimisation, which takes a tenth of the time, into a folder of the test's own."""
    monkeypatch.setenv("RNNSYM_CACHE", str(tmp_path))
    monkeypatch.setattr(c, "FLAGS", ["-std=c99", "-O0", "-fPIC", "-shared", "-Wall", "-Werror", "-Wno-unknown-pragmas"])


@pytest.mark.parametrize("name", sorted(rnnsym.available()))
def test_shipped(name: str) -> None:
    compare(rnnsym.load(name), "float64", ((1, 1), (30, 19)))


@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many", "feedforward"])
def test_float32(name: str) -> None:
    compare(rnnsym.load(name), "float32")


def test_without_vectors_of_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c, "FLAGS", ["-std=c99", "-O0", "-fPIC", "-shared", "-DPLAIN"])
    compare(rnnsym.load("lstm"), "float64")


def test_optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    compare(rnnsym.load("gru"), "float32")
    compare(rnnsym.load("rnn"), "float64")


@settings(
    max_examples=12, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(models())
def test_drawn(model: rnnsym.Model) -> None:
    compare(model, "float64", ((5, 1), (1, 1), (4, 1)))


def test_the_adjoint_of_a_constant_has_a_place() -> None:
    """Nobody reads the adjoint of what stands before the first step, and it overwrites nothing."""
    text = "h[0] = 0.5\nh[t] = tanh(W @ h[t-1] + x[t])\nE[t] = cross_entropy(y[t], softmax(V @ h[t]))"
    compare(rnnsym.Model(text), "float64", ((5, 2), (9, 3)))


def test_a_value_before_a_first_step_with_an_equation_of_its_own() -> None:
    text = "h[0] = tanh(b)\nh[1] = 0\nh[t] = W @ x[t]\nm = mean(h[t-1])\nE = squared_error(y, m)"
    compare(rnnsym.Model(text), "float64", ((5, 2), (2, 1)))


def test_a_value_that_cancels_is_no_product() -> None:
    text = "s[t] = squared_error(d[t], d[t])\nh[t] = tanh(W @ h[t-1])\nE[t] = dot(x[t], h[t]) + s[t]"
    compare(rnnsym.Model(text, sizes={"d": ("n",)}), "float64", ((3, 2),))


def test_every_operation() -> None:
    # An argument of at least 1: within the domain of all of them.
    parts = [f"{entry.name}(1.5 + 0.1 * tanh(U @ x[t]))" for entry in ELEMENTWISE]
    text = f"h[t] = tanh(W @ h[t-1]) + {' + '.join(parts)}\nE[t] = squared_error(y[t], h[t])"
    compare(rnnsym.Model(text), "float64", ((3, 2),))


def test_small_functions_keep_their_accuracy() -> None:
    """tanh and exp are as accurate as the number type allows, also near zero and where they level off."""
    model = rnnsym.Model("E[t] = sum(tanh(x[t]))")
    points = np.concatenate([np.linspace(-25, 25, 4001), np.geomspace(1e-12, 1, 500), -np.geomspace(1e-12, 1, 500)])
    for dtype, ulps in (("float64", 3), ("float32", 3)):
        kernel = rnnsym.generate(model, dtype=dtype, backend="c")
        for value in points[:: 61 if dtype == "float64" else 67]:
            given = np.full((1, 1, 1), value, dtype)
            exact = np.tanh(given.astype(np.longdouble)).item()
            loss, _ = kernel.loss_and_grad({}, {"x": given})
            assert abs(loss - exact) <= ulps * np.spacing(np.dtype(dtype).type(abs(exact)))


def test_nan_and_overflow() -> None:
    model = rnnsym.Model("E[t] = sum(tanh(x[t])) + sum(exp(0.5 * x[t]))")
    kernel = rnnsym.generate(model, backend="c")
    assert np.isnan(kernel.loss_and_grad({}, {"x": np.full((1, 1, 2), np.nan)})[0])
    assert kernel.loss_and_grad({}, {"x": np.full((1, 1, 2), 1e4)})[0] == np.inf
    assert kernel.loss_and_grad({}, {"x": np.full((1, 1, 2), -1e4)})[0] == -2.0


def test_small_numbers_are_treated_as_before() -> None:
    """The call leaves the processor's treatment of tiny numbers as it found it."""
    model = rnnsym.load("rnn")
    kernel = rnnsym.generate(model, backend="c")
    params, inputs, _ = draw(model, 0, length=2, batch=1)
    kernel.loss_and_grad(params, inputs)
    assert np.float64(5e-324) * np.float64(1.0) > 0


def test_workspace_is_reused() -> None:
    model = rnnsym.load("lstm")
    module = kernel_of("lstm").module
    params, inputs, _ = draw(model, 0, length=6, batch=3)
    fresh = module.loss_and_grad(params, inputs)[1]
    space = module.workspace(params, inputs)
    first = module.loss_and_grad(params, inputs, workspace=space)[1]
    again = module.loss_and_grad(params, inputs, workspace=space)[1]
    for key, gradient in fresh.items():
        assert again[key] is first[key]
        np.testing.assert_array_equal(again[key], gradient)
    other = {key: value[:, :2] if value.ndim == 3 else value[:2] for key, value in inputs.items()}
    assert module.loss_and_grad(params, other, workspace=space)[1]["x"].shape[1] == 2


def test_arrays_that_lie_askew_are_copied() -> None:
    model = rnnsym.load("lstm")
    module = kernel_of("lstm").module
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    expected = module.loss_and_grad(params, inputs)[0]
    space = module.workspace(params, inputs)
    assert space.fits(params, inputs)
    room = np.empty(params["W_f"].nbytes + 1, np.uint8)[1:].view(params["W_f"].dtype).reshape(params["W_f"].shape)
    room[...] = params["W_f"]
    assert not space.fits({**params, "W_f": room}, inputs)
    assert module.loss_and_grad({**params, "W_f": room}, inputs, workspace=space)[0] == expected


def test_memory_is_what_a_call_takes() -> None:
    model = rnnsym.load("lstm")
    kernel = kernel_of("lstm")
    params, inputs, sizes = draw(model, 0, length=200, batch=9)
    kernel.loss_and_grad(params, inputs)
    tracemalloc.start()
    kernel.loss_and_grad(params, inputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    known = {str(symbol): number for symbol, number in sizes.items() if str(symbol) not in "TB"}
    assert kernel.memory(T=200, B=9, **known) == pytest.approx(peak, rel=0.1)
    with pytest.raises(RnnsymError, match="memory needs the size"):
        kernel.memory(T=200)
    with pytest.raises(ValueError, match="no checkpoint"):
        kernel.memory(T=200, B=9, checkpoint=10, **known)


def test_a_team_gives_the_same() -> None:
    model = rnnsym.load("lstm")
    module = kernel_of("lstm").module
    params, inputs, _ = draw(model, 0, length=6, batch=5)
    loss, gradients = module.loss_and_grad(params, inputs)
    team = module.Team(params, inputs, 2)
    for _ in range(2):
        found, others = team.loss_and_grad(params, inputs)
        assert found == pytest.approx(loss, rel=1e-12)
        assert others.keys() == gradients.keys()
        assert all(difference(others[key], gradients[key]) < 1e-12 for key in gradients)


def test_lengths_and_sums_over_calls() -> None:
    model = rnnsym.load("lstm")
    params, inputs, _ = draw(model, 0, length=6, batch=3)
    totals = [{name: np.ones_like(value) for name, value in params.items()} for _ in range(2)]
    found = [
        kernel.loss_and_grad(params, inputs, lengths=np.array([6, 3, 3]), accumulate=total)
        for kernel, total in zip((kernel_of("lstm"), rnnsym.generate(model)), totals, strict=True)
    ]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    for one, other in ((found[0][1], found[1][1]), totals):
        assert one.keys() == other.keys()
        assert all(difference(one[key], other[key]) < 1e-12 for key in other)
    with pytest.raises(ValueError, match="2 lengths for 3 examples"):
        kernel_of("lstm").loss_and_grad(params, inputs, lengths=np.array([6, 3]))
    with pytest.raises(RnnsymError, match="no option truncate="):
        kernel_of("lstm").loss_and_grad(params, inputs, truncate=2)


def test_saved_files_work_alone(tmp_path: Path) -> None:
    model = rnnsym.load("gru")
    kernel = rnnsym.generate(model, backend="c")
    path = kernel.save(tmp_path / "my_gru.c")
    assert path.suffix == ".c"
    with pytest.raises(FileExistsError):
        kernel.save(path)
    spec = importlib.util.spec_from_file_location("my_gru", path.with_suffix(".py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    assert module.loss_and_grad(params, inputs)[0] == kernel.loss_and_grad(params, inputs)[0]


def test_steps_of_a_stream_are_the_whole_sequence(tmp_path: Path) -> None:
    """By the saved files, whose module needs no other."""
    model = rnnsym.Model("h[t] = tanh(W @ h[t-1] + V @ h[t-2] + U @ x[t])\ny[t] = A @ h[t]\nE[t] = dot(g[t], y[t])")
    path = rnnsym.generate(model, backend="c").save(tmp_path / "lags.c")
    spec = importlib.util.spec_from_file_location("lags", path.with_suffix(".py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    params, inputs, _ = draw(model, 0, length=5, batch=2)
    assert module.TARGETS == ("g",)
    expected = module.predict(params, {key: array for key, array in inputs.items() if key != "g"})
    start = {key: inputs[key] for key in ("h[0]", "h[-1]")}
    # With a workspace, the matrices are put in order once.
    space = module.predict_workspace(params, {**start, "x": inputs["x"][:1]})
    for more in ({}, {"workspace": space, "again": True}):
        state = start
        for step in range(5):
            state, now = module.advance(params, state, {"x": inputs["x"][step]}, **more)
            for key, rows in expected.items():
                assert difference(now[key], rows[step]) < 1e-14
    # Other parameters are put in order anew, also those changed in place.
    params["W"] *= 2
    changed = module.advance(params, start, {"x": inputs["x"][0]})[1]["h"]
    again = module.advance(params, start, {"x": inputs["x"][0]}, space)[1]["h"]
    np.testing.assert_array_equal(again, changed)
    assert difference(changed, expected["h"][0]) > 1e-3


def test_outputs_that_nobody_wants_are_not_handed_out() -> None:
    kernel = kernel_of("gru")
    params, inputs, _ = draw(rnnsym.load("gru"), 0, length=3, batch=2)
    module = kernel.module
    expected = kernel.predict(params, inputs)
    sizes = module._checked(params, inputs)[2]
    problem, found = module._problem(sizes), np.full(expected["y"].shape, np.nan)
    given = [("param", params), ("input", inputs), ("out", {"y": found})]
    for kind, arrays in given:
        for key, array in arrays.items():
            setattr(problem, f"{kind}_{module.FIELDS[key]}", array.ctypes.data)
    memory = np.empty(module._library().predict_workspace(problem), np.uint8)
    assert module._library().predict(problem, memory.ctypes.data) == 0
    np.testing.assert_array_equal(found, expected["y"])
    # Once more in the same workspace, which holds the matrices as products want them, with other inputs.
    other = {key: -array for key, array in inputs.items()}
    expected = kernel.predict(params, {**inputs, "x": other["x"], "h[0]": other["h[0]"]})
    for key in ("x", "h[0]"):
        setattr(problem, f"input_{module.FIELDS[key]}", other[key].ctypes.data)
    assert module._library().predict_again(problem, memory.ctypes.data) == 0
    np.testing.assert_array_equal(found, expected["y"])


def test_outputs_whose_names_look_alike() -> None:
    text = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nz[1] = V @ h[1]\nz_1 = V @ h[T]\nE = dot(z_1, z[1])"
    compare(rnnsym.Model(text), "float64", ((3, 2),))


def test_outputs_of_parameters_alone_and_of_no_model() -> None:
    compare(rnnsym.Model("A = W @ W\nh[t] = tanh(A @ h[t-1] + U @ x[t])\nE[t] = dot(G[t], h[t])"), "float64", ((3, 2),))
    model = rnnsym.Model("E[t] = squared_error(W @ x[t], target[t])")
    assert "_predict" not in rnnsym.generate(model, backend="c").source
    compare(model, "float64", ((3, 2),))


def test_predict_says_what_does_not_fit() -> None:
    params, inputs, _ = draw(rnnsym.load("gru"), 0, length=3, batch=2)
    with pytest.raises(ValueError, match="params lacks 'W_z'"):
        kernel_of("gru").predict({key: value for key, value in params.items() if key != "W_z"}, inputs)
    assert not hasattr(kernel_of("many_to_one").module, "advance")


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    kernel = rnnsym.generate(rnnsym.load("rnn"), backend="c")
    params, inputs, _ = draw(rnnsym.load("rnn"), 0, length=2, batch=1)
    with pytest.raises(RnnsymError, match="needs a C compiler: CC names no-such-compiler"):
        kernel.loss_and_grad(params, inputs)


def test_options_of_numpy_alone() -> None:
    with pytest.raises(RnnsymError, match="for the numpy backend alone"):
        rnnsym.generate(rnnsym.load("lstm"), backend="c", like="torch")
    with pytest.raises(RnnsymError, match="the backends are numpy"):
        rnnsym.generate(rnnsym.load("rnn"), backend="pascal")


def test_what_the_numpy_kernel_does() -> None:
    """Everything but gradients and outputs: the kernel takes and gives the same arrays."""
    model = rnnsym.load("rnn")
    kernel = rnnsym.generate(model, backend="c", hessian=True, optimizer="adam")
    reference = rnnsym.generate(model, hessian=True, optimizer="adam")
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    assert kernel.forward(params, inputs)[0] == reference.forward(params, inputs)[0]
    one, other = (k.hessian_product(params, inputs, {"W": params["W"]}) for k in (kernel, reference))
    np.testing.assert_array_equal(one["W"], other["W"])
    _, gradients = kernel.loss_and_grad(params, inputs)
    learned, _ = kernel.step(params, kernel.clip(gradients, 1.0))
    np.testing.assert_allclose(learned["W"], reference.step(params, reference.clip(gradients, 1.0))[0]["W"])
    with pytest.raises(RnnsymError, match="no optimizer"):
        rnnsym.generate(model, backend="c").step(params, gradients)


def test_command(tmp_path: Path) -> None:
    target = tmp_path / "kernel.c"
    command = [sys.executable, "-m", "rnnsym", "export", "rnn", "--backend", "c", "-o", str(target)]
    assert subprocess.run(command, env=os.environ, check=False).returncode == 0
    assert "rnn_loss_and_grad" in target.read_text(encoding="utf-8")
    assert target.with_suffix(".py").exists()


def test_same_text_every_time() -> None:
    one, other = (rnnsym.generate(rnnsym.load("lstm"), backend="c") for _ in range(2))
    assert one.source == other.source
