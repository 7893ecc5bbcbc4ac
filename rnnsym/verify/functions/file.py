"""Judging the functions in a person's own Python file, which is run for that."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnsym.errors import RnnsymError, suggestion
from rnnsym.language.model import Model
from rnnsym.verify.functions.calls import Function
from rnnsym.verify.functions.result import FunctionResult
from rnnsym.verify.functions.verify import verify_function

#: What the arguments of a function that is judged are called.
ARGUMENTS = ("params", "inputs")
#: The variable of a file that holds options for all of its functions.
OPTIONS = "verify_options"


def verify_file(model: Model, path: str | Path, **options: Any) -> dict[str, FunctionResult]:
    """Judge the hand-written backward passes in a Python file, each by `verify_function`.

    path: the file, or `file.py:function` for one function of it. Without a name every function of the file is judged
    whose first two arguments are called params and inputs. options: those of `verify_function`; a dictionary
    `verify_options` in the file stands behind them.

    The file is the user's own program: it is imported, so what stands in it is run, as by `python file.py`. Raises
    RnnsymError where it cannot be read or holds no such function.
    """
    name = ""
    if not Path(path).exists() and ":" in str(path):
        path, _, name = str(path).rpartition(":")
    place = Path(path)
    if not place.is_file():
        raise RnnsymError(f"there is no file {place}")
    with loaded(place) as module:
        known = dict(getattr(module, OPTIONS, {})) | options
        return {shown: verify_function(model, function, **known) for shown, function in _chosen(module, place, name)}


def _chosen(module: ModuleType, place: Path, name: str) -> Iterator[tuple[str, Function]]:
    """The functions of a module that are to be judged, in the order of the file."""
    own = {key: value for key, value in vars(module).items() if callable(value) and not key.startswith("_")}
    if name:
        if name not in own:
            known = [key for key, value in own.items() if getattr(value, "__module__", "") == module.__name__]
            raise RnnsymError(
                f"{place} has no function {name!r}; "
                + (suggestion(name, known) or f"it has {', '.join(known) or 'none'}")
            )
        yield name, own[name]
        return
    found = [(key, value) for key, value in own.items() if _is_meant(value, module)]
    if not found:
        raise RnnsymError(
            f"{place} has no function of the arguments params and inputs; write  def backward(params, inputs): ...  "
            f"which returns a dictionary of gradients, or name one:  {place}:function"
        )
    yield from found


def _is_meant(value: Any, module: ModuleType) -> bool:
    if not inspect.isfunction(value) or value.__module__ != module.__name__:
        return False
    return tuple(inspect.signature(value).parameters)[:2] == ARGUMENTS


@contextmanager
def loaded(place: Path) -> Iterator[ModuleType]:
    """A file as a module, which finds its neighbours as a program does; it is forgotten afterwards."""
    name = f"rnnsym_user_{place.stem}"
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise RnnsymError(f"{place} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    before: Mapping[str, ModuleType] = dict(sys.modules)
    sys.modules[name] = module
    sys.path.insert(0, str(place.resolve().parent))
    try:
        spec.loader.exec_module(module)
        yield module
    except (SyntaxError, ImportError, NameError) as problem:
        line = f", line {problem.lineno}" if isinstance(problem, SyntaxError) else ""
        raise RnnsymError(f"{place}{line} cannot be run: {type(problem).__name__}: {problem}") from None
    finally:
        sys.path.remove(str(place.resolve().parent))
        for added in set(sys.modules) - set(before):
            where = getattr(sys.modules[added], "__file__", None)
            if added == name or (where and Path(where).parent == place.resolve().parent):
                del sys.modules[added]
