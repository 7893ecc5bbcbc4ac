"""A parameter may have any name: what the generated module uses itself is not hidden by it."""

import ast
import builtins
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

import rnnsym
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import BACKENDS
from rnnsym.kernels.backends.native.reserved import in_c

TOGETHER = 20  # parameters in one equation


def model(names: list[str]) -> rnnsym.Model:
    """A recurrent network with a parameter of each name."""
    parts = [names[first : first + TOGETHER] for first in range(0, len(names), TOGETHER)]
    lines = [f"mixture_{k}[t] = {' + '.join(f'{name} @ x[t]' for name in part)}" for k, part in enumerate(parts)]
    sums = " + ".join(f"mixture_{k}[t]" for k in range(len(parts)))
    return rnnsym.Model(
        "\n".join([*lines, f"h[t] = tanh(W @ h[t-1] + {sums})", "E[t] = squared_error(target[t], h[t])"])
    )


def is_allowed(name: str) -> bool:
    try:
        rnnsym.Model(f"E[t] = dot({name}, x[t])")
    except RnnsymError:
        return False
    return True


def stored(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def defined(tree: ast.Module) -> set[str]:
    """What stands in a module for all of it."""
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            found |= {(one.asname or one.name).split(".")[0] for one in statement.names}
        else:
            found |= stored(statement)
    return found


def hidden(source: str) -> set[str]:
    """The names of the module, or of Python, that mean something else in one of its functions."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return set().union(*map(stored, functions)) & (defined(tree) | set(dir(builtins)))


@pytest.mark.parametrize(
    ("backend", "optimize"), [("numpy", False), *((name, True) for name in BACKENDS if name != "c")]
)
def test_in_python(backend: str, optimize: bool) -> None:
    if backend != "numpy" and any(find_spec(package) is None for package in BACKENDS[backend].needs):
        pytest.skip(f"the packages of {backend} are not installed")
    plain = rnnsym.generate(model(["U"]), backend=backend, optimize=optimize).source
    tree = ast.parse(plain)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    named = model(sorted(filter(is_allowed, called | defined(tree))))
    assert hidden(rnnsym.generate(named, backend=backend, optimize=optimize).source) <= hidden(plain)


def test_in_c(tmp_path: Path) -> None:
    names = sorted(filter(is_allowed, {*in_c(), "step_1", "linux", "memset", "restrict", "NAN", "problem", "T_"}))
    file = tmp_path / "kernel.c"
    file.write_text(rnnsym.generate(model(names), backend="c").source)
    flags = ["-std=c99", "-O0", "-c", "-Wshadow", "-Werror=shadow", "-o", str(tmp_path / "kernel.o")]
    done = subprocess.run(["cc", *flags, str(file)], capture_output=True, text=True)
    assert not done.returncode, done.stderr[:2000]
