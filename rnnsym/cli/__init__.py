"""The command line: `rnnsym models | derive | cite | draw | flow | export | verify | crosscheck | docs`.

Exit codes: 0 good, 1 a check failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from rnnsym.cli.arguments import parser
from rnnsym.cli.terminal import BAD_INPUT, INTERRUPTED, PIPE_CLOSED, complain, never_fail_to_encode
from rnnsym.errors import RnnsymError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code; never a traceback for what a person can put right.

    >>> main(["--version"]) == 0
    rnnsym ...
    True
    """
    never_fail_to_encode(sys.stdout)
    never_fail_to_encode(sys.stderr)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough. What is left in the buffer must not raise again when Python exits.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except RnnsymError as error:
        return complain(str(error))
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    return code


def _run(arguments: Sequence[str] | None) -> int:
    whole = parser()
    try:
        options = whole.parse_args(arguments)
    except SystemExit as stop:  # after --help, --version or a message about the arguments
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if options.command is None:
        whole.print_help()
        return 0
    code: int = options.command(options)
    return code
