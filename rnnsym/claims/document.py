r"""The maths of a whole file: what is prose becomes blank, so that every place keeps its line and column.

>>> print(mathematics(r"We find $$\delta_t = h_t - y_t$$ for all $t$.", "md").rstrip())
          \delta_t = h_t - y_t
"""

from __future__ import annotations

import re

#: Ends a piece of maths; the lexer takes it for the end of a row.
END = "\f"
DISPLAYS = "equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|math"
MATHS = re.compile(
    r"\$\$(?P<dollars>.*?)\$\$"
    r"|\\\[(?P<brackets>.*?)\\\]"
    rf"|\\begin\{{(?P<name>{DISPLAYS})(?P<star>\*?)\}}(?P<environment>.*?)\\end\{{(?P=name)(?P=star)\}}"
    r"|(?<![\\$])\$(?P<inline>[^$\n]+)\$"
    r"|\\\((?P<parentheses>.*?)\\\)"
    r"|```math\s(?P<fence>.*?)```",
    re.DOTALL,
)
#: What nobody means as a formula.
HIDDEN = {
    "tex": re.compile(r"(?<!\\)%[^\n]*|\\begin\{verbatim\}.*?\\end\{verbatim\}|\A.*\\begin\{document\}", re.DOTALL),
    "md": re.compile(r"```(?!math).*?```|~~~.*?~~~|<!--.*?-->|(?<!`)`[^`\n]+`(?!`)", re.DOTALL),
}
#: In a sentence `t = 1` is no claim; an equation about a derivative is.
DERIVATIVE = re.compile(r"\\(partial|nabla|delta|bar|frac|overline)|∂|∇|δ")
KINDS = ("tex", "md", "txt")


def mathematics(source: str, kind: str) -> str:
    """A file with everything but its equations blank: displays, and what in a sentence is about a derivative.

    kind: tex, md or txt; in txt every line with an equals sign is an equation.
    """
    if kind == "txt":
        return "\n".join(line if is_formula(line) else " " * len(line) for line in source.split("\n"))
    hidden = HIDDEN[kind].sub(lambda match: blank(match[0]), source)
    found = list(blank(source))
    for match in MATHS.finditer(hidden):
        place = match.lastgroup or ""
        group = next(name for name in PARTS if match[name] is not None)
        content = match[group]
        if "=" not in content or (group in ("inline", "parentheses") and not DERIVATIVE.search(content)):
            continue
        assert place
        found[match.start(group) : match.end(group)] = content
        found[match.end() - 1] = END
    return "".join(found)


PARTS = ("dollars", "brackets", "environment", "inline", "parentheses", "fence")


def blank(text: str) -> str:
    """Spaces in place of text; lines stay."""
    return re.sub(r"[^\n]", " ", text)


def is_formula(line: str) -> bool:
    """Whether a line of plain text is an equation: one equals sign at least, and no run of words before it."""
    left, sign, _ = line.partition("=")
    return bool(sign) and not re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}", left) and bool(left.strip(" =-"))
