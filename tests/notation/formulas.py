"""A parser of printed text: the equations of a document as trees, by the conventions that a reader knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Tree = tuple[Any, ...]

# Text to trees

TOKEN = re.compile(
    r"""\s*(?:
        (?P<sum>Σ_\{(?P<index>[a-z]\d*)=(?P<low>[^.}]*)\.\.(?P<high>[^}]*)\})
      | (?P<number>[0-9]+(?:\.[0-9]+)?|[½¼¾⅓⅔])
      | (?P<bar>bar\([^()]*\)|∂\w+/∂[^\W\d_](?:[\u0302-\u0304]|[^\Wᵀ⁰¹²³⁴⁵⁶⁷⁸⁹])*)
      | (?P<name>[^\W\d_ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹][\u0302-\u0304]?(?:[^\Wᵀ⁰¹²³⁴⁵⁶⁷⁸⁹]|\u0304)*)
      | (?P<power>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^\([-\d/]+\))
      | (?P<sign>[-+⊙⊘/()\[\]‖ᵀ𝟏√:;,])
    )""",
    re.VERBOSE,
)
TIME = re.compile(r"\[((?:[tTs](?:[-+]\d+)?)|-?\d+)\]")
#: The indices of an element, the time first: `[t-1,j]`, `[i,n+j]`; what stands before a slice is none.
PLACES = re.compile(r"\[((?:[^\[\],:]+)(?:,[^\[\],:]+)*)\]")
FRACTIONS = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Reader:
    """Reads one right side. Loosest first: sums, elementwise products, products side by side, powers and transposes."""

    def __init__(self, text: str, elements: bool = False) -> None:
        self.text = text
        self.elements = elements
        self.place = 0
        self.norms = 0

    def formula(self) -> Tree:
        tree = self.sum()
        assert self.peek() is None, f"cannot read on at {self.text[self.place :]!r}"
        return tree

    def peek(self) -> re.Match[str] | None:
        match = TOKEN.match(self.text, self.place)
        assert match or not self.text[self.place :].strip(), f"cannot read {self.text[self.place :]!r}"
        return match

    def sees(self, *signs: str) -> bool:
        match = self.peek()
        return match is not None and match["sign"] in signs

    def take(self, *signs: str) -> str:
        match = self.peek()
        assert match is not None
        assert not signs or match["sign"] in signs, f"{signs} wanted in {self.text!r} at {self.place}"
        self.place = match.end()
        return match["sign"] or ""

    def sum(self) -> Tree:
        """`x - y + z`."""
        parts = []
        sign = self.take("-") if self.sees("-") else "+"
        while True:
            parts.append((sign, self.elementwise()))
            if not self.sees("+", "-"):
                return ("sum", parts) if len(parts) > 1 or sign == "-" else parts[0][1]
            sign = self.take()

    def elementwise(self) -> Tree:
        tree = self.product()
        while self.sees("⊙", "⊘"):
            tree = (self.take(), tree, self.product())
        return tree

    def product(self) -> Tree:
        tree = self.factor()
        while (match := self.peek()) is not None:
            if match["sign"] == "/":
                self.take()
                tree = ("side by side", tree, ("one over", self.factor()))
            elif (
                match["sign"] in ("(", "[", "‖", "𝟏", "√")
                or match["sum"]
                or match["number"]
                or match["name"]
                or match["bar"]
            ):
                if match["sign"] == "‖" and self.norms:
                    return tree
                tree = ("side by side", tree, self.factor())
            else:
                break
        return tree

    def factor(self) -> Tree:
        tree = self.atom()
        while (match := self.peek()) is not None:
            touching = not self.text[self.place : match.start("sign")].strip(" ") and self.text[self.place] != " "
            if match["sign"] == "ᵀ":
                self.take()
                tree = ("ᵀ", tree)
            elif match["power"]:
                self.take()
                tree = ("power", tree, match["power"])
            elif match["sign"] == "[" and touching and self.elements and (entry := PLACES.match(self.text, self.place)):
                self.place = entry.end()
                tree = ("at", tree, entry[1].split(","))
            elif match["sign"] == "[" and touching:
                tree = ("slice", tree, *self.bounds())
            else:
                break
        return tree

    def bounds(self) -> tuple[str, str]:
        end = self.text.index("]", self.place)
        first, last = self.text[self.place + 1 : end].split(":")
        self.place = end + 1
        return first, last

    def atom(self) -> Tree:
        where = re.compile(r" *\[([\w+]+) = ([\w+ ]+)\]").match(self.text, self.place) if self.elements else None
        if where:
            self.place = where.end()
            return ("where", where[1], where[2].replace(" ", ""))
        match = self.peek()
        assert match is not None, f"something is missing at the end of {self.text!r}"
        self.place = match.end()
        if match["sum"]:
            return ("Σ", match["index"], match["low"], match["high"], self.elementwise())
        if match["number"]:
            return ("number", FRACTIONS.get(match["number"]) or float(match["number"]))
        if match["sign"] == "(":
            tree = self.sum()
            self.take(")")
            return tree
        if match["sign"] == "‖":
            self.norms += 1
            tree = self.sum()
            self.norms -= 1
            self.take("‖")
            frobenius = self.text.startswith("_F²", self.place)
            assert frobenius or self.text.startswith("²", self.place), "a norm is squared"
            self.place += 3 if frobenius else 1
            return ("squared norm", tree)
        if match["sign"] == "[":
            parts = [self.sum()]
            while self.sees(";", ","):
                between = self.take()
                parts.append(self.sum())
            self.take("]")
            return ("stack", between, *parts)
        if match["sign"] == "𝟏":
            return ("ones",)
        name = match["bar"] or match["name"] or match["sign"]
        if not match["bar"] and self.text.startswith("(", self.place):  # a product would have a space
            self.take("(")
            tree = self.sum()
            if self.sees(","):
                self.take(",")
                second = self.sum()
                self.take(")")
                return ("function", name, tree, second)
            self.take(")")
            entry = PLACES.match(self.text, self.place) if self.elements else None
            self.place = entry.end() if entry else self.place
            return ("entry", name, tree, entry[1]) if entry else ("function", name, tree)
        assert match["bar"] or match["name"], f"{match[0]!r} in {self.text!r}"
        if self.elements:
            places = PLACES.match(self.text, self.place)
            self.place = places.end() if places else self.place
            return ("element", name, places[1].split(",") if places else [])
        if time := TIME.match(self.text, self.place):
            self.place = time.end()
            return ("variable", name, time[1])
        return ("variable", name, None)


def printed_equations(text: str) -> Iterator[tuple[str, str, str]]:
    """Left side, right side and times of each displayed equation; a long one goes on in the next row."""
    rows: list[str] = []
    for line in text.splitlines():
        if not line.startswith("    "):
            continue
        if " = " in re.sub(r"\[[^\]]* = [^\]]*\]", "", line.split("   t = ")[0]):
            rows.append(line)
        else:
            rows[-1] += " " + line.strip()
    for row in rows:
        formula, _, note = row.partition("   t = ")
        left, right = formula.strip().split(" = ", 1)
        yield left, right.strip(), note.strip()


def exponent_of(mark: str) -> float:
    text = mark.translate(SUPERSCRIPTS).strip("^()")
    above, _, below = text.partition("/")
    return int(above) / int(below) if below else int(above)
