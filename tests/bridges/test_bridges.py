"""Bridges: weights of ONNX and Keras compute what ONNX and Keras compute; layouts and their errors."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.reference import ReferenceEvaluator

import rnnsym
from rnnsym.bridges.bridge import bridge
from rnnsym.bridges.layout import parse
from rnnsym.errors import ModelError, RnnsymError, ShapeError
from rnnsym.language.model import Model

Arrays = dict[str, Any]

#: A cell that no file of ours describes: its bridge is part of its declaration.
PEEPHOLES = Model(
    """
    i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + p_i * c[t-1] + b_i)
    f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + p_f * c[t-1] + b_f)
    c[t] = f[t] * c[t-1] + i[t] * tanh(W_c @ h[t-1] + U_c @ x[t] + b_c)
    o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + p_o * c[t] + b_o)
    h[t] = o[t] * tanh(c[t])
    E[t] = squared_error(target[t], h[t])
    """,
    sizes={"x": "m", "h": "n"},
    bridges={
        "onnx": {
            "W": "[U_i; U_o; U_f; U_c]",
            "R": "[W_i; W_o; W_f; W_c]",
            "B": "[b_i; b_o; b_f; b_c; b_i; b_o; b_f; b_c]",
            "P": "[p_i; p_o; p_f]",
        }
    },
)


def model_of(operation: str, attributes: dict[str, Any], given: Arrays) -> Model:
    """The model that computes what an ONNX operator computes."""
    if operation == "GRU":
        model = rnnsym.load("gru_reset_after" if attributes.get("linear_before_reset") else "gru")
    else:
        model = PEEPHOLES if "P" in given else rnnsym.load({"RNN": "rnn", "LSTM": "lstm"}[operation])
    return rnnsym.bidirectional(model) if attributes.get("direction") == b"bidirectional" else model


def filled(model: Model, arrays: Arrays) -> Arrays:
    """Parameters from ONNX's arrays, and zeros for the read-out."""
    own = bridge(model, "onnx")
    params = own.take({key: arrays[key].astype(float) for key in own.layouts if key in arrays})
    sizes = {str(s): n for name in params for s, n in zip(model.shapes[name], params[name].shape, strict=True)}
    rest = {name: model.shapes[name] for name in model.parameters if name not in params}
    return params | {
        name: np.zeros([int(size.xreplace({s: sizes.get(str(s), 2) for s in size.free_symbols})) for size in shape])
        for name, shape in rest.items()
    }


@functools.cache
def vectors() -> list[Any]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases("")
    models: list[tuple[Any, Any]] = [(case, case.model) for case in cases]
    return [case for case, model in models if model.graph.node[0].op_type in ("RNN", "GRU", "LSTM")]


def test_the_operators_own_vectors() -> None:
    seen = set()
    for case in vectors():
        node = case.model.graph.node[0]
        attributes = {a.name: a.s if a.type == 3 else a.i for a in node.attribute}
        given = dict(zip([name for name in node.input if name], case.data_sets[0][0], strict=True))
        wanted = dict(zip([name for name in node.output if name], case.data_sets[0][1], strict=True))
        x = given["X"].astype(float)
        if attributes.get("layout"):
            x = x.swapaxes(0, 1)
        backwards = attributes.get("direction") == b"reverse"
        model = model_of(node.op_type, attributes, given)
        params = filled(model, given)
        batch, size = x.shape[1], attributes["hidden_size"]
        starts = {
            f"{name}[{time}]": given.get(f"initial_{name[0]}", np.zeros((2, batch, size)))[int("_bw" in name)]
            for name, time in model.given
        }
        states = rnnsym.generate(model).predict(params, {"x": x[::-1] if backwards else x, **starts})
        ends = [states["h"][-1]] if "h_fw" not in states else [states["h_fw"][-1], states["h_bw"][0]]
        last = wanted["Y_h"].swapaxes(0, 1) if attributes.get("layout") else wanted["Y_h"]
        np.testing.assert_allclose(np.stack(ends), last, rtol=1e-3, atol=1e-7, err_msg=case.name)  # as ONNX compares
        seen.add(case.name)
    assert len(seen) >= 12
    assert any("bidirectional" in name for name in seen)
    assert any("peepholes" in name for name in seen)


