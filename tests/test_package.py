"""The package itself: its public names, and what importing it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnsym


@pytest.mark.parametrize("name", rnnsym.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rnnsym, name)
    assert name in dir(rnnsym)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'rnnsym' has no attribute 'nothing'"):
        rnnsym.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(rnnsym.__file__).parent / "py.typed").is_file()
