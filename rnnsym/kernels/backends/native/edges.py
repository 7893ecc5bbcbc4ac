"""What is zero beyond the steps, and what one chunk of steps leaves to the next one."""

from __future__ import annotations

from rnnsym.kernels.backends.native.storage import Kind, Storage
from rnnsym.kernels.backends.native.syntax import Syntax
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.when import time_code


def step_edges(storage: Storage, cut: Plan, syntax: Syntax) -> list[str]:
    """Zeros where adjoints are read beyond the steps, on the side that they come from; values given there follow."""
    lines: list[str] = []
    for region in cut.backward.regions:
        for name, place in storage.places.items():
            if name not in region.names or place.given or place.kind is not Kind.ROWS:
                continue
            if region.direction < 0 and place.more:
                lines.append(syntax.zero(place.at("T", 1), f"{place.more} * {place.row}"))
            if region.direction > 0 and place.first < 1:
                lines.append(syntax.zero(place.code, f"{1 - place.first} * {place.row}"))
    return lines


def chunk_edges(storage: Storage, region: Region, syntax: Syntax) -> tuple[list[str], list[str]]:
    """For the values of a region that live for a chunk, what is done before the first chunk, and after each."""
    before: list[str] = []
    after: list[str] = []
    low, high = time_code(region.interval.low), time_code(region.interval.high)
    for name, place in storage.places.items():
        if name not in region.names or place.kind is not Kind.CHUNK:
            continue
        if region.direction < 0 and place.more:
            amount = f"{place.more} * {place.row}"
            first = syntax.smaller("chunk", f"{high} - {low} + 1")
            before.append(syntax.zero(f"{place.code} + ({first}) * {place.row}", amount))
            following = syntax.smaller(f"low - {low}", "chunk")
            move = syntax.move(f"{place.code} + ({following}) * {place.row}", place.code, amount)
            after += syntax.test(f"low > {low}", [move])
        if region.direction > 0 and place.first < 0:
            amount = f"{-place.first} * {place.row}"
            before.append(syntax.zero(place.code, amount))
            after.append(syntax.move(place.code, f"{place.code} + (high - low + 1) * {place.row}", amount))
    # What lies side by side is moved once.
    return list(dict.fromkeys(before)), after if not syntax.columns else list(dict.fromkeys(after))
