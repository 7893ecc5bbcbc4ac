"""The command line with all that stands behind it, in this process and in one of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import rnnsym
from rnnsym import cli
from rnnsym.library import available

Capture = pytest.CaptureFixture[str]

BROKEN = "h[t] = tahn(W @ h[t-1])\n"


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rnnsym", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.mark.parametrize("name", available())
def test_every_model_is_derived(name: str, capsys: Capture) -> None:
    assert cli.main(["derive", name, "--detail", "result"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(rnnsym.load(name).title)
    gradients = set(re.findall(r"^ *∂\w+/∂([^ \[]+) = ", output, re.MULTILINE))
    assert len(gradients) >= len(rnnsym.load(name).parameters)


@pytest.mark.parametrize("detail", ["result", "outline", "full"])
@pytest.mark.parametrize("form", ["recurrence", "unrolled", "paths", "truncated", "forward", "second", "jacobians"])
@pytest.mark.parametrize(
    ("layout", "start"), [("text", "Vanilla"), ("markdown", "# Vanilla"), ("latex", "\\documentclass")]
)
def test_every_form_of_a_derivation(form: str, detail: str, layout: str, start: str, capsys: Capture) -> None:
    assert cli.main(["derive", "rnn", "--form", form, "--detail", detail, "--format", layout]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_options_of_the_forms_through_time(capsys: Capture) -> None:
    assert cli.main(["derive", "rnn", "--form", "truncated", "--keep", "3", "--of", "U"]) == 0
    assert "Σ_{k=max(1, t-2)..t}" in capsys.readouterr().out
    assert cli.main(["derive", "rnn", "--form", "paths", "--layout", "denominator", "--detail", "result"]) == 0
    assert "∂h[j]/∂h[j-1] = Wᵀ diag(1 - h[j]²)" in capsys.readouterr().out
    assert cli.main(["derive", "rnn", "--form", "paths", "--of", "w"]) == 2
    assert "rnn has no parameter 'w'" in capsys.readouterr().err


@pytest.mark.parametrize("name", available())
def test_every_model_is_exported(name: str, capsys: Capture) -> None:
    assert cli.main(["export", name, "--dtype", "float32"]) == 0
    ast.parse(capsys.readouterr().out)


def test_an_exported_kernel_stands_alone(tmp_path: Path) -> None:
    done = command("export", "rnn", "--sizes", "n=4,m=3,k=2", "-o", "kernel.py", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    code = "import sys, kernel; W = kernel.init(0)['W']; sys.exit(W.shape != (4, 4) or 'rnnsym' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60, check=False).returncode == 0


def test_export_refuses_a_size_that_the_model_does_not_have(capsys: Capture) -> None:
    assert cli.main(["export", "rnn", "--sizes", "q=4"]) == 2
    assert "q" in capsys.readouterr().err


def test_a_composition_in_words(capsys: Capture) -> None:
    assert cli.main(["derive", "stack(bidirectional(rnn), 2)", "--detail", "result"]) == 0
    assert "Adjoints: layer 2, each against its own direction of time" in capsys.readouterr().out
    assert cli.main(["export", "stack(lstm, 2)", "--like", "torch", "--optimizer", "adam"]) == 0
    found = capsys.readouterr().out
    assert '"weight_hh_l1": ("4*n", "n"),' in found
    assert "def step(params, gradients, state=None, rate=0.001" in found
    assert cli.main(["derive", "stack(lstm, many)"]) == 2
    assert "neither a number nor a text" in capsys.readouterr().err


def test_crosscheck_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(y[t], h[t])\n")
    done = command("crosscheck", "model.txt", "--seed", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "W" in done.stdout


def test_draw(tmp_path: Path) -> None:
    target = tmp_path / "rnn.svg"
    assert cli.main(["draw", "rnn", "--steps", "2", "--gradient", "W", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == rnnsym.derive(rnnsym.load("rnn")).draw(2, "W").svg


def test_draw_says_what_it_cannot(capsys: Capture) -> None:
    assert cli.main(["draw", "rnn", "--gradient", "X"]) == 2
    assert "the drawing has nothing called 'X'" in capsys.readouterr().err


BACKWARD = """
import numpy as np

def backward(params, inputs):
    W, x, h = params["W"], inputs["x"], [inputs["h[0]"]]
    for step in x:
        h.append(np.tanh(h[-1] @ W.T + step))
    gradient, carried = np.zeros_like(W), 0.0
    for t in range(len(x), 0, -1):
        delta = (h[t] + carried) * (1 - h[t] ** 2)
        gradient += delta.T @ h[t - 1]
        carried = delta @ W
    return {"W": gradient}
"""
MODEL = "h[t] = tanh(W @ h[t-1] + x[t])\nE[t] = 0.5 * dot(h[t], h[t])"


def test_a_hand_written_backward_pass_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, code = tmp_path / "model.py", tmp_path / "mine.py"
    model.write_text(f'"""A model."""\n\nequations = """\n{MODEL}\n"""\n')
    code.write_text(BACKWARD)
    assert cli.main(["verify", str(model), str(code)]) == 0
    assert "exact" in capsys.readouterr().out
    code.write_text(BACKWARD.replace("h[t - 1]", "h[t]"))
    assert cli.main(["verify", str(model), f"{code}:backward", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["backward"]["verdict"] == "refuted"
    assert cli.main(["verify", str(model), str(tmp_path / "none.py")]) == 2


def test_the_variables_of_a_model_are_listed(capsys: Capture) -> None:
    assert cli.main(["models", "elman"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"h\[0\] +n +input", shown)
    assert re.search(r"W +n × n +parameter", shown)
    assert cli.main(["models", "elman", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name": "U", "shape": ["n", "m"], "role": "parameter", "timed": False} in found["variables"]
    kernel = rnnsym.generate(rnnsym.load("elman"))
    given = {one["name"].replace("[t]", "") for one in found["variables"] if one["role"] in ("parameter", "input")}
    assert given == set(kernel.shapes)


def test_the_list_of_models_for_a_program(capsys: Capture) -> None:
    assert cli.main(["models", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(available())


def test_a_model_that_is_not_there_has_no_variables(capsys: Capture) -> None:
    assert cli.main(["models", "lstn"]) == 2
    assert "lstm" in capsys.readouterr().err


# In a process of its own


def test_errors_are_no_tracebacks(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text(BROKEN)
    done = command("derive", "model.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("rnnsym: model.txt, line 1: unknown function 'tahn'")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes as on POSIX")
@pytest.mark.parametrize("arguments", [["models"], ["--help"], []])
def test_a_closed_pipe_is_no_error(arguments: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "rnnsym", *arguments],
            env=buffered,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_greek(tmp_path: Path) -> None:
    (tmp_path / "σ.txt").write_text(BROKEN)
    done = command("derive", "σ.txt", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert done.stderr.startswith("rnnsym: \\u03c3.txt, line 1: unknown function")
