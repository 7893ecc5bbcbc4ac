"""Models by name, or as a composition in words: `stack(lstm, 2)`, `task(bidirectional(gru), "many-to-one")`.

The words are read as Python's syntax and never evaluated: calls of the functions below, names of models and literals.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnsym import library
from rnnsym.composition.layers import bidirectional, encoder_decoder, stack
from rnnsym.composition.masks import masked
from rnnsym.composition.tasks import task, tie
from rnnsym.errors import ModelError, RnnsymError, Span, suggestion
from rnnsym.language.model import Model

#: The functions that a composition may call, and how many models each takes first.
COMPOSITIONS: dict[str, tuple[Callable[..., Model], int]] = {
    "stack": (stack, 1),
    "bidirectional": (bidirectional, 1),
    "encoder_decoder": (encoder_decoder, 2),
    "masked": (masked, 1),
    "task": (task, 1),
    "tie": (tie, 1),
}


def load(model: str | os.PathLike[str]) -> Model:
    """A model that is shipped, by its name; one in a file, by its path; or a composition of such models.

    A file that ends in .py has the format of the shipped models; the whole text of any other file is equations.
    A shipped model comes before a file of the same name; `./lstm` is always a file.

    >>> load("rnn").parameters
    ('W', 'U', 'b', 'V', 'c')
    >>> load("stack(rnn, 2)").parameters
    ('W_1', 'U_1', 'b_1', 'W_2', 'U_2', 'b_2', 'V', 'c')
    >>> load("stack(rnn, two)")
    Traceback (most recent call last):
    ...
    rnnsym.errors.ModelError: this is neither a number nor a text
      1 | stack(rnn, two)
        |            ^^^
    write for example  stack(lstm, 2)  or  task(lstm, "many-to-one", loss="squared")
    """
    if isinstance(model, str) and model.rstrip().endswith(")") and "(" in model and not Path(model).exists():
        return _Reader(model.strip()).model()
    return library.load(model)


EXAMPLE = 'write for example  stack(lstm, 2)  or  task(lstm, "many-to-one", loss="squared")'


class _Reader:
    """Reads a composition."""

    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, problem: str, node: ast.AST, advice: str = EXAMPLE) -> ModelError:
        start, stop = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 1)
        return ModelError(problem, self.text, Span(1, start, stop), advice)

    def model(self) -> Model:
        try:
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ModelError("this is neither a model nor a composition of models", self.text, None, EXAMPLE) from None
        return self._model(tree.body)

    def _model(self, node: ast.expr) -> Model:
        match node:
            case ast.Name(id=name):
                return library.load(name)
            case ast.Constant(value=str() as path):
                return library.load(path)
            case ast.Call(func=ast.Name(id=name)) if name in COMPOSITIONS:
                return self._composed(node, *COMPOSITIONS[name])
            case ast.Call(func=ast.Name(id=name)):
                advice = suggestion(name, COMPOSITIONS) or f"there are: {', '.join(COMPOSITIONS)}"
                raise self.error(f"there is no composition '{name}'", node.func, advice)
        raise self.error("this is not a model", node)

    def _composed(self, node: ast.Call, function: Callable[..., Model], models: int) -> Model:
        if len(node.args) < models:
            raise self.error(f"this takes {models} model{'s' * (models > 1)} first", node)
        first = [self._model(argument) for argument in node.args[:models]]
        others = [self._literal(argument) for argument in node.args[models:]]
        named = {str(word.arg): self._literal(word.value) for word in node.keywords}
        try:
            return function(*first, *others, **named)
        except ModelError as error:
            raise error if error.span else self.error(error.problem, node, error.advice) from None
        except (TypeError, ValueError, AttributeError) as error:
            if isinstance(error, RnnsymError):
                raise
            raise self.error(f"these arguments do not fit: {error}", node) from None

    def _literal(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise self.error("this is neither a number nor a text", node) from None
