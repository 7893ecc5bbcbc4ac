"""Kernels for other array libraries: the numbers of the NumPy kernel, and what each library adds."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_both_ways import MODELS as BOTH_WAYS
from test_both_ways import model_of, pairs

import rnnsym
from rnnsym import Model, RnnsymError, cli, generate
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import relative_difference
from rnnsym.kernels.backends import BACKENDS
from rnnsym.operations import ELEMENTWISE
from rnnsym.testing import models

#: Backend, library of the arrays, and how a NumPy array becomes one of its arrays.
LIBRARIES = ("jax", "torch", "array_api:array_api_strict", "array_api:numpy", "array_api:torch", "array_api:jax")
#: Slow to try on many drawn models: JAX compiles each of them.
COMPILED = ("jax", "array_api:jax")


@pytest.fixture(autouse=True)
def wide_numbers() -> Any:
    """JAX computes in float32 unless told otherwise."""
    if "jax" in sys.modules or _has("jax"):
        settings_of_jax: Any = importlib.import_module("jax").config
        settings_of_jax.update("jax_enable_x64", True)
    if _has("torch"):
        import torch

        torch.set_num_threads(1)


def _has(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


def converter(library: str) -> Any:
    """What makes an array of the library of a NumPy one."""
    name = library.split(":")[-1]
    module = pytest.importorskip("jax.numpy" if name == "jax" else name)
    if library == "array_api:torch":
        pytest.importorskip("array_api_compat")
    return lambda array: module.asarray(np.array(array))


def both(model: Model, library: str, seed: int, length: int, batch: int, dtype: str = "float64") -> float:
    """How far the gradients and the loss of a backend are from those of the NumPy kernel, step by step."""
    convert = converter(library)
    params, inputs, _ = draw(model, seed, length=length, batch=batch)
    params, inputs = ({key: value.astype(dtype) for key, value in group.items()} for group in (params, inputs))
    steps = max(length, model.timing.minimum_length)
    numpy_kernel = generate(model, dtype=dtype, optimize=False)
    loss, values = numpy_kernel.forward(params, inputs, length=steps)
    expected = numpy_kernel.module.backward(params, inputs, values, steps)
    kernel = generate(model, backend=library.split(":")[0])
    arrays = [{key: convert(value) for key, value in group.items()} for group in (params, inputs)]
    own_loss, own = kernel.loss_and_grad(*arrays, length=steps)
    assert set(own) == set(expected)
    for key, value in own.items():
        assert tuple(value.shape) == np.shape(expected[key]), key
        assert str(value.dtype).endswith(dtype), key
    assert float(own_loss) == pytest.approx(loss, rel=1e-4 if dtype == "float32" else 1e-12, abs=1e-5)
    return relative_difference({key: np.asarray(value) for key, value in own.items()}, expected)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", rnnsym.available())
def test_shipped_models(name: str, library: str) -> None:
    model = rnnsym.load(name)
    for length, batch in ((4, 3), (1, 1)) if library != "array_api:jax" else ((3, 2),):
        assert both(model, library, 0, length, batch) < 1e-10


@pytest.mark.parametrize("library", LIBRARIES[:3])
@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many"])
def test_single_precision(name: str, library: str) -> None:
    assert both(rnnsym.load(name), library, 1, 5, 2, "float32") < 1e-4


#: Given and computed values beyond the last step, at several lags, and a recurrence that starts where another one ends.
LATE = """h[t] = tanh(W @ h[t+1] + R @ h[t+3] + U @ x[t])
g[T+1] = V @ h[1]
g[t] = tanh(C @ g[t+1] + D @ concat(h[t-1], x[t]))
k[t] = g[t] * tanh(F @ k[t-2] + h[t+2])
E[t] = squared_error(y[t], A @ k[t] + g[t+1])"""


@pytest.mark.parametrize("library", LIBRARIES[:3])
@pytest.mark.parametrize("name", [*BOTH_WAYS, "rnn", "lstm", "gru", "lru", "LATE"])
def test_both_ways_in_time(name: str, library: str) -> None:
    if name in BOTH_WAYS:
        model = model_of(name)
    else:
        model = Model(LATE) if name == "LATE" else rnnsym.load(f"bidirectional({name})")
    kernel = generate(model, backend=library.split(":")[0])
    assert name == "LATE" or "in_parts(" in kernel.source or "scan(" in kernel.source
    shortest = model.timing.minimum_length
    for length, batch in ((shortest, 2), (shortest + 3, 1)) if library not in COMPILED else ((shortest + 3, 2),):
        assert both(model, library, 4, length, batch) < 1e-10


@pytest.mark.parametrize("library", ["torch", "array_api:numpy"])
@given(pairs(), st.integers(0, 12), st.integers(1, 3))
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
def test_drawn_cells_one_after_another(library: str, model: Model, more: int, batch: int) -> None:
    assert both(model, library, 0, model.timing.minimum_length + more, batch) < 1e-9


@pytest.mark.parametrize("library", [library for library in LIBRARIES if library not in COMPILED])
@given(models(), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
def test_drawn_models(library: str, model: Model, length: int, batch: int, seed: int) -> None:
    assert both(model, library, seed, length, batch) < 1e-10


@given(models(), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
def test_drawn_models_compiled(model: Model, length: int, batch: int, seed: int) -> None:
    assert both(model, "jax", seed, length, batch) < 1e-10


@pytest.mark.parametrize("library", LIBRARIES[:4])
def test_every_operation(library: str) -> None:
    # An argument of at least 1: within the domain of all of them.
    parts = [f"{entry.name}(1.5 + 0.1 * tanh(U @ x[t]))" for entry in ELEMENTWISE]
    text = f"h[t] = tanh(W @ h[t-1]) + {' + '.join(parts)}\nE[t] = squared_error(y[t], h[t])"
    assert both(Model(text), library, 2, 3, 2) < 1e-10


@pytest.mark.parametrize("library", LIBRARIES[:4])
@pytest.mark.parametrize(
    "text",
    [
        "h[t] = tanh(W @ h[t-1] + R @ h[t-3] + b)\nE[t] = squared_error(y[t], h[t])",
        "h[t] = tanh(W @ concat(h[t-1], x[t]))\nE[t] = squared_error(y[t], h[t])",
        "h[t] = a * h[t-1] + log_softmax(U @ x[t])\nE[t] = logsumexp(h[t]) + dot(x[t], x[t-1])",
        "h[t] = tanh(W @ (k[t] * h[t-1]) + U @ x[t])\nk[t] = sigmoid(V @ h[t-1])\nE[T] = squared_error(y, h[T])",
        "p[t], q[t] = split(x[t])\nE[t] = squared_error(p[t], q[t])",  # only x tells the size, as n + n
    ],
)
def test_other_cells(text: str, library: str) -> None:
    inputs = ("y",) if "(y, " in text else ()
    for length, batch in ((5, 2), (1, 1)):
        assert both(Model(text, inputs=inputs), library, 3, length, batch) < 1e-10


def problem(library: str, **options: Any) -> tuple[Any, ...]:
    model = rnnsym.load("lstm")
    params, inputs, _ = draw(model, 0, length=3, batch=2)
    convert = converter(library)
    kernel = generate(model, backend=library.split(":")[0], **options)
    return kernel, *({key: convert(value) for key, value in group.items()} for group in (params, inputs))


def test_jax_uses_our_gradients() -> None:
    kernel, params, inputs = problem("jax")
    import jax

    expected = kernel.loss_and_grad(params, inputs)[1]
    value, (own, other) = jax.value_and_grad(lambda p, i: 3.0 * kernel.loss(p, i), argnums=(0, 1))(params, inputs)
    assert float(value) == pytest.approx(3 * float(kernel.loss(params, inputs)))
    assert all(np.allclose(group[key], 3 * expected[key]) for group in (own, other) for key in group)
    # Finite differences know nothing of ours.
    step = {key: np.cos(np.arange(array.size)).reshape(array.shape) for key, array in params.items()}
    ahead, behind = (
        kernel.loss({key: array + sign * 1e-6 * step[key] for key, array in params.items()}, inputs) for sign in (1, -1)
    )
    along = sum(float(np.sum(own[key] * step[key])) for key in params)
    assert along == pytest.approx(3 * float(ahead - behind) / 2e-6, rel=1e-6)
    # There is one function of ours in the way, not a differentiated loop.
    assert "custom_vjp" in str(jax.make_jaxpr(kernel.module.loss)(params, inputs))


def test_what_is_not_asked_for_is_constant() -> None:
    kernel, params, inputs = problem("jax", gradients=["W_i"])
    import jax

    found = jax.jit(jax.grad(kernel.loss))(params, inputs)
    assert np.any(found["W_i"] != 0)
    assert not np.any(found["W_f"])
    assert "Everything but W_i counts as a constant." in kernel.source


def test_torch_gradcheck() -> None:
    kernel, params, inputs = problem("torch")
    import torch

    leaves = [array.requires_grad_() for array in (*params.values(), *inputs.values())]

    def loss(*arrays: Any) -> Any:
        return kernel.loss(
            dict(zip(params, arrays, strict=False)), dict(zip(inputs, arrays[len(params) :], strict=True))
        )

    assert torch.autograd.gradcheck(loss, leaves)


def test_torch_module_learns() -> None:
    kernel, _, inputs = problem("torch")
    import torch

    sizes = {key: array.shape[-1] for key, array in inputs.items()}
    network = kernel.module.Network(seed=1, m=sizes["x"], n=sizes["h[0]"], k=sizes["target"])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = network(inputs)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert set(network.state_dict()) == {f"weights.{name}" for name in kernel.module.PARAMETERS}


def test_torch_module_holds_what_is_fixed() -> None:
    pytest.importorskip("torch")
    text = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])"
    module = generate(Model(text, fixed=("W",)), backend="torch").module
    network = module.Network(n_h=3, n_x=2)
    assert [name for name, array in network.named_parameters() if array.requires_grad] == ["weights.U"]
    assert set(network.state_dict()) == {"weights.W", "weights.U"}
    only = generate(Model(text), backend="torch", gradients=["U"]).module.Network(n_h=3, n_x=2)
    assert not only.weights["W"].requires_grad


@pytest.mark.parametrize("library", LIBRARIES[:4])
def test_what_does_not_fit_is_said(library: str) -> None:
    kernel, params, inputs = problem(library)
    with pytest.raises(ValueError, match=r"params lacks 'W_i', an array of shape \(n, n\)"):
        kernel.loss_and_grad({key: value for key, value in params.items() if key != "W_i"}, inputs)
    with pytest.raises(ValueError, match=r"inputs\['x'\] has shape .* expected \(T, B, m\)"):
        kernel.loss_and_grad(params, {**inputs, "x": inputs["x"][:, :, :1]})
    other = converter(library)(np.zeros(params["b_i"].shape, "float32"))
    with pytest.raises(ValueError, match=r"'W_i' is of type .*float64, 'b_i' of .*float32: use one"):
        kernel.loss_and_grad({**params, "b_i": other}, inputs)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_library_that_is_missing(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    kernel = generate(rnnsym.load("rnn"), backend=library)
    with pytest.raises(RnnsymError, match=rf"pip install {library}"):
        kernel.loss_and_grad({}, {})


def test_what_a_backend_lacks() -> None:
    kernel = generate(rnnsym.load("rnn"), backend="array_api")
    for name in ("forward", "predict", "loss"):
        with pytest.raises(RnnsymError, match="loss_and_grad"):
            getattr(kernel, name)({}, {})
    with pytest.raises(RnnsymError, match="the backends are numpy, "):
        generate(rnnsym.load("rnn"), backend="fortran")
    with pytest.raises(RnnsymError, match="for the numpy backend alone, not for jax: hessian"):
        generate(rnnsym.load("rnn"), backend="jax", hessian=True)


@pytest.mark.parametrize("backend", ["jax", "torch", "array_api"])
def test_the_source_is_deterministic_and_exported(backend: str, tmp_path: Path) -> None:
    source = generate(rnnsym.load("lstm"), backend=backend).source
    assert source == generate(rnnsym.load("lstm"), backend=backend).source
    assert max(map(len, source.splitlines())) <= 120
    target = tmp_path / f"kernel{BACKENDS[backend].suffix}"
    assert cli.main(["export", "lstm", "--backend", backend, "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == source
    assert cli.main(["export", "lstm", "--backend", backend, "-o", str(target)]) == 2


PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
EXAMPLES = [
    text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL) if "assert" in text
]


@pytest.mark.parametrize("example", EXAMPLES, ids=["numba", "jax", "torch", "array_api"])
def test_the_examples_of_the_page_run(example: str) -> None:
    for library in ("jax", "torch", "numba"):
        if f"import {library}" in example or f'backend="{library}"' in example:
            pytest.importorskip(library)
    exec(compile(example, str(PAGE), "exec"), {})


@pytest.mark.parametrize("read", ["inv(I + outer(xp[t], xp[t])) @ xp[t]", "softmax(scan @ xp[t])"])
def test_variables_may_be_called_like_the_library(read: str) -> None:
    text = f"xp[t] = tanh(W @ xp[t-1] + torch @ lax[t])\ndtype[t] = {read}\nE[t] = squared_error(device[t], dtype[t])"
    assert both(Model(text), "array_api:numpy", 1, 3, 2) < 1e-12


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_largest_element(library: str) -> None:
    text = "h[t] = tanh(W @ h[t-1] * max(x[t]) + softmax(outer(b, x[t])) @ x[t] * min(b))\nE[t] = squared_error(y[t], h[t])"
    assert both(Model(text), library, 2, 3, 2) < 1e-10
