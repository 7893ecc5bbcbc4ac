"""Documents in plain text, Markdown with KaTeX maths, and LaTeX."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rnnsym.notation.alphabets import LatexPrinter, TextPrinter
from rnnsym.notation.letters import GREEK_NAMES
from rnnsym.notation.printers import Printer


@dataclass(frozen=True)
class Line:
    """A displayed equation: left side, right side, and the times at which it holds."""

    left: str
    right: str
    note: str = ""
    sign: str = "="


class Renderer:
    """What a document is written with. `math` marks a formula inside a sentence."""

    printer: Printer

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.parts: list[str] = []

    def finish(self) -> str:
        """The whole document."""
        return "\n\n".join(part for part in self.parts if part) + "\n"

    def title(self, text: str) -> None:
        raise NotImplementedError

    def heading(self, text: str) -> None:
        raise NotImplementedError

    def paragraph(self, text: str) -> None:
        self.parts.append(text)

    def equations(self, lines: list[Line]) -> None:
        raise NotImplementedError

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        raise NotImplementedError

    def step(self, number: int, rule: str, reason: str, lines: list[Line]) -> None:
        """A numbered step: the rule by name, the reason, the formulas."""
        self.paragraph(f"{self.strong(f'{number}. {rule}.')} {reason}")
        self.equations(lines)

    # Inside a sentence

    def math(self, formula: str) -> str:
        return f"${formula}$"

    def strong(self, text: str) -> str:
        return text

    def plain(self, text: str) -> str:
        """Text of the author's."""
        return text

    def times(self, text: str) -> str:
        """A range of times, `1..T`, as a note."""
        low, dots, high = text.partition("..")
        return rf"t = {low}, \dots, {high}" if dots else f"t = {text}"


