"""What commands say to a terminal and to files: results, complaints, and that work goes on."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rnnsym.language.model import Model

#: Exit codes.
CHECK_FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
#: What a shell reports of a program that a closed pipe ends.
PIPE_CLOSED = 141
#: How long a command works before it says so.
PATIENCE = 1.0


def complain(problem: str) -> int:
    """Say what is wrong with the input; the exit code for it."""
    print(f"rnnsym: {problem}", file=sys.stderr)
    return BAD_INPUT


def loaded(name: str) -> Model:
    """A model by its name or path; how it was read is said where a person may mean something else."""
    import rnnsym

    model = rnnsym.load(name)
    for remark in model.remarks:
        print(f"rnnsym: {name}: {remark}", file=sys.stderr)
    return model


def deliver(text: str, options: argparse.Namespace) -> int:
    """To the file that was asked for, or to standard output."""
    from rnnsym.files import write_text

    text = text.rstrip("\n") + "\n"
    if options.output is None or options.output == "-":
        sys.stdout.write(text)
        return 0
    try:
        write_text(options.output, text, force=options.force)
    except FileExistsError:
        return complain(f"{options.output} is there already: --force overwrites it")
    return 0


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Say on a terminal what goes on, once it has taken a while."""
    if not sys.stderr.isatty():
        yield
        return
    lock, ended, shown = threading.Lock(), False, contextlib.ExitStack()

    def show() -> None:
        from rich.console import Console

        with lock:
            if not ended:
                shown.enter_context(Console(stderr=True).status(f"{what} ..."))

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended = True
            shown.close()


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def never_fail_to_encode(stream: TextIO) -> None:
    """A terminal without σ shows its escape instead of ending the program."""
    with contextlib.suppress(AttributeError, ValueError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
