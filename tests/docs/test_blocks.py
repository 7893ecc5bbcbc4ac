"""Marked blocks: what is replaced, what is left alone, and what is said of a block that is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnnsym
from rnnsym import cli
from rnnsym.docs.blocks import BlockError, fill, find
from rnnsym.docs.filling import KINDS, filled, written

EQUATIONS = "h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])\n"
GRADIENT = "<!-- rnnsym: model.txt form=gradient of=W format=text -->"
END = "<!-- /rnnsym -->"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.txt").write_text(EQUATIONS, encoding="utf-8")
    return tmp_path


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_bytes(text.encode())
    return path


def docs(*arguments: object) -> int:
    return cli.main(["docs", *map(str, arguments)])


# What is written


def test_the_inside_is_written_and_written_again_alike(folder: Path) -> None:
    path = page(folder, f"before\n\n{GRADIENT}\nold\n{END}\n\nafter\n")
    assert docs(path) == 0
    first = path.read_text("utf-8")
    assert "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ" in first
    assert "old" not in first
    assert first.startswith(f"before\n\n{GRADIENT}\n\n```text\n")
    assert first.endswith(f"```\n\n{END}\n\nafter\n")
    assert docs(path) == 0
    assert path.read_text("utf-8") == first


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_all_around_is_left_byte_for_byte(folder: Path, newline: str, mark: str) -> None:
    before = f"{mark}# Title  {newline}{newline}\ttab, trailing \t{newline}"
    after = f"{newline}last line without end"
    path = page(folder, f"{before}{GRADIENT}{newline}{END}{after}")
    assert docs(path) == 0
    text = path.read_bytes().decode("utf-8")
    assert text.startswith(before + GRADIENT)
    assert text.endswith(END + after)
    assert ("\r\n" in text) == (newline == "\r\n")
    assert len(re.findall(r"(?<!\r)\n", text)) == (0 if newline == "\r\n" else text.count("\n"))


def test_equations_in_the_comment(folder: Path) -> None:
    path = page(folder, f"<!-- rnnsym: form=gradient of=W format=text sizes=h:n\n{EQUATIONS}-->\n{END}\n")
    assert docs(path) == 0
    assert rnnsym.derive(rnnsym.Model(EQUATIONS))["W"].to_text() in path.read_text("utf-8")


def test_a_symbol_stays_in_its_sentence(folder: Path) -> None:
    path = page(folder, f"The state <!-- rnnsym: model.txt form=symbol of=h -->{END} is carried.\n")
    assert docs(path) == 0
    assert path.read_text("utf-8").endswith(f"of=h -->$h_t${END} is carried.\n")


def test_an_indented_block_stays_indented(folder: Path) -> None:
    path = page(folder, f"- item\n\n  {GRADIENT}\n  {END}\n")
    assert docs(path) == 0
    inside = path.read_text("utf-8").split("-->")[1]
    assert all(line.startswith("  ") for line in inside.split("\n") if line)


@pytest.mark.parametrize(
    "text",
    [
        f"```markdown\n{GRADIENT}\n{END}\n```\n",
        f"````\n```\n{GRADIENT}\n````\n",
        f"~~~\n{GRADIENT}\n~~~\n",
        f"write `{GRADIENT}` and\nthen ``{END}`` `\n",
        f"> ```\n> {END}\n> ```\n",
    ],
)
def test_code_is_left_alone(text: str) -> None:
    assert find(text, "page.md") == []


def test_a_lone_tick_hides_nothing() -> None:
    assert len(find(f"a ` tick\n\n{GRADIENT}\n{END}\n", "page.md")) == 1


@given(st.text(alphabet="ab `~>\n\r\t-", max_size=60), st.text(alphabet="ab\n\r -", max_size=30))
def test_whatever_stands_around_a_block_is_kept(before: str, after: str) -> None:
    text = f"{before}\n\n<!-- rnnsym: form=x -->old{END}{after}"
    try:
        new = fill(text, "page.md", lambda block: "new", lambda block: True)
    except BlockError:  # the text before opens a fence or a code span that hides the block's beginning alone
        return
    assert new in (text, text.replace("-->old<", "-->new<"))


def test_python_is_run_only_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"<!-- rnnsym: form=python -->\n```python\nprint(6 * 7)\n```\n{END}\n"
    path = page(folder, text)
    assert docs(path) == 0
    assert "42" not in path.read_text("utf-8")
    assert docs("--run", path) == 0
    assert "```text\n42\n```" in path.read_text("utf-8")
    assert docs("--run", "--check", path) == 0


def test_a_picture_beside_the_page(folder: Path) -> None:
    head = "<!-- rnnsym: model.txt form=drawing file=figures/graph.svg caption='The graph.' -->"
    path = page(folder, f"{head}\n{END}\n")
    assert docs("--check", path) == 1
    assert not (folder / "figures").exists()
    assert docs(path) == 0
    assert "![model, unrolled](figures/graph.svg)\n\n*The graph.*" in path.read_text("utf-8")
    picture = folder / "figures" / "graph.svg"
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert docs("--check", path) == 0
    picture.write_text("<svg/>", encoding="utf-8")
    assert docs("--check", path) == 1


def test_a_command_does_not_import_what_lies_beside_the_page(folder: Path) -> None:
    for name in ("rnnsym", "sympy", "argparse"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    path = page(folder, f"<!-- rnnsym: form=console command='derive model.txt --detail result' -->\n{END}\n")
    assert docs(path) == 0
    text = path.read_text("utf-8")
    assert "$ rnnsym derive model.txt --detail result\n" in text
    assert "∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ" in text


# --check


def test_check_names_what_is_stale_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{GRADIENT}\n{END}\n"
    path = page(folder, text)
    assert docs("--check", path) == 1
    output = capsys.readouterr()
    assert str(path) in output.out
    assert f"rnnsym docs {path}" in output.err
    assert path.read_text("utf-8") == text
    docs(path)
    assert docs("--check", path) == 0


def test_check_sees_a_changed_model(folder: Path) -> None:
    path = page(folder, f"{GRADIENT}\n{END}\n")
    docs(path)
    (folder / "model.txt").write_text(EQUATIONS.replace("W @", "x[t] + W @"), encoding="utf-8")
    assert docs("--check", path) == 0  # the gradient by W is still the same
    (folder / "model.txt").write_text(EQUATIONS.replace("h[t-1]", "h[t-2]"), encoding="utf-8")
    assert docs("--check", path) == 1


# What is wrong

ERRORS = {
    "form=gradeint model.txt": "not key=value",
    "model.txt form=gradeint of=W": "did you mean gradient",
    "model.txt form=gradient": "of= is missing",
    "model.txt form=gradient of=Q": "no derivative with respect to 'Q'",
    "model.txt form=gradient of=W format=html": "format is one of markdown, text, latex",
    "model.txt form=gradient of=W colour=red": "no option 'colour'",
    "model.txt form=gradient of=W of=W": "given twice",
    'model.txt form="gradient of=W': "quotation mark",
    "model.txt form=unrolled steps=many": "whole number",
    "modle.txt form=gradients": "no file",
    "nothing form=gradients": "no model 'nothing'",
    "form=gradients": "names no model",
    "model.txt form=models": "takes no model",
    "model.txt form=gradients sizes=h:n": "goes with equations",
    "form=activations of=softmax": "not a function of one number",
    'form=console command="export lstm -o lstm.py"': "does not write files",
    'form=console command="docs"': "begins with one of",
    "model.txt form=forward-pass data=none.toml": "No such file",
    "model.txt form=kernel part=sideways": "loss_and_grad",
    "model.txt form=drawing file=../graph.svg": "below the folder",
    "model.txt form=drawing file=page.md": "below the folder",
    "model.txt form=drawing gradient=Q": "Q",
}


@pytest.mark.parametrize(("head", "expected"), ERRORS.items(), ids=ERRORS)
def test_an_error_names_the_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], head: str, expected: str
) -> None:
    text = f"{GRADIENT}\n{END}\n\n<!-- rnnsym: {head} -->\n{END}\n"
    path = page(folder, text)
    assert docs(path) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert f"{path}, line 4: " in message
    assert "Traceback" not in message
    assert path.read_text("utf-8") == text


def test_an_error_in_inline_equations_names_their_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = page(
        folder, f"text\n\n<!-- rnnsym: form=gradients\nh[t] = tanh(W @ h[t-1])\nE[t] = tahn(h[t])\n-->\n{END}\n"
    )
    assert docs(path) == 2
    message = capsys.readouterr().err
    assert f"{path}, line 5: unknown function 'tahn'" in message
    assert "5 | E[t] = tahn(h[t])" in message


def test_blocks_have_a_beginning_and_an_end(folder: Path) -> None:
    for text, expected in (
        (f"\n{END}\n", "line 2: this ends a block"),
        (f"{GRADIENT}\n", "line 1: this block is not ended"),
        (f"{GRADIENT}\n{GRADIENT}\n{END}\n", "line 1: this block is not ended"),
        ("<!-- rnnsym lstm -->\n", "line 1: this comment cannot be read"),
    ):
        with pytest.raises(BlockError, match=re.escape(expected)):
            filled(text, folder / "page.md")


def test_an_error_in_the_second_file_leaves_the_first(folder: Path) -> None:
    first, second = folder / "first.md", folder / "second.md"
    first.write_text(f"{GRADIENT}\n{END}\n", encoding="utf-8")
    second.write_text(f"{GRADIENT}\n", encoding="utf-8")
    assert docs(first, second) == 2
    assert first.read_text("utf-8") == f"{GRADIENT}\n{END}\n"


def test_what_is_not_text_and_what_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "latin.md").write_bytes(b"caf\xe9")
    assert docs(folder / "latin.md") == 2
    assert docs(folder / "none.md") == 2
    assert docs("--folder", folder / "none") == 2
    message = capsys.readouterr().err
    assert "not UTF-8" in message
    assert "none.md" in message
    assert "there is no folder" in message


# The table of kinds


def test_every_kind_is_described() -> None:
    for kind in KINDS.values():
        assert kind.about
        assert all(option.about for option in kind.options)


@pytest.mark.parametrize("name", ["equations", "adjoints", "gradients", "recurrence", "steps", "unrolled", "symbols"])
@pytest.mark.parametrize("format", ["markdown", "text", "latex"])
def test_forms_print_in_every_format(name: str, format: str) -> None:
    text = written(name, rnnsym.Model(EQUATIONS), format=format)
    assert text.startswith(f"```{format}\n") == (format != "markdown")
    assert ("\\bar{" in text) == (format != "text" and name not in ("equations", "symbols"))


def test_a_file_without_blocks_is_said_to_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plain.md"
    path.write_text("# Nothing here\n", encoding="utf-8")
    assert docs(path) == 0
    assert "holds no block" in capsys.readouterr().out
