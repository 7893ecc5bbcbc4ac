"""Claims in the notations that authors use beyond plain vectors: verdicts, and what was assumed in reading them."""

from __future__ import annotations

import time

import pytest
from documents import read_document
from sympy import Derivative, Eq, Indexed, IndexedBase, KroneckerDelta, Sum, Symbol, symbols

from rnnsym import Model, Notation, derive, load, verify
from rnnsym.claims.match import read
from rnnsym.claims.written import ClaimError
from rnnsym.proof.prover import prove
from rnnsym.verify import Verdict

RNN = Model("""
a[t] = W @ h[t-1] + U @ x[t] + b
h[t] = tanh(a[t])
E[t] = squared_error(y[t], h[t])
""")
RELU = Model("""
a[t] = W @ h[t-1] + U @ x[t] + b
h[t] = relu(a[t])
E[t] = squared_error(y[t], h[t])
""")
NUMBERS = Model(
    "h[t] = w * h[t-1] + u * x[t]\nE[t] = squared_error(y[t], h[t])", sizes=dict.fromkeys(("h", "w", "u", "x", "y"), ())
)
LAST = Model(
    "h[t] = w * h[t-1] + u * x[t]\nE = squared_error(y, h[T])", sizes=dict.fromkeys(("h", "w", "u", "x", "y"), ())
)
LINEAR = Model("h[t] = W @ h[t-1] + U @ x[t]\nE = squared_error(y, h[T])")


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        (RELU, r"\bar a_t = \mathbb{1}[a_t > 0] \odot \bar h_t"),
        (RELU, r"\bar a_t = \mathbf 1_{a_t>0} \odot \bar h_t"),
        (RELU, r"\bar a_t = \mathbf{1}_{\{h_t > 0\}} \odot \bar h_t"),
        (RELU, r"\bar a_t = [0 < a_t] \odot \bar h_t"),
        (RELU, r"\bar a_{t,i} = 1(a_{t,i} \ge 0) \, \bar h_{t,i}"),
        (RNN, r"\frac{\partial E}{\partial W} = \sum_{t=1}^{\infty} \bar a_t h_{t-1}^\top"),
        (RNN, r"\bar h_t = \sum_{k=t}^{\infty} \frac{\partial E_k}{\partial h_t}"),
        (RNN, r"\frac{\partial E}{\partial W} = \sum_t \bar a^{(t)} h^{(t-1) \top}"),
        (RNN, r"\frac{∂E}{∂W} = ∑_t \bar a_t h_{t-1}ᵀ"),
        (RNN, r"\bar a_t = (1 - h_t^2) ⊙ \bar h_t"),
        (RNN, "∂h_t/∂h_k = ∏_{j=t}^{k+1} diag(1 - h_j^2) W"),
        (RNN, "dE/dW_ij = ∑_t δ_{t,i} h_{t-1,j}\nδ_{t,i} = (1 - h_{t,i}^2) (h_{t,i} - y_{t,i} + ∑_j W_ji δ_{t+1,j})"),
    ],
)
def test_right_claims_are_proved(model: Model, claim: str) -> None:
    assert verify(model, claim).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        (RELU, r"\bar a_t = \mathbb{1}[a_t < 0] \odot \bar h_t"),
        (RELU, r"\bar a_t = \mathbf 1_{a_{t-1}>0} \odot \bar h_t"),
        (RELU, r"\bar a_t = \bar h_t"),
        (RNN, r"\frac{\partial E}{\partial W} = \sum_{t=1}^{\infty} \bar a_t h_t^\top"),
        (LAST, r"\frac{\partial E}{\partial h_t} = w^{T-t+1} (h_T - y)"),
        (LAST, r"\frac{\partial E}{\partial h_1} = w^T (h_T - y)"),
    ],
)
def test_wrong_claims_are_refuted(model: Model, claim: str) -> None:
    assert verify(model, claim).verdict is Verdict.REFUTED


