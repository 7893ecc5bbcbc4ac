"""Finding models, and the format of model files with its errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rnnsym import derive
from rnnsym.errors import ModelError, UnknownModelError
from rnnsym.library import MAX_BYTES, available, declaration, load

EQUATIONS = "h[t] = tanh(W @ h[t-1] + U @ x[t])\nE[t] = squared_error(target[t], h[t])\n"

FULL = '''"""A small network.

It is small.
"""

equations = """
h[t] = tanh(W @ h[t-1] + U @ x[t])
e[t] = squared_error(target[t], h[t])
L = sum(e[t])
"""

family = "small"
sizes = {"x": "m", "h": 3, "W": ("k", "k")}
inputs = []
symbols = {"W": r"W_{hh}"}
loss = "L"
sources = [{"key": "a2000", "type": "book", "author": "A", "title": "B", "year": 2000}]
claims = [{"source": "page 1", "claim": "W = W"}]
'''


def declared(tmp_path: Path, text: str, name: str = "mine.py") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def problem(tmp_path: Path, text: str, name: str = "mine.py") -> str:
    """What loading a file with this text complains of, without the folder."""
    with pytest.raises(ModelError) as caught:
        load(declared(tmp_path, text, name))
    return str(caught.value).replace(f"{tmp_path}{os.sep}", "")


# Names and paths


def test_shipped_models_are_listed_in_order() -> None:
    assert list(available()) == sorted(available())
    assert {"elman", "feedforward", "gru", "gru_reset_after", "jordan", "lstm", "neuron"} <= set(available())
    assert {"rnn", "many_to_one", "one_to_many"} <= set(available())


def test_a_file_may_say_everything(tmp_path: Path) -> None:
    model = load(declared(tmp_path, FULL.replace('"h": 3, "W": ("k", "k")', '"h": 3, "W": (3, 3)')))
    assert (model.name, model.title, model.summary) == ("mine", "A small network", "It is small.")
    assert str(model.shapes["U"]) == "(3, m)"
    assert model.symbols == {"W": "W_{hh}"}
    assert [definition.target.name for definition in model.losses] == ["L"]
    assert [source.key for source in model.sources] == ["a2000"]
    assert dict(model.sources[0].fields) == {"type": "book", "author": "A", "title": "B", "year": "2000"}


def test_claims_are_kept_in_the_declaration() -> None:
    assert declaration(FULL, Path("mine.py")).claims == ({"source": "page 1", "claim": "W = W"},)
    assert declaration(FULL, Path("mine.py")).family == "small"


@pytest.mark.parametrize("name", ["model.txt", "model.rnn", "model", "rnn.txt"])
def test_any_other_file_is_equations(tmp_path: Path, name: str) -> None:
    path = declared(tmp_path, "\n# a comment\n" + EQUATIONS, name)
    assert load(path).parameters == load(str(path)).parameters == ("W", "U")
    assert load(path).name == path.stem


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(b"\xef\xbb\xbf" + EQUATIONS.replace("\n", "\r\n").encode())
    assert load(path).parameters == ("W", "U")


def test_a_shipped_name_comes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    declared(tmp_path, EQUATIONS, "lstm")
    assert load("lstm").title == "Long short-term memory"
    assert load(f".{os.sep}lstm").parameters == ("W", "U")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lsmt", "there is no model 'lsmt': did you mean lstm"),
        ("LSTM", "did you mean lstm"),
        ("gru_reset", "did you mean gru_reset_after"),
        ("qqqq", "name one of these"),
        ("lstm.py", "there is no file lstm.py: did you mean lstm"),
        ("nowhere/model.txt", "there is no file nowhere/model.txt"),
        ("", "is a folder"),
        (".", "is a folder"),
        ("h[t] = tanh(x[t])", "equations go into rnnsym.Model(equations)"),
    ],
)
def test_unknown_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownModelError) as caught:
        load(name)
    assert expected in str(caught.value)


def test_an_unknown_name_says_where_the_names_are() -> None:
    with pytest.raises(UnknownModelError, match=f"`rnnsym models` lists all {len(available())}"):
        load("transformer")


# Data, never a program


def test_a_model_file_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    text = f'import pathlib\npathlib.Path({str(trace)!r}).touch()\nequations = """{EQUATIONS}"""\n'
    assert "holds assignments only" in problem(tmp_path, text)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\n", "mine.py, line 1: a model file holds assignments only"),
        ("x: int = 3\n", "mine.py, line 1: a model file holds assignments only"),
        ("a = b = 3\n", "mine.py, line 1: a model file holds assignments only"),
        ('"""Title."""\n"another text"\n', "mine.py, line 2: a model file holds assignments only"),
        ("sizes.x = 3\n", "mine.py, line 1: a model file assigns to plain names only"),
        ("\n\nequation = 'y = x'\n", "mine.py, line 3: a model file has no 'equation'"),
        ("equation = 'y = x'\n", "did you mean equations?"),
        ("anything = 3\n", "the names are: equations, family, sizes"),
        ("equations = 'y = x'\nequations = 'y = x'\n", "mine.py, line 2: equations is given twice"),
        ("sizes = {'x': 'm'}\n", "mine.py: the file has no equations"),
        ("", "mine.py: the file has no equations"),
        ("equations = 3\n", "mine.py, line 1: equations is one text"),
        ("equations = open('x').read()\n", "mine.py, line 1: this is not a literal"),
        ("equations = f'{1}'\n", "mine.py, line 1: this is not a literal"),
        ("sizes = {'x': [1, 2, len('abc')]}\n", "len('abc')"),
        ("equations = 'y = x' * 9\n", "mine.py, line 1: this is not a literal"),
        ("sizes = ['x']\n", "sizes names the size of variables"),
        ("sizes = {'x': 1.5}\n", "sizes names the size of variables"),
        ("sizes = {'x': True}\n", "sizes names the size of variables"),
        ("sizes = {'x': ['n', 'n']}\n", "sizes names the size of variables"),
        ("family = 3\n", "this is one text"),
        ("inputs = 'x'\n", "this is a list of names"),
        ("inputs = ('x')\n", "with a comma after a single one"),
        ("loss = 3\n", "this is a list of names"),
        ("symbols = {'W': 3.5}\n", "this is a dictionary of texts"),
        ("symbols = {'theta': '\\theta'}\n", "holds a control character"),
        ("sources = {'key': 'a'}\n", "this is a list of dictionaries"),
        ("sources = ['a']\n", "this is a dictionary of texts"),
        ("sources = [{'key': 'a', 'type': 'book'}]\n", "this source has no author and no title"),
        ("sources = [{'key': 'a b', 'type': 'book', 'author': 'A', 'title': 'B'}]\n", "cannot be a BibTeX key"),
        ("sources = [{'key': 'a', 'type': 'book', 'author': 'A', 'title': 'B'}] * 2\n", "a list of dictionaries"),
        ("sources = [" + "{'key': 'a', 'type': 'book', 'author': 'A', 'title': 'B'}," * 2 + "]", "is given twice"),
        ("claims = 'W = W'\n", "this is a list of dictionaries"),
        ("equations = '''\n", "mine.py, line 1: this cannot be read"),
        ("sizes = {\n'x': 3\n", "this cannot be read"),
        ("equations = 'y = x'\0\n", "this cannot be read"),
        ("sizes = " + "(" * 500 + ")" * 500, "this cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problem(tmp_path, text)


def test_the_place_is_shown(tmp_path: Path) -> None:
    assert problem(tmp_path, '"""Π."""\nsizes = {"é": size("x")}\n').splitlines()[:3] == [
        "mine.py, line 2: this is not a literal, and a model file is not executed",
        '  2 | sizes = {"é": size("x")}',
        "    |               ^^^^^^^^^",
    ]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("mine.py", '"""Title."""\n\nequations = """\nh[t] = tahn(x[t])\n"""\n', 4),
        ("mine.py", '"""Title."""\n\nequations = """h[t] = tahn(x[t])\n"""\n', 3),
        ("mine.py", 'equations = """\\\nh[t] = tahn(x[t])\n"""\n', 2),
        ("mine.py", 'equations = """\n   \n\n    h[t] = tahn(x[t])\n    """\n', 4),
        ("mine.py", 'equations = (\n    "y[t] = x[t]\\n"\n    "h[t] = tahn(x[t])"\n)\n', 3),
        ("mine.txt", "y[t] = x[t]\nh[t] = tahn(x[t])\n", 2),
        ("mine.txt", "\n\n  h[t] = tahn(x[t])\n", 3),
    ],
)
def test_an_error_in_an_equation_has_its_place_in_the_file(tmp_path: Path, name: str, text: str, line: int) -> None:
    assert problem(tmp_path, text, name).splitlines() == [
        f"{name}, line {line}: unknown function 'tahn'",
        f"  {line} | h[t] = tahn(x[t])",
        f"  {' ' * len(str(line))} |        ^^^^",
        "did you mean tanh or arctan?",
    ]


def test_an_error_without_a_place_names_the_file(tmp_path: Path) -> None:
    assert problem(tmp_path, FULL.replace('"x": "m"', '"xx": "m"')).startswith("mine.py: sizes declares 'xx'")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"h[t] = x[t]\n\xff\xfe\n")
    with pytest.raises(ModelError, match=r"mine.txt, line 2: this is not UTF-8 text"):
        load(path)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ModelError, match=r"is larger than 1,000,000 bytes"):
        load(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without end")
def test_an_endless_device_ends() -> None:
    with pytest.raises(ModelError, match="is larger than"):
        load("/dev/zero")


def test_a_model_is_made_and_derived_once(tmp_path: Path) -> None:
    assert derive(load("rnn")) is derive(load("rnn"))
    file = tmp_path / "own.txt"
    file.write_text("h[t] = tanh(a * h[t-1] + x[t])\nE[t] = squared_error(d[t], h[t])")
    first = load(file)
    file.write_text("h[t] = relu(a * h[t-1] + x[t])\nE[t] = squared_error(d[t], h[t])")
    assert "relu" in load(file).text  # and anew where the file has changed
    assert "tanh" in first.text
