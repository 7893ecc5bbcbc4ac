"""Diagnoses of claims: classes of mistakes that are named, and what a diagnosis must not offer."""

from __future__ import annotations

from typing import Any

import pytest

import rnnsym
from rnnsym import Model, verify
from rnnsym.calculus.sweep import sweep
from rnnsym.verify.formulas.result import Result
from rnnsym.verify.verdict import Verdict

COLUMNS = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])", sizes={"h": "n", "x": "m"})
ROWS = Model("h[t] = tanh(h[t-1] @ W + x[t] @ U)\nE[t] = squared_error(y[t], h[t])", sizes={"h": "n", "x": "m"})
ONCE = Model("h = tanh(U @ x)\ny = V @ h\nE = squared_error(d, y)", inputs=("x", "d"))
SCALAR = Model("y = sigmoid(dot(w, x))\nE = -d * log(y) - (1 - d) * log(1 - y)", inputs=("x", "d"), sizes={"d": ()})
GRADIENT = "\n" + r"\frac{\partial E}{\partial W} = \sum_t %s"


def said(result: Result) -> list[tuple[str, str]]:
    """What is said, with the equation put right."""
    assert result.verdict is Verdict.REFUTED
    return [(e.sentence, e.corrected_text) for d in result.diagnoses for e in d.explanations]


@pytest.mark.parametrize(
    ("model", "convention", "gradient", "missing"),
    [
        (COLUMNS, "rows", r"\delta_t^\top h_{t-1}", "δ[t+1] W"),
        (COLUMNS, "columns", r"\delta_t h_{t-1}^\top", "Wᵀ δ[t+1]"),
        (ROWS, "rows", r"h_{t-1}^\top \delta_t", "δ[t+1] Wᵀ"),
        (ROWS, "columns", r"h_{t-1} \delta_t^\top", "W δ[t+1]"),
    ],
)
def test_a_missing_path_is_told_in_the_convention_of_the_claim(
    model: Model, convention: str, gradient: str, missing: str
) -> None:
    claim = r"\delta_t = (h_t - y_t) \odot (1 - h_t^2)" + GRADIENT % gradient
    (sentence, corrected), *_ = said(verify(model, claim, convention=convention))
    assert sentence.startswith(f"The summand {missing} is missing")
    assert f"+ {missing}" in corrected
    assert verify(model, claim.replace("- y_t", "- y_t + " + latex(missing)), convention=convention).holds


def latex(text: str) -> str:
    return text.replace("ᵀ", r"^\top ").replace("δ[t+1]", r"\delta_{t+1}")


@pytest.mark.parametrize(
    ("right", "says"),
    [
        (r"2 \bar{a}_t h_{t-1}^\top", "The factor 2 is superfluous"),
        (r"\bar{a}_{t+1} h_{t-1}^\top", "ā[t+1] stands where ā[t] is needed"),
        (r"h_{t-1} h_{t-1}^\top", "h[t-1] stands where ā[t] is needed"),
        (r"\bar{a}_t h_t^\top", "h[t] stands where h[t-1] is needed"),
    ],
)
def test_a_missing_sum_and_one_thing_more(right: str, says: str) -> None:
    claim = (
        r"\bar{a}_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \bar{a}_{t+1})" + "\n"
        r"\frac{\partial E}{\partial W} = " + right
    )
    sentence, corrected = said(verify(COLUMNS, claim))[0]
    assert "The sum over t is missing" in sentence
    assert says in sentence
    assert corrected == "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ"


def test_bounds_and_one_thing_more() -> None:
    claim = (
        r"\bar{a}_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \bar{a}_{t+1})" + "\n"
        r"\frac{\partial E}{\partial W} = \sum_{t=2}^{T} \frac{1}{2} \bar{a}_t h_t^\top"
    )
    texts = [corrected for _, corrected in said(verify(COLUMNS, claim))]
    # Two changes do not put three mistakes right.
    assert texts == ["∂E/∂W = Σ_{t=1..T} ∂E/∂a[t] h[t-1]ᵀ"] or texts == ["∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ"]
    sentence, corrected = said(verify(COLUMNS, claim.replace(r"\frac{1}{2} ", "")))[0]
    assert "begins at 2" in sentence
    assert "h[t] stands where h[t-1]" in sentence
    assert corrected == "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ"


def test_no_sum_runs_beyond_the_ends_where_a_time_is_off_by_one() -> None:
    claim = (
        r"\bar{a}_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \bar{a}_{t+1})" + "\n"
        r"\frac{\partial E}{\partial W} = \frac{1}{T} \sum_{t=1}^{T} \bar{a}_{t-1} h_{t-1}^\top"
    )
    assert said(verify(COLUMNS, claim))[0][1] == "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ"


def test_a_model_without_time() -> None:
    claim = (
        r"\bar{h} = V^\top (y - d)"
        "\n"
        r"\bar{a} = \bar{h}"
        "\n"
        r"\frac{\partial E}{\partial U} = \bar{a} x^\top"
    )
    result = verify(ONCE, claim)
    assert [diagnosis.line for diagnosis in result.diagnoses] == [2]
    sentences = [sentence for sentence, _ in said(result)]
    assert any("lacks the activation's derivative 1 - h²" in sentence for sentence in sentences)


def test_numbers_instead_of_vectors() -> None:
    claim = r"\bar{y} = -\frac{d}{y}" + "\n" + r"\frac{\partial E}{\partial w} = y (1 - y) \bar{y} x"
    result = verify(SCALAR, claim)
    assert [diagnosis.line for diagnosis in result.diagnoses] == [1]
    assert any("is missing" in sentence for sentence, _ in said(result))


