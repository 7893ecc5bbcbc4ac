"""Bad models get one clear error: what, where, what to do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rnnsym import Model, ModelError
from rnnsym.language.writing import equations

RNN = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(d[t], h[t])"

#: name: equations, keyword arguments, a piece of the message, the text that the carets point at ("" for no place).
BAD: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "unknown function": ("h[t] = tahn(x[t])", {}, "did you mean tanh", "tahn"),
    "clash of declared sizes": (RNN, {"sizes": {"h": "n", "W": ("n", "m")}}, "sizes clash: m against n", "W @ h[t-1]"),
    "vector for a matrix": ("h[t] = W @ h[t-1]\nE[t] = logsumexp(W)", {"sizes": {"W": ("n", "n")}}, "takes vectors, and this is a matrix", "W"),
    "undetermined": ("y = a * b\nE = sum(y)", {}, "the shape of a does not follow", "a"),
    "defined twice": ("h[t] = x[t]\nh[t] = z[t]\nE[t] = dot(h[t], h[t])", {}, "h[t] is defined twice", "h[t]"),
    "loop of one": ("h[t] = tanh(h[t])\nE[t] = dot(h[t], h[t])", {}, "algebraic loop", "h[t]"),
    "loop of two": ("a[t] = W @ b[t]\nb[t] = V @ a[t]\nE[t] = dot(a[t], b[t])", {}, "a[t], b[t] wait", "a[t]"),
    "both ways": ("h[t] = tanh(W @ h[t+1] + V @ h[t-1])\nE[t] = dot(h[t], h[t])", {}, "both earlier and later", "h[t]"),
    "both ways, two": ("h[t] = W @ g[t+1]\ng[t] = V @ h[t-2]\nE[t] = dot(h[t], g[t])", {}, "of each other", "h[t]"),
    "no value at a lag": ("h[0] = p\nE[t] = dot(h[t-1], h[t-1])", {}, "only h[0] is defined", "h[t-1]"),
    "gap": ("h[3] = p\nh[t] = W @ h[t-1]\nE[t] = dot(h[t], h[t])", {}, "leaves a gap", "h[3]"),
    "keyword": ("lambda[t] = x[t]", {}, "Python keyword", "lambda"),
    "function as name": ("tanh[t] = x[t]", {}, "is a function", "tanh"),
    "T as name": ("T = 3\nE = T * w", {}, "length of the sequence", "T"),
    "no loss": ("h[t] = tanh(W @ h[t-1])", {}, "has no loss", "h[t]"),
    "vector loss": ("h[t] = tanh(W @ h[t-1])\nE[t] = h[t]", {}, "not a scalar", "E[t]"),
    "unused size": (RNN, {"sizes": {"q": "n"}}, "declares 'q', which no equation uses", ""),
    "unused input": (RNN, {"inputs": ("q",)}, "declares 'q', which no equation uses", ""),
    "defined input": ("y = W @ x\nE = squared_error(z, y)", {"inputs": ("x", "y", "z")}, "which an equation defines", ""),
    "t without value": ("y = W @ h[t]\nE = squared_error(d, y)", {"inputs": ("d",)}, "t has no value here", "h[t]"),
    "with and without time": ("h[t] = W @ h\nE[t] = dot(h[t], h[t])", {}, "write  h[t]  here", "h"),
    "total like its parts": ("E = sum(E[t])\nE[t] = x[t]", {"sizes": {"x": ()}}, "give them two names", "E"),
    "side by side": ("h[t] = tanh(W h[t-1] + U @ x[t])", {}, "write  W @ h[t-1]  or  W * h[t-1]", "W h[t-1]"),
    "shifted left side": ("h[t+1] = W @ h[t]", {}, "defines its variable at time t", "h[t+1]"),
    "element index": ("h[t] = x[t, 1]", {}, "not a time", "t, 1"),
    "comparison": ("h[t] = 0 < x[t] < 1", {}, "compare, two values at a time", "0 < x[t] < 1"),
    "string": ("h[t] = 'x'", {}, "only real numbers", "'x'"),
    "complex": ("h[t] = 2j * x[t]", {}, "only real numbers", "2j"),
    "caret as power": ("E = w ^ 2", {}, "** 2", "w ^ 2"),
    "power of a vector": ("E = w ** v", {"sizes": {"w": "n", "v": "m"}}, "sizes clash: n against m", "w ** v"),
    "huge exponent": ("E = 9 ** 9 ** 9 ** 9", {}, "an exponent is a number such as 2", "9 ** 9 ** 9"),
    "large exponent": ("E = w ** 1000", {}, "exponents go from", "1000"),
    "attribute": ("E = w.real", {}, "only attribute is .T", "w.real"),
    "named argument": ("E = norm(a=w)", {}, "arguments have no names", "a=w"),
    "too many arguments": ("E = norm(w, w)", {}, "norm takes 1 argument, not 2", "norm(w, w)"),
    "row after a matrix": ("h[t] = W @ h[t-1].T\nE[t] = dot(h[t], h[t])", {"sizes": {"h": "n"}}, "a matrix cannot multiply a row", "h[t-1].T"),
    "row after a row": ("h[t] = W @ h[t-1]\nE[t] = h[t].T @ h[t].T", {}, "a row cannot multiply a row", "h[t].T"),
    "row and column": ("h[t] = W @ h[t-1]\nE[t] = sum(h[t].T + h[t])", {}, "a row and a column cannot be combined by +", "h[t].T + h[t]"),
    "vector for a tensor": ("h[t] = bilinear(b, h[t-1], x[t])\nE[t] = dot(h[t], b)", {"sizes": {"b": "n"}}, "bilinear takes a tensor of order three here, and this is a vector", "b"),
    "constant of no size": ("E[t] = dot(ones, ones) * sum(x[t])", {}, "nothing says how many elements", "ones"),
    "layer norm of one too many": ("h[t] = layer_norm(x[t], g, b, c)", {}, "layer_norm takes 1 to 3 arguments, not 4", "layer_norm"),
    "scalar product": ("E = (2 @ w) * 3", {}, "write * for scalars", "2 @ w"),
    "statement": ("import os", {}, "Python keyword", "import"),
    "call of an attribute": ("E = os.system('rm')", {}, "called by its name", "os.system"),
    "dunder": ("E = __class__", {}, "cannot name a variable", "__class__"),
    "augmented": ("E += w", {}, "not an equation", "E += w"),
    "empty": ("  # nothing\n", {}, "has no equations", ""),
    "syntax": ("h[t] = = x", {}, "not an equation", "="),
    "mean inside time": ("h[t] = x[t] - mean_time(x[t])\nE[t] = dot(h[t], h[t])", {}, "sum over time cannot stand", "mean_time(x[t])"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_model(name: str) -> None:
    text, options, message, place = BAD[name]
    with pytest.raises(ModelError) as caught:
        Model(text, **options)
    shown = str(caught.value)
    assert message in shown, shown
    if place:
        rows = shown.splitlines()
        caret = next(number for number, row in enumerate(rows) if set(row.split("|")[-1].strip()) == {"^"})
        start, stop = rows[caret].index("^"), rows[caret].rindex("^") + 1
        assert rows[caret - 1][start:stop].startswith(place) or place.startswith(rows[caret - 1][start:stop]), shown


def test_clash_lists_all_bindings() -> None:
    with pytest.raises(ModelError) as caught:
        Model(RNN, sizes={"x": "m", "h": "n", "U": ("n", "k")})
    assert "x[t]: (m)   (declared)" in str(caught.value)
    assert "U: (n, k)   (declared)" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "E = " + "(" * 5000 + "w" + ")" * 5000,
        "E = " + "-" * 5000 + "w",
        "E = " + " + ".join(["w"] * 10_000),
        "E = " + "tanh(" * 300 + "w" + ")" * 300,
        "E = " + "9" * 10_000,
        "E = 1e99999",
        "h[t - 10000000] = x",
        "E = w[-999999999]",
        "\0",
        "E = w\x00",
        "E = " + "w" * 300_000,
        "E = ((((9 ** 64) ** 64) ** 64) ** 64) ** 64 * w",
    ],
    ids=range(12),
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    start = time.perf_counter()
    try:
        Model(text)
    except ModelError as error:
        assert len(str(error)) < 20_000  # noqa: PT017
    assert time.perf_counter() - start < 5


def test_signs_as_papers_have_them() -> None:
    typed = Model("h[t] := tanh(W @ h[t\N{MINUS SIGN}1] \N{MINUS SIGN} x[t])\nE[t] = dot(h[t], h[t])")
    plain = Model("h[t] = tanh(W @ h[t-1] - x[t])\nE[t] = dot(h[t], h[t])")
    assert list(equations(typed.core)) == list(equations(plain.core))
