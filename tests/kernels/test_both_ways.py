"""Recurrences that run backwards in time, and several one after another, in fast kernels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regular import regular_cells

from rnnsym import Kernel, Model, Passes, generate, load
from rnnsym.checks import numeric
from rnnsym.checks.data import draw

SMALL = Passes(rows=12, cache=2000)
#: Chunks of one step.
SINGLE = Passes(rows=1, delay=False)
BACK = "h[t] = tanh(W @ h[t+1] + U @ x[t] + b)\nE[t] = squared_error(y[t], V @ h[t])"
FAR = "h[t] = tanh(W @ h[t+1] + R @ h[t+3] + U @ x[t])\nE[t] = squared_error(y[t], V @ h[t+1])"
AHEAD = "h[t] = tanh(W @ h[t-1] + U @ x[t])\ns[t] = tanh(A @ s[t-1] + B @ h[t+1])\nE[t] = squared_error(y[t], s[t])"
TIED = """f[t] = tanh(W @ f[t-1] + U @ x[t])
g[t] = tanh(W @ g[t+1] + U @ x[t])
E[t] = squared_error(y[t], f[t] * g[t])"""
TWO_LOSSES = """f[t] = tanh(W @ f[t-1] + U @ x[t])
g[t] = tanh(R @ g[t+1] + S @ x[t])
p[t] = softmax(V @ f[t])
q[t] = softmax(C @ g[t])
e[t] = cross_entropy(target[t], p[t])
d[t] = cross_entropy(other[t], q[t])
E = sum(e[t]) + sum(d[t])"""
LADDER = """f[t] = tanh(W @ f[t-1] + U @ x[t])
g[t] = tanh(R @ g[t+1] + S @ f[t-1] + b)
k[t] = g[t] * tanh(A @ k[t-1] + B @ f[t])
l[t] = tanh(C @ l[t+1] + D @ k[t+1] + F @ g[t])
E[t] = squared_error(y[t], l[t] + k[t])"""
CONTEXT = """h[t] = tanh(W @ h[t-1] + U @ x[t])
c = tanh(V @ h[T])
s[0] = tanh(A @ c)
s[t] = tanh(B @ s[t-1] + C @ c + D @ z[t])
E[t] = squared_error(y[t], s[t])"""
READ_BACK = """h[t] = tanh(W @ h[t+1] + U @ x[t])
s[0] = h[1]
s[t] = tanh(B @ s[t-1] + D @ z[t])
E[t] = squared_error(y[t], s[t])"""
ENDS = """f[t] = tanh(W @ f[t-1] + U @ x[t])
g[t] = tanh(R @ g[t+1] + S @ x[t])
E = squared_error(y, V @ concat(f[T], g[1]))"""
MEAN = """h[t] = tanh(W @ h[t-1] + U @ x[t])
g[T+1] = V @ h[T]
g[t] = tanh(R @ g[t+1] + S @ h[t])
e[t] = squared_error(y[t], g[t])
E = mean(e[t])"""
MODELS = {
    "back": BACK,
    "far": FAR,
    "ahead": AHEAD,
    "tied": TIED,
    "two losses": TWO_LOSSES,
    "ladder": LADDER,
    "context": CONTEXT,
    "read back": READ_BACK,
    "ends": ENDS,
    "mean": MEAN,
    "deep": "stack(bidirectional(gru), 2)",
    "wide": "bidirectional(stack(lstm, 2))",
    "sum": 'bidirectional(lstm_peephole, merge="sum")',
    "divided": "bidirectional(min_lstm)",
    "shifted": "bidirectional(rwkv)",
    "simple": "bidirectional(sru)",
    "one": 'task(bidirectional(lstm), "many-to-one", "huber")',
    "encoder": "encoder_decoder(bidirectional(gru), lstm)",
    "attention": "encoder_decoder(lstm, attention_additive)",
    "a state of two ways": "encoder_decoder(rwkv, rwkv)",
}


def model_of(name: str) -> Model:
    return Model(MODELS[name]) if "\n" in MODELS[name] else load(MODELS[name])


def plain(kernel: Kernel, data: tuple[dict[str, Any], dict[str, Any]]) -> tuple[float, dict[str, Any]]:
    """The same numbers step by step."""
    loss, values = kernel.forward(*data)
    return loss, kernel.module.backward(*data, values)


def same(kernel: Kernel, data: Any, **options: Any) -> None:
    expected, gradients = plain(kernel, data)
    loss, found = kernel.loss_and_grad(*data, **options)
    assert loss == pytest.approx(expected, rel=1e-11, abs=1e-12)
    assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in gradients.items()}
    assert numeric.relative_difference(found, gradients) < 1e-9


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("passes", [None, SMALL, SINGLE], ids=["usual", "small", "single"])
def test_the_same_as_step_by_step(name: str, passes: Passes | None) -> None:
    model = model_of(name)
    kernel = generate(model, passes=passes)
    assert "class Workspace" in kernel.source
    shortest = model.timing.minimum_length
    for steps, batch in [(shortest, 1), (shortest, 2), (shortest + 1, 3), (5, 1), (30, 2), (37, 1)]:
        data = draw(model, 1, length=max(steps, shortest), batch=batch)[:2]
        same(kernel, data)
        room = kernel.module.workspace(*data)
        for _ in range(2):  # what a call leaves in it does not count in the next one
            same(kernel, data, workspace=room)


@pytest.mark.parametrize("name", ["back", "far", "ladder", "context", "ends", "mean"])
def test_gradients_of_the_complex_step(name: str) -> None:
    model = model_of(name)
    params, inputs, _ = draw(model, 2, length=max(5, model.timing.minimum_length), batch=2)
    _, gradients = generate(model).loss_and_grad(params, inputs)
    assert numeric.relative_difference(numeric.complex_step(model, params, inputs), gradients) < 1e-10


def test_more_than_a_chunk() -> None:
    for name in ("back", "deep", "encoder"):
        model = model_of(name)
        same(generate(model), draw(model, 3, length=700, batch=1)[:2])


def turned(text: str) -> str:
    """Equations with time running the other way."""

    def other(match: re.Match[str]) -> str:
        anchor, sign, offset = match["anchor"], match["sign"], int(match["offset"] or 0)
        offset = -offset if sign == "-" else offset
        if anchor == "t":
            return f"[t{-offset:+d}]" if offset else "[t]"
        if anchor == "T":
            return f"[{1 - offset}]"
        return f"[T{1 - offset:+d}]" if offset != 1 else "[T]"

    return re.sub(r"\[(?P<anchor>t|T|)(?P<sign>[+-]?)(?P<offset>\d*)\]", other, text)


@given(regular_cells(), st.integers(0, 12), st.integers(1, 3), st.sampled_from((None, SMALL)))
@settings(max_examples=25)
def test_a_drawn_cell_in_a_mirror(model: Model, more: int, batch: int, passes: Passes | None) -> None:
    kernel = generate(model, optimize=False)
    at_once = ("target",) if "target[" not in model.text else ()
    mirror = Model(turned(model.text), model.sizes, inputs=at_once, name="mirror")
    other = generate(mirror, passes=passes)
    params, inputs, _ = draw(model, 0, length=model.timing.minimum_length + more, batch=batch)
    loss, expected = kernel.loss_and_grad(params, inputs)
    mirrored = {turned(key): value[::-1].copy() if key in model.sequences else value for key, value in inputs.items()}
    found, gradients = other.loss_and_grad(params, mirrored)
    assert found == pytest.approx(loss, rel=1e-11, abs=1e-12)
    wanted = {turned(key): value[::-1] if key in model.sequences else value for key, value in expected.items()}
    assert numeric.relative_difference(gradients, wanted) < 1e-9


def test_options() -> None:
    model = load("bidirectional(gru)")
    kernel = generate(model, passes=SMALL)
    data = draw(model, 4, length=20, batch=3)[:2]
    expected, gradients = plain(kernel, data)
    added = {key: np.ones_like(value) for key, value in data[0].items()}
    kernel.loss_and_grad(*data, accumulate=added)
    assert numeric.relative_difference({k: v - 1.0 for k, v in added.items()}, {k: gradients[k] for k in added}) < 1e-9
    with pytest.raises(ValueError, match="no checkpoint for this model: its recurrences go through all steps"):
        kernel.loss_and_grad(*data, checkpoint=4)
    with pytest.raises(ValueError, match="cannot truncate: its recurrences go through all steps"):
        kernel.loss_and_grad(*data, truncate=4)
    back = Model(BACK)
    turned_kernel, alone = generate(back), draw(back, 0, length=9)[:2]
    with pytest.raises(ValueError, match="its recurrence runs backwards in time"):
        turned_kernel.loss_and_grad(*alone, checkpoint=3)
    assert kernel.predict(*data)["h"].shape[:2] == (20, 3)
    only = generate(model, gradients=["W_r_bw", "x"], passes=SMALL)
    loss, found = only.loss_and_grad(*data)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert numeric.relative_difference(found, {key: gradients[key] for key in found}) < 1e-9


def ended(model: Model, ending: str) -> tuple[str, dict[str, Any]]:
    """Equations and sizes with an ending at every name but that of the input."""
    names = {"E", *model.shapes} - {"x"}

    def other(match: re.Match[str]) -> str:
        return match[0] + ending if match[0] in names else match[0]

    sizes: dict[str, Any] = {}
    for name, shape in model.sizes.items():
        assert isinstance(shape, tuple)
        own = tuple(size if size == "m" else f"{size}{ending}" for size in shape)
        sizes[name + ending if name in names else name] = own
    return re.sub(r"\b[A-Za-z]\w*\b(?!\()", other, model.text), sizes


@st.composite
def pairs(draw_one: st.DrawFn) -> Model:
    """Two drawn cells, each one way in time, and both losses; they read the same input, or the second the first."""
    texts: list[str] = []
    sizes: dict[str, Any] = {}
    losses = []
    for ending in ("_0", "_1"):
        text, own = ended(draw_one(regular_cells()), ending)
        texts.append(turned(text) if draw_one(st.booleans()) else text)
        sizes |= own
        losses.append(f"sum(E{ending}[t])" if f"E{ending}[t]" in text else f"E{ending}")
    state = re.search(r"^(h\d+_0)\[t\]", texts[0], re.M)
    if state and draw_one(st.booleans()):
        texts[1] = texts[1].replace("x[", f"{state[1]}[")
        (whole,) = sizes[state[1]]
        sizes = {
            name: tuple(whole if size == "m" and name.endswith("_1") else size for size in shape)
            for name, shape in sizes.items()
        }
    text = "\n".join([*texts, f"E = {' + '.join(losses)}"])
    sizes = {name: shape for name, shape in sizes.items() if re.search(rf"\b{name}\b", text)}
    inputs = tuple(name for name in ("target_0", "target_1") if f"{name}[" not in text)
    return Model(text, sizes, inputs=inputs, name="pair")


@given(pairs(), st.integers(0, 12), st.integers(1, 3), st.sampled_from((None, SMALL)))
@settings(max_examples=15)
def test_drawn_cells_one_after_another(model: Model, more: int, batch: int, passes: Passes | None) -> None:
    kernel = generate(model, passes=passes)
    data = draw(model, 0, length=model.timing.minimum_length + more, batch=batch)[:2]
    same(kernel, data)
