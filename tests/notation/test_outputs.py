"""HTML, notebooks and BibTeX: each is read by a program that is not ours."""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from pybtex.database import parse_string
from pybtex.richtext import Text

import rnnsym
from rnnsym import Model, Notation, RnnsymError, derive
from rnnsym.language.model import Source
from rnnsym.notation.bibliography import bibtex, tex
from rnnsym.notation.html import mathml

NAMES = rnnsym.available()
ODD = Model(
    "h[t] = tanh(W @ concat(h[t-1], x[t]))\nE[t] = squared_error(d[t], h[t])",
    title='Cells & <gates>, "odd"',
    summary=r"A < B and \alpha & co.",
    symbols={"W": r"\Theta_{\text{in}}"},
)


class Page(HTMLParser):
    """Notes what stands open, and what a page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("detail", ["result", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_pages_are_whole_and_load_nothing(name: str, detail: str) -> None:
    derivation = derive(rnnsym.load(name))
    texts = [derivation.to_html(detail), *([derivation.unroll(3).to_html()] if derivation.model.timed else [])]
    for text in texts:
        page = Page(text)
        assert not page.open
        assert not page.loads
        assert "script" not in page.seen
        assert "\\" not in page.text  # no LaTeX is left over
        assert "$" not in page.text
        ElementTree.fromstring(text.split("</head>\n")[1].removesuffix("</html>\n"))
        assert page.seen.count("math") > 3


def test_what_the_author_writes_is_text() -> None:
    page = Page(derive(ODD).to_html("outline"))
    assert 'Cells & <gates>, "odd"' in page.text
    assert r"A < B and \alpha & co." in page.text
    assert "gates" not in page.seen


@pytest.mark.parametrize("adjoint", ["bar", "leibniz", "nabla", "delta"])
def test_every_notation_becomes_mathml(adjoint: str) -> None:
    for indices in (False, True):
        chosen = Notation(adjoint=adjoint, indices=indices, bold=True, time="superscript", transpose="mathsf")
        page = Page(derive(ODD).to_html("full", notation=chosen))
        assert "\\" not in page.text.replace(r"\alpha", "")


def test_mathml_says_what_the_latex_says() -> None:
    tree = ElementTree.fromstring(mathml(r"\bm{\Theta}_{\text{in}}^\top \bar{h}_{t-1} \odot \mathrm{target}_t"))
    space = "{http://www.w3.org/1998/Math/MathML}"
    subsup = tree.find(f".//{space}msubsup")
    assert subsup is not None
    assert ["".join(child.itertext()) for child in subsup] == ["𝜣", "in", "⊤"]
    over = tree.find(f".//{space}mover")
    assert over is not None
    assert ["".join(child.itertext()) for child in over] == ["h", "¯"]
    assert "target" in [text.text for text in tree.iter(f"{space}mtext")]
    assert "".join(tree.itertext()) == "𝜣in⊤h¯t−1⊙targett"


def test_bold_letters_are_those_of_unicode() -> None:
    for latex, name in (("a", "SMALL A"), ("z", "SMALL Z"), ("A", "CAPITAL A"), (r"\omega", "SMALL OMEGA"),
                        (r"\alpha", "SMALL ALPHA"), (r"\Omega", "CAPITAL OMEGA")):  # fmt: skip
        letter = "".join(ElementTree.fromstring(mathml(rf"\bm{{{latex}}}")).itertext())
        assert unicodedata.name(letter) == f"MATHEMATICAL BOLD ITALIC {name}"


def read_notebook(text: str) -> Any:
    """As Jupyter reads it; an error where it is not valid."""
    found = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(found)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_valid_and_the_same_every_time(name: str) -> None:
    text = derive(rnnsym.load(name)).to_notebook("outline")
    read_notebook(text)
    assert text == derive(rnnsym.load(name)).to_notebook("outline")
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("model", [rnnsym.load("rnn"), rnnsym.load("one_to_many"), ODD], ids=["rnn", "inputs", "odd"])
def test_the_cells_of_a_notebook_make_the_derivation_again(model: Model) -> None:
    whole = read_notebook(derive(model).unroll(3).to_notebook())
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in whole.cells:
            if cell.cell_type == "code":
                exec(cell.source, space)
    assert space["derivation"].to_latex() == derive(Model(
        model.text, model.sizes, inputs=model.inputs, symbols=model.symbols, name=model.name)).to_latex()  # fmt: skip
    assert "passed" in printed.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_bibtex_reads_back(name: str) -> None:
    model = rnnsym.load(name)
    found = parse_string(derive(model).cite(), "bibtex")
    assert list(found.entries) == [source.key for source in model.sources]
    for source in model.sources:
        entry = found.entries[source.key]
        fields = dict(source.fields)
        assert entry.type == fields["type"]
        people = [str(person) for person in entry.persons["author"]]
        assert [plain(one) for one in people] == [plain(one) for one in fields["author"].split(" and ")]
        assert plain(entry.fields["title"]) == plain(fields["title"])
        assert ("year" in entry.fields, entry.fields.get("year", "")) == ("year" in fields, str(fields.get("year", "")))


def plain(text: str) -> str:
    """What a bibliography would print."""
    return str(Text.from_latex(text))


ACCENTS = {
    "Jürgen": r'J{\"u}rgen', "Koutník": r"Koutn{\'\i}k", "Łukasz": r"{\L}ukasz", "Škoda": r"{\v{S}}koda",
    "Çelik": r"{\c{C}}elik", "Ångström": r'{\r{A}}ngstr{\"o}m', "R&D 100%": r"R\&D 100\%", "pages 1–2": "pages 1--2",
    "$n^2$ steps": "$n^2$ steps", r"\alpha": r"\alpha", "Erdős": r"Erd{\H{o}}s",
}  # fmt: skip


@pytest.mark.parametrize("text", ACCENTS)
def test_accents(text: str) -> None:
    assert tex(text) == ACCENTS[text]


def test_sources_that_are_no_entries() -> None:
    good = (("type", "article"), ("title", "T"))
    with pytest.raises(RnnsymError, match="two sources have the key a"):
        bibtex([Source("a", good), Source("a", good)])
    with pytest.raises(RnnsymError, match="needs a BibTeX key and a type"):
        bibtex([Source("a b", good)])
    assert derive(ODD).cite() == ""
