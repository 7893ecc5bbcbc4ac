"""Models with equations of their own at the first step or at one time, and functions of parameters alone."""

from __future__ import annotations

import pytest
from test_fast import SMALL, problem, same_as_step_by_step

import rnnsym
from rnnsym import Model, generate
from rnnsym.checks import numeric

_LOSS = "E[t] = squared_error(target[t], h[t])"
ONE = {
    "given": f"h[1] = tanh(W @ h[0] + U @ x[1] + b + a)\nh[t] = tanh(W @ h[t-1] + U @ x[t] + b)\n{_LOSS}",
    "absent": f"h[1] = tanh(U @ x[1] + b)\nh[t] = tanh(W @ h[t-1] + U @ x[t] + b)\n{_LOSS}",
    "gated": (
        "i[t] = sigmoid(U @ x[t] + b)\nf[t] = sigmoid(V @ x[t])\n"
        f"h[1] = i[1] * x[1]\nh[t] = f[t] * h[t-1] + i[t] * x[t]\n{_LOSS}"
    ),
}
ALONE = (
    f"p = softmax(a)\nq = log_softmax(a)\nh[t] = tanh(W @ (p * h[t-1]) + q + x[t])\n{_LOSS}",
    "h[t] = tanh(W @ h[t-1] + logsumexp(a) * x[t])\nE[t] = dot(target[t], softmax(a) * h[t])",
    "h[t] = tanh(W @ h[t-1] + x[t])\nE[t] = dot(target[t], softmax(a) * h[t]) + dot(x[t], softmax(a))",
    "v = tanh(b)\nh[t] = tanh(W @ h[t-1] + x[t])\ng[t] = tanh(V @ g[t+1] + x[t])\nE[t] = dot(g[t], softmax(a) * v * h[t])",
)


def _checked(model: Model, text: str = "") -> rnnsym.Kernel:
    kernel = generate(model, passes=SMALL)
    assert hasattr(kernel.module, "Workspace"), text
    for steps, batch in ((1, 1), (2, 1), (33, 3)):
        same_as_step_by_step(model, kernel, 0, steps, batch)
    return kernel


def test_a_model_that_writes_a_sequence_from_one_input() -> None:
    _checked(rnnsym.load("one_to_many"))


@pytest.mark.parametrize("what", ONE)
def test_the_first_step_has_an_equation_of_its_own(what: str) -> None:
    model = Model(ONE[what])
    kernel = _checked(model, what)
    params, inputs = problem(model, 1, length=20, batch=2)
    expected = kernel.loss_and_grad(params, inputs)[1]
    room = kernel.module.workspace(params, inputs, checkpoint=6)
    for _ in range(2):  # what the first call has left in its rows is not read by the second
        found = kernel.loss_and_grad(params, inputs, workspace=room)[1]
        assert numeric.relative_difference(found, expected) < 1e-12
    windows = kernel.loss_and_grad(params, inputs, truncate=20)[1]
    assert numeric.relative_difference(windows, expected) < 1e-12


@pytest.mark.parametrize("text", ALONE)
def test_a_function_of_a_whole_vector_of_parameters(text: str) -> None:
    _checked(Model(text))


def test_a_state_that_is_there_at_one_time_alone() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\ns[0] = h[T]\nE = squared_error(target, s[0])")
    kernel = generate(model)
    params, inputs = problem(model, 0, length=5, batch=2)
    assert kernel.loss_and_grad(params, inputs)[0] > 0


@pytest.mark.parametrize(
    "loss",
    ["E = mean(dot(h[T], x[t-1]))", "E = mean(dot(h[T], x[t]))", "E[t] = dot(h[T], h[t])", "E[t] = dot(h[2], x[t])"],
)
def test_the_adjoint_of_one_step_adds_up_over_all_steps(loss: str) -> None:
    model = Model(f"h[t] = tanh(W @ h[t-1] + b + x[t])\n{loss}")
    params, inputs = problem(model, 0, length=5, batch=2)
    found = generate(model).loss_and_grad(params, inputs)[1]
    assert numeric.relative_difference(found, numeric.complex_step(model, params, inputs, length=5)) < 1e-12


def test_the_last_step_is_read_after_the_loop_alone() -> None:
    model = Model(
        "h[t] = tanh(W @ h[t-1])\nE[1] = square(a - d[1])\nE[t] = square(d[t] - d[t])\nL = mean(E[t]) + d[T]",
        sizes={"d": (), "a": ()},
    )
    params, inputs = problem(model, 0, length=5, batch=2)
    found = generate(model).loss_and_grad(params, inputs)[1]
    assert numeric.relative_difference(found, numeric.complex_step(model, params, inputs, length=5)) < 1e-12
