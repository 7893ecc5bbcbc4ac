"""The published claims, as a table of cases."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("published.toml")


@dataclass(frozen=True)
class Case:
    """A claim as it was published, and the verdict on it."""

    id: str
    model: str
    claim: str
    where: str
    convention: str
    layouts: tuple[str, ...]
    verdict: str
    fault: str


def cases() -> list[Case]:
    """Every case, with what it takes over from another filled in."""
    entries = {entry["id"]: entry for entry in tomllib.loads(TABLE.read_text(encoding="utf-8"))["claim"]}
    found = []
    for entry in entries.values():
        model, claim = entry["model"], entry["claim"]
        if model.startswith("as "):
            model = entries[model.removeprefix("as ")]["model"]
        if claim.startswith("as "):
            claim = replaced(entries[claim.removeprefix("as ").partition(",")[0]]["claim"], entry["replace"])
        layout = entry.get("layout", "numerator")
        layouts = ("numerator", "denominator") if layout == "either" else (layout,)
        convention = entry.get("convention", "columns")
        found.append(
            Case(
                entry["id"], model, claim, entry.get("where", ""), convention, layouts, entry["verdict"], entry["fault"]
            )
        )
    return found


def replaced(claim: str, others: str) -> str:
    """A claim with the equations exchanged that have the same left side."""
    new = {line.partition("=")[0].strip(): line for line in others.strip().splitlines()}
    return "\n".join(new.get(line.partition("=")[0].strip(), line) for line in claim.strip().splitlines())
