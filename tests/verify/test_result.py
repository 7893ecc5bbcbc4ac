"""Results: printed, as JSON, in notebooks; files; assumptions; exact arithmetic."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym import Model, RnnsymError, verify
from rnnsym.claims.document import formulas
from rnnsym.claims.written import ClaimError
from rnnsym.cli import main
from rnnsym.verify.formulas.field import PRIME, FieldKit, InexactError, Residue
from rnnsym.verify.formulas.files import check_file
from rnnsym.verify.verdict import Verdict

MODEL = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")
SOFT = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = cross_entropy(y[t], softmax(V @ h[t]))")
DELTA = r"\delta_t = ((h_t - y_t) + W^\top \delta_{t+1}) \odot (1 - h_t^2)"
RIGHT = DELTA + "\n" + r"\frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top"


def test_a_right_claim_is_supported_in_exact_arithmetic() -> None:
    result = verify(MODEL, RIGHT)
    assert result
    assert result.verdict in (Verdict.SUPPORTED, Verdict.PROVED)
    if result.verdict is Verdict.SUPPORTED:
        assert "prime field" in str(result)
        assert "below 1 in 10^" in str(result)
    assert "zero beyond their ends" in str(result)
    assert result.equations[0].note == "delta is the derivative of E by a"


@pytest.mark.parametrize(
    ("wrong", "says", "right"),
    [
        (r"\delta_t = ((h_t - y_t) + W \delta_{t+1}) \odot (1 - h_t^2)", "W must be transposed", r"W^\top \delta_{t+1}"),
        (r"\delta_t = ((h_t - y_t) - W^\top \delta_{t+1}) \odot (1 - h_t^2)", "The sign of Wᵀ δ[t+1] is wrong", "+ W"),
        (r"\delta_t = (h_t - y_t) \odot (1 - h_t^2)", "The summand Wᵀ δ[t+1] is missing", r"+ W^\top \delta_{t+1}"),
        (r"\delta_t = ((h_t - y_t) + W^\top \delta_{t+1}) \odot (1 - h_t)", "1 - h[t]", "h_t^2"),
        (r"\delta_t = ((h_t - y_t) + W^\top \delta_{t+1}) \odot h_t \odot (1 - h_t)", "derivative of the activation", "h_t^2"),
        (r"\delta_t = (h_t - y_t) + W^\top \delta_{t+1}", "lacks the activation's derivative 1 - h[t]²", "1 - h_t^2"),
        (r"\delta_t = ((h_t - y_t) + W^\top \delta_{t}) \odot (1 - h_t^2)", "δ[t] stands where δ[t+1]", r"\delta_{t+1}"),
        (r"\delta_t = (h_t - y_t) + W^\top \delta_{t+1} \odot (1 - h_t^2)", "parentheses", "1 - h_t^2"),
    ],
)  # fmt: skip
def test_a_wrong_recurrence_is_blamed_and_put_right(wrong: str, says: str, right: str) -> None:
    gradient = r"\frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top"
    result = verify(MODEL, f"{wrong}\n{gradient}")
    assert result.verdict is Verdict.REFUTED
    assert [diagnosis.line for diagnosis in result.diagnoses] == [1]
    assert any(says in explanation.sentence for explanation in result.diagnoses[0].explanations)
    assert any(right in explanation.corrected for explanation in result.diagnoses[0].explanations)
    repaired = verify(MODEL, f"{result.diagnoses[0].explanations[0].corrected}\n{gradient}")
    assert repaired.holds


@pytest.mark.parametrize(
    ("right_side", "says"),
    [
        (r"\sum_t \delta_t h_t^\top", "h[t] stands where h[t-1] is needed"),
        (r"\sum_t h_{t-1} \delta_t^\top", "is transposed"),
        (r"\delta_t h_{t-1}^\top", "The sum over t is missing"),
        (r"\sum_{t=1}^{T-1} \delta_t h_{t-1}^\top", "ends at T-1, where it has to end at T"),
        (r"-\sum_t \delta_t h_{t-1}^\top", "sign"),
        (r"2 \sum_t \delta_t h_{t-1}^\top", "The factor 2 is superfluous"),
        (r"\frac{1}{T} \sum_t \delta_t h_{t-1}^\top", "T"),
    ],
)
def test_a_wrong_gradient_is_blamed_and_put_right(right_side: str, says: str) -> None:
    result = verify(MODEL, DELTA + "\n" + rf"\frac{{\partial E}}{{\partial W}} = {right_side}")
    assert [diagnosis.line for diagnosis in result.diagnoses] == [2]
    assert any(says in explanation.sentence for explanation in result.diagnoses[0].explanations)


def test_a_sequence_without_its_last_value_is_told_so() -> None:
    lines = [
        r"\bar{h}_t = (h_t - y_t) + W^\top \bar{a}_{t+1} \quad t = T-1, \dots, 1",
        r"\bar{a}_t = (1 - h_t^2) \odot \bar{h}_t",
        r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_{t-1}^\top",
    ]
    result = verify(MODEL, "\n".join(lines))
    assert result.verdict is Verdict.REFUTED
    assert "No equation gives h̄ at t = T, where it is not zero" in result.diagnosis


def test_two_mistakes_in_one_equation_are_both_named() -> None:
    wrong = r"\delta_t = ((h_t - y_t) - W \delta_{t+1}) \odot (1 - h_t^2)"
    result = verify(MODEL, wrong + "\n" + r"\frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top")
    sentence = result.diagnoses[0].explanations[0].sentence
    assert "sign" in sentence
    assert "transposed" in sentence
    assert " And: " in sentence


def test_two_wrong_equations_are_blamed_each_for_itself() -> None:
    wrong = r"\delta_t = ((h_t - y_t) + W \delta_{t+1}) \odot (1 - h_t^2)"
    result = verify(MODEL, wrong + "\n" + r"\frac{\partial E}{\partial W} = \sum_t \delta_t h_t^\top")
    assert [diagnosis.line for diagnosis in result.diagnoses] == [1, 2]


@pytest.mark.parametrize(
    ("claim", "assumption"),
    [
        (r"\nabla_{o_t} E = \operatorname{softmax}(o_t) - y_t", "the targets y[t] sum to one"),
        (r"\frac{\partial E}{\partial W} = \sum_{t=2}^T \bar{a}_t h_{t-1}^\top", "h[0] = 0"),
    ],
)
def test_what_a_claim_leaves_unsaid_is_found_and_printed(claim: str, assumption: str) -> None:
    result = verify(SOFT, claim)
    assert result.verdict is Verdict.CONDITIONAL
    assert result.assumption == assumption
    assert assumption in str(result)
    assert result.holds


def test_the_counterexample_is_small_and_true() -> None:
    result = verify(MODEL, r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_t^\top")
    found = result.counterexample
    assert found is not None
    assert found.length == 1
    assert set(found.sizes.values()) == {1}
    w, u, x, h0, y = (np.ravel(found.data[name])[0] for name in ("W", "U", "x", "h[0]", "y"))
    h = np.tanh(w * h0 + u * x)
    slope = (h - y) * (1 - h**2)
    assert found.differences[0].true == pytest.approx(slope * h0)
    assert found.differences[0].claimed == pytest.approx(slope * h)


def test_a_claim_that_says_nothing_of_the_model_is_an_error() -> None:
    with pytest.raises(RnnsymError, match="says nothing of the model"):
        verify(MODEL, r"\gamma_t = 2 x_t")


def test_equations_of_sympy_are_claims() -> None:
    import sympy

    sizes: dict[str, tuple[()]] = dict.fromkeys("hwuxy", ())
    model = Model("h[t] = tanh(w * h[t-1] + u * x[t])\nE[t] = (h[t] - y[t]) ** 2 / 2", sizes=sizes)
    t, length = sympy.symbols("t T", integer=True)
    h, y, delta = map(sympy.IndexedBase, ("h", "y", r"\bar{a}"))
    loss, w = sympy.symbols("E w")
    recurrence = sympy.Eq(delta[t], ((h[t] - y[t]) + w * delta[t + 1]) * (1 - h[t] ** 2))
    for lag, verdicts in ((1, ("supported", "proved")), (0, ("refuted",))):
        gradient = sympy.Eq(sympy.Derivative(loss, w), sympy.Sum(delta[t] * h[t - lag], (t, 1, length)))
        assert verify(model, [recurrence, gradient]).verdict.value in verdicts
    with pytest.raises(RnnsymError, match="equations of SymPy"):
        verify(model, [w])


def test_a_sequence_that_depends_on_itself_is_wrong_and_no_crash() -> None:
    wrong = "\\bar{a}_t = (1 - h_t^2) \\odot \\bar{h}_t\n\\bar{h}_t = (h_t - y_t) + W^\\top \\bar{a}_t"
    result = verify(MODEL, wrong + "\n" + r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_{t-1}^\top")
    assert [diagnosis.line for diagnosis in result.diagnoses] == [2]
    assert "ā[t] stands where ā[t+1] is needed" in result.diagnosis


def test_rendering() -> None:
    result = verify(MODEL, r"\frac{\partial E}{\partial W} = \sum_t \bar{a}_t h_t^\top")
    data = json.loads(result.to_json())
    assert list(data) == [
        "verdict", "holds", "assumption", "evidence", "problem", "equations", "diagnoses", "counterexample", "assumed",
            "remarks", "unread", "skipped",
    ]  # fmt: skip
    assert data["verdict"] == "refuted"
    assert "$$" in result._repr_markdown_()
    from rich.console import Console

    console = Console(record=True, width=100, file=io.StringIO())
    console.print(result)
    assert "h[t] stands where h[t-1] is needed." in console.export_text()


# Files

DOCUMENT = r"""\documentclass{article}
\begin{document}
For $\delta_t$ we find, as everybody knows,
\begin{align}
\delta_t &= ((h_t - y_t) + W^\top \delta_{t+1}) \odot (1 - h_t^2) \\
\frac{\partial E}{\partial W} &= \sum_t \delta_t h_t^\top
\end{align}
% \[ a = b \]
and $\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top$ too.
\end{document}
"""


def test_a_file_gets_a_verdict_for_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.txt"
    model.write_text("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])\n")
    paper = tmp_path / "paper.tex"
    paper.write_text(DOCUMENT)
    assert main(["verify", str(model), str(paper)]) == 1
    shown = capsys.readouterr().out
    assert "   5  supported" in shown
    assert "   6  refuted" in shown
    assert "   9  supported" in shown
    assert "h[t] stands where h[t-1] is needed." in shown
    assert main(["verify", str(model), str(paper), "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [equation["line"] for equation in data["equations"]] == [5, 6, 9]
    paper.write_text(DOCUMENT.replace("h_t^\\top", "h_{t-1}^\\top"))
    assert main(["verify", str(model), str(paper)]) == 0


def test_what_cannot_be_read_is_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "prose.md"
    empty.write_text("Nothing here, not even `a = b`.")
    assert main(["verify", "rnn", str(empty)]) == 2
    assert "no equation is found" in capsys.readouterr().err
    strange = tmp_path / "strange.tex"
    strange.write_text(r"\[ \frac{\partial E}{\partial Q} = 1 \]")
    assert main(["verify", "rnn", str(strange)]) == 2
    assert "'Q'" in capsys.readouterr().err
    assert main(["verify", "rnn", str(tmp_path / "none.tex")]) == 2


def test_formulas_in_prose_that_claim_nothing_are_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper = tmp_path / "paper.tex"
    paper.write_text(DOCUMENT.replace("as everybody knows", "for the rate $\\eta = 0.1$"))
    found = check_file(MODEL, str(paper))
    assert [line for line, _ in found.skipped] == [3]
    assert [equation.line for equation in found.equations] == [5, 6, 9]


def test_a_display_that_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = tmp_path / "paper.tex"
    strange = r"""\begin{align}
