"""The built site, page by page, in a real browser: opened from disk, as a reader may."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rnnsym.library import available

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: Errors of KaTeX, formulas that were left as text, and what makes a page wider than its window.
LOOK = r"""(() => {
  const kept = (element) => element.matches("pre, code, script, .katex")
    ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  const walker = document.createTreeWalker(
    document.querySelector("main"), NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
    (node) => node.nodeType === Node.TEXT_NODE ? NodeFilter.FILTER_ACCEPT : kept(node));
  const left = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.data;
    if (/\$\$|\\\(|\\\[|\\begin|\$[^$\s][^$]*\$/.test(text)) left.push(text.trim().slice(0, 80));
  }
  const width = document.documentElement.scrollWidth;
  const wide = width <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).overflowX !== "visible")
    .map((e) => e.tagName + "." + e.className);
  return {
    errors: [...document.querySelectorAll(".katex-error")].map((e) => e.title || e.textContent),
    formulas: document.querySelectorAll(".katex").length,
    marked: document.querySelectorAll(".arithmatex").length,
    left, width, window: innerWidth, wide: wide.slice(0, 5),
  };
})()"""
#: Opens all that is folded; a formula in it is set then, which takes a turn of the page's events.
UNFOLD = """new Promise((done) => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  const look = () => document.querySelector(".arithmatex:not(.set)") ? setTimeout(look, 5) : done(true);
  setTimeout(look);
})"""


def _browser_module() -> Any:
    found = importlib.util.spec_from_file_location("browser", HERE / "browser.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


browser = _browser_module()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a warning is an error."""
    pytest.importorskip("mkdocs", reason="the site is built by mkdocs: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if browser.executable() is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with browser.browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


class Links(HTMLParser):
    """What a page names, and the places that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids |= {value for name, value in attributes if name == "id" and value}
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        self.loaded += [str(found[name]) for name in ("src", "srcset") if found.get(name)]
        if tag == "link":
            self.loaded.append(str(found["href"]))


def test_every_model_has_its_page_in_the_navigation(site: Path) -> None:
    links = Links(site / "index.html").links
    assert {f"models/{name}.html" for name in available()} <= set(links)


def test_links_lead_somewhere_and_nothing_is_fetched(site: Path) -> None:
    pages = {page.resolve(): Links(page) for page in site.rglob("*.html")}
    for page, found in pages.items():
        if page.name == "404.html":  # its addresses begin at the root of a server
            continue
        for address in found.loaded:
            assert not re.match(r"\w+:|//", address), f"{page.name} loads {address}"
            assert (page.parent / address).is_file(), f"{page.name} loads {address}"
        for link in found.links:
            if re.match(r"\w+:", link):
                continue
            path, _, place = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target in pages, f"{page.name} links to {link}"
            assert not place or place in pages[target].ids, f"{page.name} links to {link}"


#: The pages are looked at in shares, so that several processes may take them.
SHARES = 8


@pytest.mark.parametrize("share", range(SHARES))
def test_every_page_is_well_in_a_browser(site: Path, tab: Any, share: int) -> None:
    pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")
    assert len(pages) > len(available())
    wrong = [f"{page.relative_to(site)}: {fault}" for page in pages[share::SHARES] for fault in _faults(tab, page)]
    assert not wrong, "\n".join(wrong)


def _faults(tab: Any, page: Path) -> Iterator[str]:
    """What is wrong on a page in a narrow window, as it opens and with all that is folded opened."""
    tab.open(page, width=380)
    folded = tab.evaluate("document.documentElement.scrollWidth")
    if folded > 380:
        yield f"{folded} wide in a window of 380 as it opens"
    tab.evaluate(UNFOLD)
    found = tab.evaluate(LOOK)
    yield from (f"KaTeX: {error}" for error in found["errors"])
    yield from (f"left as text: {text}" for text in found["left"])
    if found["width"] > found["window"]:
        yield f"{found['width']} wide in a window of {found['window']}: {found['wide']}"
    if found["formulas"] < found["marked"]:
        yield f"{found['marked'] - found['formulas']} formulas are not set"
    yield from (f"console: {text}" for text in tab.complaints())
    yield from (f"asks for {url}" for url in tab.requests() if not url.startswith(("file:", "data:")))


def test_formulas_are_set_when_what_is_folded_opens(site: Path, tab: Any) -> None:
    tab.open(site / "models" / f"{available()[0]}.html", width=380)
    first = tab.evaluate(LOOK)
    assert 0 < first["formulas"] < first["marked"]
    tab.evaluate(UNFOLD)
    then = tab.evaluate(LOOK)
    assert then["formulas"] == then["marked"] > 20  # the look itself sees something


def test_the_switch_turns_light_into_dark(site: Path, tab: Any) -> None:
    shown = "getComputedStyle(document.body).backgroundColor"
    tab.open(site / "index.html", width=1280)
    light = tab.evaluate(shown)
    tab.open(site / "index.html", width=1280, dark=True)
    dark = tab.evaluate(shown)
    assert light != dark
    tab.evaluate("document.getElementById('theme').click()")
    assert tab.evaluate(shown) == light
    tab.open(site / "language.html", width=1280, dark=True)
    assert tab.evaluate(shown) == light  # the choice is kept from page to page
    tab.evaluate("document.getElementById('theme').click()")


def test_the_menu_opens_on_a_narrow_screen(site: Path, tab: Any) -> None:
    tab.open(site / "index.html", width=380)
    seen = "document.querySelector('nav').getClientRects().length > 0"
    assert not tab.evaluate(seen)
    tab.evaluate("document.getElementById('menu').click()")
    assert tab.evaluate(seen)


def test_the_look_finds_what_is_wrong(tmp_path: Path, tab: Any) -> None:
    page = tmp_path / "wrong.html"
    page.write_text(
        "<!doctype html><meta name='viewport' content='width=device-width'><main><p>$$x$$ and \\(y\\)</p>"
        "<p><code>$$</code></p><span class='katex-error' title='bad'></span>"
        "<div style='width: 900px; overflow: hidden'>wide</div></main><script>undefinedName</script>"
        "<img src='https://example.invalid/picture.png'>",
        encoding="utf-8",
    )
    tab.open(page, width=380)
    found = tab.evaluate(LOOK)
    assert found["errors"] == ["bad"]
    assert found["left"] == ["$$x$$ and \\(y\\)"]
    assert found["width"] > 380
    assert any("undefinedName" in text for text in tab.complaints())
    assert any(url.startswith("https:") for url in tab.requests())