def reference(operation: str, arrays: Arrays, x: Any, **attributes: Any) -> Any:
    """The states by ONNX's reference runtime."""
    names = ["X", *arrays]
    node = make_node(operation, names, ["Y"], hidden_size=arrays["R"].shape[2], **attributes)
    inputs = [make_tensor_value_info(name, 11, None) for name in names]
    graph = make_graph([node], "one", inputs, [make_tensor_value_info("Y", 11, None)])
    runtime = ReferenceEvaluator(make_model(graph, opset_imports=[make_opsetid("", 22)], ir_version=10))
    (found,) = runtime.run(["Y"], {"X": x, **arrays})
    return found  # (T, directions, B, n)


#: A cell by itself, in both directions, and layers of either.
SPECS = ("{}", "bidirectional({})", "stack({}, 2)", "stack(bidirectional({}), 2)")


def layers(arrays: Arrays) -> list[Arrays]:
    """The arrays of each layer, whose names begin with its number where there are several."""
    numbers = sorted({key[0] for key in arrays if key[0].isdigit()})
    return [{k.partition("/")[2]: v for k, v in arrays.items() if k[0] == n} for n in numbers] or [arrays]


def drawn_like(model: Model, framework: str, seed: int) -> tuple[Arrays, Arrays]:
    """Arrays as a framework keeps them, and inputs for them."""
    random = np.random.default_rng(seed)
    sizes = {"n": 3, "m": 2, "k": 4}
    arrays = {
        key: random.normal(size=[int(size.xreplace({s: sizes[str(s)] for s in size.free_symbols})) for size in shape])
        for key, shape in bridge(model, framework).shapes.items()
    }
    inputs = {"x": random.normal(size=(4, 2, 2)), "target": random.normal(size=(4, 2, 4))}
    return arrays, inputs | {f"{state}[{time}]": np.zeros((2, 3)) for state, time in model.given}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(
    ("name", "operation", "attributes"),
    [
        ("rnn", "RNN", {}),
        ("lstm", "LSTM", {}),
        ("gru", "GRU", {}),
        ("gru_reset_after", "GRU", {"linear_before_reset": 1}),
    ],
)
def test_drawn_weights_against_the_reference(name: str, operation: str, attributes: dict[str, Any], spec: str) -> None:
    model = rnnsym.task(rnnsym.load(spec.format(name)), "many-to-many", "squared")
    attributes = attributes | ({"direction": "bidirectional"} if "bidirectional" in spec else {})
    theirs = bridge(model, "onnx")
    arrays, inputs = drawn_like(model, "onnx", 1)

    def loss(changed: Arrays) -> float:
        h = inputs["x"]
        for own in layers({key: value for key, value in changed.items() if key in theirs.layouts}):
            h = np.concatenate(list(reference(operation, own, h, **attributes).swapaxes(0, 1)), axis=-1)
        return float(0.5 * ((h @ changed["V"].T + changed[model.parameters[-1]] - inputs["target"]) ** 2).sum())

    found, gradients = rnnsym.generate(model, like="onnx").loss_and_grad(arrays, inputs)
    assert found == pytest.approx(loss(arrays), rel=1e-12)
    for key in theirs.layouts:
        assert gradients[key].shape == arrays[key].shape
        for place in list(np.ndindex(arrays[key].shape))[:: 3 if len(theirs.layouts) < 4 else 11]:
            near = []
            for step in (1e-5, -1e-5):
                moved = {other: value.copy() for other, value in arrays.items()}
                moved[key][place] += step
                near.append(loss(moved))
            assert gradients[key][place] == pytest.approx((near[0] - near[1]) / 2e-5, rel=1e-5, abs=1e-7), key


