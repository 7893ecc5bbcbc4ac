"""Equations whose shapes do not fit: told as malformed, and put right all the same."""

from __future__ import annotations

import json

import pytest
from mutator import printed, whole

import rnnsym
from rnnsym import Model
from rnnsym.verify import Verdict
from rnnsym.verify.formulas.result import Result

MODEL = Model("""
a[t] = W @ h[t-1] + U @ x[t] + b
h[t] = tanh(a[t])
y[t] = V @ h[t]
E[t] = squared_error(target[t], y[t])
""")
RIGHT = r"""
\bar{y}_t = y_t - \mathrm{target}_t
\bar{h}_t = V^\top \bar{y}_t + W^\top \bar{a}_{t+1}
\bar{a}_t = (1 - h_t^2) \odot \bar{h}_t
\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \bar{a}_t h_{t-1}^\top
\frac{\partial E}{\partial U} = \sum_{t=1}^{T} \bar{a}_t x_t^\top
\frac{\partial E}{\partial b} = \sum_{t=1}^{T} \bar{a}_t
""".strip()


def verified(before: str, after: str) -> Result:
    assert before in RIGHT
    return rnnsym.verify(MODEL, RIGHT.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (r"V^\top \bar{y}_t", r"V \bar{y}_t", "V must be transposed here"),
        (r"V^\top \bar{y}_t", r"\bar{y}_t", "lacks the factor Vᵀ"),
        (r"V^\top \bar{y}_t", r"U^\top \bar{y}_t", "U stands where V is needed"),
        (r"\bar{a}_t h_{t-1}^\top", r"\bar{a}_t \odot h_{t-1}^\top", "has to be the matrix product"),
        (r"\bar{a}_t x_t^\top", r"x_t \bar{a}_t^\top", "x[t] ā[t]ᵀ is transposed"),
        (r"(1 - h_t^2) \odot \bar{h}_t", r"\operatorname{diag}(1 - h_t^2) \odot \bar{h}_t", "the matrix product"),
    ],
)
def test_the_change_that_makes_it_fit_is_named(before: str, after: str, said: str) -> None:
    result = verified(before, after)
    assert result.verdict is Verdict.MALFORMED
    (diagnosis,) = result.diagnoses
    assert any(said in explanation.sentence and explanation.changes == 1 for explanation in diagnosis.explanations)
    line = RIGHT.split("\n").index(next(row for row in RIGHT.split("\n") if before in row)) + 1
    assert diagnosis.line == line
    assert [row.line for row in result.equations if row.verdict is not Verdict.SUPPORTED] == [line]


def test_vectors_side_by_side_are_multiplied_element_by_element_where_only_that_is_right() -> None:
    result = verified(r"(1 - h_t^2) \odot \bar{h}_t", r"(1 - h_t^2) \bar{h}_t")
    assert result.verdict is Verdict.CONDITIONAL
    assert "side by side are multiplied element by element" in result.assumption
    wrong = verified(r"(1 - h_t^2) \odot \bar{h}_t", r"(1 - h_{t-1}^2) \bar{h}_t")
    assert wrong.verdict in (Verdict.MALFORMED, Verdict.REFUTED)


def test_the_correction_holds() -> None:
    result = verified(r"V^\top \bar{y}_t", r"U^\top \bar{y}_t")
    right = result.diagnoses[0].explanations[0].corrected
    rows = RIGHT.split("\n")
    rows[1] = right
    assert rnnsym.verify(MODEL, "\n".join(rows)).verdict is Verdict.PROVED


def test_two_changes_in_one_equation() -> None:
    result = verified(r"\bar{a}_t x_t^\top", r"x_t \bar{h}_t^\top")
    explanation = result.diagnoses[0].explanations[0]
    assert explanation.changes == 2
    assert "is transposed" in explanation.sentence
    assert "h̄[t] stands where ā[t] is needed" in explanation.sentence


def test_another_equation_is_wrong_too() -> None:
    text = RIGHT.replace(r"V^\top \bar{y}_t", r"V \bar{y}_t").replace(r"\bar{a}_t x_t^\top", r"\bar{h}_t x_t^\top")
    result = rnnsym.verify(MODEL, text)
    assert [(d.line, d.explanations[0].changes) for d in result.diagnoses] == [(2, 1), (5, 1)]
    assert "h̄[t] stands where ā[t] is needed" in result.diagnoses[1].explanations[0].sentence


def test_in_rows_and_in_text() -> None:
    text = "\n".join(
        [
            "ȳ[t] = y[t] - target[t]",
            "h̄[t] = ȳ[t] V + ā[t+1] Wᵀ",
            "ā[t] = (1 - h[t]²) ⊙ h̄[t]",
            "∂E/∂b = Σ_{t=1..T} ā[t]",
        ]
    )
    model = Model(
        "a[t] = h[t-1] @ W + x[t] @ U + b\nh[t] = tanh(a[t])\ny[t] = h[t] @ V\nE[t] = squared_error(target[t], y[t])"
    )
    result = rnnsym.verify(model, text, convention="rows")
    assert result.verdict is Verdict.MALFORMED
    assert "V must be transposed" in result.diagnoses[0].explanations[0].sentence


