"""The way of the data: imports point down the list of stages only."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rnnsym

ROOT = Path(rnnsym.__file__).parent
#: From the ground up; a module may import from its own layer and from those before it.
LAYERS = (
    ("errors", "files", "operation_kinds", "operations", "version"),
    ("language",),
    ("library",),
    ("equations",),
    ("calculus",),
    ("notation",),
    ("composition",),
    ("drawing",),
    ("forms",),
    ("derivation",),
    ("kernels",),
    ("bridges",),
    ("checks",),
    ("claims",),
    ("proof",),
    ("pipeline", "testing"),
    ("dynamics",),
    ("verify",),
    ("docs",),
    ("cli", "__main__"),
)
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py" and "derivations" not in path.parts)


def imported(path: Path) -> set[str]:
    """The parts of rnnsym that a module imports, wherever in the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rnnsym."):
            found.add(node.module.split(".")[1])
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("rnnsym.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert own in HEIGHT, f"give {own} a place in LAYERS"
    for name in imported(path):
        assert HEIGHT[name] <= HEIGHT[own], f"{own} must not import {name}"


def modules_imported(path: Path, known: frozenset[str]) -> set[str]:
    """The modules of rnnsym that a module imports, wherever in the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {name if (name := f"{node.module}.{alias.name}") in known else node.module for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def test_no_imports_in_a_circle() -> None:
    """Imports inside functions count too: they hide circles, and do not break them."""
    paths = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in MODULES}
    known = frozenset(paths)
    try:
        TopologicalSorter({name: modules_imported(path, known) for name, path in paths.items()}).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_evaluated(path: Path) -> None:
    """Text from a person is parsed; `exec` runs in one place, on code that rnnsym itself generated."""
    allowed = {"exec", "compile"} if path.name == "kernel.py" else set()
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        and not (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "re")
    }  # fmt: skip
    assert not calls & ({"eval", "exec", "compile", "sympify", "parse_expr", "parse_latex", "lambdify"} - allowed)


def test_models_are_data() -> None:
    """Nothing under rnnsym/ knows a model by name."""
    names = {path.stem for path in (ROOT.parent / "derivations").glob("*.py")} - {"__init__", "neuron", "rnn"}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        strings = [
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in documentation
        ]
        assert not [text for text in strings if text in names], path