def keras_lstm(arrays: Arrays, x: Any) -> Any:
    """The layer as Keras documents it: gates i, f, c, o in the columns of its kernels."""
    h = c = np.zeros((x.shape[1], arrays["recurrent_kernel"].shape[0]))
    for row in x:
        z = row @ arrays["kernel"] + h @ arrays["recurrent_kernel"] + arrays["bias"]
        i, f, g, o = np.split(z, 4, axis=-1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        yield h


def keras_gru(arrays: Arrays, x: Any) -> Any:
    """The layer as Keras documents it: z, r, h in the columns; with reset_after two rows of biases."""
    h = np.zeros((x.shape[1], arrays["recurrent_kernel"].shape[0]))
    after = arrays["bias"].ndim == 2
    first, second = arrays["bias"] if after else (arrays["bias"], np.zeros_like(arrays["bias"]))
    kernels = np.split(arrays["recurrent_kernel"], 3, axis=1)
    for row in x:
        x_z, x_r, x_h = np.split(row @ arrays["kernel"] + first, 3, axis=-1)
        b_z, b_r, b_h = np.split(second, 3)
        z = 1 / (1 + np.exp(-(x_z + h @ kernels[0] + b_z)))
        r = 1 / (1 + np.exp(-(x_r + h @ kernels[1] + b_r)))
        new = np.tanh(x_h + (r * (h @ kernels[2] + b_h) if after else (r * h) @ kernels[2]))
        h = z * h + (1 - z) * new
        yield h


def both_ways(layer: Any, arrays: Arrays, x: Any) -> Any:
    """What Keras' `Bidirectional` makes of a layer: forwards, and backwards on the reversed sequence."""
    sides = [
        np.stack(list(layer({key.removeprefix(side): array for key, array in arrays.items()}, x[::turn])))[::turn]
        for side, turn in (("forwards/", 1), ("backwards/", -1))
    ]
    return np.concatenate(sides, axis=-1)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("name", "layer"), [("lstm", keras_lstm), ("gru", keras_gru), ("gru_reset_after", keras_gru)])
def test_drawn_weights_against_the_equations_of_keras(name: str, layer: Any, spec: str) -> None:
    model = rnnsym.task(rnnsym.load(spec.format(name)), "many-to-many", "squared")
    theirs = bridge(model, "keras")
    arrays, inputs = drawn_like(model, "keras", 2)

    def loss(changed: Arrays) -> Any:
        h = inputs["x"]
        for own in layers({key: value for key, value in changed.items() if key in theirs.layouts}):
            h = both_ways(layer, own, h) if "bidirectional" in spec else np.stack(list(layer(own, h)))
        y = h @ changed["V"].T + changed[model.parameters[-1]]
        return (0.5 * (y - inputs["target"]) ** 2).sum()

    found, gradients = rnnsym.generate(model, like="keras").loss_and_grad(arrays, inputs)
    assert found == pytest.approx(loss(arrays), rel=1e-12)
    for key, value in arrays.items():
        for place in np.ndindex(value.shape):
            moved = {other: array.astype(complex) for other, array in arrays.items()}
            moved[key][place] += 1e-30j
            assert gradients[key][place] == pytest.approx(loss(moved).imag / 1e-30, rel=1e-9, abs=1e-12), key


def test_what_no_framework_has_gets_no_bridge() -> None:
    """Layers that share parameters, and stacks that run backwards as a whole."""
    assert rnnsym.stack(rnnsym.load("lstm"), 2).bridges.keys() == {"torch", "keras", "onnx"}
    assert not rnnsym.stack(rnnsym.load("lstm"), 2, shared=["W_i"]).bridges
    assert not rnnsym.load("bidirectional(stack(lstm, 2))").bridges
    assert rnnsym.load("stack(bidirectional(lstm), 2)").bridges.keys() == {"torch", "keras", "onnx"}
    assert "W" in bridge(rnnsym.stack(rnnsym.load("lstm"), 1), "onnx").shapes


@pytest.mark.parametrize("spec", ["lstm", "gru_reset_after", "stack(bidirectional(lstm), 2)", "masked(rnn)"])
def test_there_and_back(spec: str) -> None:
    model = rnnsym.load(spec)
    random = np.random.default_rng(0)
    kernel = rnnsym.generate(model, sizes={"m": 2, "n": 3, "k": 4})
    params = {key: random.normal(size=value.shape) for key, value in kernel.init(0).items()}
    for framework in model.bridges:
        own = bridge(model, framework)
        arrays = own.give(params)
        again = own.take(arrays)
        like = rnnsym.generate(model, sizes=kernel.sizes, like=framework)
        assert {key: value.shape for key, value in arrays.items()} == {k: v.shape for k, v in like.init(0).items()}
        for key, value in params.items():
            np.testing.assert_array_equal(again[key], value)
        written = like.module.__dict__[f"to_{framework}"](params)
        for key, value in arrays.items():
            np.testing.assert_array_equal(written[key], value)


def test_a_state_dict_with_a_prefix_and_without_biases() -> None:
    own = bridge(rnnsym.load("lstm"), "torch")
    random = np.random.default_rng(0)
    arrays = {"rnn.weight_ih_l0": random.normal(size=(12, 2)), "rnn.weight_hh_l0": random.normal(size=(12, 3))}
    params = own.take(arrays, prefix="rnn.")
    np.testing.assert_array_equal(params["U_g"], arrays["rnn.weight_ih_l0"][6:9])
    assert not params["b_f"].any()
    with pytest.raises(ShapeError, match="there is no array"):
        own.take({"rnn.weight_ih_l0": arrays["rnn.weight_ih_l0"]}, prefix="rnn.")
    with pytest.raises(ShapeError, match="expected"):
        own.take({**arrays, "rnn.weight_hh_l0": np.zeros((8, 3))}, prefix="rnn.")


