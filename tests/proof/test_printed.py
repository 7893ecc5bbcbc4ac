"""What rnnsym prints of its own derivations is proved: every form of the language, and every shipped model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rnnsym import Derivation, Model, Notation, available, derive, load
from rnnsym.claims.match import read
from rnnsym.notation.document import lines_of, renderer_for
from rnnsym.proof import UnprovenError, prove

LOSS = "\nE[t] = squared_error(y[t], h[t])"
#: Models in the newer forms of the language, with sizes and inputs where they need them.
FORMS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "split": ("i[t], f[t] = split(W @ h[t-1] + b)\nh[t] = tanh(i[t]) * f[t]" + LOSS, {"i": "n", "f": "n"}, ()),
    "split of rows": ("i[t], f[t] = split(h[t-1] @ W)\nh[t] = tanh(i[t]) * f[t]" + LOSS, {"i": "n", "f": "n"}, ()),
    "concat": ("h[t] = tanh(W @ concat(h[t-1], x[t]) + b)" + LOSS, {}, ()),
    "ones": ("h[t] = tanh(outer(ones, W @ h[t-1]) @ v + b)" + LOSS, {}, ()),
    "memory": (
        "a[t] = softmax(tanh(outer(ones, W @ h[t-1]) + M @ U) @ v)\nh[t] = tanh(R @ h[t-1] + C @ (M.T @ a[t]))" + LOSS,
        {"M": ("s", "n")},
        ("M",),
    ),
    "identity": ("h[t] = tanh((W - W.T - g * I) @ h[t-1] + b)" + LOSS, {"g": ()}, ()),
    "norm": ("h[t] = tanh(W @ h[t-1] + b) / norm(W @ h[t-1] + b)" + LOSS, {}, ()),
    "cosine": ("h[t] = cosine(h[t-1], x[t]) * tanh(W @ h[t-1])" + LOSS, {}, ()),
    "layer_norm": ("h[t] = tanh(layer_norm(W @ h[t-1] + U @ x[t], g, b))" + LOSS, {}, ()),
    "mean": ("h[t] = tanh(W @ h[t-1] / sqrt(size(h[t-1])) + mean_elements(x[t]))" + LOSS, {}, ()),
    "diag": ("h[t] = tanh(diag(h[t-1]) @ W @ x[t])" + LOSS, {}, ()),
    "outer": ("S[t] = a[t] * S[t-1] + outer(v[t], k[t])\nh[t] = S[t] @ q[t]" + LOSS, {"a": ()}, ()),
    "stop_gradient": ("h[t] = tanh(W @ h[t-1] * stop_gradient(sigmoid(V @ h[t-1])))" + LOSS, {}, ()),
    "max": ("h[t] = max(W @ h[t-1], U @ x[t])" + LOSS, {}, ()),
    "min": ("h[t] = min(W @ h[t-1], 1)" + LOSS, {}, ()),
    "power": ("h[t] = sigmoid(W @ h[t-1]) ** sigmoid(q)" + LOSS, {"q": ()}, ()),
    "bilinear": ("h[t] = tanh(bilinear(W, h[t-1], x[t]) + b)" + LOSS, {}, ()),
    "erf": ("h[t] = gelu_erf(W @ h[t-1] + b)" + LOSS, {}, ()),
    "hard": ("h[t] = hard_sigmoid(W @ h[t-1] + b) * hard_tanh(U @ x[t])" + LOSS, {}, ()),
    "logsumexp": ("h[t] = tanh(W @ h[t-1])\nE[t] = logsumexp(V @ h[t]) - dot(y[t], V @ h[t])", {}, ()),
    "lags": ("h[t] = tanh(W @ h[t-1] + V @ h[t-2])" + LOSS, {}, ()),
    "against time": (
        "h[t] = tanh(W @ h[t-1] + U @ x[t])\ng[t] = tanh(R @ g[t+1] + S @ x[t])\nE[t] = squared_error(y[t], h[t] + g[t])",
        {},
        (),
    ),
    "boundary": ("h[0] = tanh(C @ z)\nh[t] = tanh(W @ h[t-1])\nh[T] = sigmoid(W @ h[T-1])" + LOSS, {}, ("z",)),
}


def model_of(name: str) -> Model:
    text, sizes, inputs = FORMS[name]
    return Model(text, sizes, inputs=inputs, name=name)


def printed(derivation: Derivation, format: str, notation: Notation | None = None) -> str:
    """The forward equations, adjoints and gradients of a derivation, one line each, with their times."""
    out = renderer_for(derivation.content, format, notation=notation)
    adjoints, gradients = derivation.content.result()
    between = r" \quad " if format == "latex" else "   "
    lines = [line for e in (*derivation.system.equations, *adjoints, *gradients) for line in lines_of(e, out)]
    return "\n".join(f"{line.left} = {line.right}" + (between + line.note if line.note else "") for line in lines)


def is_proved(model: Model, format: str, notation: Notation | None = None) -> bool:
    """Whether the print of a model's own derivation is read back and proved, with nothing assumed."""
    derivation = derive(model)
    rows = "rows" if derivation.content.rows else "columns"
    text = printed(derivation, format, notation)
    return not prove(read(text, model, format=format, convention=rows), model).assumption.sum_to_one


def notations() -> Iterator[object]:
    """Every form in both notations; quick tests take them in turn."""
    for place, name in enumerate(FORMS):
        for indices in (False, True):
            yield pytest.param(name, indices, marks=pytest.mark.slow if (place % 2 == 0) == indices else ())


@pytest.mark.parametrize(("name", "indices"), list(notations()))
def test_every_form_of_the_language_is_proved(name: str, indices: bool) -> None:
    assert is_proved(model_of(name), "text" if indices else "latex", Notation(indices=True) if indices else None)


@pytest.mark.slow
@pytest.mark.parametrize("indices", [False, True])
@pytest.mark.parametrize("format", ["latex", "text"])
@pytest.mark.parametrize("name", available())
def test_every_shipped_model_is_proved(name: str, format: str, indices: bool) -> None:
    assert is_proved(load(name), format, Notation(indices=True) if indices else None)


def test_elements_that_nothing_tells_apart_are_counted() -> None:
    model = Model("m[t] = sum(h[t] + s[t])\nh[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], m[t])", {"s": ()})
    right = r"\frac{\partial E}{\partial s_t} = n_h \bar{m}_t"
    prove(read(right, model), model)
    with pytest.raises(UnprovenError):
        prove(read(r"\frac{\partial E}{\partial s_t} = \bar{m}_t", model), model)


def test_the_root_of_a_square_is_not_the_number() -> None:
    model = Model("h[t] = tanh(w * h[t-1])\nE[t] = squared_error(y[t], h[t])", {"h": (), "y": (), "w": ()})
    with pytest.raises(UnprovenError):
        prove(read(r"h_t = \sqrt{h_t^2}", model), model)
