"""Elementwise equations for many steps at once: operations of one function on neighbouring slabs are one call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy import Expr

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.kinds import COEFFICIENT, SLAB, UNTIMED
from rnnsym.kernels.fast.lanes import WITH_OUT, Constant, Lane, Operation, operations
from rnnsym.kernels.fast.packs import Pack, Run, Spaces, owned, owners_of, packs
from rnnsym.kernels.fast.ragged import masked
from rnnsym.kernels.fast.text import Rows, shape_code


def elementwise(draft: Draft, equations: list[Equation], rows: Rows) -> list[str]:
    """Equations that work element by element, in order."""
    if not equations:
        return []
    found = operations(equations, draft.variables)
    owners = owners_of(found)
    bundles = _bundles(found, owners, _wide(draft))
    last = {lane.name: k for k, pack in enumerate(bundles) for o in pack.operations for lane in o.lanes}
    # The lines work on whole slabs; what is needed for a moment lies in that of the result, or in a spare one.
    pool: dict[str, list[str]] = {}
    homes: dict[str, str] = {}
    lines: list[str] = []

    def operand(lane: Lane) -> str:
        if lane.temporary:
            return homes[lane.name]
        if draft.layout.kinds[lane.name] == UNTIMED:
            return draft.names.of(lane.name)
        return draft.views.rows_of(lane.name, lane.offset, rows)

    for number, pack in enumerate(bundles):
        lines += draft.comments(e for o in pack.operations if (e := o.equation) is not None) if any(
            o.equation for o in pack.operations
        ) else []  # fmt: skip
        sources = _sources(draft, pack, operand, rows)
        free = {s.name for o in pack.operations for s in o.lanes if s.temporary and last[s.name] == number}
        for operation in pack.operations:
            size = ", ".join(shape_code(operation.shape))
            for name in sorted(free - set(owners), key=lambda name: int(name[1:])):
                pool.setdefault(size, []).append(homes[name])
                free.discard(name)
            owner = owners.get(operation.target.name, operation.target)
            if not owner.temporary:
                home = draft.views.rows_of(owner.name, 0, rows)
            elif owner.name in homes:
                home = homes[owner.name]
            else:
                home = pool[size].pop() if pool.get(size) else _spare(draft, rows, operation.shape, len(draft.fields))
                homes[owner.name] = home
            homes[operation.target.name] = home
        several = len(pack.operations) > 1
        if several:
            numbers = [str(len(pack.operations)), rows.length, "B", *shape_code(pack.operations[0].shape)]
            draft.buffered.add(" * ".join(numbers))
        target = _slabs(draft, pack.target, rows) if several else homes[pack.operations[0].target.name]
        if pack.function != "copyto" or list(sources) != [target]:
            lines.append(draft.call(pack.function, sources, target))
    return lines + ended(draft, equations, rows)


def ended(draft: Draft, equations: list[Equation], rows: Rows) -> list[str]:
    """What vanishes beyond the end of an example."""
    found = [e for e in equations if e.name in draft.ragged.computed]
    return [line for e in found for line in masked(draft.views.rows_of(e.name, 0, rows), rows, len(e.indices))]


def _wide(draft: Draft) -> Spaces:
    """The places of what lies in slabs that a chunk can take together."""
    spaces = draft.layout.spaces
    places = {n: p for n, p in spaces.places.items() if p.space.split(":")[0] in (SLAB, COEFFICIENT)}
    return replace(spaces, places=places)


def _bundles(found: list[Operation], owners: dict[str, Lane], spaces: Spaces) -> list[Pack]:
    """The operations in calls: each as early as the first of its call stands, where what it needs is there."""
    makers = {o.target.name: o for o in found}
    readers: dict[str, list[Operation]] = {}
    for operation in found:
        for lane in dict.fromkeys(operation.lanes):
            readers.setdefault(lane.name, []).append(operation)
    pending = list(found)
    done: set[Operation] = set()

    def is_ready(operation: Operation) -> bool:
        for lane in operation.lanes:
            maker = makers.get(lane.name)
            if not lane.offset and maker is not None and maker not in done:
                return False
            # What lies where the result goes has to be read before.
            if lane.name in owners and any(r is not operation and r not in done for r in readers[lane.name]):
                return False
        return True

    bundles: list[Pack] = []
    while pending:
        first = pending[0]
        alike = [o for o in pending if o is first or (_kind(o) == _kind(first) and is_ready(o))]
        if first.function not in WITH_OUT and first.function != "copyto":
            alike = [first]
        originals = {owned(o, owners): o for o in alike}
        chosen = next(pack for pack in packs(list(originals), spaces) if owned(first, owners) in pack.operations)
        members = tuple(originals[o] for o in chosen.operations)
        bundles.append(replace(chosen, operations=members))
        done |= set(members)
        pending = [o for o in pending if o not in members]
    return bundles


def _kind(operation: Operation) -> object:
    constants = tuple(source if isinstance(source, Constant) else None for source in operation.sources)
    return operation.function, operation.shape, constants


def _sources(draft: Draft, pack: Pack, operand: Callable[[Lane], str], rows: Rows) -> Iterable[str]:
    if len(pack.operations) == 1:
        (operation,) = pack.operations
        return [draft.constant(s.value) if isinstance(s, Constant) else operand(s) for s in operation.sources]
    codes = []
    for position, source in enumerate(pack.sources):
        if isinstance(source, Constant):
            codes.append(draft.constant(source.value))
        elif " " in source.space:  # a value that lies by itself, for all slabs of the call
            lane = pack.operations[0].sources[position]
            if isinstance(lane, Lane) and f"{lane.name} {lane.offset}" != source.space:
                lane = next(s for s in pack.operations[0].lanes if f"{s.name} {s.offset}" == source.space)
            assert isinstance(lane, Lane)
            code = operand(lane)
            codes.append(code if draft.layout.kinds.get(lane.name) == UNTIMED else f"{code}[:, None]")
        else:
            codes.append(_slabs(draft, source, rows))
    return codes


def _slabs(draft: Draft, run: Run, rows: Rows) -> str:
    """Slabs at equal distances, for all steps: time, slab, batch, element."""
    code, order = draft.names.space(run.space), draft.layout.spaces.orders[run.space]
    count = run.count if run.distance else 1
    step = f":{run.distance}" if run.distance > 1 and count > 1 else ""
    stop = (count - 1) * run.distance + 1
    if run.space.startswith(COEFFICIENT):
        return f"{code}[:{rows.count}, {run.first}:{run.first + stop}{step}]"
    pad, size = draft.views.shift(0), len(order)
    if run.first >= 0 and run.first + stop <= size:
        low, high = (f"{edge} + {pad}" if pad else edge for edge in (rows.low, rows.high))
        return f"{code}[{low}:{high}, {run.first}:{run.first + stop}{step}]"
    base = pad * size + run.first
    shape = ", ".join(shape_code(draft.layout.shapes[order[0]]))
    cut = f"{size} * {rows.low} + {base}:{size} * {rows.high} + {base}"
    return f"{code}_slabs[{cut}].reshape(-1, {size}, B, {shape})[:, :{stop}{step}]"


def _spare(draft: Draft, rows: Rows, shape: tuple[Expr, ...], number: int) -> str:
    """Room for a value that is needed for a moment."""
    size = shape_code(shape)
    name = "_".join(["spare", rows.length, *re.findall(r"\w+", " ".join(size)), str(number + 1)])
    if name not in draft.fields:
        draft.array(name, rows.length, "B", *size)
    return f"{name}[:{rows.count}]"
