"""The arrays of a workspace, as lines that make them."""

from __future__ import annotations

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
        f"rows = min(T, max(1, {longest} // B))",
        f"block = min(T, max({passes.shortest}, {longest} // B))",
        f"part = min(block, max(1, {passes.cache} // (B * ITEM * max(1, {_part_sizes(draft)}))))",
        "block = -(-block // part) * part",
    ]
    draft.made += draft.chunks
    draft.fields += ["T", "B", "rows", "block", "part"]
    for space, order in draft.layout.spaces.orders.items():
        kind, code = space.split(":")[0], draft.names.space(space)
        size = shape_code(draft.layout.shapes[order[0]])
        count = str(len(order))
        draft.made.append(f"# {', '.join(order)}")
        if kind == SLAB:
            draft.array(code, f"T + {draft.layout.pad}", count, "B", *size, zeros=True)
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
            draft.array(code, count, "1", *size)
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
            draft.array(code, f"T + {draft.layout.pad + draft.layout.lead}", "B", *shape, zeros=True)
            if name in draft.model.sequences:
                pad = draft.layout.pad
                draft.handed_in.append(f'{code}[{pad}:T + {pad}] = inputs["{name}"]')
        elif kind == CHUNK:
            rows = "part" if name in draft.views.inner else "rows" if name in forward else "block"
            draft.array(code, rows, "B", *shape)
        elif kind == OUTPUT:
            draft.array(code, "T", "B", *shape)
        elif kind in (WORK, CARRIED, PRODUCT):
            draft.array(code, "B", *shape)


def _part_sizes(draft: Draft) -> str:
    """The bytes that a step of the backward pass touches, by elements of each example, as source."""
    sizes: dict[str, int] = {}
    names = [n for n, k in draft.layout.kinds.items() if k in (COEFFICIENT, SLAB) or n in draft.views.inner]
    for name in names:
        code = " * ".join(shape_code(draft.layout.shapes[name])) or "1"
        sizes[code] = sizes.get(code, 0) + 1
    return " + ".join(f"{count} * {code}" for code, count in sizes.items()) or "1"
