"""Models by name, or from a file of the user's.

A model file is data: a docstring (its first line is the title, the rest the summary) and assignments of literals to
the names of `FIELDS`. It is parsed and never imported, so a file that came from elsewhere cannot run anything.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnsym.errors import ModelError, Span, UnknownModelError, suggestion

if TYPE_CHECKING:
    from rnnsym.language.model import Model

#: Far more than any model needs; whatever is larger is not a model file.
MAX_BYTES = 1_000_000
#: The family of a model that names none.
OTHER = "other"
#: More names than this are too many for a message.
MANY = 20
#: What every entry of `sources` has to say; any other BibTeX field may follow.
SOURCE_FIELDS = ("key", "type", "author", "title")


@dataclass(frozen=True)
class Declaration:
    """What a model file says, before its equations are read.

    `equations_line` is the line of the file on which the first equation stands; `sources` are BibTeX entries, `claims`
    hand-derived formulas that were published for the model, `bridges` the arrays of other frameworks, `compared` public
    code that computes the same, by its place, and how far it does; models of one `family` stand together in lists.
    """

    name: str
    equations: str
    equations_line: int = 1
    title: str = ""
    summary: str = ""
    family: str = ""
    sizes: dict[str, str | int | tuple[str | int, ...]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    loss: str | tuple[str, ...] | None = None
    symbols: dict[str, str] = field(default_factory=dict)
    sources: tuple[dict[str, str], ...] = ()
    claims: tuple[dict[str, str], ...] = ()
    bridges: dict[str, dict[str, str]] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)


def load(name_or_path: str | os.PathLike[str]) -> Model:
    """A model that is shipped, by its name, or one in a file, by its path.

    A file that ends in .py has the format of the shipped models; the whole text of any other file is equations.
    A shipped model comes before a file of the same name; `./lstm` is always a file.

    >>> load("rnn").parameters
    ('W', 'U', 'b', 'V', 'c')
    >>> load("elmann")
    Traceback (most recent call last):
    ...
    rnnsym.errors.UnknownModelError: there is no model 'elmann': did you mean elman or efla?
    ...
    """
    path = find(name_or_path)
    return _model(_read(path), path)


@lru_cache(maxsize=256)  # nothing changes a model, and to solve its shapes takes longer than all else here
def _model(text: str, path: Path) -> Model:
    found = declaration(text, path)

    from rnnsym.language.model import Model, Source  # imports SymPy, which an unknown name need not wait for

    try:
        return Model(
            found.equations,
            found.sizes,
            inputs=found.inputs,
            fixed=found.fixed,
            loss=found.loss,
            name=found.name,
            title=found.title,
            summary=found.summary,
            symbols=found.symbols,
            bridges=found.bridges,
            sources=[
                Source(entry["key"], tuple((name, value) for name, value in entry.items() if name != "key"))
                for entry in found.sources
            ],
        )
    except ModelError as error:
        raise _in_file(error, path, found.equations_line) from None


def available() -> tuple[str, ...]:
    """The names of the models that are shipped.

    >>> {"rnn", "lstm", "gru"} <= set(available())
    True
    """
    return tuple(path.stem for path in _shipped())


def titles() -> dict[str, str]:
    """The title of each shipped model by its name; no equation is read for it.

    >>> titles()["lstm"]
    'Long short-term memory'
    """
    return {path.stem: declaration(_read(path), path).title for path in _shipped()}


def families() -> dict[str, tuple[str, ...]]:
    """The names of the shipped models by family, both in alphabetical order; no equation is read for it.

    >>> "gru" in families()["gated"]
    True
    """
    found: dict[str, list[str]] = {}
    for path in _shipped():
        found.setdefault(declaration(_read(path), path).family or OTHER, []).append(path.stem)
    return {family: tuple(found[family]) for family in sorted(found)}


def _shipped() -> list[Path]:
    return sorted(folder().glob("*.py"))


def folder() -> Path:
    """Where the shipped models lie: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "derivations"
    return installed if installed.is_dir() else package.parent / "derivations"


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model; raises UnknownModelError where there is none."""
    if isinstance(name_or_path, str) and ("\n" in name_or_path or "=" in name_or_path):
        raise UnknownModelError("this is neither a name nor a path: equations go into rnnsym.Model(equations)")
    path = Path(name_or_path)
    if name_or_path in (names := available()):
        return folder() / f"{name_or_path}.py"
    if path.is_file() or (path.exists() and not path.is_dir()):  # a pipe is as good as a file
        return path
    if path.is_dir():
        raise UnknownModelError(f"{name_or_path} is a folder: name the model's file")
    is_path = isinstance(name_or_path, os.PathLike) or path.name != name_or_path or bool(path.suffix)
    problem = f"there is no file {name_or_path}" if is_path else f"there is no model '{name_or_path}'"
    advice = suggestion(path.stem.lower(), names) or "name one of these, or the path of a file"
    every = f"the models are: {', '.join(names)}" if len(names) <= MANY else f"`rnnsym models` lists all {len(names)}"
    raise UnknownModelError(f"{problem}: {advice}\n{every}")


def declaration(text: str, path: Path) -> Declaration:
    """What the text of a model file declares.

    >>> declaration("equations = 'y = x'", Path("identity.py")).equations
    'y = x'

    Raises ModelError, with the file and the line, where it is not in the format.
    """
    if path.suffix == ".py":
        return _Reader(text, path).declaration()
    first = next((number for number, line in enumerate(text.split("\n"), 1) if line.strip()), 1)
    return Declaration(path.stem, text, first)


def _read(path: Path) -> str:
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ModelError(f"{path} is larger than {MAX_BYTES:,} bytes: this is not a model file")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ModelError(f"{path}, line {line}: this is not UTF-8 text", advice="save the file as UTF-8") from None


def _in_file(error: ModelError, path: Path, first_line: int) -> ModelError:
    """The same error with its place in the file instead of in the equations."""
    if error.span is None:
        return ModelError(f"{path}: {error.problem}", advice=error.advice)
    shift = first_line - 1
    span = replace(error.span, line=error.span.line + shift)
    return ModelError(f"{path}, line {span.line}: {error.problem}", "\n" * shift + error.text, span, error.advice)


class _Reader:
    """Reads a model file in Python's syntax, refusing all that is not data."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path
        self.lines = text.split("\n")

    def declaration(self) -> Declaration:
        module = self._parsed()
        values: dict[str, Any] = {}
        for position, statement in enumerate(module.body):
            if position == 0 and ast.get_docstring(module) is not None:
                continue
            target, value = self._assignment(statement)
            if target.id in values:
                raise self.error(f"{target.id} is given twice", target, "keep one of them")
            values[target.id] = FIELDS[target.id](self, value)
        if "equations" not in values:
            raise ModelError(
                f"{self.path}: the file has no equations", advice='add  equations = """..."""  with one equation a line'
            )
        values["equations"], values["equations_line"] = values["equations"]
        title, _, summary = (ast.get_docstring(module) or "").partition("\n")
        return Declaration(self.path.stem, title=title.rstrip("."), summary=summary.strip(), **values)

    def error(self, problem: str, node: ast.AST, advice: str = "") -> ModelError:
        start = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        stop = getattr(node, "end_lineno", start[0]), getattr(node, "end_col_offset", start[1] + 1)
        row = self.lines[start[0] - 1].encode()
        column = len(row[: start[1]].decode(errors="ignore"))  # Python counts bytes
        end = len(row[: stop[1]].decode(errors="ignore")) if stop[0] == start[0] else len(row.decode())
        place = Span(start[0], column, max(end, column + 1))
        return ModelError(f"{self.path}, line {place.line}: {problem}", self.text, place, advice)

    def _parsed(self) -> ast.Module:
        try:
            with warnings.catch_warnings():
                # LaTeX in a string that is not raw: `symbols` says so better.
                warnings.simplefilter("ignore")
                return ast.parse(self.text)
        except SyntaxError as error:
            line, start = error.lineno or 1, max((error.offset or 1) - 1, 0)
            stop = error.end_offset - 1 if error.end_offset and error.end_lineno == line else start + 1
            problem = f"{self.path}, line {line}: this cannot be read: {error.msg}"
            raise ModelError(problem, self.text, Span(line, start, max(stop, start + 1)), HINT) from None
        except (RecursionError, MemoryError, ValueError):
            problem = f"{self.path}: this cannot be read: it is nested too deeply, or holds a null byte"
            raise ModelError(problem, advice=HINT) from None

    def _assignment(self, statement: ast.stmt) -> tuple[ast.Name, ast.expr]:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise self.error("a model file holds assignments only", statement, HINT)
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            raise self.error("a model file assigns to plain names only", target, HINT)
        if target.id not in FIELDS:
            advice = suggestion(target.id, FIELDS) or f"the names are: {', '.join(FIELDS)}"
            raise self.error(f"a model file has no '{target.id}'", target, advice)
        return target, statement.value

    # Values

    def literal(self, node: ast.expr) -> Any:
        """The value of a literal; nothing is evaluated."""
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            parts = (part for part in ast.walk(node) if isinstance(part, ast.expr))
            culprit = next((part for part in parts if not isinstance(part, PLAIN)), node)
            raise self.error(
                "this is not a literal, and a model file is not executed",
                culprit,
                "write the text or the number itself, in lists, tuples and dictionaries as needed",
            ) from None

    def equations(self, node: ast.expr) -> tuple[str, int]:
        """The text, and the line of the file on which its first equation stands."""
        text = self.literal(node)
        if not isinstance(text, str):
            raise self.error('equations is one text: """..."""', node)
        rows = self.lines[node.lineno - 1 : node.end_lineno]
        first = next((line.strip() for line in text.split("\n") if line.strip()), "")
        return text, next((number for number, row in enumerate(rows, node.lineno) if first in row), node.lineno)

    def text_alone(self, node: ast.expr) -> str:
        value = self.literal(node)
        if not isinstance(value, str):
            raise self.error("this is one text", node, 'write  "gated"')
        return value

    def sizes(self, node: ast.expr) -> dict[str, Any]:
        value = self.literal(node)
        found: dict[Any, Any] = value if isinstance(value, dict) else {None: None}
        parts = [part for size in found.values() for part in (size if isinstance(size, tuple) else (size,))]
        if not all(isinstance(name, str) for name in found) or any(type(part) not in (str, int) for part in parts):
            raise self.error("sizes names the size of variables", node, 'write  {"x": "m", "W": ("n", "n"), "k": 3}')
        return found

    def names(self, node: ast.expr) -> tuple[str, ...]:
        value = self.literal(node)
        if not isinstance(value, tuple | list) or not all(isinstance(name, str) for name in value):
            raise self.error("this is a list of names", node, 'write  ("x", "target")  with a comma after a single one')
        return tuple(value)

    def loss(self, node: ast.expr) -> str | tuple[str, ...]:
        value = self.literal(node)
        return value if isinstance(value, str) else self.names(node)

    def symbols(self, node: ast.expr) -> dict[str, str]:
        value = self.texts(node)
        for name, latex in value.items():
            if not latex.isprintable():
                raise self.error(
                    f"the LaTeX of {name} holds a control character", node, r'a backslash needs a raw string: r"\theta"'
                )
        return value

    def texts(self, node: ast.expr) -> dict[str, str]:
        """A dictionary of texts, plain numbers written out."""
        value = self.literal(node)
        if not isinstance(value, dict) or not all(
            isinstance(name, str) and type(part) in (str, int) for name, part in value.items()
        ):
            raise self.error("this is a dictionary of texts", node, 'write  {"name": "text"}')
        return {name: str(part) for name, part in value.items()}

    def entries(self, node: ast.expr) -> tuple[dict[str, str], ...]:
        """A list of dictionaries of texts."""
        if not isinstance(node, ast.List | ast.Tuple):
            raise self.error("this is a list of dictionaries", node, 'write  [{"key": "..."}]')
        return tuple(self.texts(entry) for entry in node.elts)

    def bridges(self, node: ast.expr) -> dict[str, dict[str, str]]:
        """For each framework the arrays in which it keeps the parameters."""
        if not isinstance(node, ast.Dict):
            raise self.error("bridges is a dictionary of dictionaries", node, 'write  {"torch": {"weight": "W"}}')
        names = [self.literal(key) if key is not None else None for key in node.keys]
        return {str(name): self.texts(value) for name, value in zip(names, node.values, strict=True)}

    def places(self, node: ast.expr) -> dict[str, str]:
        """Files of public repositories, and what is said of each."""
        found = self.texts(node)
        for place in found:
            if not re.fullmatch(r"[\w.-]+/[\w.-]+: [\w./-]+", place, re.ASCII):
                advice = 'write  {"owner/repository: path/of/the/file": "same equations"}'
                raise self.error(f"'{place}' is no file of a repository", node, advice)
        return found

    def sources(self, node: ast.expr) -> tuple[dict[str, str], ...]:
        found = self.entries(node)
        for entry, place in zip(found, ast.iter_child_nodes(node), strict=False):
            missing = [name for name in SOURCE_FIELDS if not entry.get(name)]
            if missing:
                raise self.error(f"this source has no {' and no '.join(missing)}", place, "sources are BibTeX entries")
            if not re.fullmatch(r"[A-Za-z][\w:.+/-]*", entry["key"], re.ASCII):
                raise self.error(f"'{entry['key']}' cannot be a BibTeX key", place)
            if [other["key"] for other in found].count(entry["key"]) > 1:
                raise self.error(f"the source {entry['key']} is given twice", place, "keep one of them")
        return found


#: The syntax that by itself can be part of a literal.
PLAIN = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp, ast.BinOp)

HINT = 'a model file is a docstring and assignments such as  equations = """..."""  and  sizes = {"x": "m"}'

#: The names that a model file may assign, each with what reads its value.
FIELDS: dict[str, Callable[[_Reader, ast.expr], Any]] = {
    "equations": _Reader.equations,
    "family": _Reader.text_alone,
    "sizes": _Reader.sizes,
    "inputs": _Reader.names,
    "fixed": _Reader.names,
    "loss": _Reader.loss,
    "symbols": _Reader.symbols,
    "sources": _Reader.sources,
    "claims": _Reader.entries,
    "bridges": _Reader.bridges,
    "compared": _Reader.places,
}