def test_equations_side_by_side_are_each_judged() -> None:
    claim = (
        r"\frac{\partial E}{\partial W} = \sum_t \bar a_t h_{t-1}^\top, \quad \frac{\partial E}{\partial b} = \sum_t \bar a_t"
        r" \qquad \bar a_t = (1 - h_t^2) \odot \frac{\partial E}{\partial h_t}, \quad t = 1, \dots, T"
    )
    result = verify(RNN, claim)
    assert (result.verdict, len(result.equations)) == (Verdict.PROVED, 3)
    wrong = verify(RNN, claim.replace(r"= \sum_t \bar a_t \q", r"= \bar a_1 \q"))
    assert [row.verdict for row in wrong.equations].count(Verdict.REFUTED) == 1


def test_a_row_that_begins_with_space_goes_on() -> None:
    claim = read_document(
        "\\begin{align}\n\\bar h_t &= h_t - y_t \\\\\n&\\quad + W^\\top \\bar a_{t+1}\n\\end{align}", RNN, "tex"
    )
    assert len(prove(claim, RNN).equations) == len(claim.equations) == 1


def test_a_sum_that_does_not_say_over_what_says_what_was_assumed() -> None:
    result = verify(RNN, r"\frac{\partial E}{\partial W_{ij}} = \sum \bar a_{t,i} h_{t-1,j}")
    assert result.verdict is Verdict.PROVED
    assert "the sum in line 1 runs over t = 1..T" in str(result)
    with pytest.raises(ClaimError, match="does not say over what"):
        read(r"\frac{\partial E}{\partial b} = \sum \bar a_1", RNN)


@pytest.mark.parametrize("name", ["rnn", "lstm"])
@pytest.mark.parametrize("notation", [Notation(time="superscript"), Notation(adjoint="delta")])
def test_other_prints_are_proved(name: str, notation: Notation) -> None:
    model = load(name)
    claim = read_document(derive(model).to_latex("result", notation=notation), model, "tex")
    assert len(prove(claim, model).equations) == len(claim.equations)


def test_printed_text_is_read_with_its_titles() -> None:
    assert verify(RNN, derive(RNN).to_text("result")).verdict is Verdict.PROVED


# Shapes and powers


@pytest.mark.parametrize(
    "claim",
    [
        "\\delta_t = h_t - y_t + w \\delta_{t+1}\n\\frac{\\partial E}{\\partial w} = \\sum_t \\delta_t h_{t-1}",
        "\\gamma_t = \\gamma_{t+1} w + h_t - y_t\n\\frac{\\partial E}{\\partial w} = \\sum_t \\gamma_t h_{t-1}",
        "\\delta_t = h_t - y_t + w^T \\delta_{t+1}\n\\frac{\\partial E}{\\partial u} = \\sum_t \\delta_t x_t^\\top",
    ],
)
def test_recursions_between_numbers(claim: str) -> None:
    assert verify(NUMBERS, claim).verdict is Verdict.PROVED


def test_a_shape_that_nothing_tells_is_asked_for() -> None:
    with pytest.raises(ClaimError, match="nothing tells the shape of g") as raised:
        read("g_t = g_{t+1}\n\\frac{\\partial E}{\\partial b} = \\sum_t \\bar a_t", RNN)
    assert "name it after a variable" in raised.value.advice


@pytest.mark.parametrize(
    ("model", "claim", "told"),
    [
        (LAST, r"\frac{\partial E}{\partial h_0} = w^T (h_T - y)", "the T above w is the power T"),
        (LINEAR, r"\frac{\partial E}{\partial h_0} = (W^\top)^T (h_T - y)", "is the power T"),
        (LAST, r"\frac{\partial E}{\partial h_{T-1}} = w^T (h_T - y)", "the T above w is a transpose"),
        (LAST, r"\frac{\partial E}{\partial h_t} = w^{T-t} (h_T - y)", "beyond their ends."),
    ],
)
def test_the_length_as_a_power(model: Model, claim: str, told: str) -> None:
    result = verify(model, claim)
    assert result.verdict in (Verdict.PROVED, Verdict.SUPPORTED)
    assert told in str(result)


