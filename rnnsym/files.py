"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path


def write_text(path: str | os.PathLike[str], text: str, *, force: bool = False) -> Path:
    r"""Write a file as UTF-8: whole or, where anything goes wrong, not at all. Returns its path.

    An existing file is left alone, with FileExistsError, unless `force` is given. Every failure is an OSError that
    names the path.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "kernel.py"
    ...     write_text(target, "first\n").name
    ...     try:
    ...         write_text(target, "second\n")
    ...     except FileExistsError as error:
    ...         print(error.strerror)
    ...     target.read_text()
    'kernel.py'
    the file is there already, and is not overwritten without force
    'first\n'
    """
    return _write(path, text.encode("utf-8"), force)


def _write(path: str | os.PathLike[str], content: bytes, force: bool) -> Path:
    try:
        mode: int | None = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        # A folder, which open() refuses by name; or a device or pipe such as /dev/null, which must not be replaced.
        with open(path, "wb") as device:
            device.write(content)
        return Path(path)
    if mode is not None and not force:
        problem = "the file is there already, and is not overwritten without force"
        raise FileExistsError(errno.EEXIST, problem, os.fspath(path))
    _replace(path, content, _new_file_mode() if mode is None else stat.S_IMODE(mode))
    return Path(path)


def write_bytes(path: str | os.PathLike[str], content: bytes, *, force: bool = False) -> Path:
    """Write a file that is not text, in the same way."""
    return _write(path, content, force)


def _replace(path: str | os.PathLike[str], content: bytes, mode: int) -> None:
    """Write beside the target, then take its name: the rename within one folder is atomic."""
    target = Path(os.path.realpath(path))  # a link stays a link, to the new content
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{target.name[:32]}.", suffix=".part", dir=target.parent)
    except OSError as error:  # it would name the scratch file
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.chmod(scratch, mode)
        os.replace(scratch, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise


def _new_file_mode() -> int:
    """The permissions that open() would give; mkstemp gives them to the owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
