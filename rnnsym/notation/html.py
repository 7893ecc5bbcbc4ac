"""A derivation as a page that a browser shows without anything from elsewhere: HTML with MathML."""

from __future__ import annotations

import html
import re

from rnnsym.notation.alphabets import LatexPrinter
from rnnsym.notation.renderers import Line, Renderer, broken, visible

#: How wide a formula may be, in letters, before it is broken.
WIDTH = 80
STYLE = """
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.5 serif; color: #111; background: #fff; }
h1, h2 { font-weight: 600; line-height: 1.2; }
h2 { margin-top: 2rem; font-size: 1.3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0 1rem 1.5rem; }
table.symbols td, table.symbols th { text-align: left; padding: .1rem 1.2rem .1rem 0; }
table.symbols th { border-bottom: 1px solid #999; }
table.equations td { padding: .25rem .25rem; white-space: nowrap; vertical-align: middle; }
table.equations td.left { text-align: right; }
table.equations td.times { padding-left: 2.5rem; }
table.equations tr.goes-on td.right { padding-left: 2rem; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616; } }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
#: MathML Core knows bold letters only as characters of their own: the first of each alphabet.
BOLD = {
    "bold": {"A": 0x1D400, "a": 0x1D41A, "Α": 0x1D6A8, "α": 0x1D6C2, "0": 0x1D7CE},
    "bold-italic": {"A": 0x1D468, "a": 0x1D482, "Α": 0x1D71C, "α": 0x1D736, "0": 0x1D7CE},
}
BOLD_LETTERS = re.compile(r'<(m[in]) mathvariant="(bold|bold-italic)">(&#x[0-9A-F]+;|[^<]+)</m[in]>')
UPRIGHT_LETTERS = re.compile(r'(?:<mi mathvariant="normal">[^<&]</mi>){2,}')


class HtmlRenderer(Renderer):
    """A self-contained page: no script, no font and no picture is loaded."""

    def __init__(self, printer: LatexPrinter) -> None:
        super().__init__(printer)
        self.name = ""

    def finish(self) -> str:
        return PAGE.format(title=self.name, style=STYLE, body="\n".join(self.parts))

    def math(self, formula: str) -> str:
        return mathml(formula)

    def strong(self, text: str) -> str:
        return f"<strong>{text}</strong>"

    def plain(self, text: str) -> str:
        return html.escape(text, quote=False)

    def title(self, text: str) -> None:
        self.name = self.plain(text)
        self.parts.append(f"<h1>{self.name}</h1>")

    def heading(self, text: str) -> None:
        self.parts.append(f"<h2>{self.plain(text)}</h2>")

    def paragraph(self, text: str) -> None:
        self.parts.append(f"<p>{text}</p>")

    def equations(self, lines: list[Line]) -> None:
        left = max((visible(line.left) for line in lines), default=0)
        rows = "\n".join(row for line in lines for row in _rows(line, WIDTH - left))
        self.parts.append(f'<div class="scroll"><table class="equations">\n{rows}\n</table></div>')

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        heads = "".join(f"<th>{cell}</th>" for cell in head)
        body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        self.parts.append(f'<table class="symbols">\n<tr>{heads}</tr>\n{body}\n</table>')


def _rows(line: Line, room: float) -> list[str]:
    """An equation as rows of a table; a long one takes several, the times stand in the last."""
    first, *others = broken(line.right, 0, room, room - visible(line.note), visible)
    cells = [(mathml(line.left, True) + "</td><td>" + mathml(line.sign, True), first, "")]
    cells += [("</td><td>", row.strip(), ' class="goes-on"') for row in others]
    note = f'<td class="times">{mathml(line.note)}</td>' if line.note else ""
    return [
        f'<tr{kind}><td class="left">{start}</td><td class="right">{mathml(row, True)}</td>'
        f"{note if number == len(cells) else ''}</tr>"
        for number, (start, row, kind) in enumerate(cells, 1)
    ]


def mathml(formula: str, display: bool = False) -> str:
    r"""LaTeX as MathML, with letters that every browser draws.

    >>> mathml(r"\mathrm{in}")
    '<math ... display="inline"><mrow><mrow><mtext>in</mtext></mrow></mrow></math>'
    """
    from latex2mathml.converter import convert

    if not formula.strip():  # an equation that goes on has no left side
        return ""
    text = str(convert(formula, display="block" if display else "inline"))
    # Formulas in a table stand where their cell begins, and their sums are large.
    text = text.replace('display="block"', 'display="inline" displaystyle="true"', 1)
    text = text.replace("<mover>", '<mover accent="true">')  # bars and hats, close above their letter
    # A word is one word, not a product of letters.
    text = UPRIGHT_LETTERS.sub(lambda found: f"<mtext>{re.sub('<[^>]*>', '', found[0])}</mtext>", text)
    return BOLD_LETTERS.sub(lambda found: f"<{found[1]}>{_bold(found[3], found[2])}</{found[1]}>", text)


def _bold(text: str, kind: str) -> str:
    """Letters and digits in a bold alphabet of mathematics."""
    return "".join(_bold_letter(letter, BOLD[kind]) for letter in html.unescape(text))


def _bold_letter(letter: str, alphabets: dict[str, int]) -> str:
    for first, last in ("AZ", "az", "ΑΩ", "αω", "09"):
        if first <= letter <= last:
            return chr(alphabets[first] + ord(letter) - ord(first))
    return letter