class TextRenderer(Renderer):
    """Unicode text for a terminal of 100 columns."""

    width = 100
    #: Where the times stand if the formulas leave the room, in all blocks alike.
    notes = 72

    def __init__(self, printer: TextPrinter) -> None:
        super().__init__(printer)

    def math(self, formula: str) -> str:
        return formula

    def times(self, text: str) -> str:
        return f"t = {text}"

    def title(self, text: str) -> None:
        self.parts.append(f"{text}\n{'=' * columns(text)}")

    def heading(self, text: str) -> None:
        self.parts.append(f"{text}\n{'-' * columns(text)}")

    def paragraph(self, text: str) -> None:
        self.parts.append(textwrap.fill(text, self.width, break_long_words=False, break_on_hyphens=False))

    def equations(self, lines: list[Line]) -> None:
        left = max((columns(line.left) for line in lines), default=0)
        blocks = []
        for line in lines:
            start = f"    {' ' * (left - columns(line.left))}{line.left} {line.sign} "
            room = self.width - (columns(line.note) + 3 if line.note else 0)
            blocks.append((broken(start + line.right, columns(start), self.width, room), line.note))
        ends = [columns(rows[-1]) for rows, note in blocks if note]
        widest = max((columns(note) for _, note in blocks), default=0)
        column = max(self.notes, *(end + 3 for end in ends)) if ends else self.notes
        column = min(column, self.width - widest)
        for rows, note in blocks:
            if note:
                rows[-1] += " " * max(3, column - columns(rows[-1])) + note
        self.parts.append("\n".join(row for rows, _ in blocks for row in rows))

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        widths = [max(columns(row[place]) for row in (head, *rows)) for place in range(len(head))]
        lines = []
        for row in (head, *rows):
            cells = (cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
            lines.append("    " + "  ".join(cells).rstrip())
        self.parts.append("\n".join(lines))


class MarkdownRenderer(Renderer):
    """Markdown with maths between dollars, as KaTeX and notebooks read it."""

    def __init__(self, printer: LatexPrinter) -> None:
        super().__init__(printer)

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def title(self, text: str) -> None:
        self.parts.append(f"# {text}")

    def heading(self, text: str) -> None:
        self.parts.append(f"## {text}")

    def equations(self, lines: list[Line]) -> None:
        self.parts.append(f"$$\n\\begin{{aligned}}\n{aligned(lines)}\n\\end{{aligned}}\n$$")

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        lines = [head, tuple("---" for _ in head), *rows]
        self.parts.append("\n".join("| " + " | ".join(row) + " |" for row in lines))


class LatexRenderer(Renderer):
    r"""LaTeX: a fragment to \input, or with `document` a whole file that pdflatex compiles."""

    #: A longer table would run off the page.
    rows = 45
    #: A display of so few equations stays on one page.
    together = 4
    #: The times stand at the margin, as numbers of equations do.
    note = r" \tag*{{${}$}}"

    def __init__(self, printer: LatexPrinter, document: bool = False) -> None:
        super().__init__(printer)
        self.document = document

    def finish(self) -> str:
        # A display belongs to the paragraph before it: an empty line between them would open a gap.
        body = re.sub(r"(?<=\n)(\\noindent .*)\n\n(?=\\begin\{align\*\})", r"\1\n", super().finish())
        return PREAMBLE.format(body=body) if self.document else body

    def strong(self, text: str) -> str:
        return rf"\textbf{{{text}}}"

    def plain(self, text: str) -> str:
        return escaped(text)

    def title(self, text: str) -> None:
        self.parts.append(rf"\section*{{{escaped(text)}}}")

    def heading(self, text: str) -> None:
        self.parts.append(rf"\subsection*{{{escaped(text)}}}")

    def paragraph(self, text: str) -> None:
        self.parts.append(r"\noindent " + text)

    def equations(self, lines: list[Line]) -> None:
        rows = aligned(lines, self.note)
        if len(lines) <= self.together:
            rows = rows.replace(" \\\\\n", " \\\\*\n")
        self.parts.append(f"\\begin{{align*}}\n{rows}\n\\end{{align*}}")

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        for start in range(0, len(rows), self.rows):
            body = " \\\\\n".join(" & ".join(row) for row in rows[start : start + self.rows])
            columns = f"\\begin{{tabular}}{{{'l' * len(head)}}}\n{' & '.join(head)} \\\\ \\hline"
            self.parts.append(f"\\begin{{center}}{columns}\n{body}\n\\end{{tabular}}\\end{{center}}")


PREAMBLE = r"""\documentclass[fleqn]{{article}}
\usepackage[utf8]{{inputenc}}
\usepackage[T1]{{fontenc}}
\usepackage{{amsmath,amssymb,bm}}
\usepackage[margin=25mm]{{geometry}}
\setlength{{\mathindent}}{{8mm}}\setlength{{\jot}}{{4pt}}
\allowdisplaybreaks
\begin{{document}}
{body}\end{{document}}
"""


def notebook(lines: list[Line]) -> str:
    """Equations as a notebook's `_repr_latex_` wants them: maths between dollars."""
    rows = aligned(lines).replace("\n", " ")
    return rf"$\displaystyle \begin{{aligned}} {rows} \end{{aligned}}$"


def aligned(lines: list[Line], note: str = r" && {}", width: float = 68) -> str:
    """Equations as the rows of an aligned display; a long formula takes several. `note` is where the times go."""
    left = max((visible(line.left) for line in lines), default=0)
    rows = []
    for line in lines:
        room = width - left - visible(line.note)
        first, *others = broken(line.right, 0, room, room, visible)
        right = " \\\\\n&".join([first, *(rf"\quad {row.strip()}" for row in others)])
        rows.append(f"{line.left} &{line.sign} {right}" + (note.format(line.note) if line.note else ""))
    return " \\\\\n".join(rows)


# Long formulas

#: With so many characters for each that fits, a formula need not be measured.
LONG = 25


def columns(text: str) -> int:
    """How many columns a text takes in a terminal: combining characters take none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def broken(row: str, indent: int, width: float, last: float, measure: Callable[[str], float] = columns) -> list[str]:
    """A long formula in several rows: broken before a plus or minus, or else before an elementwise product.

    Rows after the first are indented; the last leaves room for a note.
    """
    rows = []
    while len(row) > last and (len(row) > LONG * last or measure(row) > last):
        places = []
        for place, sign in signs(row):
            if place > indent:
                places.append((place, sign, wide := measure(row[:place])))
                if wide > 2 * width and any(sign in "+-" for _, sign, _ in places):
                    break  # what comes later is wider: to measure it all takes minutes where there are thousands
        for wanted in ("+-", SIGNS):
            fitting = [place for place, sign, wide in places if sign in wanted and wide <= width]
            if fitting:
                break
        else:
            # The first part alone is too wide: what comes after it still gets a row of its own.
            fitting = [place for place, sign, _ in places if sign in "+-"][:1]
            if not fitting:
                break
        rows.append(row[: fitting[-1]])
        row = " " * (indent - 2) + row[fitting[-1] + 1 :]
    return [*rows, row]


SIGNS = ("+", "-", "⊙", "∘", "*", "⊘", r"\odot", r"\circ", r"\ast", r"\oslash")
OPEN, CLOSE = ("(", "[", "{", r"\lVert", r"\begin"), (")", "]", "}", r"\rVert", r"\end")
MARK = re.compile(r"\\lVert|\\rVert|\\begin|\\end|[(\[{)\]}‖]| (?P<sign>[-+⊙∘*⊘]|\\odot|\\circ|\\ast|\\oslash) ")


def signs(formula: str) -> Iterator[tuple[int, str]]:
    """The places of the signs that stand in no bracket."""
    depth = 0
    bars = False
    for match in MARK.finditer(formula):
        depth += (match[0] in OPEN) - (match[0] in CLOSE)
        bars ^= match[0] == "‖"
        if match["sign"] and not depth and not bars:
            yield match.start(), match["sign"]


def visible(formula: str) -> float:
    """About how many letters wide a formula is when it is set; what stands below or above is small."""
    formula = re.sub(r"\\t?frac\{([^{}]*)\}\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", _wider, formula)
    formula = re.sub(r"\\(odot|circ|ast|oslash|cdots|dots|sum|nabla)\b| [-+] ", "+++", formula)
    formula = re.sub(
        r"\\(sigma|log|tanh|exp|sin|cos)\b", lambda name: "+" * (1 if name[1] == "sigma" else len(name[1])), formula
    )
    small = sum(
        len(re.sub(r"\\[A-Za-z]+|[{}]", "", part))
        for part in re.findall(r"[_^](\{(?:[^{}]|\{[^{}]*\})*\}|\\[a-z]+|.)", formula)
    )
    return len(re.sub(r"\\[A-Za-z]+ ?|[{}^_ \\]", "", formula)) - 0.4 * small


def _wider(fraction: re.Match[str]) -> str:
    """The part of a fraction that decides how wide it is."""
    return max(fraction[1], fraction[2], key=visible)


def escaped(text: str) -> str:
    """Text with LaTeX's special characters made plain."""
    return "".join(SPECIAL.get(character, character) for character in text)


SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "⊙": r"$\odot$", "≤": r"$\le$", "≥": r"$\ge$", "→": r"$\to$", "∞": r"$\infty$", "∂": r"$\partial$",
} | {character: f"$\\{name}$" for character, name in GREEK_NAMES.items()}  # fmt: skip
