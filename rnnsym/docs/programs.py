"""Kinds of blocks that print programs and what they print: kernels, commands, Python."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys

from rnnsym.docs.kinds import Kind, Option, OptionError, Request, fenced
from rnnsym.dynamics.jacobians import kernel_of

#: What a block may run: commands that print. Those that write are kept from writing.
COMMANDS = ("models", "derive", "export", "crosscheck", "flow", "cite")
WRITING = ("-o", "--output", "--force")
SECONDS = 120
EXAMPLE = re.compile(r"```python[^\n]*\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)


def kernel(request: Request) -> str:
    """The module, or one of its functions."""
    text = kernel_of(request.subject).source
    part = request["part"]
    if part == "all":
        return fenced(text, "python")
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    if part not in functions:
        raise OptionError(f"part: is all or one of {', '.join(functions)}, not '{part}'")
    return fenced(ast.get_source_segment(text, functions[part]) or "", "python")


def console(request: Request) -> str:
    """A command of rnnsym's and what it prints."""
    try:
        arguments = shlex.split(request["command"])
    except ValueError as error:
        raise OptionError(f"command: cannot be read: {error}") from None
    if not arguments or arguments[0] not in COMMANDS:
        raise OptionError(f"command: begins with one of {', '.join(COMMANDS)}")
    if any(word.startswith(WRITING) for word in arguments):
        raise OptionError("command: prints, and does not write files")
    # No shell reads the text, and with -P no module that lies beside the page is imported.
    output = printed_by([sys.executable, "-P", "-m", "rnnsym", *arguments], request)
    return fenced(f"$ rnnsym {request['command']}\n{output}", "console")


def python(request: Request) -> str:
    """The Python that stands in the block, and below it what it prints."""
    found = EXAMPLE.search(request.inside.replace("\r\n", "\n"))
    if found is None:
        raise OptionError("the block holds no ```python example to run")
    code = found["code"]
    output = printed_by([sys.executable, "-c", code], request)
    return fenced(code, "python") + (f"\n\n{fenced(output, 'text')}" if output else "")


def printed_by(command: list[str], request: Request) -> str:
    """What a program prints; it runs in the page's folder, where files are named from."""
    try:
        done = subprocess.run(
            command,
            cwd=request.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OptionError(f"the program does not end within {SECONDS} seconds") from None
    if done.returncode:
        raise OptionError(f"the program ends with exit code {done.returncode}:\n{done.stdout.rstrip()}")
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


KINDS = (
    Kind(
        "kernel",
        "the generated NumPy module, or one of its functions",
        kernel,
        (Option("part", "all, or a function such as backward", "all"),),
    ),
    Kind(
        "console",
        "a command of rnnsym's with what it prints",
        console,
        (Option("command", 'the command without rnnsym, as in command="derive lstm --detail result"'),),
        needs_model=False,
    ),
    Kind(
        "python",
        "a Python example of the page's, which stands in the block, with what it prints below",
        python,
        needs_model=False,
        runs_code=True,
    ),
)
