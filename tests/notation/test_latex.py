"""What is printed as LaTeX is well formed, and compiles where pdflatex is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import rnnsym
from rnnsym import Model

ODD = {
    "rows": Model("h[t] = tanh(h[t-1] @ W + x[t] @ U)\nE[t] = squared_error(y[t], h[t])"),
    "names": Model("alpha[t] = tanh(W_hx @ x_in[t] + R @ alpha[t-1])\nE[t] = squared_error(yhat[t], alpha[t])"),
    "bars": Model("zbar[t] = W @ y[t-1]\ny[t] = tanh(zbar[t])\nE[t] = squared_error(d[t], y[t])"),
    "parts": Model("h[t] = tanh(W @ concat(h[t-1], x[t]))\nE = mean(squared_error(d[t], h[t])) + 0.1 * sum(W ** 2)"),
}
CASES = {name: rnnsym.load(name) for name in rnnsym.available()} | ODD


def documents(model: Model) -> list[str]:
    derivation = rnnsym.derive(model)
    found = [derivation.to_latex(detail=detail) for detail in ("result", "outline", "full")]
    return [*found, derivation.unroll(3).to_latex(document=True)]


@pytest.mark.parametrize("name", CASES)
def test_well_formed(name: str) -> None:
    """Braces and environments close, and no symbol has two subscripts."""
    for text in documents(CASES[name]):
        well_formed(text)


def well_formed(text: str) -> None:
    """Fail unless braces and environments close, and no symbol has two sub- or superscripts."""
    plain = re.sub(r"\\[{}]", "", text)
    depth = 0
    for character in plain:
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
    for sign in ("_", r"\^"):
        assert not re.search(rf"{sign}(\w|\{{[^{{}}]*\}}){sign}", text.replace(r"\_", ""))


@pytest.mark.parametrize("name", CASES)
def test_compiles(name: str, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed; test_well_formed looks at the same documents")
    for number, text in enumerate(documents(CASES[name])):
        path = tmp_path / f"{number}.tex"
        path.write_text(text, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
        log = done.stdout.decode(errors="replace")
        assert done.returncode == 0, log[-2000:]
        assert "Overfull" not in log
