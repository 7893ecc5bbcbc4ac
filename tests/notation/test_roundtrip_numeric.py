"""The printed text, read back and computed: its gradients are those of the kernel.

A transpose, a time or a parenthesis printed wrong gives arrays that do not fit, or other numbers.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import Phase, example, given, settings

import rnnsym
from rnnsym import Model, derive
from rnnsym.checks.data import draw
from rnnsym.notation.style import Notation
from rnnsym.testing import Problem, problems

from .elements import element_difference
from .reading import difference


def shipped(name: str) -> Problem:
    return problem_of(rnnsym.load(name))


def problem_of(model: Model, length: int = 3, batch: int = 2) -> Problem:
    params, inputs, sizes = draw(model, 7, length=length, batch=batch)
    return Problem(model, params, inputs, sizes, length if model.timed else 1, batch)


#: Without tensors of order three: what they print as, a sum over elements, is read elsewhere.
READABLE = [name for name in rnnsym.available() if all(len(s) < 3 for s in rnnsym.load(name).shapes.values())]


@pytest.mark.parametrize("name", READABLE)
def test_the_text_of_shipped_models_computes_the_kernels_gradients(name: str) -> None:
    problem = shipped(name)
    assert difference(problem, derive(problem.model).to_text("result")) < 1e-10


@pytest.mark.parametrize("name", [name for name in READABLE if rnnsym.load(name).timed])
def test_the_unrolled_text_computes_the_kernels_gradients(name: str) -> None:
    problem = shipped(name)
    assert difference(problem, derive(problem.model).unroll(3).to_text()) < 1e-10


#: At T = 3 the line for h[T-2] and h[T-3] is about h[0] too, which has a line of its own: it holds for T ≥ 4.
LATE = "h[0] = a\nh[t] = tanh(W @ h[t-4])\nE = dot(h[T-1], v)"
#: A piece of a concatenation meets another vector in an inner product.
PIECES = "h[t] = tanh(W @ concat(x[t], h[t-1] / (1 + norm(b))))\nE[t] = squared_error(y[t], h[t])"


def test_a_document_says_from_which_length_on_it_holds() -> None:
    assert "Adjoints, backwards in time, for T ≥ 4\n" in derive(Model(LATE)).to_text("result")


@given(problems(max_batch=1))
@example(problem_of(Model(LATE), length=3, batch=1))
@example(problem_of(Model(LATE), length=4, batch=1))
@example(problem_of(Model(PIECES), batch=1))
@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_the_text_of_drawn_models_computes_the_kernels_gradients(problem: Problem) -> None:
    derivation = derive(problem.model)
    text = derivation.to_text("result")
    long_enough = problem.length >= max(map(int, re.findall(r", for T ≥ (\d+)$", text, re.MULTILINE)), default=1)
    if re.search(r"\]_\{|Σ_\{[a-z]\d*[,}]", text):  # a tensor has no matrix form: index notation is read elsewhere
        if long_enough:
            assert element_difference(problem, derivation.to_text("result", notation=Notation(indices=True))) < 1e-7
        return
    if long_enough:
        assert difference(problem, text) < 1e-7
    if problem.model.timed:
        assert difference(problem, derivation.unroll(problem.length).to_text()) < 1e-7


#: What a careless printer might do, as a replacement in the text, and the model in whose text it happens.
MISPRINTS = [
    ("lstm", "V h[t]", "Vᵀ h[t]"),
    ("lstm", "W_iᵀ ā_i[t+1]", "W_i ā_i[t+1]"),
    ("lstm", "ā_i[t] h[t-1]ᵀ", "ā_i[t] h[t]ᵀ"),
    ("lstm", "ā_i[t] h[t-1]ᵀ", "h[t-1] ā_i[t]ᵀ"),
    ("lstm", "f[t+1] ⊙ c̄[t+1]", "f[t] ⊙ c̄[t+1]"),
    ("lstm", "c[t-1] ⊙ c̄[t]", "c[t] ⊙ c̄[t]"),
    ("lstm", "(1 - tanh(c[t])²)", "1 - tanh(c[t])²"),
    ("lstm", "(𝟏ᵀ target[t]) y[t]", "𝟏ᵀ (target[t] y[t])"),
    ("lstm", "c̄[T] = o[T]", "c̄[T] = f[T]"),
    ("gru", "r[t+1] ⊙ (W_gᵀ ā_g[t+1])", "r[t+1] ⊙ W_gᵀ ā_g[t]"),
    ("gru", "(r[t] ⊙ h[t-1])ᵀ", "r[t] ⊙ h[t-1]ᵀ"),
    ("gru", "(h[t-1] - g[t]) ⊙ h̄[t]", "(h[t-1] + g[t]) ⊙ h̄[t]"),
    ("elman", "½ ‖", "‖"),
    ("rnn", "t = T-1..1", "t = T..1"),
    ("rnn", "Σ_{t=1..T} ō[t]", "Σ_{t=2..T} ō[t]"),
    ("one_to_many", "ā[1] h[0]ᵀ", "ā[1] h[1]ᵀ"),
    ("many_to_one", "h̄[T] = Vᵀ ō", "h̄[T] = Vᵀ y"),
]


@pytest.mark.parametrize(("name", "printed", "misprint"), MISPRINTS, ids=range(len(MISPRINTS)))
def test_misprints_are_noticed(name: str, printed: str, misprint: str) -> None:
    problem = shipped(name)
    text = derive(problem.model).to_text("result")
    assert printed in text
    assert is_wrong(problem, text.replace(printed, misprint))


def is_wrong(problem: Problem, text: str) -> bool:
    """Whether a text has no meaning, or gives other numbers."""
    try:
        return difference(problem, text) > 1e-3
    except (AssertionError, ValueError, RecursionError):
        return True
