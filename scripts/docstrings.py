"""For the Python reference: docstrings as this project writes them, shown as Markdown.

Doctests become code instead of quotations, and paragraphs such as `model: what was derived.` become lists.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

#: From a prompt to the next empty line.
EXAMPLE = re.compile(r"^>>> .*?(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
#: `name: text`, or `name, name: text`, at the start of a line.
ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?=\S)", re.MULTILINE)


class Docstrings(Extension):
    """Rewrites every docstring."""

    def on_object(self, *, obj: Object, **options: Any) -> None:
        """Rewrite the docstring of whatever was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = shown(obj.docstring.value)


def shown(docstring: str) -> str:
    """A docstring as Markdown."""
    text = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", docstring)
    parts = text.split("\n\n")
    return "\n\n".join(listed(part) if ENTRY.match(part) else part for part in parts)


def listed(paragraph: str) -> str:
    """A paragraph of `name: text` as a list."""
    items = ENTRY.sub(lambda found: f"- `{found['names']}`: ", paragraph)
    return re.sub(r"\n\s*(?!\s*- )", "\n    ", items)
