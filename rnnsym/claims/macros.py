r"""Commands that an author defines, `\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}`, and what they stand for.

>>> found, rest = definitions(r"\newcommand{\T}{^\top} W\T")
>>> found["T"].body, rest.strip()
('^\\top', 'W\\T')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: More than a person needs; what expands further is refused.
MOST_EXPANSIONS = 2_000
DEEPEST = 12
MOST_ARGUMENTS = 9
NAME = r"\{?\s*\\(?P<name>[A-Za-z]+)\s*\}?"
DEFINITION = re.compile(
    rf"\\(?:new|renew|provide)command\*?\s*{NAME}"
    r"\s*(?:\[(?P<count>\d)\])?\s*(?:\[(?P<default>[^\[\]]*)\])?\s*\{"
    r"|\\def\s*\\(?P<plain>[A-Za-z]+)(?P<places>(?:#\d)*)\s*\{"
    r"|\\DeclareMathOperator\*?\s*\{?\s*\\(?P<operator>[A-Za-z]+)\s*\}?\s*\{"
    r"|\\let\s*\\(?P<old>[A-Za-z]+)\s*=?\s*(?P<new>\\[A-Za-z]+)"
)
BRACES = re.compile(r"\\[\\{}]|[{}]")
PLACE = re.compile(r"#(\d)")


@dataclass(frozen=True)
class Macro:
    """A command of the author's: how many arguments it takes, what the first is if it is left out, and its body."""

    count: int
    body: str
    default: str | None = None

    def filled(self, arguments: list[str]) -> str:
        """The body with arguments in their places."""
        return PLACE.sub(lambda place: self._argument(arguments, int(place[1])), self.body)

    def _argument(self, arguments: list[str], number: int) -> str:
        return arguments[number - 1] if 0 < number <= len(arguments) else ""


#: Commands of packages that many authors load.
USUAL = {
    "pdv": Macro(2, r"\frac{\partial #1}{\partial #2}"),
    "dv": Macro(2, r"\frac{d #1}{d #2}"),
    "norm": Macro(1, r"\lVert #1 \rVert"),
    "vb": Macro(1, r"\mathbf{#1}"),
    "va": Macro(1, r"\mathbf{#1}"),
}


def definitions(source: str) -> tuple[dict[str, Macro], str]:
    """The commands that a text defines, and the text with their definitions blank, so that every place stays."""
    found: dict[str, Macro] = {}
    rest = list(source)
    for name, macro, start, stop in defined(source):
        found[name] = macro
        rest[start:stop] = re.sub(r"[^\n]", " ", source[start:stop])
    return found, "".join(rest)


def defined(source: str) -> Iterator[tuple[str, Macro, int, int]]:
    """The commands that a text defines, and where their definitions begin and end."""
    at = 0
    while sign := DEFINITION.search(source, at):
        at = sign.end()
        name = sign["name"] or sign["plain"] or sign["operator"] or sign["old"]
        stop = at if sign["old"] else end_of_group(source, at)
        if stop is None:
            continue
        body = source[at : stop - 1]
        if sign["old"]:
            macro = Macro(0, sign["new"])
        elif sign["operator"]:
            macro = Macro(0, rf"\operatorname{{{body}}}")
        else:
            count = int(sign["count"] or 0) or len(PLACE.findall(sign["places"] or ""))
            macro = Macro(count, body, sign["default"])
        yield name, macro, sign.start(), stop
        at = stop


def end_of_group(source: str, at: int) -> int | None:
    """The place behind the brace that closes the one before a place; None where none does."""
    depth = 1
    for sign in BRACES.finditer(source, at):
        depth += {"{": 1, "}": -1}.get(sign[0], 0)
        if not depth:
            return sign.end()
    return None


def arguments(source: str, at: int, macro: Macro) -> tuple[list[str], int]:
    """The arguments of a command that ends at a place, and the place behind them."""
    found: list[str] = []
    for number in range(min(macro.count, MOST_ARGUMENTS)):
        start = at
        while start < len(source) and source[start] in " \t\n":
            start += 1
        if number == 0 and macro.default is not None:
            stop = source.find("]", start) if source.startswith("[", start) else -1
            found.append(source[start + 1 : stop] if stop > 0 else macro.default)
            at = stop + 1 if stop > 0 else at
            continue
        if source.startswith("{", start):
            end = end_of_group(source, start + 1) or len(source) + 1
            found.append(source[start + 1 : end - 1])
            at = min(end, len(source))
        else:
            single = re.compile(r"\\[A-Za-z]+|[^\s]?").match(source, start)
            found.append(single[0] if single else "")
            at = start + len(found[-1])
    return found, at


def known(own: Mapping[str, Macro]) -> dict[str, Macro]:
    """An author's commands beside the usual ones."""
    return {**USUAL, **own}
