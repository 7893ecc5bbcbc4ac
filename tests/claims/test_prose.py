"""Plain text with sentences in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnsym
from rnnsym.claims.prose import sift
from rnnsym.claims.written import ClaimError
from rnnsym.verify.formulas.files import check_file
from rnnsym.verify.formulas.result import Result

RNN = rnnsym.Model("h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(y[t], h[t])")

NOTES = """Backpropagation through time
----------------------------

The error signal is called delta here, and it is computed backwards. It is zero
beyond the last step, so delta[T] needs no case of its own:

  (1)  delta[t] = (1 - h[t]**2) * (h[t] - y[t]
                                   + W.T @ delta[t+1])

Then we have dE/dW = sum(delta[t] @ h[t-1].T), which adds up over time.
For U it is the same with x; so that dE/dU = sum_t delta[t] @ x[t].T.
"""


def judged(text: str, tmp_path: Path, model: rnnsym.Model = RNN) -> Result:
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="utf-8")
    return check_file(model, str(path))


def test_sentences_are_passed_over_and_equations_keep_their_lines(tmp_path: Path) -> None:
    found = judged(NOTES, tmp_path)
    assert str(found.verdict) == "proved"
    assert [equation.line for equation in found.equations] == [7, 10, 11]
    wrong = judged(NOTES.replace("x[t].T", "x[t-1].T"), tmp_path)
    assert [str(equation.verdict) for equation in wrong.equations] == ["supported", "supported", "refuted"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("The result is dE/dW = a @ b.", "dE/dW = a @ b"),
        ("Let e = y - h be the error.", "e = y - h"),
        ("1. dE/dW = a @ b", "dE/dW = a @ b"),
        ("- dE/dW = a @ b   (3)", "dE/dW = a @ b"),
        ("dE/dW = a @ b, where a is the error", "dE/dW = a @ b, where a"),
        ("So a = b and c = d hold.", "a = b     c = d"),
        ("Nothing is claimed here (see Jaeger, 2002).", ""),
        ("It has no equation, and W is a matrix.", ""),
        ("dE/dW = sum over t of a[t] @ b[t].T", "dE/dW = sum over t of a[t] @ b[t].T"),
        # What is not understood stays: it is told, and not passed over.
        ("dE/dW = a @ b plus something", "dE/dW = a @ b plus"),
        ("twice dE/dW = a @ b", "twice dE/dW = a @ b"),
        ("dE/dW sum(a[t] @ b[t].T)", "dE/dW sum(a[t] @ b[t].T)"),
    ],
)
def test_what_of_a_line_is_a_formula(line: str, kept: str) -> None:
    assert sift(line, {"W", "E", "y", "h"}).text.strip(" ,") == kept


@pytest.mark.parametrize(
    "line",
    [
        "dE/dW = sum(delta[t] @ h[t-1].T",
        "dE/dW sum(delta[t] @ h[t-1].T)",
        "dE/dW = sum(delta[t] @@ h[t-1].T)",
        "dE/dW = sum(delta[t] times h[t-1].T)",
        "dE/dW = sum(delta[t] @ h[t-1].T) plus terms",
        "dE/dW = = sum(delta[t] @ h[t-1].T)",
    ],
)
def test_a_broken_equation_is_told(line: str, tmp_path: Path) -> None:
    try:
        found = judged(NOTES + line + "\n", tmp_path)
    except ClaimError:
        return
    assert found.unread == (12,)
    assert all(equation.verdict.holds for equation in found.equations if equation.line != 12)


def test_what_cannot_be_read_within_a_sentence_is_told_with_its_line(tmp_path: Path) -> None:
    found = judged(NOTES + "We train with a rate lr = 0.1 * decay on minibatches.\n", tmp_path)
    assert [line for line, _ in found.skipped] == [12]


def test_signs_of_latex_in_a_text_are_read(tmp_path: Path) -> None:
    text = r"""The error is \delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1}) for every step.
Hence \frac{\partial E}{\partial W} = \sum_t \delta_t h_{t-1}^\top holds."""
    assert str(judged(text, tmp_path).verdict) == "proved"
    marked = r"With $\delta_t = (1 - h_t^2) \odot (h_t - y_t + W^\top \delta_{t+1})$ it is a = b."
    assert str(judged(marked, tmp_path).verdict) == "proved"


SUMS = [
    "sum(delta[t] @ x[t].T)",
    "sum_t delta[t] @ x[t].T",
    "sum_t (delta[t] @ x[t].T)",
    "sum_{t=1}^T delta[t] @ x[t].T",
    "sum_{t=1..T} delta[t] @ x[t].T",
    "sum over t of delta[t] @ x[t].T",
    "sum over all t of (delta[t] @ x[t].T)",
    "sum over t = 1..T of delta[t] @ x[t].T",
    "sum over t from 1 to T of delta[t] @ x[t].T",
    "sum(delta[t] @ x[t].T for t in range(1, T + 1))",
    "sum(np.outer(delta[t], x[t]) for t in range(1, T+1))",
    r"\sum_{t=1}^{T} delta[t] @ x[t].T",
]


@pytest.mark.parametrize("told", SUMS)
def test_sums_in_text(told: str) -> None:
    claim = f"delta[t] = (1 - h[t]**2) * (h[t] - y[t] + W.T @ delta[t+1])\ndE/dU = {told}"
    assert str(rnnsym.verify(RNN, claim, format="text").verdict) == "proved"
    slips = [claim.replace("x[t]", "x[t-1]"), claim.replace("range(1,", "range(2,"), claim.replace("1..T", "2..T")]
    slips += [claim.replace("t=1}", "t=2}"), claim.replace("from 1", "from 2"), claim.replace("T + 1", "T")]
    for slip in slips:
        assert slip == claim or str(rnnsym.verify(RNN, slip, format="text").verdict) == "refuted"
