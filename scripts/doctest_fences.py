"""For the Python reference: doctests in docstrings are shown as code, not as quotations."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

#: From a prompt to the next empty line.
EXAMPLE = re.compile(r"^>>> .*?(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)


class DoctestFences(Extension):
    """Puts a fence around every doctest."""

    def on_object(self, *, obj: Object, **options: Any) -> None:
        """Rewrite the docstring of whatever was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", obj.docstring.value)
