"""The network of links: it gives the gradient of any model, and faults put into it are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import rnnsym
from rnnsym.checks.data import Data, draw
from rnnsym.checks.numeric import complex_step, relative_difference
from rnnsym.equations.lowering import lower
from rnnsym.testing import Problem, problems
from rnnsym.verify.functions.edits import every_edit
from rnnsym.verify.functions.network import Network
from rnnsym.verify.functions.values import Values
from rnnsym.verify.functions.verify import verify_function

Arrays = Mapping[str, Any]
RNN = rnnsym.load("rnn")


@settings(max_examples=25)
@given(problems())
def test_the_network_gives_the_gradient_of_any_model(problem: Problem) -> None:
    model = problem.model
    if not model.input_keys:
        return
    values = Values(model, lower(model), Data(dict(problem.params), dict(problem.inputs), dict(problem.sizes)))
    keys = (*model.parameters, *model.input_keys)
    found = {key: array[0] for key, array in Network(values).gradients(keys).items()}
    expected = complex_step(model, problem.params, problem.inputs)
    assert relative_difference(found, {key: expected[key] for key in keys}) < 1e-8


def test_copies_are_independent() -> None:
    """A copy with an edit does not depend on the copies beside it."""
    data = draw(RNN, 0, 4, 3)
    network = Network(Values(RNN, lower(RNN), data))
    edits = every_edit(network)
    together = network.gradients(("W", "U", "h[0]"), [(), *((edit,) for edit in edits)])
    assert len(edits) > 150
    for number in range(0, len(edits), 29):
        alone = network.gradients(("W", "U", "h[0]"), [(edits[number],)])
        for key, array in alone.items():
            np.testing.assert_allclose(array[0], together[key][number + 1], rtol=1e-10, atol=1e-13)


def faulty(model: rnnsym.Model, texts: tuple[str, ...]) -> Callable[[Arrays, Arrays], dict[str, Any]]:
    """A function with known faults: the backward pass with these edits."""
    system = lower(model)

    def function(params: Arrays, inputs: Arrays) -> dict[str, Any]:
        sizes: dict[str, int] = {}
        for name in (*model.parameters, *model.sequences):
            array = params[name] if name in params else inputs[name]
            numbers = array.shape[array.ndim - len(model.shapes[name]) :]
            sizes |= {str(size): number for size, number in zip(model.shapes[name], numbers, strict=True)}
        network = Network(Values(model, system, Data(dict(params), dict(inputs), sizes)))
        known = {edit.text: edit for edit in every_edit(network)}
        chosen = tuple(known[text] for text in texts if text in known)
        keys = (*model.parameters, *(key for key in model.input_keys if key != "target"))
        return {key: array[0] for key, array in network.gradients(keys, [chosen]).items()}

    return function


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["rnn", "elman", "gru"])
def test_faults_drawn_at_random_are_named(name: str, count: int) -> None:
    model = rnnsym.load(name)
    edits = every_edit(Network(Values(model, lower(model), draw(model, 0, 4, 3))))
    likely = [edit for edit in edits if edit.rank <= 2 and edit.kind in ("path", "derivative", "sign", "sum", "delta")]
    rng = np.random.default_rng(5)
    for _ in range(2):
        drawn = rng.choice(len(likely), count, replace=False)
        result = verify_function(model, faulty(model, tuple(likely[n].text for n in drawn)))
        assert not result.wrong or result.diagnosis[0].complete, f"{[likely[n].text for n in drawn]}\n{result}"
        # What is found is never more than what was done.
        assert not result.wrong or len(result.diagnosis[0].texts) <= count
