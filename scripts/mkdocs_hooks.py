"""What mkdocs.yml cannot say: the pages of the models stand in the navigation by family, without being listed."""

from __future__ import annotations

from typing import Any

from rnnsym.library import families


def on_config(config: Any) -> Any:
    """Add the generated pages under the entry that holds the overview of the models."""
    pages = [
        {family[0].upper() + family[1:]: [f"models/{name}.md" for name in names]}
        for family, names in families().items()
    ]
    for entry in config["nav"]:
        for pages_of_entry in entry.values():
            if isinstance(pages_of_entry, list) and any("models/index.md" in page.values() for page in pages_of_entry):
                pages_of_entry += pages
    return config
