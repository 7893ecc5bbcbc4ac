"""What rnnsym prints reads back, and every equation of it holds in numbers."""

from __future__ import annotations

import re

import pytest
from documents import read_document
from hypothesis import assume, example, given, settings

from rnnsym import Derivation, Model, available, derive, load, verify
from rnnsym.claims.claim import Claim
from rnnsym.claims.interpret import Comparison, Interpreter, drawn_data
from rnnsym.claims.match import read
from rnnsym.equations.lowering import lower
from rnnsym.notation.document import lines_of, renderer_for
from rnnsym.notation.names import Names
from rnnsym.operations import ROWS
from rnnsym.testing import models

FORMATS = ("latex", "text")


def printed(derivation: Derivation, format: str) -> str:
    """The forward equations, adjoints and gradients of a derivation, one line each, with their times."""
    out = renderer_for(derivation.content, format)
    adjoints, gradients = derivation.content.result()
    between = r" \quad " if format == "latex" else "   "
    lines = [line for e in (*derivation.system.equations, *adjoints, *gradients) for line in lines_of(e, out)]
    return "\n".join(f"{line.left} = {line.right}" + (between + line.note if line.note else "") for line in lines)


def disagreements(claim: Claim, model: Model, length: int) -> list[Comparison]:
    """The equations that do not hold, and the adjoints that are none."""
    interpreter = Interpreter(claim, model, lower(model), drawn_data(model, 0, length), length)
    found = [*interpreter.comparisons(), *interpreter.adjoint_comparisons()]
    assert found
    return [comparison for comparison in found if not comparison.agrees]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", available())
def test_derivations_read_back_and_hold(name: str, format: str) -> None:
    model = load(name)
    derivation = derive(model)
    rows = "rows" if derivation.content.rows else "columns"
    claim = read(printed(derivation, format), model, format=format, convention=rows)
    assert disagreements(claim, model, 4) == []


@pytest.mark.parametrize("name", available())
def test_whole_documents_read_back(name: str) -> None:
    model = load(name)
    derivation = derive(model)
    for text, kind in ((derivation.to_latex("result"), "tex"), (derivation.to_markdown("result"), "md")):
        claim = read_document(text, model, kind)
        lines = printed(derivation, "latex").count("\n") + 1
        assert len(claim.equations) == lines


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"P = M^{-1}", "proved"), ("P = M⁻¹", "proved"), (r"P_{ij} = (M^{-1})_{ij}", "proved"),
        ("P[i,j] = (M⁻¹)[i,j]", "proved"), (r"P = (M^{-1})^\top", "refuted"), ("P = M ** -1", "refuted"),
        (r"P = M^{\odot -1}", "refuted"), (r"P = (M + M)^{-1}", "refuted"),
    ],
)  # fmt: skip
def test_inverses_of_matrices(claim: str, verdict: str) -> None:
    assert verify(load("rnn_cayley"), claim).verdict.value == verdict


@pytest.mark.parametrize("format", FORMATS)
def test_a_wrong_line_is_noticed(format: str) -> None:
    model = load("rnn")
    text = printed(derive(model), format)
    wrong = text.replace("h_{t-1}^\\top", "h_t^\\top").replace("h[t-1]ᵀ", "h[t]ᵀ")
    assert wrong != text
    assert disagreements(read(wrong, model, format=format), model, 4)


#: A drawn model may well come to stand at such a place.
KINKED = re.compile(r"\b(abs|max|min|maximum|minimum|norm)\(")


def is_plain(model: Model, derivation: Derivation) -> bool:
    """Whether a model's print has one meaning, and its numbers a derivative.

    A kink at an exact zero has none; a size that is called as a variable has two. Claims have no functions of the rows
    of matrices yet.
    """
    written = [str(factor) for e in derivation.system.equations for term in e.terms for factor in term.factors]
    if any(f"{name}(" in text for text in written for name in ROWS.values()):
        return False
    sizes = {str(symbol) for shape in model.shapes.values() for size in shape for symbol in size.free_symbols}
    named = {variable.name for variable in derivation.system.variables.values()}
    return not (sizes & named) and not KINKED.search(model.text)


#: a_p^2 is the square of a_p, also where there is an a_{p,2}.
NUMBERED = Model(
    "p, q = split(tanh(W @ x + b))\nE = squared_error(d, p)", sizes={"p": "n", "q": "n", "x": "n"}, inputs=("x", "d")
)


#: A vector above another one is no time.
RAISED = Model("h = -((1.5 + tanh(W @ x)) ** x)\nE = squared_error(d, h)", inputs=("x", "d"))


#: The size m is no matrix M.
SIZED = Model("M = 2 * I + outer(b, b)\nE = 0.5 * mean((M @ a) ** 2)", sizes={"a": "m"})


@settings(max_examples=15)
@given(models())
@example(NUMBERED)
@example(RAISED)
@example(SIZED)
def test_drawn_derivations_read_back_and_hold(model: Model) -> None:
    derivation = derive(model)
    assume(is_plain(model, derivation))
    rows = "rows" if derivation.content.rows else "columns"
    # Stretches of time at both ends are printed one by one; they must not meet.
    length = model.timing.minimum_length + 3
    for notation in FORMATS:
        claim = read(printed(derivation, notation), model, format=notation, convention=rows)
        assert disagreements(claim, model, length) == []


def test_the_symbols_of_every_model_are_read() -> None:
    for name in available():
        model = load(name)
        names = Names(model.symbols, lower(model).variables.values())
        symbols = [names.latex(lower(model).variables[parameter]) for parameter in model.parameters]
        text = "\n".join(rf"\frac{{\partial E}}{{\partial {symbol}}} = 0" for symbol in symbols)
        claim = read(text, model, format="latex")
        assert tuple(e.left.bottom.name for e in claim.equations) == model.parameters, name  # type: ignore[union-attr]