# Order and layout of Jacobians; what says nothing


@pytest.mark.parametrize(
    ("claim", "assumption"),
    [
        (r"\frac{\partial h_t}{\partial h_{t-1}} = W^\top \operatorname{diag}(1 - h_t^2)", "denominator layout"),
        (r"\frac{\partial h_t}{\partial x_t} = U^\top \operatorname{diag}(1 - h_t^2)", "denominator layout"),
        (
            r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} W^\top \operatorname{diag}(1 - h_j^2)",
            "denominator layout",
        ),
        (
            r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(1 - h_j^2) W",
            "the latest time first",
        ),
    ],
)
def test_jacobians_in_another_order_or_layout_are_conditional(claim: str, assumption: str) -> None:
    result = verify(RNN, claim)
    assert result.verdict is Verdict.CONDITIONAL
    assert assumption in result.assumption


def test_a_jacobian_that_is_wrong_in_both_layouts_is_refuted() -> None:
    claim = r"\frac{\partial h_t}{\partial h_{t-1}} = W^\top \operatorname{diag}(1 - h_t)"
    assert verify(RNN, claim).verdict is Verdict.REFUTED


def test_a_jacobian_by_what_is_not_there_at_the_first_time() -> None:
    claim = r"\frac{\partial a_t}{\partial a_{t-1}} = W \operatorname{diag}(1 - h_{t-1}^2)"
    assert verify(RNN, claim).verdict is Verdict.PROVED


def test_what_says_nothing_is_told_so() -> None:
    assert "line 1 says nothing about the model" in str(verify(RNN, r"\bar h_t = \bar h_t"))
    assert "says nothing" not in str(verify(RNN, r"\bar a_t = (1 - h_t^2) \odot \bar h_t"))
    with pytest.raises(ClaimError, match="says nothing of any time"):
        verify(RNN, r"\bar a_t = (1 - h_t^2) \odot \bar h_t \quad t = T+1, \dots, T+4")


# SymPy


def test_sympy_equations_between_elements() -> None:
    t, i, j, n, length = symbols("t i j n T", integer=True)
    h, w, delta, y, dw, a = map(IndexedBase, ("h", "W", "delta", "y", "dW", "a"))

    def recursion(weight: Indexed) -> Eq:
        later = Sum(weight * delta[t + 1, j], (j, 1, n))
        return Eq(delta[t, i], (1 - h[t, i] ** 2) * (h[t, i] - y[t, i] + later))

    summed = Sum(delta[t, i] * h[t - 1, j], (t, 1, length))
    for left in (dw[i, j], Derivative(Symbol("E"), w[i, j])):
        assert verify(RNN, [recursion(w[j, i]), Eq(left, summed)]).verdict is Verdict.PROVED
    assert verify(RNN, [recursion(w[i, j]), Eq(dw[i, j], summed)]).verdict is Verdict.REFUTED
    jacobian = Eq(Derivative(h[t, i], a[t, j]), KroneckerDelta(i, j) * (1 - h[t, i] ** 2))
    assert verify(RNN, jacobian).verdict is Verdict.PROVED


def test_many_sequences_take_seconds() -> None:
    """Forty sequences, one of them wrong; by the processor's clock, as other programs may run beside."""
    lines = derive(load("gru")).to_latex("result", notation=Notation(adjoint="delta"))
    model = load("gru")
    extra = "\n".join(rf"\rho_{{{'abcdefghij'[k % 10]}{'klmn'[k // 10]},t}} = {k + 2} \delta h_t" for k in range(25))
    claim = read_document(lines.replace(r"\end{document}", f"$$\n{extra}\n$$\n\\end{{document}}"), model, "tex")
    assert len(claim.sequences) >= 40
    started = time.process_time()
    assert prove(claim, model).equations
    assert time.process_time() - started < 20
