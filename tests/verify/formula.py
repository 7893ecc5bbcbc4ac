r"""A printed formula as a tree of what a reader sees: sums, products, factors with scripts. It knows no model.

>>> print(written(parsed(r"\sum_{t=1}^{T} (1 - h_t^2) \odot \bar{h}_t - V^\top c")))
\sum_{t=1}^{T} (1 - h_t^2) \odot \bar{h}_t - V^\top c
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

TOKEN = re.compile(
    r"\\left[\[(]|\\right[\])]|\\begin\{bmatrix\}.*?\\end\{bmatrix\}|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|."
)
#: Commands that belong with the argument behind them.
ONE_ARGUMENT = (r"\bar", r"\hat", r"\tilde", r"\mathrm", r"\mathbf", r"\mathcal", r"\sqrt", r"\operatorname")
TWO_ARGUMENTS = (r"\frac", r"\tfrac")
BIG = (r"\sum", r"\prod")
ELEMENTWISE = (r"\odot", r"\oslash")
CLOSING = {"(": ")", r"\left[": r"\right]", r"\left(": r"\right)", "{": "}"}
FUNCTIONS = (r"\tanh", r"\sigma", r"\exp", r"\log", r"\sin", r"\cos", r"\max")


@dataclass(frozen=True)
class Sum:
    """Summands with their signs, "+" or "-"."""

    signs: tuple[str, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Elementwise:
    parts: tuple[Any, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """Factors side by side; between two stands a space, or a thin one."""

    parts: tuple[Any, ...]
    spaces: tuple[str, ...]


@dataclass(frozen=True)
class Big:
    """A sum over time before what it sums."""

    head: str
    part: Any


@dataclass(frozen=True)
class Factor:
    """A name, number, function or bracket with what stands above and below it."""

    core: str
    inner: Any = None  # in brackets, or an argument
    brackets: tuple[str, str] = ("", "")
    scripts: str = ""

    @property
    def is_function(self) -> bool:
        return bool(self.core) and self.inner is not None and not self.core.startswith(TWO_ARGUMENTS)


@dataclass(frozen=True)
class Fraction:
    core: str
    top: Any
    bottom: Any
    scripts: str = ""


class Unparsed(ValueError):
    """A formula that has something else in it."""


class Parser:
    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def after(self) -> str:
        return self.tokens[self.place + 1] if self.place + 1 < len(self.tokens) else ""

    def take(self) -> str:
        self.place += 1
        return str(self.tokens[self.place - 1])

    def space(self) -> str:
        found = ""
        while self.peek() and (self.peek().isspace() or self.peek() == r"\,"):
            found += self.take()
        return found

    def sum(self) -> Any:
        signs: list[str] = []
        parts: list[Any] = []
        self.space()
        sign = self.take() if self.peek() in ("+", "-") else "+"
        while True:
            self.space()
            signs.append(sign)
            parts.append(self.elementwise())
            self.space()
            if self.peek() not in ("+", "-"):
                break
            sign = self.take()
        return parts[0] if len(parts) == 1 and signs == ["+"] else Sum(tuple(signs), tuple(parts))

    def elementwise(self) -> Any:
        parts: list[Any] = [self.chain()]
        signs: list[str] = []
        while self.peek() in ELEMENTWISE:
            signs.append(self.take())
            self.space()
            parts.append(self.chain())
        return parts[0] if len(parts) == 1 else Elementwise(tuple(parts), tuple(signs))

    def chain(self) -> Any:
        parts: list[Any] = []
        spaces: list[str] = []
        while True:
            if self.peek() in BIG:
                head = self.take() + self.scripts()
                self.space()
                parts.append(Big(head, self.elementwise()))
            else:
                parts.append(self.factor())
            space = self.space()
            if self.peek() in ("", "+", "-", *ELEMENTWISE, *CLOSING.values(), "&", ",", r"\\"):
                return parts[0] if len(parts) == 1 else Chain(tuple(parts), tuple(spaces))
            spaces.append(space)

    def factor(self) -> Any:
        token = self.peek()
        if token in TWO_ARGUMENTS:
            self.take()
            top, bottom = self.braced(), self.braced()
            return Fraction(token, top, bottom, self.scripts())
        if token in ("(", r"\left[", r"\left("):
            return self.bracket("")
        if token.startswith(r"\begin"):
            return Factor(self.take(), scripts=self.scripts())
        core = self.take()
        if core in (r"\delta", r"\Delta") and re.match(r" [A-Za-z\\]", self.peek() + self.after()):
            core += self.take() + self.take()  # one name: \delta h
        if core.endswith(ONE_ARGUMENT):
            core += self.raw()
        elif not re.fullmatch(r"\\[A-Za-z]+|(\\[dD]elta )?\\?[A-Za-z]+|\d+(\.\d+)?", core):
            raise Unparsed(core)
        scripts = self.scripts()
        if self.peek() in ("(", r"\left(") and (core in FUNCTIONS or core.startswith(r"\operatorname")):
            return self.bracket(core + scripts)
        return Factor(core, scripts=scripts)

    def bracket(self, core: str) -> Factor:
        if core.startswith(r"\max"):  # of two arguments: left as it is
            return Factor(core + self.raw("(", ")"), scripts=self.scripts())
        opening = self.take()
        inner = self.sum()
        closing = self.take() if self.peek() else ""
        if closing != CLOSING[opening]:
            raise Unparsed(closing)
        return Factor(core, inner, (opening, closing), self.scripts())

    def braced(self) -> Any:
        if self.take() != "{":
            raise Unparsed("{")
        inner = self.sum()
        if not self.peek() or self.take() != "}":
            raise Unparsed("}")
        return inner

    def raw(self, opening: str = "{", closing: str = "}") -> str:
        """A token, or a group in braces, as it stands."""
        if self.peek() != opening:
            return self.take()
        found, depth = "", 0
        while True:
            if not self.peek():
                raise Unparsed("{")
            depth += (self.peek() == opening) - (self.peek() == closing)
            found += self.take()
            if not depth:
                return found

    def scripts(self) -> str:
        found = ""
        while self.peek() in ("_", "^"):
            found += self.take() + self.raw()
        return found


def parsed(text: str) -> Any:
    """The tree of a formula; Unparsed where it has something that the printed formulas here do not have."""
    parser = Parser(text)
    try:
        found = parser.sum()
    except IndexError:
        raise Unparsed(text) from None
    if parser.peek():
        raise Unparsed(parser.peek())
    return found


def written(node: Any) -> str:
    """A tree as LaTeX."""
    match node:
        case Sum(signs, parts):
            text = ""
            for sign, part in zip(signs, parts, strict=True):
                text += (f" {sign} " if text else "-" if sign == "-" else "") + written(part)
            return text
        case Elementwise(parts, signs):
            text = enclosed(parts[0], Sum)
            for sign, part in zip(signs, parts[1:], strict=True):
                text += f" {sign} {enclosed(part, Sum)}"
            return text
        case Chain(parts, spaces):
            text = enclosed(parts[0], Sum, Elementwise)
            for number, (space, part) in enumerate(zip(spaces, parts[1:], strict=True), 2):
                last = number == len(parts)
                kinds = (Sum, Elementwise) if not last or not isinstance(part, Big) else (Sum,)
                text += space + enclosed(part, *kinds)
            return text
        case Big(head, part):
            return f"{head} {enclosed(part, Sum)}"
        case Fraction(core, top, bottom, scripts):
            return f"{core}{{{written(top)}}}{{{written(bottom)}}}{scripts}"
        case Factor(core, inner, (opening, closing), scripts):
            return core + (opening + written(inner) + closing if inner is not None else "") + scripts
    raise AssertionError(node)


def enclosed(node: Any, *looser: type) -> str:
    text = written(node)
    return f"({text})" if isinstance(node, looser) else text


def parts_of(node: Any) -> tuple[Any, ...]:
    match node:
        case Sum(_, parts) | Elementwise(parts) | Chain(parts):
            return parts
        case Big(_, part):
            return (part,)
        case Fraction(_, top, bottom):
            return (top, bottom)
        case Factor(_, inner) if inner is not None:
            return (inner,)
    return ()


def with_parts(node: Any, parts: tuple[Any, ...]) -> Any:
    match node:
        case Sum() | Elementwise() | Chain():
            return replace(node, parts=parts)
        case Big():
            return replace(node, part=parts[0])
        case Fraction():
            return replace(node, top=parts[0], bottom=parts[1])
        case Factor():
            return replace(node, inner=parts[0])
    raise AssertionError(node)