\frac{\partial E}{\partial U} &= \spam{x_t}^{ \\
\frac{\partial E}{\partial W} &= \sum_t \delta_t h_{t-1}^\top
\end{align}
\[ \frac{\partial E}{\partial Q} = 1 \]
"""
    paper.write_text(DOCUMENT + strange)
    found = check_file(MODEL, paper)
    count = len(DOCUMENT.split("\n"))
    assert found.unread == (count + 1, count + 4)
    judged = {equation.line: str(equation.verdict) for equation in found.equations if equation.line not in found.unread}
    assert judged == {5: "supported", 6: "refuted", 9: "supported", count + 2: "supported"}
    assert "2 of 6 equations cannot be read" in found.headline()
    assert "'Q'" in found.problem
    assert main(["verify", "rnn", str(paper)]) == 2
    assert "cannot be read" in capsys.readouterr().out


def test_a_file_full_of_what_cannot_be_read_is_no_claim(tmp_path: Path) -> None:
    paper = tmp_path / "paper.tex"
    paper.write_text(r"\[ \frac{\partial E}{\partial Q} = 1 \]" * 300)
    with pytest.raises(ClaimError, match="'Q'"):
        check_file(MODEL, paper)


def test_markdown_and_text_files(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text(
        f"# Notes\n\n```python\nx = 1\n```\n\n$$\n{DELTA}\n$$\n\nso $\\nabla_W E = \\sum_t \\delta_t h_{{t-1}}^\\top$.\n"
    )
    assert check_file(MODEL, str(notes)).holds
    plain = tmp_path / "notes.txt"
    plain.write_text("delta[t] = ((h[t] - y[t]) + W.T @ delta[t+1]) * (1 - h[t]**2)\ndE/dW = sum(delta[t] @ h[t].T)\n")
    found = check_file(MODEL, str(plain))
    assert [diagnosis.line for diagnosis in found.diagnoses] == [2]


def test_a_malformed_equation_does_not_hide_the_others(tmp_path: Path) -> None:
    paper = tmp_path / "paper.tex"
    paper.write_text(DOCUMENT.replace(r"\delta_t x_t^\top", r"\delta_t x_t"))
    result = check_file(MODEL, paper)
    assert result.verdict is Verdict.MALFORMED
    assert [(e.line, e.verdict.value) for e in result.equations] == [(5, "supported"), (6, "refuted"), (9, "malformed")]


def test_formulas_keep_their_places() -> None:
    text = "a\n$$b = c$$ and $d$\n"
    assert formulas(text, ".md") == " \n$$b = c$$        \n"


# Exact arithmetic


def test_the_field_is_a_field_with_derivatives() -> None:
    x = Residue(5, 1)
    assert (x * x).slope == 10
    assert (1 / x * x).value == 1
    assert (x**3).slope == 75
    assert (x**-1 * x).slope == 0
    assert (x - x).value == 0
    assert Residue(PRIME).value == 0
    with pytest.raises(InexactError):
        x**0.5
    with pytest.raises(InexactError):
        x / 0


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "relu", "exp", "log", "sqrt", "sin", "cos", "arctan"])
def test_functions_of_the_table_have_their_derivative_in_the_field(name: str) -> None:
    import sympy

    from rnnsym.operations import ELEMENTWISE

    (entry,) = [entry for entry in ELEMENTWISE if entry.name == name]
    kit: Any = FieldKit(3)
    x = np.array([Residue(12345, 1)], dtype=object)
    y = entry.definition(kit, x)
    argument, output = sympy.symbols("x y")
    slope = entry.derivative(argument, output)
    if slope.free_symbols <= {argument, output} and not slope.atoms(sympy.Function):
        value = sympy.lambdify((argument, output), slope)(Residue(x[0].value), Residue(y[0].value))
        assert value == Residue(y[0].slope)


@pytest.mark.parametrize("name", [name for name in rnnsym.available() if rnnsym.load(name).timed])
def test_every_printed_derivation_holds(name: str) -> None:
    from mutator import printed, whole

    model = rnnsym.load(name)
    result = verify(model, whole(printed(model)), format="latex")
    assert result.verdict in (Verdict.SUPPORTED, Verdict.PROVED)
