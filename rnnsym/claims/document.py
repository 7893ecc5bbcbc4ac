r"""The maths of a whole file: what is prose becomes blank, so that every place keeps its line and column.

>>> print(mathematics(r"We find $$\delta_t = h_t - y_t$$ for all $t$.", "md").rstrip())
          \delta_t = h_t - y_t
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Ends a piece of maths; the lexer takes it for the end of a row.
END = "\f"
DISPLAYS = "equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|math"
HIDDEN, DISPLAY, INLINE = "hidden", "display", "inline"
#: What opens a stretch, and by kind of file what it is and what closes it; `%` and a backquote end with the line.
OPENING = re.compile(
    rf"\\begin\{{(?P<name>(?:{DISPLAYS})\*?|verbatim|comment)\}}|\$\$|\\\[|\\\(|(?<!\\)\$|(?<!\\)%|```math|```|~~~|<!--|`"
)
STRETCHES = {
    "$$": (DISPLAY, "$$"), r"\[": (DISPLAY, r"\]"), r"\(": (INLINE, r"\)"), "$": (INLINE, "$"),
}  # fmt: skip
BY_KIND = {
    "tex": STRETCHES | {"%": (HIDDEN, "\n")},
    "md": STRETCHES | {
        "```math": (DISPLAY, "```"), "```": (HIDDEN, "```"), "~~~": (HIDDEN, "~~~"), "<!--": (HIDDEN, "-->"),
        "`": (HIDDEN, "`"),
    },
}  # fmt: skip
#: In a sentence `t = 1` is no claim; an equation about a derivative is.
DERIVATIVE = re.compile(r"\\(partial|nabla|delta|bar|frac|overline)|∂|∇|δ")
KINDS = ("tex", "md", "txt")
#: A line that begins with a sign goes on with the equation before it.
CONTINUED = re.compile(r"\s*[-+−*@⊙·]\s*[^-=\s]")
UNDERLINE = re.compile(r"\s*(={3,}|-{3,}|~{3,})\s*")


def mathematics(source: str, kind: str) -> str:
    """A file with everything but its equations blank: displays, and what in a sentence is about a derivative.

    kind: tex, md or txt; in txt every line with an equals sign is an equation.
    """
    if kind == "txt":
        return "\n".join(formulas(source.split("\n")))
    found = list(blank(source))
    for sort, start, stop, end in stretches(source, kind):
        content = source[start:stop]
        if sort == HIDDEN or "=" not in content or (sort == INLINE and not DERIVATIVE.search(content)):
            continue
        found[start:stop] = content
        found[end - 1] = END
    return "".join(found)


def stretches(source: str, kind: str) -> Iterator[tuple[str, int, int, int]]:
    """What is set apart from prose: its sort, where its content begins and stops, and where the closing sign ends.

    Each place is looked at once: what is never closed is remembered, so that hostile files take no longer.
    """
    at = max(0, source.find(r"\begin{document}")) if kind == "tex" else 0
    never: set[str] = set()
    while opening := OPENING.search(source, at):
        at = opening.end()
        name = opening["name"]
        if name is not None:
            sort, closing = (HIDDEN if name in ("verbatim", "comment") else DISPLAY), rf"\end{{{name}}}"
        elif opening[0] in BY_KIND[kind]:
            sort, closing = BY_KIND[kind][opening[0]]
        else:
            continue
        stop = -1 if closing in never else source.find(closing, at)
        if stop < 0:
            never.add(closing)
            continue
        yield sort, at, stop, stop + len(closing)
        at = stop + len(closing)


def blank(text: str) -> str:
    """Spaces in place of text; lines stay."""
    return re.sub(r"[^\n]", " ", text)


def formulas(lines: list[str]) -> Iterator[str]:
    """The lines that are equations, and those that continue one; blank lines in place of the others."""
    inside = False
    for line in lines:
        inside = is_formula(line) or (inside and bool(CONTINUED.match(line)))
        yield line if inside else " " * len(line)


def without_titles(source: str) -> str:
    """Text without titles that are underlined."""
    lines = source.split("\n")
    rules = {number for number, line in enumerate(lines) if UNDERLINE.fullmatch(line)}
    titles = rules | {number - 1 for number in rules if number and not is_formula(lines[number - 1])}
    return "\n".join(" " * len(line) if number in titles else line for number, line in enumerate(lines))


def is_formula(line: str) -> bool:
    """Whether a line of plain text is an equation: one equals sign at least, and no run of words before it."""
    left, sign, _ = line.partition("=")
    return bool(sign) and not re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}", left) and bool(left.strip(" =-"))
