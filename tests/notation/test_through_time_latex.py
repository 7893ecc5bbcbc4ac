"""The documents of the forms through time in LaTeX: as they were, well-formed, and compiled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings

from rnnsym import Model, Notation, derive, library, load
from rnnsym.calculus.onestep import NoStepError
from rnnsym.testing import Problem, problems

NAMES = library.available()
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("name", "parameter"), [("rnn", "W"), ("lstm", "W_f"), ("gru", "W_g")])
def test_golden(name: str, parameter: str) -> None:
    """Run with REWRITE_GOLDEN=1 to write the files anew, and look at what changed."""
    path = GOLDEN / f"paths_{name}_{parameter}.tex"
    text = derive(load(name)).paths(parameter).to_latex(document=False)
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def documents(model: Model) -> list[str]:
    """The forms of a model in LaTeX; none where it is no chain of steps."""
    derivation = derive(model)
    try:
        forms = [
            derivation.paths(),
            derivation.paths(layout="denominator"),
            derivation.truncated(),
            derivation.forward(),
            derivation.jacobians(),
            derivation.second_order(),
        ]
    except NoStepError:
        return []
    forms += [derivation.paths(name) for name in model.parameters[:2]]
    return [form.to_latex() for form in forms]


def well_formed(text: str) -> None:
    depth = 0
    for character in re.sub(r"\\[{}]", "", text):
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    stack: list[str] = []
    for kind, environment in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if kind == "begin":
            stack.append(environment)
        else:
            assert stack.pop() == environment
    assert not stack
    assert text.count(r"\left") == text.count(r"\right")
    assert not re.search(r"_(\w|\{[^{}]*\})_", text.replace(r"\_", ""))
    assert not re.search(r"step\(|immediate\(|direct\(|total\(|signal\(|dot\(|Kronecker", text)


@pytest.mark.parametrize("name", NAMES)
def test_well_formed(name: str) -> None:
    for text in documents(load(name)):
        well_formed(text)


@settings(max_examples=10, deadline=None)
@given(problems(max_batch=1))
def test_drawn_models_are_well_formed(problem: Problem) -> None:
    if problem.model.parameters:
        for text in documents(problem.model):
            well_formed(text)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "one_to_many"])
def test_compiles(name: str, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed; test_well_formed looks at the same documents")
    for number, text in enumerate(documents(load(name))):
        path = tmp_path / f"{number}.tex"
        path.write_text(text, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
        log = done.stdout.decode(errors="replace")
        assert done.returncode == 0, log[-2000:]
        assert "Overfull" not in log, (number, re.findall(r"Overfull.*", log))


def test_other_formats_and_notations() -> None:
    form = derive(load("lstm")).paths("W_f")
    assert form._repr_markdown_().count("$$") >= 8
    assert "<math" in form.to_html()
    for notation in (
        Notation(time="superscript"),
        Notation(bold=True),
        Notation(adjoint="nabla"),
        Notation(indices=True),
        Notation(vectors="rows"),
    ):
        well_formed(form.to_latex(notation=notation))
