"""Claims proved for every length and all sizes, and wrong ones never."""

from __future__ import annotations

import pytest
from documents import read_document
from published import Case, cases

from rnnsym import Model, available, derive, load
from rnnsym.claims.match import read
from rnnsym.proof.leaves import Meaning, UnprovenError
from rnnsym.proof.proven import Proof
from rnnsym.proof.prover import prove

RIGHT = [case for case in cases() if case.verdict in ("proved", "conditional")]
WRONG = [case for case in cases() if case.verdict == "refuted"]
RNN = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])"


def proof_of(text: str, equations: str = RNN, where: str = "") -> Proof:
    model = Model(equations)
    return prove(read(text, model, where), model)


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.id)
def test_right_published_claims_are_proved(case: Case) -> None:
    model = Model(case.model)
    for layout in case.layouts:
        proof = prove(read(case.claim, model, case.where, case.convention, "latex", layout), model)
        assert bool(proof.assumption.sum_to_one) == (case.verdict == "conditional")
        assert proof.shortest == 1


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.id)
def test_wrong_published_claims_are_not_proved(case: Case) -> None:
    model = Model(case.model)
    for layout in case.layouts:
        with pytest.raises(UnprovenError):
            prove(read(case.claim, model, case.where, case.convention, "latex", layout), model)


@pytest.mark.parametrize("name", available())
def test_whole_printed_derivations_are_proved(name: str) -> None:
    model = load(name)
    claim = read_document(derive(model).to_latex("result"), model, "tex")
    proof = prove(claim, model)
    assert not proof.assumption.sum_to_one
    assert len(proof.equations) == len(claim.equations)


@pytest.mark.parametrize(
    "claim",
    [
        # A sequence of another name, shifted: delta_t is the adjoint of the pre-activation.
        r"""\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})
            \frac{\partial E}{\partial W} = \sum_{t=0}^{T-1} \delta_{t+1} h_t^\top""",
        # The sum starts late, and its first term stands apart.
        r"\frac{\partial E}{\partial W} = \bar{a}_1 h_0^\top + \sum_{t=2}^{T} \bar{a}_t h_{t-1}^\top",
        # A factor two here, a half there.
        r"""\gamma_t = 2 (h_t - y_t) + W^\top (\gamma_{t+1} \odot (1 - h_{t+1}^2))
            \frac{\partial E}{\partial U} = \frac{1}{2} \sum_t ((1 - h_t^2) \odot \gamma_t) x_t^\top""",
        # Written out inside the sum.
        r"""\frac{\partial E}{\partial U} = \sum_t ((h_t - y_t + W^\top \bar{a}_{t+1}) \odot (1 - h_t \odot h_t))
            x_t^\top""",
        # The pre-activation in place of its name.
        r"\bar{a}_t = \tanh'(W h_{t-1} + U x_t) \odot \bar{h}_t",
        r"\frac{\partial h_t}{\partial h_k} = \prod_{j=t}^{k+1} \operatorname{diag}(1 - h_j^2) W",
        r"\frac{\partial E}{\partial h_0} = W^\top \bar{a}_1",
    ],
)
def test_other_ways_to_write_a_right_claim(claim: str) -> None:
    assert proof_of(claim).equations


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial E}{\partial W} = \sum_{t=2}^{T} \bar{a}_t h_{t-1}^\top",
        r"\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \bar{a}_t h_{t}^\top",
        r"\bar{a}_t = (1 - h_t) \odot \bar{h}_t",
        r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(1 - h_j^2) W",
        r"""\delta_t = (1 - h_t^2) \odot (h_t - y_t + W \delta_{t+1})
            \frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top""",
    ],
)
def test_wrong_claims_are_not_proved(claim: str) -> None:
    with pytest.raises(UnprovenError):
        proof_of(claim)


def test_a_proof_says_what_the_sequences_are() -> None:
    proof = proof_of(
        r"""\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})
            \frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top"""
    )
    (meaning,) = proof.meanings.values()
    assert meaning == Meaning("a")


def test_a_loss_at_the_last_step_is_proved_case_by_case() -> None:
    proof = proof_of(
        r"\bar{h}_T = h_T - y" + "\n" + r"\bar{h}_t = W^\top \bar{a}_{t+1} \quad t = 1, \dots, T-1",
        "h[t] = tanh(W @ h[t-1])\nE = squared_error(y, h[T])",
    )
    assert len(proof.equations) == 2


