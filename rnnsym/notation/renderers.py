"""Documents in plain text, Markdown with KaTeX maths, and LaTeX."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass

from rnnsym.notation.printers import LatexPrinter, Printer, TextPrinter


@dataclass(frozen=True)
class Line:
    """A displayed equation: left side, right side, the times at which it holds, a number in front."""

    left: str
    right: str
    note: str = ""


class Renderer:
    """What a document is written with. `math` marks a formula inside a sentence."""

    printer: Printer

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.parts: list[str] = []

    def finish(self) -> str:
        """The whole document."""
        return "\n\n".join(part for part in self.parts if part) + "\n"

    def math(self, formula: str) -> str:
        raise AssertionError

    def title(self, text: str) -> None:
        raise AssertionError

    def heading(self, text: str) -> None:
        raise AssertionError

    def paragraph(self, text: str) -> None:
        raise AssertionError

    def code(self, text: str) -> None:
        raise AssertionError

    def equations(self, lines: list[Line]) -> None:
        raise AssertionError

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        raise AssertionError

    def step(self, number: int, rule: str, reason: str, lines: list[Line]) -> None:
        """A numbered step: the rule by name, the reason, the formulas."""
        self.paragraph(f"{self.strong(f'{number}. {rule.capitalize()}.')} {reason}")
        self.equations(lines)

    def strong(self, text: str) -> str:
        return text

    def times(self, text: str) -> str:
        """A range of times, `1..T`, as a note."""
        return text


class TextRenderer(Renderer):
    """Unicode text for a terminal of 100 columns."""

    width = 100

    def __init__(self, printer: TextPrinter) -> None:
        super().__init__(printer)

    def math(self, formula: str) -> str:
        return formula

    def title(self, text: str) -> None:
        self.parts.append(f"{text}\n{'=' * columns(text)}")

    def heading(self, text: str) -> None:
        self.parts.append(f"{text}\n{'-' * columns(text)}")

    def paragraph(self, text: str) -> None:
        self.parts.append(textwrap.fill(text, self.width, break_long_words=False, break_on_hyphens=False))

    def code(self, text: str) -> None:
        self.parts.append(textwrap.indent(text, "    "))

    def equations(self, lines: list[Line]) -> None:
        left = max((columns(line.left) for line in lines), default=0)
        rows = []
        for line in lines:
            start = f"    {' ' * (left - columns(line.left))}{line.left} = "
            row = start + line.right
            room = self.width - columns(line.note) - 4
            if line.note and columns(row) <= room:
                row += " " * max(2, min(72, room) - columns(row)) + line.note
                rows.append(row)
                continue
            rows += self._broken(row, columns(start), columns(line.note) + 3 if line.note else 0)
            if line.note:
                rows[-1] += f"   {line.note}"
        self.parts.append("\n".join(rows))

    def _broken(self, row: str, indent: int, note: int) -> list[str]:
        """A long sum goes on in the next row, at a plus or minus; the last row leaves room for a note."""
        rows = []
        while columns(row) + note > self.width:
            places = [m.start() for m in re.finditer(r" [+-] ", row) if m.start() > indent and not open_brackets(row[: m.start()])]
            cut = max((place for place in places if columns(row[:place]) <= self.width), default=-1)
            if cut < 0:
                break
            rows.append(row[:cut])
            row = " " * (indent - 2) + row[cut + 1 :]
        return [*rows, row]

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        widths = [max(columns(row[place]) for row in (head, *rows)) for place in range(len(head))]
        lines = []
        for row in (head, *rows):
            lines.append("    " + "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)).rstrip())
        self.parts.append("\n".join(lines))

    def times(self, text: str) -> str:
        return f"t = {text}"


class MarkdownRenderer(Renderer):
    """Markdown with maths between dollars, as KaTeX and notebooks read it."""

    def __init__(self, printer: LatexPrinter) -> None:
        super().__init__(printer)

    def math(self, formula: str) -> str:
        return f"${formula}$"

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def title(self, text: str) -> None:
        self.parts.append(f"# {text}")

    def heading(self, text: str) -> None:
        self.parts.append(f"## {text}")

    def paragraph(self, text: str) -> None:
        self.parts.append(text)

    def code(self, text: str) -> None:
        self.parts.append(f"```python\n{text}\n```")

    def equations(self, lines: list[Line]) -> None:
        rows = " \\\\\n".join(aligned(line) for line in lines)
        self.parts.append(f"$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$")

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        lines = [head, tuple("---" for _ in head), *rows]
        self.parts.append("\n".join("| " + " | ".join(row) + " |" for row in lines))

    def times(self, text: str) -> str:
        return time_range(text)


class LatexRenderer(Renderer):
    """LaTeX: a fragment to \\input, or with `document` a whole file that pdflatex compiles."""

    def __init__(self, printer: LatexPrinter, document: bool = False) -> None:
        super().__init__(printer)
        self.document = document

    def finish(self) -> str:
        body = super().finish()
        return PREAMBLE.format(body=body) if self.document else body

    def math(self, formula: str) -> str:
        return f"${formula}$"

    def strong(self, text: str) -> str:
        return rf"\textbf{{{text}}}"

    def title(self, text: str) -> None:
        self.parts.append(rf"\section*{{{escaped(text)}}}")

    def heading(self, text: str) -> None:
        self.parts.append(rf"\subsection*{{{escaped(text)}}}")

    def paragraph(self, text: str) -> None:
        self.parts.append(r"\noindent " + text)

    def code(self, text: str) -> None:
        self.parts.append(f"\\begin{{verbatim}}\n{text}\n\\end{{verbatim}}")

    def equations(self, lines: list[Line]) -> None:
        rows = " \\\\\n".join(aligned(line) for line in lines)
        self.parts.append(f"\\begin{{align*}}\n{rows}\n\\end{{align*}}")

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        body = " \\\\\n".join(" & ".join(row) for row in (head, *rows))
        self.parts.append(f"\\begin{{center}}\\begin{{tabular}}{{{'l' * len(head)}}}\n{body}\n\\end{{tabular}}\\end{{center}}")

    def times(self, text: str) -> str:
        return time_range(text)


PREAMBLE = r"""\documentclass{{article}}
\usepackage[utf8]{{inputenc}}
\usepackage[T1]{{fontenc}}
\usepackage{{amsmath,amssymb,bm}}
\usepackage[margin=25mm]{{geometry}}
\allowdisplaybreaks
\begin{{document}}
{body}\end{{document}}
"""


def aligned(line: Line) -> str:
    """One row of an aligned display; a long sum is broken."""
    note = rf" && {line.note}" if line.note else ""
    rows, row = [], ""
    # A long sum is broken before a plus or minus that stands in no bracket.
    for part in re.split(r"(?= [+-] )", line.right):
        if row and visible(row + part) > 60 and not open_brackets(row):
            rows.append(row)
            row = r"\quad" + part
        else:
            row += part
    return f"{line.left} &= " + " \\\\\n&".join([*rows, row]) + note


def open_brackets(text: str) -> int:
    """How many brackets are open at the end of a text."""
    return sum(text.count(mark) for mark in "([{") - sum(text.count(mark) for mark in ")]}")


def visible(formula: str) -> int:
    """About how many letters wide a formula is when it is set."""
    return len(re.sub(r"\\[A-Za-z]+ ?|[{}^_ ]", "", re.sub(r"\\(odot|sum|sigma|log|tanh|exp|operatorname|mathrm)", "+", formula)))


def time_range(text: str) -> str:
    low, dots, high = text.partition("..")
    return rf"t = {low}, \dots, {high}" if dots else f"t = {text}"


def escaped(text: str) -> str:
    """Text with LaTeX's special characters made plain."""
    table = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(table.get(character, character) for character in text)


def columns(text: str) -> int:
    """How many columns a text takes in a terminal: combining characters take none."""
    return sum(0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
