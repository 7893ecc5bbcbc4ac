"""Notation: every choice prints formulas that are well formed and mean the same."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import rnnsym
from rnnsym import Model, Notation, derive
from rnnsym.notation.renderers import columns
from rnnsym.notation.style import CHOICES, NotationError

from .elements import element_difference
from .reading import difference
from .test_latex import well_formed
from .test_roundtrip_numeric import READABLE, problem_of

NAMES = rnnsym.available()
CONCAT = Model("h[t] = tanh(W @ concat(h[t-1], x[t]) + b)\nE[t] = squared_error(y[t], softmax(h[t]))")
ROWS = Model("h[t] = tanh(h[t-1] @ W + x[t] @ U)\nE[t] = squared_error(y[t], h[t])", name="rows")
MODELS = {**{name: rnnsym.load(name) for name in NAMES}, "concat": CONCAT, "rows": ROWS}


@pytest.mark.parametrize("name", MODELS)
def test_combinations_are_well_formed(name: str) -> None:
    """The choices that meet in one symbol all together; those of single signs take turns."""
    derivation = derive(MODELS[name])
    signs = itertools.cycle(itertools.product(*(CHOICES[choice] for choice in ("hadamard", "vectors", "transpose"))))
    both = (False, True)
    for adjoint, time, indices, bold in itertools.product(CHOICES["adjoint"], CHOICES["time"], both, both):
        hadamard, vectors, transpose = next(signs)
        notation = Notation(adjoint, time, hadamard, vectors, indices, bold, transpose=transpose)
        well_formed(derivation.to_latex("result", notation=notation))


@pytest.mark.parametrize("adjoint", CHOICES["adjoint"])
@pytest.mark.parametrize("vectors", ["columns", "rows"])
@pytest.mark.parametrize("name", [name for name in MODELS if name in READABLE or name not in NAMES])
def test_the_text_means_the_same(name: str, vectors: str, adjoint: str) -> None:
    """Read and computed, it gives the kernel's gradients."""
    hadamard = "odot" if vectors == "columns" else "ast"
    notation = Notation(adjoint=adjoint, vectors=vectors, hadamard=hadamard, time="superscript")
    problem = problem_of(MODELS[name])
    text = derive(problem.model).to_text("result", notation=notation)
    assert difference(problem, plain(text, loss_of(problem.model)), rows=vectors == "rows") < 1e-10


@pytest.mark.parametrize("adjoint", CHOICES["adjoint"])
@pytest.mark.parametrize("name", MODELS)
def test_index_notation_means_the_same(name: str, adjoint: str) -> None:
    problem = problem_of(MODELS[name])
    text = derive(problem.model).to_text("result", notation=Notation(indices=True, adjoint=adjoint))
    assert element_difference(problem, plain(text, loss_of(problem.model))) < 1e-10


def test_symbols_mean_the_same() -> None:
    problem = problem_of(rnnsym.load("rnn"))
    text = derive(problem.model).to_text("result", notation=Notation(symbols={"h": "s", "W": r"\Theta_{hh}"}))
    assert "Θ_hh s[t-1]" in text
    text = re.sub(r"\bs(?=\[)", "h", text).replace("Θ_hh", "W").replace("s̄", "h̄")
    assert difference(problem, text) < 1e-10


@pytest.mark.parametrize("name", ["lstm", "rnn"])
def test_a_wrong_index_is_noticed(name: str) -> None:
    problem = problem_of(rnnsym.load(name))
    text = derive(problem.model).to_text("result", notation=Notation(indices=True))
    found = re.search(r"V\[(\w),(\w)\] ō", text)
    assert found
    wrong = text.replace(found[0], f"V[{found[2]},{found[1]}] ō")
    with pytest.raises((AssertionError, IndexError)):
        assert element_difference(problem, wrong) < 1e-3


def loss_of(model: Model) -> str:
    """How the total loss is called in print."""
    found = re.search(r"∂(\w+)/∂", derive(model).to_text("result"))
    assert found
    return found[1]


