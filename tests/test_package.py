"""The package itself: its public names, and what importing it costs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import rnnsym


@pytest.mark.parametrize("name", rnnsym.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rnnsym, name)
    assert name in dir(rnnsym)


def test_every_lazy_name_is_public() -> None:
    assert {*rnnsym._HOMES, "__version__"} == set(rnnsym.__all__)
    assert rnnsym.__all__ == sorted(rnnsym.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'rnnsym' has no attribute 'nothing'"):
        rnnsym.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, rnnsym; sys.exit(any(name in sys.modules for name in ('sympy', 'numpy', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_function_crosscheck_is_not_hidden_by_the_folder() -> None:
    importlib.import_module("rnnsym.crosscheck.reference")
    assert callable(rnnsym.crosscheck)


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(rnnsym.__file__).parent / "py.typed").is_file()
