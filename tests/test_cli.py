"""The command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rnnsym
from rnnsym import Notation, cli
from rnnsym.cli import terminal
from rnnsym.cli.arguments import parser as whole_parser
from rnnsym.kernels.kernel import Kernel
from rnnsym.library import available

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

BROKEN = "h[t] = tahn(W @ h[t-1])\n"


class Document:
    """Stands for a derivation: it prints how it was asked."""

    def __init__(self, form: str = "recurrence") -> None:
        self.form = form

    def unroll(self, steps: int) -> Document:
        return Document(f"unrolled to {steps}")

    def to_text(self, detail: str, notation: Notation) -> str:
        return f"text, {self.form}, {detail}"

    def to_markdown(self, detail: str, notation: Notation) -> str:
        return f"markdown, {self.form}, {detail}"

    def to_latex(self, detail: str, notation: Notation, document: bool) -> str:
        return f"latex, {self.form}, {detail}, {document}"


class Report:
    """Stands for the report of a crosscheck."""

    def __init__(self, passed: bool) -> None:
        self.passed = passed

    def __str__(self) -> str:
        return "all agree" if self.passed else "they differ"


class Named(str):
    """A model that is its name."""

    remarks = ()


@pytest.fixture
def pipeline(monkeypatch: Patch) -> SimpleNamespace:
    """The command line by itself: what stands behind it is replaced, and notes how it is called."""
    calls = SimpleNamespace(passed=True, generate=None, crosscheck=None)

    def generate(model: Any, **options: Any) -> Kernel:
        calls.generate = options
        return Kernel("rnn", f"# the kernel of {model}\n", {}, {})

    def crosscheck(model: Any, **options: Any) -> Report:
        calls.crosscheck = options
        return Report(calls.passed)

    monkeypatch.setattr(rnnsym, "load", Named)
    monkeypatch.setattr(rnnsym, "derive", lambda model: Document())
    monkeypatch.setattr(rnnsym, "generate", generate)
    monkeypatch.setattr(rnnsym, "crosscheck", crosscheck)
    return calls


# Help, and errors in the arguments


def test_plain_rnnsym_prints_help(capsys: Capture) -> None:
    assert cli.main([]) == 0
    output = capsys.readouterr().out
    assert output.startswith("usage: rnnsym")
    assert all(name in output for name in ("models", "derive", "export", "crosscheck"))


def test_version(capsys: Capture) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rnnsym {rnnsym.__version__}\n"


@pytest.mark.parametrize("name", ["models", "derive", "export", "crosscheck"])
def test_every_command_has_help(name: str, capsys: Capture) -> None:
    assert cli.main([name, "--help"]) == 0
    assert f"rnnsym {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["deriv", "rnn"], "invalid choice: 'deriv'"),
        (["derive"], "required: MODEL"),
        (["derive", "rnn", "--format", "pdf"], "invalid choice: 'pdf'"),
        (["derive", "rnn", "--steps", "3"], "--steps goes with --form unrolled"),
        (["derive", "rnn", "--keep", "3"], "--keep goes with --form truncated"),
        (
            ["derive", "rnn", "--form", "forward", "--layout", "numerator"],
            "--layout goes with --form paths, truncated or",
        ),
        (["derive", "rnn", "--of", "W"], "--of goes with --form paths, truncated, forward or second"),
        (["derive", "rnn", "--form", "unrolled", "--steps", "0"], "a length goes from 1 to 10,000, and 0 does not"),
        (["derive", "rnn", "--form", "unrolled", "--steps", "99999999"], "a length goes from 1 to 10,000"),
        (["derive", "rnn", "--form", "unrolled", "--steps", "two"], "'two' is not a whole number"),
        (["export", "rnn", "--sizes", "4"], "'4' is not NAME=NUMBER"),
        (["export", "rnn", "--sizes", "n=4,,m=3"], "'' is not NAME=NUMBER"),
        (["export", "rnn", "--sizes", "n=-4"], "'-4' is not a whole number"),
        (["export", "rnn", "--sizes", "n=0"], "the size n cannot be 0"),
        (["export", "rnn", "--sizes", "n=4,n=5"], "n is given twice"),
        (["crosscheck", "rnn", "--seed", "-1"], "'-1' is not a whole number"),
        (["crosscheck", "rnn", "--length", "0"], "a length goes from 1 to"),
    ],
)
def test_errors_in_the_arguments(
    arguments: Sequence[str], expected: str, pipeline: SimpleNamespace, capsys: Capture
) -> None:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert not captured.out


# The commands, by themselves


def test_models(capsys: Capture) -> None:
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(available())
    assert all(len(line.split()) > 1 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "text, recurrence, outline"),
        (["--detail", "result"], "text, recurrence, result"),
        (["--format", "markdown", "--detail", "full"], "markdown, recurrence, full"),
        (["--format", "latex"], "latex, recurrence, outline, True"),
        (["--form", "unrolled"], "text, unrolled to 3, outline"),
        (["--form", "unrolled", "--steps", "5", "--format", "latex"], "latex, unrolled to 5, outline, True"),
    ],
)
def test_derive(arguments: Sequence[str], expected: str, pipeline: SimpleNamespace, capsys: Capture) -> None:
    assert cli.main(["derive", "rnn", *arguments]) == 0
    assert capsys.readouterr().out == f"{expected}\n"


def test_notation_reaches_the_printer(capsys: Capture) -> None:
    chosen = ["--adjoint", "delta", "--vectors", "rows", "--symbol", r"W=\Theta", "--symbol", "h=s"]
    assert cli.main(["derive", "rnn", "--detail", "result", *chosen]) == 0
    assert "δΘ = Σ_{t=1..T} δa[t]ᵀ s[t-1]" in capsys.readouterr().out
    assert cli.main(["derive", "rnn", "--indices", "--bold", "--format", "latex", "--time", "superscript"]) == 0
    assert r"\sum_{j=1}^{n} W_{ij} \, h^{(t-1)}_j" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--symbol", "Q=q"], "symbols names 'Q', which the model does not have"),
        (["--symbol", "W=U"], "symbols writes W as U, and U looks the same; give U another symbol too"),
        (["--symbol", "W={"], "the braces of '{', the symbol for W, do not close"),
        (["--symbol", "W"], "'W' is not NAME=LATEX"),
        (["--adjoint", "bars"], "invalid choice: 'bars'"),
    ],
)
def test_notation_that_cannot_be_had(arguments: Sequence[str], complaint: str, capsys: Capture) -> None:
    assert cli.main(["derive", "rnn", *arguments]) == terminal.BAD_INPUT
    assert complaint in capsys.readouterr().err


def test_export(pipeline: SimpleNamespace, capsys: Capture) -> None:
    assert cli.main(["export", "rnn", "--sizes", "n=4, m=3", "--dtype", "float32", "--like", "torch"]) == 0
    assert pipeline.generate == {
        "sizes": {"n": 4, "m": 3},
        "dtype": "float32",
        "hessian": False,
        "like": "torch",
        "optimizer": None,
        "backend": "numpy",
    }
    assert pipeline.crosscheck is None
    assert capsys.readouterr().out == "# the kernel of rnn\n"


def test_export_checks_first(pipeline: SimpleNamespace, capsys: Capture, tmp_path: Path) -> None:
    target = tmp_path / "kernel.py"
    assert cli.main(["export", "rnn", "--check", "-o", str(target)]) == 0
    assert target.read_text() == "# the kernel of rnn\n"
    assert "all agree" in capsys.readouterr().err


def test_export_writes_nothing_that_fails(pipeline: SimpleNamespace, capsys: Capture, tmp_path: Path) -> None:
    pipeline.passed = False
    assert cli.main(["export", "rnn", "--check", "-o", str(tmp_path / "kernel.py")]) == 1
    assert not list(tmp_path.iterdir())
    captured = capsys.readouterr()
    assert "they differ" in captured.err
    assert "nothing is written" in captured.err
    assert not captured.out


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_crosscheck(passed: bool, code: int, pipeline: SimpleNamespace, capsys: Capture) -> None:
    pipeline.passed = passed
    assert cli.main(["crosscheck", "rnn", "--seed", "7", "--length", "5"]) == code
    assert pipeline.crosscheck == {"seed": 7, "length": 5}
    assert capsys.readouterr().out == f"{Report(passed)}\n"


# Files


def test_output_is_not_overwritten_without_force(pipeline: SimpleNamespace, capsys: Capture, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("mine")
    assert cli.main(["derive", "rnn", "-o", str(target)]) == 2
    assert capsys.readouterr().err == f"rnnsym: {target} is there already: --force overwrites it\n"
    assert target.read_text() == "mine"
    assert cli.main(["derive", "rnn", "-o", str(target), "--force"]) == 0
    assert target.read_text() == "text, recurrence, outline\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_output_into_a_missing_folder(pipeline: SimpleNamespace, capsys: Capture, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "out.txt"
    assert cli.main(["derive", "rnn", "-o", str(target)]) == 2
    assert capsys.readouterr().err == f"rnnsym: {target}: No such file or directory\n"


def test_output_to_a_dash_is_standard_output(pipeline: SimpleNamespace, capsys: Capture) -> None:
    assert cli.main(["derive", "rnn", "-o", "-"]) == 0
    assert capsys.readouterr().out == "text, recurrence, outline\n"


# Errors


def test_an_unknown_model(capsys: Capture) -> None:
    assert cli.main(["derive", "lsmt"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("rnnsym: there is no model 'lsmt': did you mean lstm or slstm?\n")
    assert not captured.out


def test_a_broken_model(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_text(BROKEN)
    assert cli.main(["crosscheck", str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"rnnsym: {path}, line 1: unknown function 'tahn'",
        "  1 | h[t] = tahn(W @ h[t-1])",
        "    |        ^^^^",
        "did you mean tanh or arctan?",
    ]


def test_a_file_that_cannot_be_read(capsys: Capture, monkeypatch: Patch) -> None:
    def refuse(name: str) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(rnnsym, "load", refuse)
    assert cli.main(["export", "model.txt"]) == 2
    assert capsys.readouterr().err == "rnnsym: model.txt: Permission denied\n"


def test_an_interrupt(capsys: Capture, monkeypatch: Patch) -> None:
    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rnnsym, "load", interrupt)
    assert cli.main(["export", "rnn"]) == 130
    assert capsys.readouterr().err == "\n"


def test_bugs_are_not_hidden(monkeypatch: Patch) -> None:
    def fail(name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rnnsym, "load", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["export", "rnn"])


# Progress


def _shown_on(is_terminal: Callable[[], bool], monkeypatch: Patch, capsys: Capture, seconds: float) -> str:
    monkeypatch.setattr(sys.stderr, "isatty", is_terminal)
    monkeypatch.setattr(terminal, "PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.working("deriving rnn"):
        time.sleep(seconds)
    captured = capsys.readouterr()
    assert not captured.out
    return captured.err


def test_progress_is_shown_on_a_terminal_after_a_while(monkeypatch: Patch, capsys: Capture) -> None:
    assert "deriving rnn ..." in _shown_on(lambda: True, monkeypatch, capsys, 1.0)


def test_progress_is_not_shown_for_what_is_quick(monkeypatch: Patch, capsys: Capture) -> None:
    assert _shown_on(lambda: True, monkeypatch, capsys, 0.0) == ""


def test_progress_is_not_shown_in_a_log(monkeypatch: Patch, capsys: Capture) -> None:
    assert _shown_on(lambda: False, monkeypatch, capsys, 0.2) == ""


def every_option() -> set[str]:
    """The long options of all commands, as the parser knows them."""
    parser = whole_parser()
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    parsers = [parser, *commands.choices.values()]
    options = {text for one in parsers for action in one._actions for text in action.option_strings}
    return {text for text in options if text.startswith("--")} - {"--help"}


def test_every_option_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    written = set(re.findall(r"--[a-z]+", text))
    assert sorted(every_option() - written) == []
    assert {"models", "derive", "draw", "flow", "cite", "export", "verify", "crosscheck", "docs"} <= set(
        re.findall(r"rnnsym (\w+)", text)
    )
