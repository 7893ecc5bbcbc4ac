"""What a kind of block is: its name, its options, and the function that writes its inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from rnnsym.derivation import Derivation
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.library import available, load
from rnnsym.pipeline import derive


class OptionError(RnnsymError):
    """An option of a block has a value that it cannot have."""


@dataclass(frozen=True)
class Option:
    """An option of a kind: `read` makes a value of the text, and raises OptionError for one that it cannot be.

    default: the text where the option is left out; None where it must be given.
    """

    name: str
    about: str
    default: str | None = None
    read: Callable[[str], Any] = str


@dataclass(frozen=True)
class Request:
    """What a kind is asked to write.

    model: None for kinds that need none. options: every option of the kind, read. folder: that of the Markdown file,
    where other files are named from. run: whether code of the page's may be run. pictures: files that belong beside the
    page, by their paths; a kind adds its own.
    """

    model: Model | None
    options: dict[str, Any]
    folder: Path = Path()
    run: bool = False
    inside: str = ""
    pictures: dict[Path, str] = field(default_factory=dict)

    def __getitem__(self, option: str) -> Any:
        return self.options[option]

    @property
    def subject(self) -> Model:
        """The model, for kinds that have one."""
        assert self.model is not None
        return self.model

    @cached_property
    def derivation(self) -> Derivation:
        return derived(self.subject)


@dataclass(frozen=True)
class Kind:
    """One form of block. `about` is a line for its users; `inline` kinds write a part of a sentence."""

    name: str
    about: str
    write: Callable[[Request], str]
    options: tuple[Option, ...] = ()
    needs_model: bool = True
    inline: bool = False
    #: Whether it prints equations, and so has the options that choose a notation.
    notation: bool = False
    #: Whether it runs code that stands in the page; left alone unless that is asked for.
    runs_code: bool = False


def choice(*values: str) -> Callable[[str], str]:
    """Reads one of a few words."""

    def read(text: str) -> str:
        if text not in values:
            raise OptionError(f"is one of {', '.join(values)}, not '{text}'")
        return text

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text[:9]) <= most:
            raise OptionError(f"is a whole number from {least} to {most}, not '{text}'")
        return int(text)

    return read


def numbers(text: str) -> tuple[float, ...]:
    """Reads `0.5,1,1.5`."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"is a list of numbers such as 0.5,1, not '{text}'") from None


def words(text: str) -> tuple[str, ...]:
    """Reads `tanh,relu`."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def named(name: str, folder: Path) -> Model:
    """A shipped model, or one in a file named from the folder of the page."""
    if name in available():
        return _shipped(name)
    beside = folder / name
    return load(beside) if beside.is_file() else load(name)


# A page has many blocks of one model: what was made for the last few is kept.


@lru_cache(maxsize=16)
def _shipped(name: str) -> Model:
    return load(name)


@lru_cache(maxsize=4)
def derived(model: Model) -> Derivation:
    """The derivation of a model."""
    return derive(model)


# Markdown


def fenced(text: str, language: str) -> str:
    """A block of code; the fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def display(rows: Iterable[str]) -> str:
    """Rows of an aligned formula."""
    body = " \\\\\n".join(rows)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], numeric: int = -1) -> str:
    """A table; columns from `numeric` on are set flush right."""
    head = list(head)
    rule = ["--:" if 0 <= numeric <= place else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def folded(summary: str, inside: str, heading: str = "") -> str:
    """A part that is shown on demand; with `heading`, a tag such as h2, its title is one of the page's."""
    title = f"<{heading}>{summary}</{heading}>" if heading else summary
    return f'<details markdown="1">\n<summary>{title}</summary>\n\n{inside.strip()}\n\n</details>'
