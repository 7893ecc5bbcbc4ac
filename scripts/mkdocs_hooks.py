"""What mkdocs.yml cannot say: the pages of the models stand in the navigation without being listed there."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Add the generated pages under the entry that holds the overview of the models."""
    pages = sorted(path.name for path in Path(config["docs_dir"], "models").glob("*.md"))
    for entry in config["nav"]:
        for pages_of_entry in entry.values():
            if isinstance(pages_of_entry, list) and any("models/index.md" in page.values() for page in pages_of_entry):
                pages_of_entry += [f"models/{name}" for name in pages if name != "index.md"]
    return config