@pytest.mark.parametrize(
    "claim",
    [
        # What is carried backwards has a name, and a value of its own at the last step.
        r"""\beta_T = 0
            \delta_t = (1 - h_t^2) \odot (h_t - y_t + \beta_t)
            \beta_{t-1} = W^\top \delta_t
            \frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top""",
        # A sequence that is read one step beyond its end, where what it is multiplied with is zero.
        r"""\lambda_t = J_{t+1}^\top \lambda_{t+1} + h_t - y_t
            J_t = \operatorname{diag}(1 - h_t^2) W
            \frac{\partial E}{\partial U} = \sum_t \operatorname{diag}(1 - h_t^2) \lambda_t x_t^\top""",
        r"""s_t = 1 - h_t^2
            \bar h_t = h_t - y_t + W^\top (s_{t+1} \odot \bar h_{t+1})
            \frac{\partial E}{\partial U} = \sum_t (s_t \odot \bar h_t) x_t^\top""",
    ],
)
def test_sequences_beside_the_adjoints(claim: str) -> None:
    assert proof_of(claim).equations


@pytest.mark.parametrize(
    "claim",
    [
        r"""\beta_T = y_T
            \delta_t = (1 - h_t^2) \odot (h_t - y_t + \beta_t)
            \beta_{t-1} = W^\top \delta_t
            \frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top""",
        r"""\beta_T = 0
            \delta_t = (1 - h_t^2) \odot (h_t - y_t + \beta_t)
            \beta_t = W^\top \delta_t
            \frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top""",
        # Zero beyond its end, this sequence is not what the adjoint needs there.
        r"""s_t = 1 - h_{t-1}^2
            \frac{\partial E}{\partial U} = \sum_t (s_{t+1} \odot \bar h_t) x_t^\top""",
    ],
)
def test_wrong_sequences_beside_the_adjoints(claim: str) -> None:
    with pytest.raises(UnprovenError):
        proof_of(claim)


SCALARS = dict.fromkeys("hxwu", ())
LINEAR = "h[t] = w * h[t-1] + u * x[t]\n"


@pytest.mark.parametrize(
    ("equations", "text"),
    [
        (LINEAR + "E = 0.5 * (h[T] - y) ** 2", r"\frac{\partial E}{\partial h_t} = w^{T-t} (h_T - y)"),
        (LINEAR + "E = 0.5 * (h[T] - y) ** 2", r"\frac{\partial E}{\partial w} = (h_T - y) \sum_t w^{T-t} h_{t-1}"),
        (LINEAR + "E[t] = 0.5 * (h[t] - z[t]) ** 2", r"\frac{d h_t}{d h_k} = w^{t-k}"),
        (
            LINEAR + "E[t] = 0.5 * (h[t] - z[t]) ** 2",
            r"\frac{\partial E}{\partial h_k} = \sum_{t=k}^T w^{t-k} (h_t - z_t)",
        ),
        (
            "h[t] = tanh(w * h[t-1] + u * x[t])\nE[t] = 0.5 * (h[t] - z[t]) ** 2",
            r"\frac{d h_t}{d h_k} = \prod_{j=k+1}^{t} w (1 - h_j^2)",
        ),
    ],
)
def test_powers_of_a_number_to_a_time_are_proved(equations: str, text: str) -> None:
    target = "y" if "y" in equations else "z"
    model = Model(equations, {**SCALARS, target: ()}, inputs=("y",) if target == "y" else ())
    prove(read(text, model), model)
    with pytest.raises(UnprovenError):
        prove(
            read(text.replace("w^{T-t}", "w^{T-t+1}").replace("w^{t-k}", "w^{t-k+1}").replace("=k+1}", "=k}"), model),
            model,
        )


def test_powers_of_a_matrix_where_the_loss_is_at_the_end() -> None:
    model = Model("h[t] = W @ h[t-1] + U @ x[t]\nE = squared_error(y, h[T])", inputs=("y",))
    text = r"\frac{\partial E}{\partial W} = \sum_{t=1}^T (W^\top)^{T-t} (h_T - y) h_{t-1}^\top"
    prove(read(text, model), model)
    with pytest.raises(UnprovenError):
        prove(read(text.replace("T-t}", "T-t-1}"), model), model)
