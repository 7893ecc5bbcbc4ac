"""A derivation as a Jupyter notebook: cells that make it again, and its document."""

from __future__ import annotations

import json
import re

from rnnsym.language.model import Model

#: The place of a section in the document: its heading is a line.
SECTION = re.compile(r"^(?=## )", re.MULTILINE)


def notebook_json(model: Model, markdown: str, asks: str = "") -> str:
    """A notebook of format 4.5 as text. `markdown` is the document; `asks` what the derivation is asked for, in Python.

    The same model gives the same text: cells are numbered, and nothing has been run.
    """
    title, *sections = SECTION.split(markdown)
    first, _, rest = title.partition("\n")
    cells = [_cell("markdown", first.strip() + ("\n\n" + rest.strip() if rest.strip() else ""))]
    cells += [_cell("code", _making(model)), *(_cell("markdown", section.strip()) for section in sections)]
    cells += [_cell("markdown", "## Check\n\nThe gradients by independent routes, on random data.")]
    cells += [
        _cell("code", f"derivation{asks}" if asks else "derivation"),
        _cell("code", "print(rnnsym.crosscheck(model))"),
    ]
    numbered = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _cell(kind: str, text: str) -> dict[str, object]:
    source: dict[str, object] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return source | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _making(model: Model) -> str:
    """Python that makes the model and its derivation."""
    options = [f"    name={model.name!r},"] if model.name != "model" else []
    options += [f"    {name}={value!r}," for name, value in _options(model) if value]
    loss = [definition.target.name for definition in model.losses]
    options += [f"    loss={tuple(loss)!r},"]
    equations = model.text.strip().replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return (
        f'import rnnsym\n\nmodel = rnnsym.Model(\n    """\n{equations}\n""",\n'
        + "\n".join(options)
        + "\n)\nderivation = rnnsym.derive(model)"
    )


def _options(model: Model) -> list[tuple[str, object]]:
    return [("sizes", model.sizes), ("inputs", model.inputs), ("symbols", model.symbols)]