def test_a_sequence_named_after_a_variable_is_its_adjoint() -> None:
    """Also where, as it is defined, it is exactly another one's: then its definition is what is wrong."""
    claim = (
        r"\bar{h}_t = h_t - y_t + W^\top \bar{a}_{t+1}"
        "\n"
        r"\bar{a}_t = \bar{h}_t" + GRADIENT % r"\bar{a}_t h_{t-1}^\top"
    )
    result = verify(COLUMNS, claim)
    assert [diagnosis.line for diagnosis in result.diagnoses] == [2]
    assert result.diagnoses[0].explanations[0].corrected_text == "ā[t] = h̄[t] ⊙ (1 - h[t]²)"


def test_nothing_is_put_right_by_what_is_zero_anyway() -> None:
    lstm = rnnsym.load("lstm")
    claim = (
        r"\bar{c}_t = \bar{h}_t \odot o_t \odot (1 - \tanh^2 c_t) + f_{t+1} \odot \bar{c}_{t+1}" + "\n"
        r"\frac{\partial E}{\partial c_0} = \frac{1}{2} f_1"
    )
    for sentence, corrected in said(verify(lstm, claim)):
        assert "f[0]" not in sentence + corrected
        assert "c̄[1]" in corrected


def test_an_equation_is_not_put_right_by_itself() -> None:
    claim = r"\delta_t = h_t - y_t + W^\top \delta_{t+1}" + GRADIENT % r"\delta_t h_{t-1}^\top"
    for _, corrected in said(verify(COLUMNS, claim)):
        left, _, right = corrected.partition(" = ")
        assert left not in right


def test_a_claim_is_derived_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return sweep(*arguments)

    monkeypatch.setattr("rnnsym.proof.adjoints.sweep", counted)
    claim = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + GRADIENT % r"\delta_t h_{t-1}^\top"
    assert verify(COLUMNS, claim).verdict is Verdict.PROVED
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("delta", "gradient", "says"),
    [
        (r"W^\top \delta_{t+1}", r"\delta_t h_t^\top", "h[t] stands where h[t-1] is needed."),
        (r"W \delta_{t+1}", r"\delta_t h_{t-1}^\top", "W must be transposed here: Wᵀ."),
    ],
)
def test_an_unsaid_assumption_does_not_hide_what_a_sequence_stands_for(delta: str, gradient: str, says: str) -> None:
    # delta is the adjoint of the pre-activation where targets sum to one, and nothing else.
    claim = rf"\delta_t = (1 - h_t^2) \odot (V^\top (y_t - target_t) + {delta})" + GRADIENT % gradient
    result = verify(rnnsym.load("rnn"), claim)
    assert said(result)[0][0] == says
    assert result.assumption == "the targets target[t] sum to one"


@pytest.mark.parametrize(
    ("right", "says"),
    [
        (r"(1 - h_t^2) \oslash \bar{h}_t", "h̄[t] divides where it has to multiply"),
        (r"\frac{1 - h_t^2}{\bar{h}_t}", "h̄[t] divides where it has to multiply"),
        (r"\frac{\bar{h}_t}{1 - h_t^2}", "1 - h[t]² divides where it has to multiply"),
        (r"\frac{(1 - h_t^2) \odot \bar{h}_t}{h_t}", "The division by h[t] is superfluous"),
    ],
)
def test_a_wrong_division_is_named(right: str, says: str) -> None:
    claim = rf"\bar{{a}}_t = {right}" + GRADIENT % r"\bar{a}_t h_{t-1}^\top"
    assert said(verify(COLUMNS, claim))[0][0] == says + "."


def test_what_has_to_divide_is_named_and_a_fraction_upside_down() -> None:
    model = Model("y = exp(w) / (1 + dot(x, x))\nE = squared_error(d, y)", inputs=("x", "d"), sizes={"w": (), "d": ()})
    fraction = r"\frac{\partial E}{\partial w} = \bar{y} "
    assert verify(model, fraction + r"\frac{\exp(w)}{1 + x^\top x}").holds
    turned = said(verify(model, fraction + r"\frac{1 + x^\top x}{\exp(w)}"))
    assert turned[0][0] == "The fraction (1 + xᵀ x) / exp(w) is upside down."


def test_adjoints_are_told_as_the_author_writes_them() -> None:
    claim = r"\frac{\partial E}{\partial W} = \sum_t %s \odot (1 - h_t^2) h_t^\top"
    with_bars, without = (said(verify(COLUMNS, claim % adjoint)) for adjoint in (r"\bar{h}_t", r"\nabla_{h_t} E"))
    assert "h̄[t] ⊙ (1 - h[t]²)) h[t-1]ᵀ" in with_bars[0][1]
    assert "∂E/∂h[t] ⊙ (1 - h[t]²)) h[t-1]ᵀ" in without[0][1]


def test_a_forgotten_last_value_is_given() -> None:
    lines = [
        r"\bar{h}_t = h_t - y_t + W^\top \bar{a}_{t+1} \quad t = T-1, \dots, 1",
        r"\bar{a}_t = (1 - h_t^2) \odot \bar{h}_t",
    ]
    ((sentence, corrected),) = said(verify(COLUMNS, "\n".join(lines) + GRADIENT % r"\bar{a}_t h_{t-1}^\top"))
    assert sentence.startswith("No equation gives h̄ at t = T, where it is not zero")
    assert corrected == "h̄[T] = h[T] - y[T]"


def test_ones_get_their_length_from_beside_the_parentheses() -> None:
    model = Model("o = V @ x\ny = softmax(o)\nE = cross_entropy(d, y)", inputs=("x", "d"))
    assert verify(model, r"\bar{o} = (\mathbf{1}^\top d) y - d").holds
    assert "stand in the wrong order" in said(verify(model, r"\bar{o} = (d \mathbf{1}^\top) y - d"))[0][0]
