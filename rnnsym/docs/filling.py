"""Blocks filled: the table of kinds, and the way from a block's comment to what stands inside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rnnsym.docs import curves, flows, formulas, notations, numbers, products, programs, through_time
from rnnsym.docs.blocks import Block, BlockError, fill
from rnnsym.docs.kinds import Kind, Option, OptionError, Request, named, table, words
from rnnsym.errors import ModelError, RnnsymError, Span, suggestion
from rnnsym.language.model import Model
from rnnsym.library import titles

DEFAULT = "recurrence"
#: What belongs to every kind with a model whose equations stand in the comment.
INLINE_MODEL = (
    Option("sizes", "with equations in the comment: sizes by name, as in sizes=x:m,h:n", ""),
    Option("inputs", "with equations in the comment: variables without time that are handed in", "", words),
)


def model_table(request: Request) -> str:
    """The shipped models."""
    return table(("model", "what it is"), ((f"`{name}`", title) for name, title in titles().items()))


def kind_table(request: Request) -> str:
    """What this table holds."""
    rows = []
    for kind in KINDS.values():
        shown = [
            option.name if option.default is None else f"{option.name}={option.default}" for option in kind.options
        ]
        shown = [f"`{text}`" for text in shown] + ["*notation*"] * kind.notation
        rows.append((f"`{kind.name}`", kind.about, " ".join(shown)))
    return table(("form", "writes", "options"), rows)


def notation_table(request: Request) -> str:
    """The options that every kind with *notation* in its row has."""
    return table(("option", "chooses"), ((f"`{option.name}`", option.about) for option in notations.OPTIONS))


#: Every kind of block, by its name: what `form=` may say.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *formulas.KINDS,
        *through_time.KINDS,
        *numbers.KINDS,
        *products.KINDS,
        *curves.KINDS,
        *flows.KINDS,
        *programs.KINDS,
        Kind("models", "the table of shipped models", model_table, needs_model=False),
        Kind("kinds", "the table of forms", kind_table, needs_model=False),
        Kind("notations", "the table of options that choose a notation", notation_table, needs_model=False),
    )
}


def filled(text: str, path: Path, run: bool = False, pictures: dict[Path, str] | None = None) -> str:
    """The text of a Markdown file with every block written anew.

    path: where the file stands, for messages, and for the files that blocks name. run: whether Python in the page may
    be run; where not, blocks of that kind stay as they are. pictures: where those that belong beside the page are put.
    Raises BlockError with the line.
    """
    pictures = {} if pictures is None else pictures

    def write(block: Block) -> str:
        kind, request = _request(block, text, path, run)
        request = dataclasses.replace(request, pictures=pictures)
        try:
            return request.inside if kind.runs_code and not run else kind.write(request)
        except ModelError as error:
            raise _at(block, text, path, error.problem, "") from None
        except RnnsymError as error:
            raise _at(block, text, path, str(error), "") from None

    return fill(text, str(path), write, lambda block: KINDS[block.options.get("form", DEFAULT)].inline)


def written(name: str, model: Model | None, **options: str) -> str:
    """What a block of a kind holds, without a file around it: `written("gradients", model, format="text")`."""
    kind = KINDS[name]
    return kind.write(Request(model, _read(kind, options)))


def _request(block: Block, text: str, path: Path, run: bool) -> tuple[Kind, Request]:
    """What a block asks for; every option read."""
    name = block.options.get("form", DEFAULT)
    kind = KINDS.get(name)
    if kind is None:
        advice = suggestion(name, KINDS) or f"the forms are: {', '.join(KINDS)}"
        raise _at(block, text, path, f"there is no form '{name}'", advice)
    options = {key: value for key, value in block.options.items() if key != "form"}
    declared = {option.name: options.pop(option.name) for option in INLINE_MODEL if option.name in options}
    try:
        values = _read(kind, options)
        if declared and not block.equations:
            raise OptionError(f"{next(iter(declared))}: goes with equations in the comment")
        model = _model(block, kind, declared, path) if kind.needs_model else None
    except OptionError as error:
        raise _at(block, text, path, f"form={name}: {error}" if kind.options else str(error), "") from None
    except ModelError as error:
        if block.equations and error.span is not None:
            span = dataclasses.replace(error.span, line=error.span.line + block.line)
            problem = f"{path}, line {span.line}: {error.problem}"
            raise BlockError(problem, "\n" * block.line + error.text, span, error.advice) from None
        raise _at(block, text, path, str(error), "") from None
    except RnnsymError as error:
        raise _at(block, text, path, str(error), "") from None
    if not kind.needs_model and (block.model or block.equations):
        raise _at(block, text, path, f"form={name} takes no model", "leave the name out")
    inside = text[block.start : block.stop]
    return kind, Request(model, values, path.parent, run, inside)


def _read(kind: Kind, options: dict[str, str]) -> dict[str, Any]:
    """The options of a kind, as values."""
    known = {option.name: option for option in (*kind.options, *(notations.OPTIONS if kind.notation else ()))}
    for name in options:
        if name not in known:
            advice = suggestion(name, known) or (f"there are: {', '.join(known)}" if known else "it has none")
            raise OptionError(f"there is no option '{name}': {advice}")
    values = {}
    for name, option in known.items():
        given = options.get(name, option.default)
        if given is None:
            raise OptionError(f"{name}= is missing: {option.about}")
        try:
            values[name] = option.read(given)
        except OptionError as error:
            raise OptionError(f"{name} {error}") from None
    return values


def _model(block: Block, kind: Kind, declared: dict[str, str], path: Path) -> Model:
    """The model that a block names, or the one that its comment holds."""
    if block.equations and block.model:
        raise OptionError("a block has the name of a model or equations, not both")
    if block.equations:
        sizes = {}
        for part in words(declared.get("sizes", "")):
            name, colon, size = part.partition(":")
            if not colon:
                raise OptionError(f"sizes: '{part}' is not name:size")
            sizes[name] = () if size == "1" else size
        inputs = words(declared.get("inputs", ""))
        return Model(block.equations, sizes, inputs=inputs)
    if not block.model:
        raise OptionError("the block names no model: write  <!-- rnnsym: MODEL form=... -->")
    return named(block.model, path.parent)


def _at(block: Block, text: str, path: Path, problem: str, advice: str) -> BlockError:
    problem = f"{path}, line {block.line}: {problem}"
    return BlockError(problem, text.replace("\r\n", "\n"), Span(block.line, block.head.start, block.head.stop), advice)
