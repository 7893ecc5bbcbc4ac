"""The arrays of a workspace, as lines that make them."""

from __future__ import annotations

from rnnsym.equations.indexed import accesses, t, time_of
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.kinds import (
    CARRIED,
    CHUNK,
    COEFFICIENT,
    COLUMN,
    GATES,
    OUTPUT,
    PRODUCT,
    ROWS,
    SLAB,
    VECTOR,
    WORK,
)
from rnnsym.kernels.fast.text import shape_code


def allocate(draft: Draft) -> None:
    """Make room for every value of the layout, and fill what comes from outside."""
    passes = draft.layout.passes
    longest = passes.rows if passes.delay else 1
    draft.chunks = [
        "# steps in a chunk of the forward pass; in a chunk of the backward pass, and in a part of it",
        f"rows = min(span, max(1, {longest} // B))",
        f"block = min(span, max({passes.shortest}, {longest} // B))",
        f"part = min(block, max(1, {passes.cache} // (B * ITEM * max(1, {_part_sizes(draft)}))))",
        "part = -(-block // max(1, round(block / part)))",
        "block = -(-block // part) * part",
    ]
    draft.made += draft.chunks
    draft.fields += ["T", "B", "cuts", "segments", "apart", "rows", "block", "part"]
    for space, order in draft.layout.spaces.orders.items():
        kind, code = space.split(":")[0], draft.names.space(space)
        size = shape_code(draft.layout.shapes[order[0]])
        count = str(len(order))
        draft.made.append(f"# {', '.join(order)}")
        if kind == SLAB:
            region = draft.plan.forward.regions[draft.plan.numbers[order[0]]]
            beyond = draft.layout.lead if region.direction < 0 else 0
            draft.array(code, f"span + {draft.layout.pad + beyond}", count, "B", *size, zeros=True)
            draft.view(f"{code}_slabs", f"{code}.reshape(-1, B, {', '.join(size)})")
        elif kind == GATES:
            draft.room("rows", "B", count, size[0])
            draft.view(
                f"{code}_wide",
                f"np.empty((rows, {count} * {size[0]}) if B == 1 else ({count}, rows * B, {size[0]}), DTYPE)",
            )
            draft.view(
                code,
                f"{code}_wide.reshape(rows, {count}, 1, {size[0]}) if B == 1 else "
                f"{code}_wide.reshape({count}, rows, B, {size[0]}).transpose(1, 0, 2, 3)",
            )
        elif kind == COEFFICIENT:
            draft.array(code, "part", count, "B", *size)
        elif kind == COLUMN:
            draft.array(f"{code}_wide", "block * B", f"{count} * {size[0]}")
            draft.view(code, f"{code}_wide.reshape(block, B, {count}, {size[0]}).transpose(0, 2, 1, 3)")
        elif kind == VECTOR:
            shared = all(name in draft.names.arrays.single for name in order)
            draft.array(code, count, "1" if shared else "B", *size)
            draft.prepared += [f"{code}[{slot}] = {draft.names.of(name)}" for slot, name in enumerate(order)]
        else:
            draft.array(code, count, "B", *size)
    pools = draft.layout.spaces.places
    forward = {e.name for e in draft.plan.forward.equations}
    for name, kind in draft.layout.kinds.items():
        if name in pools or draft.layout.owners.get(name, name) != name:
            continue
        shape = shape_code(draft.layout.shapes[name])
        code = draft.names.of(name)
        if kind == ROWS:
            draft.array(code, f"span + {draft.layout.pad + draft.layout.lead}", "B", *shape, zeros=True)
            if name in draft.model.sequences:
                pad = draft.layout.pad
                draft.entering.append(f'{code}[{pad}:steps + {pad}] = inputs["{name}"][origin:origin + steps]')
        elif kind == CHUNK:
            rows = "part" if name in draft.views.inner else "rows" if name in forward else "block"
            draft.array(code, rows, "B", *shape)
        elif kind == OUTPUT:
            draft.array(code, "T", "B", *shape)
            draft.entering.append(f"{code} = w.{code}[origin:origin + steps]")
        elif kind in (WORK, CARRIED, PRODUCT):
            draft.array(code, "B", *shape)
    _handed_over(draft)


def _handed_over(draft: Draft) -> None:
    """What a segment of steps leaves to the one after it, and to the one before it: rows that are read from there."""
    before, beyond = [], []
    for name, (lag, lead) in cut_reads(draft).items():
        place, pad = draft.layout.spaces.places.get(name), draft.layout.pad
        code = f"{draft.names.space(place.space)}[:, {place.slot}]" if place else draft.names.of(name)
        if lag:
            shape = ", ".join(["segments - 1", str(lag), "B", *shape_code(draft.layout.shapes[name])])
            draft.room(*shape.split(", "))
            before.append(f"({code}, {pad - lag}, np.empty(({shape}), DTYPE)),")
        if lead:
            beyond.append(f"({code}, {lead}),")
    for field, entries in (("before", before), ("beyond", beyond)):
        lines = ["[", *(f"    {entry}" for entry in entries), "]"] if entries else ["[]"]
        draft.made += [f"self.{field} = {lines[0]}", *lines[1:]]


def cut_reads(draft: Draft) -> dict[str, tuple[int, int]]:
    """By variable with a row for each step, how many steps back it is read, and how many ahead."""
    found: dict[str, tuple[int, int]] = {}
    for equation in draft.equations:
        for term in equation.terms:
            for read in accesses(term, draft.variables):
                if read.time is None or not read.time.has(t) or draft.layout.kinds[read.name] not in (ROWS, SLAB):
                    continue
                offset = time_of(read.time).offset
                lag, lead = found.get(read.name, (0, 0))
                found[read.name] = max(lag, -offset), max(lead, offset)
    return found


def _part_sizes(draft: Draft) -> str:
    """The elements of each example that a step of the backward pass touches at most, as source."""
    regions = draft.plan.backward.regions
    found = []
    for region in regions:
        read = {name for equation in region.equations for name in equation.reads}
        sizes: dict[str, int] = {}
        for name, kind in draft.layout.kinds.items():
            own = len(regions) == 1 or name in (read if kind == SLAB else region.names)
            if own and (kind in (COEFFICIENT, SLAB) or name in draft.views.inner):
                code = " * ".join(shape_code(draft.layout.shapes[name])) or "1"
                sizes[code] = sizes.get(code, 0) + 1
        found.append(" + ".join(f"{count} * {code}" for code, count in sizes.items()) or "1")
    found = list(dict.fromkeys(found))
    return ", ".join(found)