def plain(text: str, loss: str) -> str:
    """Gradients of every kind as fractions, and ⊙ for elementwise products."""
    text = re.sub(r"\(∇_\{([^{}\[\]]*)\} (\w+)\)\[([^\]:]*)\]", r"∂\2/∂\1[\3]", text)
    text = re.sub(r"\(∇_\{([^{}\[\]]*)\[([^\]]*)\]\} (\w+)\)\[([^\]:]*)\]", r"∂\3/∂\1[\2,\4]", text)
    text = re.sub(r"∇_\{([^{}]*)\} (\w+)", r"∂\2/∂\1", text)
    # The sign is ∇ where a variable of the model is called δ.
    text = re.sub(r"∇(?=[^\W\d])" if "∇" in text else r"δ(?=[^\W\d])", f"∂{loss}/∂", text)
    return text.replace(" * ", " ⊙ ").replace(" ∘ ", " ⊙ ")


@pytest.mark.parametrize("name", MODELS)
def test_text_fits_a_terminal(name: str) -> None:
    """No line is longer than 100 columns; formulas are broken before a sign, where one stands outside of parentheses."""
    derivation = derive(MODELS[name])
    for adjoint, indices in itertools.product(CHOICES["adjoint"], (False, True)):
        text = derivation.to_text("outline", notation=Notation(adjoint=adjoint, indices=indices))
        for line in text.splitlines():
            assert columns(line) <= 100 or not is_breakable(line), line


def is_breakable(line: str) -> bool:
    """Whether a formula has a sign outside of all parentheses, behind its left side and a first term."""
    depth = 0
    right = line.partition(" = ")[2].partition("   t = ")[0]
    for place, sign in enumerate(right):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and place and right[place : place + 3] in (" + ", " - "):
            return not right.startswith("Σ")  # a sum of sums over time stays in one row
    return False


BAD: list[tuple[dict[str, Any], str]] = [
    ({"adjoint": "dot"}, "adjoint is 'bar', 'leibniz', 'nabla' or 'delta', not 'dot'"),
    ({"hadamard": "odots"}, "did you mean 'odot'?"),
    ({"vectors": 1}, "not 1"),
    ({"bold": "yes"}, "bold is True or False, not 'yes'"),
    ({"symbols": {"h": "_3"}}, "needs a letter"),
    ({"symbols": {"h": r"\frac{1"}}, "do not close"),
    ({"symbols": {"h": "$h$"}}, "without dollars"),
    ({"symbols": ["h"]}, "symbols is a dictionary"),
]


@pytest.mark.parametrize(("options", "complaint"), BAD, ids=range(len(BAD)))
def test_unknown_values(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(NotationError, match=re.escape(complaint)):
        Notation(**options)


def test_signs_may_be_written_as_they_look() -> None:
    assert Notation(hadamard=r"\circ", transpose=r"\mathsf T") == Notation(hadamard="∘", transpose="mathsf")


SAMPLE = {
    "rnn": Notation(adjoint="nabla", time="superscript", bold=True, transpose="mathsf"),
    "lstm": Notation(adjoint="delta", hadamard="circ", symbols={"h": r"\mathbf{s}", "V": r"W_{\text{out}}"}, bold=True),
    "gru": Notation(indices=True, adjoint="leibniz"),
    "many_to_one": Notation(vectors="rows", adjoint="leibniz", time="superscript", transpose="T"),
    "one_to_many": Notation(indices=True, time="superscript", adjoint="nabla", bold=True),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_compiles(name: str, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed; the other tests look at the same formulas")
    (tmp_path / "a.tex").write_text(derive(rnnsym.load(name)).to_latex("full", notation=SAMPLE[name]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log


@pytest.mark.parametrize(
    "symbols",
    [{"h": "W"}, {"W": "h"}, {"x": "{h}"}, {"x": r"\mathrm{h}"}, {"x": r"\text{h}"}, {"h": "\u0445"}, {"b": r"\alpha", "x": "α"}],
    ids=str,
)  # fmt: skip
def test_a_symbol_that_looks_like_another_ones_is_refused(symbols: dict[str, str]) -> None:
    """Also where only the time would tell them apart, and for letters of another alphabet."""
    model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(y[t], h[t])")
    with pytest.raises(NotationError, match="looks the same"):
        derive(model).to_latex(notation=Notation(symbols=symbols))


@pytest.mark.parametrize("letter", ["t", "T", "{T}"])
def test_the_letters_of_time_are_taken(letter: str) -> None:
    with pytest.raises(NotationError, match="give x another symbol"):
        Notation(symbols={"x": letter})
