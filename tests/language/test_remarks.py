"""Slips that could be read as another model: each is an error, or is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnsym
from rnnsym import Model, ModelError
from rnnsym.cli import main

END = "\nE[t] = squared_error(target[t], o[t])"
OUT = "\no[t] = V @ h[t]" + END
MEMORY = "q[t] = W_q @ x[t]\nk[t] = W_k @ x[t]\nv[t] = W_v @ x[t]\n"
#: A slip, and what is said of it.
SAID = {
    "no transpose": (
        MEMORY + "S[t] = S[t-1] + v[t] @ k[t]\no[t] = S[t] @ q[t]" + END,
        ["v[t] @ k[t] is a number, which is added to every element", "S[t] @ q[t] is read with a vector S"],
    ),
    "an elementwise product": (
        MEMORY + "S[t] = S[t-1] + v[t] * k[t]\no[t] = S[t] @ q[t]" + END,
        ["S[t] @ q[t] is read with a vector S"],
    ),
    "no weight": (
        "h[t] = tanh(W @ h[t-1] + h[t-1] @ x[t] + b)" + OUT,
        ["line 1: h[t-1] @ x[t] is a number, which is added to every element of a vector"],
    ),
    "dot of a matrix": (
        "h[t] = tanh(dot(W, h[t-1]) + U @ x[t])" + OUT,
        ["with a vector W: a matrix is multiplied by @"],
    ),
    "an input without index": ("h[t] = tanh(W @ h[t-1] + U @ x + b)" + OUT, ["x in U @ x is a parameter"]),
    "a target without index": (
        "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE = squared_error(target, V @ h[T])",
        ["target in squared_error(target, V @ h[T]) is a parameter"],
    ),
    "another name": (
        "z[t] = sigmoid(W_z @ x[t])\nh[t] = (1 - f[t]) * h[t-1] + f[t] * tanh(W @ x[t])" + OUT,
        ["nothing that the loss is made of reads z[t]"],
    ),
    "a name with a large letter": (
        "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\no[t] = V @ H[t]" + END,
        ["nothing that the loss is made of reads h[t]; is H[t], which has no equation, meant for it?"],
    ),
    "a gate that counts as a loss": (
        MEMORY + "beta[t] = sigmoid(w.T @ x[t])\nS[t] = S[t-1] + betta[t] * v[t] @ k[t].T\no[t] = S[t] @ q[t]" + END,
        ["beta[t] and E[t], which nothing reads, are added up", "is betta[t], which has no equation, meant for it?"],
    ),
    "functions that overflow": (
        "g[t] = 1 / (1 + exp(-(W @ x[t])))\no[t] = g[t] * log(exp(x[t]) + 1)" + END,
        ["sigmoid(W @ x[t]) is the same", "line 2: log(exp(x[t]) + 1) overflows"],
    ),
    "a rate that is a number": (
        MEMORY + "f[t] = exp(-softplus(w.T @ x[t] + b) * exp(A_log))\nS[t] = f[t] * S[t-1] + v[t] @ k[t].T"
        "\no[t] = S[t] @ q[t]" + END,
        ['line 4: A_log is read as a matrix, as f[t] is: a number is declared, sizes={"A_log": ()}'],
    ),
    "rows without parentheses": (
        "r[t] = sigmoid(x[t] @ R)\nh[t] = tanh(x[t] @ W + r[t] * h[t-1] @ U)\no[t] = h[t] @ V" + END,
        ["r[t] * h[t-1] @ U is read from left to right, as (r[t] * h[t-1]) @ U"],
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_a_slip_is_said(name: str) -> None:
    text, said = SAID[name]
    remarks = Model(text).remarks
    assert len(remarks) == len(said)
    assert all(part in remark for part, remark in zip(said, remarks, strict=True)), remarks


@pytest.mark.parametrize("product", ["v[t].T @ k[t]", "a[t] * v[t].T @ k[t]", "2 * (v[t].T @ k[t]) * a[t]"])
def test_an_inner_product_is_not_added_to_a_matrix(product: str) -> None:
    text = (
        f"{MEMORY}a[t] = sigmoid(w.T @ x[t])\nS[t] = S[t-1] @ (I - {product}) + v[t] @ k[t].T\no[t] = S[t] @ q[t]{END}"
    )
    with pytest.raises(ModelError, match="inner product is a number"):
        Model(text)


def test_shipped_models_raise_no_remark() -> None:
    assert {name: found for name in rnnsym.available() if (found := rnnsym.load(name).remarks)} == {}


LOOSE = "z[t] = sigmoid(A @ x[t])\nh[t] = (1 - z[t]) * h[t-1] + z[t] * W @ x[t]" + OUT


def test_a_product_without_parentheses_is_read_as_in_papers() -> None:
    loose, tight = Model(LOOSE), Model(LOOSE.replace("W @ x[t]", "(W @ x[t])"))
    assert loose.shapes == tight.shapes
    assert loose.remarks == ("line 2: z[t] * W @ x[t] is read as z[t] * (W @ x[t])",)
    assert tight.remarks == ()
    for style in ("text", "markdown", "latex", "html"):
        assert "Remark: line 2: z" in getattr(rnnsym.derive(loose), f"to_{style}")("outline")
    assert rnnsym.derive(loose).to_text("result") == rnnsym.derive(tight).to_text("result")
    # A composition is written with parentheses.
    assert "z_1[t] * (W_1 @ x[t])" in rnnsym.stack(loose, 2).text
    declared = Model(LOOSE, {"W": ("n", "m")})
    assert declared.shapes["W"] == declared.shapes["A"]


def test_commands_say_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "loose.txt"
    path.write_text(LOOSE, encoding="utf-8")
    assert main(["derive", str(path), "--detail", "result"]) == 0
    assert capsys.readouterr().err == f"rnnsym: {path}: line 2: z[t] * W @ x[t] is read as z[t] * (W @ x[t])\n"


def test_a_product_that_goes_on_is_grouped_as_a_whole() -> None:
    model = Model(
        "h[t] = tanh(g * A @ B @ h[t-1] + U @ x[t])\nE[t] = squared_error(d[t], h[t])",
        {"h": "n", "B": ("r", "n"), "g": "n"},
    )
    assert [str(size) for size in model.shapes["A"]] == ["n", "r"]
    assert "g * (A @ B @ h[t-1])" in rnnsym.masked(model).text


def test_numbers_stand_before_a_product_as_before() -> None:
    model = Model(MEMORY + "S[t] = a * S[t-1] + k[t] @ v[t].T\no[t] = a * S[t].T @ q[t]" + END, {"a": ()})
    assert model.remarks == ()


def test_what_is_written_large_is_a_matrix_where_that_fits() -> None:
    shapes = Model(
        "s[t] = softmax(W_s @ x[t])\nP[t] = s[t][0] * M + s[t][1] * N\nh[t] = P[t] @ h[t-1] + B @ x[t]\nH[t] = P[t] @ H[t-1]\n"
        "a[t] = h[t].T @ R @ x[t]\nE[t] = squared_error(d[t], H[t] @ p + a[t] * h[t])",
        {"s": 2},
    ).shapes
    assert {name: len(shapes[name]) for name in "PMNHpRah"} == {**dict.fromkeys("PMNHR", 2), "p": 1, "a": 0, "h": 1}


def test_ones_is_a_row_among_rows() -> None:
    shapes = Model(
        "a[t] = sigmoid(x[t] @ A)\nk[t] = x[t] @ K\nv[t] = x[t] @ V\nS[t] = (a[t].T @ ones) * S[t-1] + k[t].T @ v[t]\n"
        "E[t] = squared_error(d[t], x[t] @ Q @ S[t])"
    ).shapes
    assert shapes["a"] == shapes["k"] != shapes["v"]


def test_equal_and_different() -> None:
    text = "h[t] = where(mod(t, 2) == 1, a * h[t-1], x[t]) + (t != 2) * b\nE[t] = sum(h[t])"
    model = Model(text, {"h": "n", "a": (), "b": ()})
    found = rnnsym.generate(model).forward({"a": 3.0, "b": 5.0}, {"x": [[[7.0]], [[11.0]]], "h[0]": [[2.0]]})[1]["h"]
    assert found.ravel()[-2:].tolist() == [11.0, 11.0]


def test_parts_of_one_element_have_paths() -> None:
    model = Model(
        "s[t] = softmax(W @ x[t])\nh[t] = s[t][0] * (A @ h[t-1]) + s[t][2] * x[t]\nE[t] = squared_error(d[t], h[t])",
        {"s": 3},
    )
    text = rnnsym.derive(model).forward("W").to_text("full")
    assert "[p = 3] x[t,i] s[t,p] x[t,q] - x[t,i] s[t,p] s[t,3] x[t,q]" in text
