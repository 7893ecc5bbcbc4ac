"""The forms through time agree with each other: paths, forward sensitivities, truncation, recurrence."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from rnnsym import Model, derive, library, load
from rnnsym.calculus.onestep import NoStepError, one_step
from rnnsym.calculus.through_time import ThroughTime, direct_name, through_time
from rnnsym.checks.data import draw
from rnnsym.checks.kits import Array
from rnnsym.checks.symbolic import Evaluation
from rnnsym.equations.indexed import Kind, Role
from rnnsym.equations.lowering import lower
from rnnsym.testing import Problem, problems

NAMES = library.available()


def evaluated(model: Model, form: ThroughTime, params: dict[str, Array], inputs: dict[str, Array]) -> Evaluation:
    equations = (*form.step.system.equations, *form.jacobians, *form.immediate, *form.direct, *form.total)
    return Evaluation(model, (*equations, form.gradient), params, inputs)


def sum_over_paths(form: ThroughTime, values: Evaluation, first: int, kept: int | None = None) -> Array:
    """The double sum, written out with arrays: one product of Jacobians for every t and k.

    States with longer lags stand beside copies of themselves: (h[t], h[t-1]) depends on (h[t-1], h[t-2]).
    """
    step = form.step
    blocks = [(name, back) for name, longest in step.states.items() for back in range(longest)]
    sizes = [int(np.prod(values.value(name, 1).shape, dtype=int)) for name, _ in blocks]
    starts = [0, *itertools.accumulate(sizes)]

    def jacobian(time: int) -> Array:
        # Entries that go through a state of the same step are named after it: `values` puts them together.
        whole = np.zeros((starts[-1], starts[-1]))
        for row, (name, back) in enumerate(blocks):
            for column, (other, before) in enumerate(blocks):
                place = slice(starts[row], starts[row + 1]), slice(starts[column], starts[column + 1])
                if back:
                    whole[place] = np.eye(sizes[row]) if (other, before) == (name, back - 1) else 0
                elif (key := f"step({name},{other}[t-{before + 1}])") in values.equations:
                    whole[place] = values.value(key, time).reshape(sizes[row], sizes[column])
        return whole

    def direct(time: int) -> Array:
        parts = [
            values.value(direct_name(name), time).ravel()
            if not back and direct_name(name) in values.equations
            else np.zeros(size)
            for (name, back), size in zip(blocks, sizes, strict=True)
        ]
        return np.concatenate(parts)

    def immediate(time: int) -> Array:
        count = int(np.prod(values.values[form.parameter, None].shape, dtype=int))
        rows = []
        for (name, back), size in zip(blocks, sizes, strict=True):
            key = f"immediate({name},{form.parameter})"
            present = not back and key in values.equations
            rows.append(values.value(key, time).reshape(size, count) if present else np.zeros((size, count)))
        return np.concatenate(rows)

    total = sum((values.value(e.name, None).ravel() for e in form.own), start=np.zeros(1))
    for time in range(first, values.length + 1):
        row = direct(time)
        for k in range(time, first - 1, -1):
            if kept is None or time - k < kept:
                total = total + row @ immediate(k)
            row = row @ jacobian(k)
    return np.asarray(total).reshape(values.values[form.parameter, None].shape)


def close(one: Array, other: Array) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * max(1e-3, float(np.abs(other).max(initial=0))))


def check_forms(model: Model, params: dict[str, Array], inputs: dict[str, Array]) -> None:
    derivation = derive(model)
    reference = Evaluation(model, (*derivation.system.equations, *derivation.adjoints), params, inputs)
    for parameter in model.parameters[:4]:
        form = through_time(derivation.system, parameter)
        values = evaluated(model, form, params, inputs)
        gradient = reference.value(f"bar({parameter})", None)
        close(values.value(f"bar({parameter})", None), gradient)
        if form.states:
            first = min(1, *(e.interval.low.offset for e in form.step._timed() if e.interval))
            close(sum_over_paths(form, values, first), gradient)


@pytest.mark.parametrize("name", NAMES)
def test_paths_and_forward_sensitivities_give_the_gradient(name: str) -> None:
    model = load(name)
    params, inputs, _ = draw(model, 3, length=5, batch=None)
    check_forms(model, params, inputs)


@settings(max_examples=40)
@given(problems(max_batch=1))
def test_the_forms_of_drawn_models_agree(problem: Problem) -> None:
    model = problem.model
    try:
        one_step(lower(model))
    except NoStepError:
        return
    params, inputs, _ = draw(model, 1, length=problem.length, batch=None)
    check_forms(model, params, inputs)


def test_a_loss_that_reads_a_state_before_its_first_step_counts_each_time_once() -> None:
    model = Model(
        """
        h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
        p[t] = V @ h[t-2]
        E[t] = squared_error(target[t], p[t])
        """,
        sizes={"h": "n", "x": "m", "p": "k"},
    )
    assert len(through_time(lower(model), "W").gradient.terms) == 1
    for length in (1, 2, 3, 5):
        params, inputs, _ = draw(model, 1, length=length, batch=None)
        check_forms(model, params, inputs)


def test_a_truncated_sum_is_not_the_gradient() -> None:
    model = load("rnn")
    params, inputs, _ = draw(model, 3, length=5, batch=None)
    form = through_time(lower(model), "W")
    values = evaluated(model, form, params, inputs)
    whole = sum_over_paths(form, values, 1)
    assert not np.allclose(sum_over_paths(form, values, 1, kept=2), whole)
    close(sum_over_paths(form, values, 1, kept=5), whole)


def test_the_jacobian_is_what_a_perturbed_step_changes() -> None:
    model = load("lstm")
    params, inputs, _ = draw(model, 3, length=3, batch=None)
    form = through_time(lower(model), "W_f")
    equations = form.step.system.equations
    values = evaluated(model, form, params, inputs)
    for given_name, state in itertools.product(("h", "c"), ("h", "c")):
        analytic = values.value(f"step({state},{given_name}[t-1])", 1)
        for column in range(analytic.shape[1]):
            moved = {**inputs, f"{given_name}[0]": inputs[f"{given_name}[0]"].astype(complex)}
            moved[f"{given_name}[0]"] = inputs[f"{given_name}[0]"].copy()
            moved[f"{given_name}[0]"][column] += 1e-6
            up = Evaluation(model, equations, params, moved).value(state, 1)
            moved[f"{given_name}[0]"][column] -= 2e-6
            down = Evaluation(model, equations, params, moved).value(state, 1)
            np.testing.assert_allclose(analytic[:, column], (up - down) / 2e-6, rtol=1e-6, atol=1e-9)


def test_a_step_that_reads_a_fixed_time_is_no_chain() -> None:
    model = Model("h[t] = tanh(W @ h[t-1])\ng[t] = tanh(V @ g[t-1] + h[T])\nE[t] = squared_error(d[t], g[t])")
    with pytest.raises(NoStepError, match=r"reads h at time T"):
        through_time(lower(model), "W")


def test_lags_and_kinds_are_in_the_variables() -> None:
    form = through_time(lower(Model("h[t] = tanh(W @ h[t-2] + V @ h[t-1])\nE[t] = squared_error(d[t], h[t])")), "W")
    lags = {e.variable.partial.lag for e in form.jacobians if e.variable.partial}
    assert lags == {1, 2}
    assert all(e.variable.role is Role.PARTIAL for e in form.jacobians)
    assert {e.variable.partial.kind for e in form.immediate if e.variable.partial} == {Kind.IMMEDIATE}


def test_states_that_only_the_loss_reads_later_lead_nowhere() -> None:
    model = Model("h[t] = tanh(U @ x[t])\ny[t] = V @ h[t-1]\nE[t] = squared_error(d[t], y[t])")
    derivation = derive(model)
    assert not derivation.paths().chain.leads_on
    for form in (derivation.paths("U"), derivation.truncated(2, "U"), derivation.forward("U"), derivation.jacobians()):
        assert "No state depends on the states before it" in " ".join(form.to_text().split())
    assert str(derivation["U"]) in derivation.paths("U").to_text()
