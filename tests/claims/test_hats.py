r"""\hat{y} and y: predictions and targets by the names that authors give them."""

from __future__ import annotations

import pytest

from rnnsym import Model, verify
from rnnsym.verify.verdict import Verdict

SOFTMAX = Model("h[t] = tanh(W @ h[t-1])\ny[t] = softmax(V @ h[t])\nE[t] = cross_entropy(target[t], y[t])")
LINEAR = Model("h[t] = tanh(W @ h[t-1])\no[t] = V @ h[t]\nE[t] = squared_error(y[t], o[t])")
GRADIENT = r"\frac{\partial E}{\partial V} = \sum_t (%s) h_t^\top"
SUM = "the targets target[t] sum to one"


@pytest.mark.parametrize(
    ("model", "error", "verdict", "taken"),
    [
        (SOFTMAX, r"\hat{y}_t - y_t", Verdict.CONDITIONAL, "yhat is the model's y, and y its target"),
        (SOFTMAX, r"\hat y_t - target_t", Verdict.CONDITIONAL, "yhat is the model's y"),
        (SOFTMAX, r"y_t - \hat y_t", Verdict.REFUTED, "yhat is the model's y, and y its target"),
        (LINEAR, r"\hat{y}_t - y_t", Verdict.PROVED, "yhat is the model's o"),
        (LINEAR, r"\hat{o}_t - y_t", Verdict.PROVED, "ohat is the model's o"),
        (LINEAR, r"\hat{o}_t - o_t", Verdict.PROVED, "ohat is the model's o, and o its y"),
    ],
)
def test_what_is_computed_and_what_should_be(model: Model, error: str, verdict: Verdict, taken: str) -> None:
    result = verify(model, GRADIENT % error)
    assert result.verdict is verdict
    assert taken in result.assumed


def test_names_that_the_model_or_the_claim_has_stay_theirs() -> None:
    own = verify(SOFTMAX, r"\hat{y}_t = y_t - target_t" + "\n" + GRADIENT % r"\hat{y}_t")
    assert (own.verdict, own.assumption) == (Verdict.CONDITIONAL, SUM)
    hats = Model("h[t] = tanh(W @ h[t-1])\nyhat[t] = V @ h[t]\nE[t] = squared_error(y[t], yhat[t])")
    assert not any("yhat" in said for said in verify(hats, GRADIENT % r"\hat{y}_t - y_t").assumed)