def test_signs_turn_a_convention_around() -> None:
    """A gate that keeps the old state where another lets the new one in: the same numbers with the other sign."""
    text = "z[t] = sigmoid(W @ h[t-1] + U @ x[t])\nh[t] = (1 - z[t]) * h[t-1] + z[t] * tanh(x[t])\nE[t] = squared_error(d[t], h[t])"
    ours = Model(text, bridges={"theirs": {"w": "-W | -U"}})
    theirs = Model(text.replace("(1 - z[t]) * h[t-1] + z[t] *", "z[t] * h[t-1] + (1 - z[t]) *"))
    random = np.random.default_rng(0)
    w = random.normal(size=(2, 4))
    inputs = {
        "x": random.normal(size=(3, 1, 2)),
        "d": random.normal(size=(3, 1, 2)),
        "h[0]": random.normal(size=(1, 2)),
    }
    loss, gradients = rnnsym.generate(ours, like="theirs").loss_and_grad({"w": w}, inputs)
    wanted, parts = rnnsym.generate(theirs).loss_and_grad({"W": w[:, :2], "U": w[:, 2:]}, inputs)
    assert loss == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(gradients["w"], np.concatenate([parts["W"], parts["U"]], axis=1), rtol=1e-10)


@pytest.mark.parametrize(
    ("layout", "message"),
    [("W; ", "no parameter"), ("W; X", "no parameter of the model"), ("W | b", "do not fit"), ("[W", "not closed"),
     ("W U", "left over"), ("W; U", "do not fit"), ("[W, b]", "different shapes"), ("W + b", "not part of a layout")],
)  # fmt: skip
def test_layouts_that_cannot_be(layout: str, message: str) -> None:
    text = "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(d[t], h[t])"
    with pytest.raises(ModelError, match=message):
        bridge(Model(text, bridges={"ours": {"w": layout}}), "ours")


def test_frameworks_that_are_not_known() -> None:
    with pytest.raises(RnnsymError, match="did you mean torch"):
        rnnsym.generate(rnnsym.load("lstm"), like="torhc")
    with pytest.raises(RnnsymError, match="bridges for none"):
        bridge(rnnsym.load("jordan"), "torch")
    assert parse("[a.T, -b]").parts[1].negative  # type: ignore[union-attr]


def test_some_gradients_and_hessian_products_by_the_arrays_of_a_framework() -> None:
    model = rnnsym.load("lstm")
    every = rnnsym.generate(model, like="torch", hessian=True)
    theirs = every.init(0, m=2, n=3, k=4)
    rng = np.random.default_rng(1)
    theirs = {key: rng.normal(size=array.shape) for key, array in theirs.items()}
    shapes = {"x": (5, 2, 2), "target": (5, 2, 4), "h[0]": (2, 3), "c[0]": (2, 3)}
    inputs = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    loss, gradients = every.loss_and_grad(theirs, inputs)

    some = rnnsym.generate(model, like="torch", gradients=["weight_hh_l0", "V", "x"])
    same_loss, found = some.loss_and_grad(theirs, inputs)
    assert same_loss == pytest.approx(loss)
    assert set(found) == {"weight_hh_l0", "V", "x"}
    for key, array in found.items():
        np.testing.assert_allclose(array, gradients[key], rtol=1e-12)

    # Moving one of the arrays a little changes the gradients as the product says.
    direction = {"weight_ih_l0": rng.normal(size=theirs["weight_ih_l0"].shape)}
    moved = [
        every.loss_and_grad(
            {**theirs, "weight_ih_l0": theirs["weight_ih_l0"] + sign * 1e-6 * direction["weight_ih_l0"]}, inputs
        )[1]
        for sign in (1, -1)
    ]
    for key, array in every.hessian_product(theirs, inputs, direction).items():
        np.testing.assert_allclose(array, (moved[0][key] - moved[1][key]) / 2e-6, rtol=1e-5, atol=1e-6)

    with pytest.raises(RnnsymError, match="no array or input 'W_i'; it has: weight_ih_l0"):
        rnnsym.generate(model, like="torch", gradients=["W_i"])
