"""The strategies: every drawn model loads, and together they have what the language promises."""

import random
import re
from collections import Counter

import pytest
from hypothesis import find, given, settings

from rnnsym.checks.compose import Composed, Composer
from rnnsym.language.model import Model
from rnnsym.operations import ABBREVIATIONS, ELEMENTWISE, VECTOR_FUNCTIONS
from rnnsym.testing import Problem, models, problems


def composed(seed: int) -> Composed:
    source = random.Random(seed)
    return Composer(lambda options: options[source.randrange(len(options))]).compose()


@pytest.fixture(scope="module")
def many() -> list[Composed]:
    return [composed(seed) for seed in range(600)]


def test_composed_models_load_as_they_are_meant(many: list[Composed]) -> None:
    misread = []
    for one in many[:300]:
        try:
            model = Model(one.text, one.sizes, inputs=one.inputs)
        except Exception as error:
            raise AssertionError(f"{error}\n\n{one}") from error
        misread += [(name, one) for name, rank in one.ranks.items() if len(model.shapes[name]) != rank]
    # A symbol that nothing declares may rightly be taken for a scalar beside one.
    assert len(misread) <= 1, misread


#: What a text shows of each thing that the language promises.
FEATURES = {
    "boundary at 0": r"\[0\] =",
    "boundary at 1": r"\[1\] =",
    "boundary at T": r"\[T\] =",
    "lag 2": r"h\d?\[t-2\]",
    "lag 3": r"h\d?\[t-3\]",
    "lagged input": r"x\d?\[t-1\]",
    "input at a fixed time": r"x\d?\[1\]",
    "several states": r"\bh3\[t\] =",
    "gates": r"\(1 - z\d?\[t\]\)",
    "matrix product": r"W\d* @ h",
    "row convention": r"h\d?\[t-1\] @ W",
    "product of matrices": r"W\d* @ W\d* @",
    "transpose": r"W\d*\.T",
    "concat": r"concat\(",
    "outer": r"outer\(",
    "matrix state": r"h\d?\[t\] = \S+ \* h\d?\[t-1\] \+ outer\(",
    "scalar parameter": r"\ba\d?\b",
    "softmax output": r"softmax\(W",
    "many to one": r"E = .*\[T\]",
    "loss at T": r"E\d?\[T\] =",
    "loss at 1": r"E\d?\[1\] =",
    "several losses": r"E3",
    "total": r"L = ",
    "mean over time": r"L = mean\(",
    "sum over time": r"L = sum\(",
    "sum over time without an equation": r"E\d? = sum\(.*\[t\]",
    "mean of states": r"m = mean\(",
    "decoder": r"h\d?\[t\] = .*h\d?\[T\]",
    "regulariser": r"E\d? = .*(sum|mean)\(W\d* \*\* 2\)",
    "division": r"\S / \S",
    "unary minus": r"-[hx(]",
    "power": r"\*\* (0\.5|\(-)",
    "without time": r"\Ah\d? = |\bh = ",
    "untimed parameter": r"\bk = ",
}


def test_composed_models_have_what_the_language_promises(many: list[Composed]) -> None:
    counts = Counter(name for one in many for name, sign in FEATURES.items() if re.search(sign, one.text, re.MULTILINE))
    assert {name for name in FEATURES if counts[name] < 3} == set()


#: What `max(v)` is called inside.
NOT_DRAWN = {"max_elements"}


def test_composed_models_use_every_function_of_the_table(many: list[Composed]) -> None:
    text = "\n".join(one.text for one in many)
    entries = (*ELEMENTWISE, *VECTOR_FUNCTIONS, *ABBREVIATIONS)
    assert {entry.name for entry in entries if not re.search(rf"\b{entry.name}\(", text)} == NOT_DRAWN


def test_composed_models_differ(many: list[Composed]) -> None:
    assert len({one.text for one in many}) > 0.98 * len(many)
    lines = sorted(one.text.count("\n") + 1 for one in many)
    assert lines[0] <= 2
    assert 5 <= lines[len(lines) // 2] <= 15


def test_first_choices_make_the_simplest_model() -> None:
    simplest = Composer(lambda options: options[0]).compose()
    assert simplest.text == "h[t] = tanh(W @ h[t-1] + W2 @ x[t] + b)\nE[t] = squared_error(target[t], x[t])"


@settings(max_examples=100)
@given(models())
def test_drawn_models_load(model: Model) -> None:
    assert model.losses
    assert not model.timed or model.sequences


@settings(max_examples=20)
@given(problems())
def test_problems_fit_their_models(problem: Problem) -> None:
    model = problem.model
    assert problem.length >= model.timing.minimum_length
    assert all(problem.inputs[name].shape[:2] == (problem.length, problem.batch) for name in model.sequences)
    assert problem.sizes.keys() == {
        size.name for shape in model.shapes.values() for n in shape for size in n.free_symbols
    }


def test_examples_shrink_to_few_equations() -> None:
    found = find(
        models(), lambda model: "E2" in model.text, settings=settings(max_examples=100, database=None, derandomize=True)
    )
    assert len(found.core) <= 4
