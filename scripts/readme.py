"""Run the README's examples and write down what they print; with --check, only say whether that is what stands there.

Two kinds of example are run, in the order of the page and in one scratch folder: a `python` block that is followed by
a `text` block, its output; and a `console` block: a `$ rnnsym` command, and below it what it prints.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rnnsym.files import write_text

README = Path(__file__).resolve().parent.parent / "README.md"

EXAMPLE = re.compile(
    r"(?P<head>```python\n(?P<code>.*?)```\n\s*```text\n|```console\n\$ (?P<command>[^\n]*)\n)(?P<output>.*?)(?=^```$)",
    re.DOTALL | re.MULTILINE,
)


def main() -> int:
    """Regenerate or check; the exit code is 1 where the page is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    before = README.read_text("utf-8")
    after = regenerated(before)
    if after == before:
        return 0
    if not options.check:
        write_text(README, after, force=True)
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(before.splitlines(True), after.splitlines(True), "README.md", "what the examples print")
    )
    print("The README is out of date: run  make readme")
    return 1


def regenerated(page: str) -> str:
    """The page with the output of every example as it is now."""
    with tempfile.TemporaryDirectory() as scratch:
        return EXAMPLE.sub(lambda found: found["head"] + _output(found, scratch), page)


def _output(example: re.Match[str], scratch: str) -> str:
    command = [sys.executable, "-c", example["code"] or ""]
    if example["command"]:
        program, *arguments = shlex.split(example["command"])
        if program != "rnnsym":
            raise SystemExit(f"only rnnsym is run from the README, not {program}")
        command = [sys.executable, "-m", "rnnsym", *arguments]
    done = subprocess.run(
        command,
        cwd=scratch,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"an example of the README ends with {done.returncode}:\n{done.stdout}")
    # Blank at the ends of lines would not survive an editor.
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.strip("\n").splitlines())


if __name__ == "__main__":
    sys.exit(main())
