"""Errors for the person: what was wrong, where, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of the model's text: `line` counts from 1, `start` and `stop` are columns from 0."""

    line: int
    start: int
    stop: int


#: The longest stretch of a line that a message shows.
EXCERPT = 100


class RnnsymError(Exception):
    """Base of every error that rnnsym raises on purpose; its text is meant to be read by a person."""


class ModelError(RnnsymError):
    """A model that cannot be read, with the place in its text.

    >>> print(ModelError("unknown function 'tahn'", "h[t] = tahn(x[t])", Span(1, 7, 11), "did you mean tanh?"))
    unknown function 'tahn'
      1 | h[t] = tahn(x[t])
        |        ^^^^
    did you mean tanh?
    """

    def __init__(self, problem: str, text: str = "", span: Span | None = None, advice: str = "") -> None:
        self.problem = problem
        self.text = text
        self.span = span
        self.advice = advice
        super().__init__(self.__str__())

    def __str__(self) -> str:
        lines = [self.problem]
        if self.span is not None:
            lines += excerpt(self.text, self.span)
        if self.advice:
            lines.append(self.advice)
        return "\n".join(lines)


def excerpt(text: str, span: Span) -> list[str]:
    """The line that `span` points into, with carets under the place."""
    rows = text.split("\n")
    row = rows[min(span.line, len(rows)) - 1]
    number = str(span.line)
    start = min(span.start, len(row))
    if len(row) > EXCERPT:  # a window around the place
        first = max(0, min(start - EXCERPT // 3, len(row) - EXCERPT))
        row = ("…" if first else "") + row[first : first + EXCERPT] + ("…" if first + EXCERPT < len(row) else "")
        moved = first - (1 if first else 0)
        start, span = start - moved, Span(span.line, span.start - moved, span.stop - moved)
    width = max(1, min(span.stop, max(len(row), start + 1)) - start)
    # A tab before the place must stay a tab under it, or the caret is set off.
    indent = "".join("\t" if character == "\t" else " " for character in row[:start])
    return [f"  {number} | {row}", f"  {' ' * len(number)} | {indent}{'^' * width}"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for a misspelt name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else ""


class UnknownModelError(RnnsymError):
    """No model of that name is shipped, and no file of that name is there."""


class ShapeError(RnnsymError):
    """An array handed to a kernel or a check does not have the shape that the model's equations give it."""
