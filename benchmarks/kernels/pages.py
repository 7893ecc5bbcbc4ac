"""Where a benchmark writes what it found: a place in a page of the documentation, marked by comments."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rnnsym.errors import RnnsymError


def add_output(parser: argparse.ArgumentParser) -> None:
    """The option that `deliver` reads."""
    parser.add_argument(
        "--into", metavar="FILE#NAME", help="write the result into a page, between <!-- NAME --> and <!-- /NAME -->"
    )


def deliver(text: str, options: argparse.Namespace) -> None:
    """Print a result, and write it into its place. Raises RnnsymError where the page has none of that name."""
    print("\n" + text)
    if options.into is None:
        return
    file, _, name = options.into.partition("#")
    path = Path(file)
    page = path.read_text(encoding="utf-8")
    place = re.compile(f"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not place.search(page):
        raise RnnsymError(f"{file} has no place <!-- {name} --> ... <!-- /{name} -->")
    path.write_text(place.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")
