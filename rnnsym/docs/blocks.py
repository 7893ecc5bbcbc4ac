"""Marked blocks in a Markdown file: found, and filled anew, with all around them left byte for byte.

A block stands between two comments. The first says what belongs inside, the second ends it:

    <!-- rnnsym: lstm form=gradients -->
    <!-- /rnnsym -->

Equations of one's own may follow on further lines of the first comment, in the place of a model's name. Comments in
code fences and in code spans are text, not blocks.
"""

from __future__ import annotations

import re
import shlex
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rnnsym.errors import ModelError, Span

OPEN = re.compile(r"<!--[ \t]*rnnsym:(?P<head>[^\r\n]*?)(?:\r?\n(?P<body>.*?))?[ \t]*-->", re.DOTALL)
CLOSE = re.compile(r"<!--[ \t]*/rnnsym[ \t]*-->")
FENCE = re.compile(r"^[ >\t]*(?P<fence>`{3,}|~{3,})[^\n]*$", re.MULTILINE)
SPAN = re.compile(r"(?<![\\`])(?P<ticks>`+)(?!`)")
#: Whatever may begin something, in the order in which a reader meets it.
TOKEN = re.compile(
    rf"(?P<fenced>{FENCE.pattern})|(?P<span>{SPAN.pattern})|(?P<mark><!--[ \t]*/?rnnsym\b)", re.MULTILINE
)


class BlockError(ModelError):
    """A marked block that cannot be read or filled, with its place in the file."""


@dataclass(frozen=True)
class Block:
    """A block as it stands in the file.

    model: the name or path that the comment begins with, if any; equations: those of the comment's further lines.
    options: the rest, as written. line: that of the comment, from 1; start, stop: where the inside lies in the text.
    """

    model: str
    equations: str
    options: dict[str, str]
    line: int
    start: int
    stop: int
    head: Span
    #: What stands before the comment on its line, if that is white space alone; each line of the inside gets it.
    indent: str
    one_line: bool


def find(text: str, name: str) -> list[Block]:
    """The blocks of a file, in order; `name` is the file's, for messages. Raises BlockError."""
    return list(_Finder(text, name).blocks())


def fill(text: str, name: str, write: Callable[[Block], str], is_inline: Callable[[Block], bool]) -> str:
    r"""The text with the inside of each block written anew.

    >>> page = "before\n<!-- rnnsym: form=x -->old<!-- /rnnsym -->\n"
    >>> fill(page, "page.md", lambda block: "new", lambda block: True)
    'before\n<!-- rnnsym: form=x -->new<!-- /rnnsym -->\n'
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    parts, last = [], 0
    for block in find(text, name):
        inside = write(block)
        if is_inline(block):
            inside = " ".join(inside.split())
        else:
            lines = ["", "", *inside.strip("\n").split("\n"), "", ""]
            inside = newline.join(block.indent + line if line else line for line in lines) + block.indent
        parts += [text[last : block.start], inside]
        last = block.stop
    return "".join([*parts, text[last:]])


class _Finder:
    """Reads a file from the front."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.starts = [0, *(found.end() for found in re.finditer(r"\n", text))]

    def blocks(self) -> Iterator[Block]:
        place = 0
        while found := TOKEN.search(self.text, place):
            if found["fenced"] is not None:
                place = self._after_fence(found)
            elif found["span"] is not None:
                place = self._after_span(found)
            else:
                block = self._block(found.start())
                yield block
                closing = CLOSE.match(self.text, block.stop)
                assert closing is not None
                place = closing.end()

    def _after_fence(self, found: re.Match[str]) -> int:
        fence = found["fence"]
        end = re.compile(rf"^[ >\t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*\r?$", re.MULTILINE)
        closing = end.search(self.text, found.end())
        return closing.end() if closing else len(self.text)

    def _after_span(self, found: re.Match[str]) -> int:
        """After a code span; lone ticks, which no others answer in the same paragraph, are text."""
        paragraph = re.compile(r"\r?\n[ \t]*\r?\n").search(self.text, found.end())
        stop = paragraph.start() if paragraph else len(self.text)
        closing = re.compile(rf"(?<!`){found['ticks']}(?!`)").search(self.text, found.end(), stop)
        return closing.end() if closing else found.end()

    def _block(self, place: int) -> Block:
        opening = OPEN.match(self.text, place)
        if opening is None:
            if CLOSE.match(self.text, place):
                raise self.error("this ends a block, and none is open", place)
            raise self.error("this comment cannot be read", place, "write  <!-- rnnsym: MODEL form=gradients -->")
        closing = CLOSE.search(self.text, opening.end())
        following = OPEN.search(self.text, opening.end())
        if closing is None or (following is not None and following.start() < closing.start()):
            raise self.error("this block is not ended", place, "end it with  <!-- /rnnsym -->")
        line = self.line(place)
        before = self.text[self.starts[line - 1] : place]
        column = place - self.starts[line - 1]
        inside = self.text[opening.end() : closing.start()]
        head = Span(line, column, column + len(opening[0].split("\n")[0]))
        model, options = self._words(opening["head"], place)
        return Block(
            model=model,
            equations=opening["body"] or "",
            options=options,
            line=line,
            start=opening.end(),
            stop=closing.start(),
            head=head,
            indent=before if not before.strip(" \t\ufeff") and "\ufeff" not in before else "",
            one_line="\n" not in inside,
        )

    def _words(self, head: str, place: int) -> tuple[str, dict[str, str]]:
        """`MODEL key=value key="a value"`."""
        try:
            words = shlex.split(head)
        except ValueError:
            raise self.error("a quotation mark is not answered", place) from None
        model = words.pop(0) if words and "=" not in words[0] else ""
        options: dict[str, str] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not key:
                raise self.error(f"'{word}' is not key=value", place, 'write for example  form=gradient of="W"')
            if key in options:
                raise self.error(f"{key} is given twice", place, "keep one of them")
            options[key] = value
        return model, options

    def line(self, place: int) -> int:
        return bisect_right(self.starts, place)

    def error(self, problem: str, place: int, advice: str = "") -> BlockError:
        line = self.line(place)
        column = place - self.starts[line - 1]
        end = self.text.find("\n", place)
        length = (len(self.text) if end < 0 else end) - place
        return BlockError(
            f"{self.name}, line {line}: {problem}",
            self.text.replace("\r\n", "\n"),
            Span(line, column, column + length),
            advice,
        )
