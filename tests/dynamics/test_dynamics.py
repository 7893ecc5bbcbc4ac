"""Flows: Jacobians against the complex step on the model's syntax, products, norms and bounds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings

import rnnsym
from rnnsym import cli
from rnnsym.checks.data import draw
from rnnsym.checks.reference import Evaluation
from rnnsym.dynamics.bounds import slope_bound
from rnnsym.dynamics.jacobians import Array, StepJacobians, step_jacobians
from rnnsym.dynamics.probe import states_of
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, references, walk
from rnnsym.testing import Problem, problems

LAGS = Model(
    "h[t] = tanh(W @ h[t-1] + R @ h[t-3] + U @ x[t] + V @ x[t-1])\nE[t] = squared_error(d[t], h[t])", name="lags"
)
BOUNDARY = Model(
    "h[1] = sigmoid(Q @ x[1]) * h[0]\nh[t] = tanh(W @ h[t-1] + A @ m + s[t-1] * b)\n"
    "s[t] = dot(w, h[t]) * s[t-1] + 0.25\nh[T] = R @ h[T-1] + c @ m\nm = tanh(g)\nE[t] = squared_error(x[t], h[t])",
    sizes={"s": ()},
    name="boundary",
)
MATRIX = Model(
    "k[t] = tanh(K @ x[t] + H @ y[t-1])\nM[t] = 0.5 * M[t-1] + outer(k[t], x[t])\ny[t] = tanh(M[t] @ x[t])\n"
    "E[t] = squared_error(d[t], y[t])",
    name="matrix",
)
LAST = Model(
    "h[t] = tanh(W @ h[t-1]) + (1.5 + sigmoid(x[t-1])) ** (1/3)\nh[T] = sigmoid(V @ z[T] + R @ x[T-1]) * h[T-1]\n"
    "E = squared_error(d, h[T])",
    inputs=("d",),
    name="last",
)
CONSTANTS = Model(
    "h[t] = tanh((W + I) @ h[t-1] / sqrt(size(h[t-1])) + sin(pi * t / T) * (U @ x[t]) + 0.1 * ones)\n"
    "E[t] = squared_error(d[t], h[t])",
    name="constants",
)
SUMS = Model(
    "k[t] = concat(K @ x[t], 1)\nM[t] = M[t-1] @ (I - 0.1 * outer(k[t], ones + k[t])) + outer(V @ x[t], k[t])\n"
    "E[t] = squared_error(d[t], M[t] @ concat(q[t], 1))",
    sizes={"M": ("l", "n + 1")},
    name="sums",
)
TURNED = Model(
    "S[1] = W.T\nS[t] = tanh(S[t-1] @ R)\nE[t] = squared_error(d[t], S[t] @ a)",
    sizes={"S": ("n", "n"), "W": ("n", "n"), "R": ("n", "n"), "a": "n", "d": "n"},
    name="turned",
)
MODELS = [m for m in (rnnsym.load(name) for name in rnnsym.available()) if m.timed] + [
    LAGS,
    BOUNDARY,
    MATRIX,
    LAST,
    CONSTANTS,
    SUMS,
    TURNED,
]


def oracle(model: Model, params: Mapping[str, Array], inputs: Mapping[str, Array], length: int) -> Array:
    """The Jacobians of the companion form, by the complex step on the syntax tree: one step from displaced states."""
    states = states_of(model, length)

    def evaluation() -> Evaluation:
        found = Evaluation(model, params, inputs, length=length)
        for name in model.defined:
            for time in range(-8, length + 1) if name in model.timed else [None]:
                if found.definition((name, time)) is not None:
                    found.value(name, time)
        return found

    whole = evaluation()
    parts = [(name, lag) for name, lags in states.items() for lag in range(lags)]
    sizes = {name: int(np.asarray(whole.values[name, length].array).size) for name in states}
    total = sum(sizes[name] for name, _ in parts)
    found = np.zeros((length, total, total))
    for time in range(1, length + 1):
        column = 0
        for name, lag in parts:
            for place in range(sizes[name]):
                step = evaluation()
                key = (name, time - 1 - lag)
                if key in step.values:
                    # In rows: of what is transposed, the flat view below would be a copy.
                    displaced = step.values[key].array.astype(complex, order="C")
                    displaced.reshape(-1)[place] += 1e-30j
                    step.values[key] = step.values[key]._replace(array=displaced)
                for other in list(step.values):
                    if other[1] == time and step.definition(other) is not None:
                        del step.values[other]
                rows = []
                for target, back in parts:
                    known = (target, time - back) in step.values or step.definition((target, time - back)) is not None
                    value = step.value(target, time - back) if known else np.zeros(sizes[target])
                    # Where a companion part lies before all data, the shift alone speaks.
                    if not known and (target, back - 1) == (name, lag):
                        value = np.eye(sizes[target])[place] * 1e-30j
                    rows.append(np.imag(np.asarray(value, complex)).reshape(-1) / 1e-30)
                found[time - 1, :, column] = np.concatenate(rows)
                column += 1
    return found


def single(inputs: Mapping[str, Array], model: Model, example: int) -> dict[str, Array]:
    return {key: array[:, example] if key in model.sequences else array[example] for key, array in inputs.items()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_jacobians_are_those_of_the_complex_step(model: Model) -> None:
    length = 4
    data = draw(model, 3, length=length, batch=2)
    found = step_jacobians(model, data.params, data.inputs, length).matrices
    for example in range(2):
        expected = oracle(model, data.params, single(data.inputs, model, example), length)
        np.testing.assert_allclose(found[:, example], expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(problems(max_batch=1))
def test_jacobians_of_drawn_models(problem: Problem) -> None:
    model = problem.model
    assume(model.timed and problem.length >= 2)
    for definition in model.core:
        if definition.target.time is not None:
            # What is held fixed by definition is not what the oracle displaces.
            assume(not any(isinstance(n, Call) and n.function.endswith("_time") for n in walk(definition.value)))
            read = [r.time for r in references(definition.value) if r.time is not None and r.name in model.defined]
            assume(definition.target.time.anchor != "t" or all(time.anchor == "t" for time in read))
            # A flow is followed forwards in time only.
            assume(not any(time.anchor == "t" and time.offset > 0 for time in read))
    assume(states_of(model, problem.length))
    found = step_jacobians(model, problem.params, problem.inputs, problem.length).matrices
    expected = oracle(model, problem.params, single(problem.inputs, model, 0), problem.length)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(expected).max()))
    bound = slope_bound(model, problem.params, problem.length)
    if bound is not None:
        assert np.linalg.norm(found, 2, axis=(-2, -1)).max() <= bound * (1 + 1e-9) + 1e-12


def test_a_linear_network_multiplies_by_its_matrix() -> None:
    model = Model("h[t] = W @ h[t-1] + U @ x[t]\nE[t] = squared_error(d[t], h[t])", sizes={"h": "n", "x": "m"})
    W = np.random.default_rng(0).normal(size=(5, 5))
    flow = rnnsym.flow(model, 6, {"n": 5, "m": 2}, params={"W": W, "U": np.ones((5, 2))})
    for t in range(7):
        for k in range(t + 1):
            assert flow.norms[t, k] == pytest.approx(np.linalg.norm(np.linalg.matrix_power(W, t - k), 2))
    expected = np.linalg.svd(np.linalg.matrix_power(W, 4), compute_uv=False)
    np.testing.assert_allclose(flow.singular_values[4], expected)
    assert flow.slope_bound == pytest.approx(np.linalg.norm(W, 2))
    assert flow.bound()[3] == pytest.approx(np.linalg.norm(W, 2) ** 3)


def test_order_of_the_product() -> None:
    """P[t, k] = J[t] ... J[k+1], the later on the left."""
    from rnnsym.dynamics.flow import of_jacobians
    from rnnsym.dynamics.jacobians import Block

    matrices = np.random.default_rng(1).normal(size=(3, 1, 4, 4))
    flow = of_jacobians(StepJacobians(matrices, (Block("h", 0, 0, 3), Block("c", 0, 3, 4))), "drawn")
    product = matrices[2, 0] @ matrices[1, 0]
    assert flow.norms[3, 1] == pytest.approx(np.linalg.norm(product, 2))
    assert flow.blocks["h"][3, 1] == pytest.approx(np.linalg.norm(product[:3, :3], 2))
    assert flow.blocks["c"][3, 1] == pytest.approx(abs(product[3, 3]))
    assert np.isnan(flow.norms[1, 3])


def test_products_are_the_gradients_over_many_steps() -> None:
    """dE[T]/dh[0], by backpropagation through the whole kernel, is dE[T]/dh[T] P[T, 0]."""
    model = rnnsym.load("many_to_one")
    data = draw(model, 0, length=6, batch=1)
    jacobians = step_jacobians(model, data.params, data.inputs, 6).matrices[:, 0]
    kernel = rnnsym.generate(model)
    _, gradients = kernel.loss_and_grad(data.params, data.inputs)
    product = np.linalg.multi_dot([*jacobians[::-1]])
    last = {"V": data.params["V"], "c": data.params["c"]}
    h = kernel.forward(data.params, data.inputs)[1]["h"][-1, 0]
    logits = last["V"] @ h + last["c"]
    probabilities = np.exp(logits) / np.exp(logits).sum()
    target = data.inputs["target"][0]
    outer = last["V"].T @ (target.sum() * probabilities - target)
    np.testing.assert_allclose(gradients["h[0]"][0], outer @ product, rtol=1e-10)


@pytest.mark.parametrize("name", ["rnn", "elman", "jordan", "many_to_one"])
def test_slope_bound_holds(name: str) -> None:
    model = rnnsym.load(name)
    for seed in range(5):
        data = draw(model, seed, length=6, batch=3)
        params = {key: 3 * array for key, array in data.params.items()}
        matrices = step_jacobians(model, params, data.inputs, 6).matrices
        bound = slope_bound(model, params)
        assert bound is not None
        assert np.linalg.norm(matrices, 2, axis=(-2, -1)).max() <= bound + 1e-12


def test_slope_bounds() -> None:
    W = np.diag([3.0, -4.0])
    plain = "h[t] = {}(W @ h[t-1] + b)\nE[t] = squared_error(d[t], h[t])"
    for function, gamma in {"tanh": 1, "sigmoid": 0.25, "relu": 1}.items():
        assert slope_bound(Model(plain.format(function)), {"W": W, "b": np.ones(2)}) == pytest.approx(4 * gamma)
    leaky = Model("h[t] = 0.5 * h[t-1] + 2 * tanh(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])")
    assert slope_bound(leaky, {"W": W}) == pytest.approx(8.5)
    assert slope_bound(Model(plain.format("exp")), {"W": W, "b": np.ones(2)}) is None
    lstm = rnnsym.load("lstm")
    assert slope_bound(lstm, draw(lstm, 0).params) is None


def test_tables() -> None:
    flow = rnnsym.flow(rnnsym.load("lstm"), 5, {"n": 4, "m": 3, "k": 2})
    rows = list(csv.DictReader(io.StringIO(flow.to_csv())))
    assert len(rows) == 21
    assert float(rows[-2]["norm_c"]) == pytest.approx(flow.blocks["c"][5, 4])
    rows = list(csv.DictReader(io.StringIO(flow.to_csv_by_distance())))
    assert float(rows[3]["norm"]) == pytest.approx(flow.decay()[3])
    assert float(rows[3]["singular_value_1"]) == pytest.approx(flow.singular_values[3, 0])
    assert flow.states == (("h", 4, 1), ("c", 4, 1))


def test_scale_and_seed() -> None:
    model = rnnsym.load("rnn")
    sizes = {"n": 6, "m": 3, "k": 2}
    one, again = rnnsym.flow(model, 8, sizes), rnnsym.flow(model, 8, sizes)
    assert one.to_csv() == again.to_csv()
    assert rnnsym.flow(model, 8, sizes, seed=1).to_csv() != one.to_csv()
    doubled = rnnsym.flow(model, 8, sizes, scale=2.0).slope_bound
    assert doubled is not None
    assert one.slope_bound is not None
    assert doubled == pytest.approx(2 * one.slope_bound)


def test_what_has_no_flow() -> None:
    with pytest.raises(rnnsym.RnnsymError, match="no flow through time"):
        rnnsym.flow(rnnsym.load("feedforward"))
    with pytest.raises(rnnsym.RnnsymError, match="no size q; it has k, m, n"):
        rnnsym.flow(rnnsym.load("rnn"), sizes={"q": 3})


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    arguments = ["flow", "gru", "--length", "6", "--sizes", "n=3,m=2,k=2", "-o", str(tmp_path / "one")]
    assert cli.main(arguments) == 0
    assert "states: h (3)" in capsys.readouterr().out
    assert cli.main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main([*arguments[:-1], str(tmp_path / "two")]) == 0
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"gru.csv", "gru-distance.csv", "flow.svg", "flow.png"}
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_command_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert cli.main(["flow", "rnn", "lstm", "--length", "4", "--sizes", "n=3,m=2,k=2", "-o", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Flow of rnn" in shown
    assert "h (3), c (3)" in shown
    assert {"rnn.csv", "lstm.csv", "flow.svg"} <= {path.name for path in tmp_path.iterdir()}


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    flow = rnnsym.flow(rnnsym.load("rnn"), 4, {"n": 3, "m": 2, "k": 2})
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(rnnsym.RnnsymError, match=r"pip install 'rnnsym\[plots\]'"):
        flow.save("nowhere")
    assert flow._repr_svg_() is None


def test_a_trajectory_that_blows_up_is_an_error() -> None:
    model = Model("h[t] = W @ h[t-1] / tau\nE[t] = squared_error(d[t], h[t])")
    with pytest.raises(rnnsym.RnnsymError, match="not finite within 10 steps"):
        rnnsym.flow(model, 10, {"n_h": 3}, params={"W": np.eye(3), "tau": np.zeros(3)})
