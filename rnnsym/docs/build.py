"""What `rnnsym docs` does: pages and blocks brought up to date, or only compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnnsym.docs.filling import filled
from rnnsym.docs.overview import pages
from rnnsym.docs.pages import MARK
from rnnsym.errors import RnnsymError
from rnnsym.files import write_text


@dataclass(frozen=True)
class Document:
    """A file as it stands (None: it is not there) and as it should be (None: it should not be there)."""

    path: Path
    before: str | None
    after: str | None

    @property
    def is_stale(self) -> bool:
        return self.before != self.after


def documents(files: list[Path], folder: Path, run: bool = False) -> Iterator[Document]:
    """The files that are named; without any, the generated pages and every Markdown file below `folder`.

    Raises BlockError where a block cannot be read, RnnsymError where a file or the folder cannot.
    """
    if files:
        for path in files:
            yield from with_blocks(path, run)
        return
    if not folder.is_dir():
        raise RnnsymError(f"there is no folder {folder} here: name Markdown files, or the folder by --folder")
    generated = {folder / name: text for name, text in pages()}
    for path, text in generated.items():
        yield _document(path, text)
    for path in sorted(folder.rglob("*.md")):
        if path in generated:
            continue
        if MARK in _read(path):  # of a model that is gone
            yield Document(path, _read(path), None)
        else:
            yield from with_blocks(path, run)


def with_blocks(path: Path, run: bool = False) -> Iterator[Document]:
    """A Markdown file with its blocks written anew, and the pictures that they put beside it."""
    before = _read(path)
    pictures: dict[Path, str] = {}
    yield Document(path, before, filled(before, path, run, pictures))
    for target, picture in pictures.items():
        yield _document(target, picture)


def _document(path: Path, after: str) -> Document:
    return Document(path, _read(path) if path.exists() else None, after)


def save(document: Document) -> None:
    """Put a file in its place, whole or not at all."""
    if document.after is None:
        document.path.unlink()
        return
    document.path.parent.mkdir(parents=True, exist_ok=True)
    write_text(document.path, document.after, force=True)


def _read(path: Path) -> str:
    """The text as it is: line endings and byte order mark kept."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise RnnsymError(f"{path}: this is not UTF-8 text (byte {error.start})") from None
