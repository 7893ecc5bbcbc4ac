"""The published claims: each gets its verdict, and the wrong ones the diagnosis that the collection records."""

from __future__ import annotations

import pytest
from published import Case, cases

from rnnsym import Model, load, verify
from rnnsym.errors import RnnsymError
from rnnsym.verify.verdict import Verdict

#: What each diagnosis has to say, in words of the fault that the collection records.
SAYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("wildml-truncated", "numerator"): ("truncated", "the last 2 steps", "2 occurrences"),
    ("socher-double-sum-total", "numerator"): ("total", "immediate", "more than once"),
    ("socher-jacobian-printed", "numerator"): ("taken at h[j-1]", "pre-activation z[j]", "transposed"),
    ("socher-jacobian-printed", "denominator"): ("taken at h[j-1]", "pre-activation z[j]"),
    ("pascanu-eq5-printed", "numerator"): (
        "W must not be transposed",
        "right where W is symmetric",
        "numerator layout",
        "In denominator layout: The factors Wᵀ and diag(tanh'(x[t-1])) stand in the wrong order",
    ),
    ("pascanu-eq5-printed", "denominator"): ("wrong order", "denominator layout"),
    ("d2l-slip", "numerator"): ("h[t] stands where h[t-1] is needed",),
    ("lstm-carry-dropped", "numerator"): ("path from c[t] to c[t+1] through f[t+1]", "missing"),
    ("lstm-dtanh-of-c", "numerator"): ("1 - c[t]² stands where", "1 - tanh(c[t])²", "is needed"),
    ("lstm-course-printed-8", "numerator"): ("first summand lacks u[t] ⊙ (1 - u[t])", "parentheses"),
    ("rnn-vignette-input-weights", "numerator"): ("δ[t] stands where ε[t] is needed", "lacks the activation's derivative"),
    ("gru-vignette-sign", "numerator"): ("sign of h[t-1] is wrong", "g[t] - h[t-1] is needed"),
}  # fmt: skip
#: The corrected equation, where there is one way to write it.
RIGHT = {
    "pascanu-eq5-printed": r"W \operatorname{diag}\left(\tanh'(x_{t-1})\right)",
    "d2l-slip": r"\sum_{t=1}^{T} \frac{\partial L}{\partial h_t} h_{t-1}^\top",
    "lstm-dtanh-of-c": r"\delta h_t \odot o_t \odot (1 - \tanh^{2}(c_t)) + \delta c_{t+1} \odot f_{t+1}",
    "gru-vignette-sign": r"(g_t - h_{t-1})",
}
EVERY = [(case, layout) for case in cases() for layout in case.layouts]


@pytest.mark.parametrize(("case", "layout"), EVERY, ids=lambda value: value if isinstance(value, str) else value.id)
def test_published_claims_get_their_verdict_and_diagnosis(case: Case, layout: str) -> None:
    result = verify(Model(case.model), case.claim, case.where, layout, case.convention, "latex")
    expected = {case.verdict} | ({"supported"} if case.verdict == "proved" else set())
    assert result.verdict.value in expected
    assert (result.counterexample is not None) is (result.verdict is Verdict.REFUTED)
    if result.verdict is Verdict.CONDITIONAL:
        assert "sum to one" in result.assumption
        assert "sum to one" in str(result)
    if result.verdict is Verdict.MALFORMED:
        assert "the matrix product needs 1 = n_a" in result.diagnosis
    for phrase in SAYS.get((case.id, layout), ()):
        assert phrase in result.diagnosis
    if result.verdict is Verdict.REFUTED:
        assert (case.id, layout) in SAYS
    if case.id in RIGHT and layout == "numerator":
        assert RIGHT[case.id] in result.diagnoses[0].explanations[0].corrected


def test_only_the_first_wrong_equation_is_blamed() -> None:
    """Equations that are wrong because they use a wrong sequence are right themselves."""
    (case,) = [case for case in cases() if case.id == "lstm-carry-dropped"]
    result = verify(Model(case.model), case.claim, format="latex")
    assert [equation.verdict for equation in result.equations].count(Verdict.REFUTED) == 1
    assert result.counterexample is not None
    first = result.counterexample.differences[0]
    assert first.quantity == "δc[1]"
    assert result.counterexample.length == 2
    assert "it uses deltac, which is wrong" in result.equations[4].note


RNN = "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(y[t], h[t])"
DELTA = r"\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})" + "\n"


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (r"\frac{\partial E}{\partial y_t} = \frac12 (2 y_t - 2 h_t)", True),
        (r"\frac{\partial E}{\partial y_t} = \left[y_t - h_t\right]", True),
        (r"\frac{\partial E}{\partial y_t} = \frac{1}{12} \frac12 (y_t - h_t)", False),
        (r"\frac{\partial E}{\partial h_6} = 0", False),
        (DELTA + r"\frac{\partial E}{\partial b} = \sum_{t=1}^{5} \delta_t", False),
    ],
)
def test_claims_that_only_look_right_or_wrong(claim: str, holds: bool) -> None:
    assert verify(Model(RNN), claim).holds is holds


@pytest.mark.parametrize(
    ("claim", "complaint"),
    [
        (DELTA + r"\frac{\partial E}{\partial b} = \sum_{T=1}^{T} \delta_T", "T is the length"),
        (DELTA + r"\delta_t = 0" + "\n" + r"\frac{\partial E}{\partial b} = \sum_t \delta_t", "in line 1 already"),
        (r"\frac{\partial E}{\partial h_{40}} = 0", "40 steps apart"),
    ],
)
def test_claims_that_make_no_sense(claim: str, complaint: str) -> None:
    with pytest.raises(RnnsymError, match=complaint):
        verify(Model(RNN), claim)


def test_a_vector_of_recurrent_weights_is_no_bias() -> None:
    model = Model("h[t] = relu(u * h[t-1] + W @ x[t] + b)\nE[t] = squared_error(y[t], h[t])")
    assert not verify(model, r"\frac{\partial E}{\partial h_t} = h_t - y_t").holds


def test_a_partial_sign_that_can_only_be_immediate_is_said_to_be() -> None:
    immediate = verify(load("lstm"), r"\frac{\partial c_t}{\partial c_{t-1}} = \operatorname{diag}(f_t)")
    assert immediate.verdict is Verdict.PROVED
    assert any("immediate derivative" in remark for remark in immediate.remarks)
    total = r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W"
    assert not any("immediate derivative" in remark for remark in verify(load("rnn"), total).remarks)