def test_what_is_printed_and_what_programs_get() -> None:
    result = verified(r"V^\top \bar{y}_t", r"V \bar{y}_t")
    text = str(result)
    assert "the matrix product needs" in text
    assert "right is: h̄[t] = Vᵀ ȳ[t] + Wᵀ ā[t+1]" in text
    assert "must be transposed" in result.diagnosis
    found = json.loads(result.to_json())
    assert found["verdict"] == "malformed"
    assert found["diagnoses"][0]["explanations"][0]["corrected"].startswith(r"\bar{h}_t = V^\top")


def test_where_nothing_makes_it_fit_the_shapes_are_told() -> None:
    result = verified(r"\bar{a}_t x_t^\top", r"x_t x_t x_t x_t")
    assert result.verdict is Verdict.MALFORMED
    assert "the matrix product needs" in result.problem


def test_the_immediate_derivative_of_the_whole_loss_is_not_the_total_one() -> None:
    result = rnnsym.verify(MODEL, r"\frac{\partial E}{\partial h_t} = \frac{\partial^{+} E}{\partial h_t}")
    assert result.verdict is Verdict.REFUTED
    assert "is the immediate one here" in str(result)
    right = r"\frac{\partial E}{\partial h_t} = \frac{\partial^{+} E}{\partial h_t} + W^\top \frac{\partial E}{\partial a_{t+1}}"
    assert rnnsym.verify(MODEL, right).holds


def test_a_boundary_value_that_no_equation_gives_beside_another_mistake() -> None:
    text = RIGHT.replace(r"W^\top \bar{a}_{t+1}", r"W^\top \bar{a}_{t+1} \quad t = T-1, \dots, 1")
    text = text.replace(r"\bar{a}_t x_t^\top", r"\bar{h}_t x_t^\top")
    result = rnnsym.verify(MODEL, text)
    assert [diagnosis.line for diagnosis in result.diagnoses] == [2, 5]
    assert "No equation gives h̄ at t = T" in result.diagnoses[0].explanations[0].sentence


def test_a_declared_symbol_comes_before_a_name_spelled_like_it() -> None:
    model = Model(
        "a[t] = p[t] * h[t-1]\nh[t] = tanh(a[t])\nE[t] = squared_error(target[t], h[t])",
        symbols={"p": "a", "a": r"\alpha"},
    )
    assert rnnsym.verify(model, r"\frac{\partial E}{\partial a_t} = h_{t-1} \odot \bar{\alpha}_t").verdict.holds


def test_a_time_that_the_left_side_has_not() -> None:
    """Of an adjoint it is a sum that is missing; of anything else, nothing tells what is meant."""
    missing = RIGHT.replace(r"\frac{\partial E}{\partial b} = \sum_{t=1}^{T} \bar{a}_t", r"\bar{b} = \bar{a}_t")
    assert "The sum over t is missing" in rnnsym.verify(MODEL, missing).diagnosis
    with pytest.raises(rnnsym.RnnsymError, match="the left side has no t"):
        rnnsym.verify(MODEL, RIGHT + "\n" + r"q = \bar{a}_t")


def test_ones_that_fit_in_no_way_are_told() -> None:
    model = rnnsym.load("titans")
    result = rnnsym.verify(
        model, r"\bar{\alpha}_t = -\mathbf{1}^\top \, \mathbf{1} \, (\mathcal{M}_{t-1} \odot \bar{\mathcal{M}}_t)"
    )
    assert result.verdict is Verdict.MALFORMED
    assert "1 × d" in str(result)


def test_a_vector_for_a_number_is_not_hidden_by_ones_beside_it() -> None:
    """The adjoint of a mean goes back as m 1 / n: where a mistake makes m a vector, m 1 has its shape, not the other."""
    model = rnnsym.load("lstm_layer_norm")
    lines = dict(enumerate(printed(model)))
    number, (left, right, note) = next(item for item in lines.items() if item[1][0] == r"\bar{m}_{u,t}")
    for before, after in (
        (r"2 \, n", r"2 \, \alpha_3"),
        (r"(\mathbf{1}^\top \, (m_{u,t} - a_{u,2,t}))", r"((m_{u,t} - a_{u,2,t})^\top \, \mathbf{1})"),
    ):
        assert before in right
        right = right.replace(before, after)
    lines[number] = (left, right, note)
    result = rnnsym.verify(model, whole(list(lines.values())))
    assert result.verdict is Verdict.MALFORMED
    assert result.diagnoses


def test_elements_of_a_sequence_whose_last_value_is_forgotten() -> None:
    model = rnnsym.load("second_order")
    (left, _, _), *others = printed(model)
    assert left == r"\bar{S}_T"
    result = rnnsym.verify(model, whole(others))
    assert result.verdict is Verdict.REFUTED
    assert result.diagnoses
