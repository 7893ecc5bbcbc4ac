"""Generated pages and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

import rnnsym
from rnnsym import cli
from rnnsym.checks.numeric import loss
from rnnsym.docs import build
from rnnsym.docs.build import documents
from rnnsym.docs.charts import Axis, Series, line_chart, standalone
from rnnsym.docs.data import read
from rnnsym.docs.filling import filled, written
from rnnsym.docs.kinds import table
from rnnsym.docs.overview import HEAD, Made, cited, made_of, overview, told
from rnnsym.docs.pages import MARK, page
from rnnsym.library import available
from rnnsym.testing import models

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
END = "<!-- /rnnsym -->"


@pytest.mark.slow
def test_the_documentation_is_up_to_date() -> None:
    stale = [str(found.path) for found in documents([], DOCS, run=True) if found.is_stale]
    assert not stale, f"out of date: {', '.join(stale)}: run  rnnsym docs --run"


BY_HAND = [path for path in sorted(DOCS.rglob("*.md")) if MARK not in path.read_text("utf-8")]


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: path.stem)
def test_files_with_blocks_are_up_to_date(path: Path) -> None:
    assert not any(found.is_stale for found in documents([path], DOCS, run=True)), "run  rnnsym docs --run"


# Pages of models


@pytest.mark.parametrize("name", ["neuron", "rnn", "gru", "linear_attention"])
def test_pages_and_their_rows_are_up_to_date(name: str) -> None:
    made = made_of(name)
    assert (DOCS / "models" / f"{name}.md").read_text("utf-8") == made.page, "run  rnnsym docs"
    (row,) = table(HEAD, [made.cells]).splitlines()[2:]
    assert row in (DOCS / "models" / "index.md").read_text("utf-8").splitlines(), "run  rnnsym docs"


def test_every_model_has_a_page() -> None:
    index = (DOCS / "models" / "index.md").read_text("utf-8")
    assert {path.stem for path in (DOCS / "models").glob("*.md")} == {"index", *available()}
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == set(available())
    assert "differs" not in index
    assert "refuted" not in index


def test_the_overview_is_by_family() -> None:
    made = [Made("gru", "", ("G", *"12345"), (("proved", "page 7"),)), Made("lru", "", ("L", *"12345"))]
    text = overview(made)
    assert "2 models." in text
    gated, linear = text.split("## Gated")[1].split("## Linear")
    assert "| G | 1 | 2 | 3 | 4 | 5 | proved |" in gated
    assert "| L |" in linear
    assert "| G | proved | page 7 |" in linear.split("## Claims")[1]


def test_the_overview_says_what_a_model_was_compared_with() -> None:
    made = Made("gru", "", ("G", *"12345"), (), (("a/b: c/d.py", "same equations"), ("a/b: e.py", "same numbers")))
    assert made.cells[-1].startswith("[b](https://github.com/a/b/blob/HEAD/c/d.py)")
    rows = overview([made]).split("## Compared with")[1]
    assert "| G | [a/b: e.py](https://github.com/a/b/blob/HEAD/e.py) | same numbers |" in rows


def test_a_gradient_that_differs_is_named() -> None:
    report = rnnsym.crosscheck(rnnsym.load("neuron"), length=3)
    assert told(report) == "4 agree"
    row = replace(report.rows[1], errors=(2e-9, *report.rows[1].errors[1:]))
    assert told(replace(report, rows=(report.rows[0], row))) == f"**differs**: {row.key}"


def test_who_is_cited() -> None:
    who = [cited(rnnsym.load(name).sources[0]) for name in ("elman", "feedforward", "rnn", "gru")]
    assert who == ["Elman 1990", "Rumelhart and others 1986", "Werbos 1990", "Cho and others 2014"]


@pytest.mark.parametrize("name", available())
def test_a_page_holds_what_the_program_says(name: str) -> None:
    model = rnnsym.load(name)
    text = page(model)
    derivation = rnnsym.derive(model)
    assert text.startswith(f"# {model.title}\n\n{MARK}")
    assert model.text in text
    assert rnnsym.generate(model).source.rstrip() in text
    for parameter in model.parameters:
        assert derivation[parameter].to_latex().replace(" = ", " &= ").split(" \\\\\n")[0][:60] in text
    assert len(re.findall(r"^\*\*\d+\. ", text, re.MULTILINE)) > 10
    assert text.count("<details") == text.count("</details>") >= 4
    assert ("All equations for T = 2" in text) == bool(model.timed)
    assert all(dict(source.fields)["title"].replace("--", "–") in text for source in model.sources)


@settings(max_examples=5, deadline=None)
@given(models())
def test_a_model_of_any_kind_has_a_page(model: rnnsym.Model) -> None:
    text = page(model)
    assert text.count("<details") == text.count("</details>")
    assert text.count("$$") % 2 == 0
    assert "## Gradients" in text


def test_a_page_shows_as_many_steps_as_a_model_needs() -> None:
    far = rnnsym.Model(
        "h[1] = x[1]\nh[2] = x[2]\nh[3] = x[3]\nh[t] = W @ h[t-3]\nE = squared_error(y, h[T])", inputs=["y"]
    )
    text = page(far)
    assert f"All equations for T = {max(2, far.timing.minimum_length)}" in text
    assert "## The network unrolled" in text


def test_a_page_of_a_model_that_is_gone_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "pages", lambda: [("models/here.md", "# Here\n")])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "here.md").write_text("# Here\n", encoding="utf-8")
    gone, own = tmp_path / "models" / "gone.md", tmp_path / "models" / "own.md"
    gone.write_text(f"# Gone\n\n{MARK} derivations/gone.py: edit that. -->\n", encoding="utf-8")
    own.write_text("# Written by hand\n", encoding="utf-8")
    found = {document.path: document for document in documents([], tmp_path) if document.is_stale}
    assert list(found) == [gone]
    assert cli.main(["docs", "--folder", str(tmp_path), "--check"]) == 1
    assert gone.exists()
    assert cli.main(["docs", "--folder", str(tmp_path)]) == 0
    assert own.exists()
    assert not gone.exists()


# Numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.txt").write_text(
        "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)\nE[t] = squared_error(y[t], h[t])\n", encoding="utf-8"
    )
    (tmp_path / "data.toml").write_text(
        "rate = 0.25\n[params]\nW = [[0.5, -1.0], [0.25, 2.0]]\nU = [[1.0], [-0.5]]\nb = [0.125, 0.0]\n"
        '[inputs]\nx = [[1.0], [2.0], [-1.0]]\ny = [[0.5, 0.0], [1.0, 1.0], [0.0, 2.0]]\n"h[0]" = [0.5, -0.5]\n',
        encoding="utf-8",
    )
    return tmp_path


def block(folder: Path, options: str) -> str:
    return filled(f"<!-- rnnsym: {options} -->\n{END}\n", folder / "page.md")


def matrix(text: str) -> np.ndarray:
    """What stands in the last brackets of a row."""
    found = re.findall(r"\\begin\{pmatrix\} (.*?) \\end\{pmatrix\}|\((-?[\d.][^()]*)\)\^\\top", text)[-1]
    if found[0]:
        return np.array([[float(cell) for cell in row.split("&")] for row in found[0].split(r"\\")])
    return np.array([float(cell) for cell in found[1].replace("\\ ", "").split(",")])


def test_the_backward_pass_prints_the_gradients(folder: Path) -> None:
    text = block(folder, "model.txt form=backward-pass data=data.toml digits=6")
    model = rnnsym.load(folder / "model.txt")
    numbers = read(model, "data.toml", folder).numbers()
    for name in model.parameters:
        row = next(row for row in text.split("\n") if row.startswith(rf"\frac{{\partial E}}{{\partial {name}}} &="))
        expected = np.zeros_like(numbers.params[name])
        for place in np.ndindex(expected.shape):  # central differences of a loss that knows the syntax tree alone
            moved = [dict(numbers.params), dict(numbers.params)]
            for params, step in zip(moved, (1e-6, -1e-6), strict=True):
                params[name] = params[name].copy()
                params[name][place] += step
            above, below = (loss(model, params, numbers.batch) for params in moved)
            expected[place] = (above - below) / 2e-6
        np.testing.assert_allclose(matrix(row), expected, atol=2e-6)
    assert len(re.findall(r"^\*\*t = \d\*\*$", text, re.MULTILINE)) == 3


@pytest.mark.parametrize("parameter", ["W", "U", "b"])
def test_the_shares_of_all_steps_add_up_to_the_gradient(folder: Path, parameter: str) -> None:
    text = block(folder, f"model.txt form=products of={parameter} data=data.toml digits=6")
    numbers = read(rnnsym.load(folder / "model.txt"), "data.toml", folder).numbers()
    _, gradients = numbers.kernel.loss_and_grad(numbers.params, numbers.batch)
    shares = [matrix(row) for row in text.split("\n") if re.match(r"t = \d: ", row)]
    assert len(shares) == 3
    np.testing.assert_allclose(sum(shares), gradients[parameter], atol=1e-5)
    one_step = [
        matrix(row) for row in text.split("\n") if re.match(r"\\frac\{\\partial h_\d\}\S* \S*h_\d\}+ &= \\begin", row)
    ]
    products = [matrix(row) for row in text.split("\n") if row.startswith("&=")]
    assert (len(one_step), len(products)) == (3, 2)
    np.testing.assert_allclose(one_step[0] @ one_step[1], products[0], atol=1e-4)
    np.testing.assert_allclose(one_step[0] @ one_step[1] @ one_step[2], products[1], atol=1e-4)


def test_products_say_where_they_do_not_apply(folder: Path) -> None:
    for model, parameter, expected in (
        ("model.txt", "Q", "one of the parameters"),
        ("lstm", "W_i", "one state"),
        ("many_to_one", "V", "does not come through the states alone"),
    ):
        with pytest.raises(rnnsym.RnnsymError, match=expected):
            block(folder, f"{model} form=products of={parameter} data=data.toml")


def test_the_forward_pass_prints_every_step(folder: Path) -> None:
    text = block(folder, "model.txt form=forward-pass data=data.toml digits=6")
    h = np.array([0.5, -0.5])
    for t, x in enumerate([1.0, 2.0, -1.0], 1):
        h = np.tanh(np.array([[0.5, -1.0], [0.25, 2.0]]) @ h + np.array([1.0, -0.5]) * x + np.array([0.125, 0.0]))
        row = next(row for row in text.split("\n") if row.startswith(f"h_{t} &="))
        np.testing.assert_allclose(matrix(row), h, atol=1e-6)


def test_an_update_goes_downhill(folder: Path) -> None:
    text = block(folder, "model.txt form=update data=data.toml digits=6")
    found = re.search(r"goes from ([\d.]+) to ([\d.]+)\.$", text, re.MULTILINE)
    assert found is not None
    assert float(found[2]) < float(found[1])
    assert r"W &\leftarrow W - \eta \, \frac{\partial E}{\partial W}" in text


def test_data_that_does_not_fit_is_an_error(folder: Path) -> None:
    data = folder / "data.toml"
    for old, new, expected in (
        ("rate", "rte", "no 'rte' in a data file"),
        ("\nU =", "\nQ =", "names Q"),
        ('"h[0]"', '"h[1]"', "names h"),
        ("\ny =", "\nz =", "names z"),
        ("[params]", "[params", "data.toml"),
        ("rate = 0.25", "rate = 'fast'", "rate is a number"),
        ("rate = 0.25", "steps = 0", "steps is a whole number"),
        ("rate = 0.25", "seed = -1", "seed is a whole number"),
        ("rate = 0.25", "sizes = 3", "sizes is a table"),
        ("rate = 0.25", "example = ['a']", "example is a sentence"),
        ("rate = 0.25", "example = ['a', 'b']", "sentences need [words]"),
        ("rate = 0.25", "words = {input = 'x'}", "words is a table"),
        ("2.0]]\nU", "]]\nU", "params is a table of arrays"),
        ("0.125", "'a'", "params is a table of arrays"),
        ("0.125", "nan", "params is a table of arrays"),
        ("[0.125, 0.0]", "[1.0]", "b has the size 1"),
        ("[2.0], [-1.0]", "[2.0]", "sequences of different length"),
    ):
        good = data.read_text("utf-8")
        data.write_text(good.replace(old, new), encoding="utf-8")
        with pytest.raises(rnnsym.RnnsymError, match=re.escape(expected)):
            block(folder, "model.txt form=forward-pass data=data.toml")
        data.write_text(good, encoding="utf-8")


def test_training_learns_what_not_means() -> None:
    text = filled(f"<!-- rnnsym: many_to_one form=training data=sentences.toml -->\n{END}\n", DOCS / "data" / "page.md")
    rows = re.findall(r"^\| “.*?” \| (\w+) \| (?:yes|no) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert len(rows) == 14
    assert all((float(after) > 0.5) == (label == "positive") for label, _, after in rows)
    assert not all((float(before) > 0.5) == (label == "positive") for label, before, _ in rows)


# Charts


def points(chart: str) -> list[np.ndarray]:
    lines = re.findall(r'<polyline class="line s\d" points="([^"]+)"', chart)
    return [np.array([[float(part) for part in point.split(",")] for point in line.split()]) for line in lines]


@pytest.mark.parametrize("log", [False, True])
def test_a_chart_is_well_formed_and_inside_its_box(log: bool) -> None:
    series = [Series("a & b", [0, 1, 2], [1e-6, 1.0, 10.0]), Series("c", [0, 2], [0.5, 0.5])]
    chart = line_chart(series, "A <title>", "x", "y", log=log)
    root = ElementTree.fromstring(chart)
    alone = ElementTree.fromstring(standalone(chart))
    assert alone.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme:dark" in (alone[0].text or "")
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    for line in points(chart):
        assert (line >= 0).all()
        assert (line <= [width, height]).all()
    first, second = points(chart)
    assert first[0, 1] > first[1, 1] > first[2, 1]  # up is towards zero
    assert second[0, 1] == second[1, 1]


def test_ticks_are_round_numbers() -> None:
    assert Axis(-0.1, 1.06, 0, 1).ticks() == pytest.approx([0, 0.5, 1.0])
    assert Axis(1e-4, 10.0, 0, 1, log=True).ticks() == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1, 10])


def test_a_curve_is_the_function_and_its_slope() -> None:
    chart = written("activations", None, of="tanh")
    function, derivative = points(chart)
    x = (function[:, 0] - function[0, 0]) / (function[-1, 0] - function[0, 0]) * 8 - 4
    low, high = function[0, 1], function[-1, 1]  # the heights of tanh(-4) and tanh(4)
    scale = (2 * np.tanh(4)) / (high - low)
    np.testing.assert_allclose((function[:, 1] - (low + high) / 2) * scale, np.tanh(x), atol=2e-3)
    np.testing.assert_allclose((derivative[:, 1] - (low + high) / 2) * scale, 1 - np.tanh(x) ** 2, atol=2e-3)
    assert r"\frac{dy}{da} = 1 - y^{2}" in chart
