"""Where a value lies, as source: at a fixed time, at the steps of a chunk, at the step of a loop."""

from __future__ import annotations

from rnnsym.equations.indexed import elements_of, name_of
from rnnsym.kernels.fast.kinds import CARRIED, CHUNK, COEFFICIENT, COLUMN, GATES, OUTPUT, ROWS, SEQUENCE, SLAB
from rnnsym.kernels.fast.layout import Layout
from rnnsym.kernels.fast.names import Names
from rnnsym.kernels.fast.normal import Irregular, is_elementwise
from rnnsym.kernels.fast.packs import Run
from rnnsym.kernels.fast.text import PART, Rows, cut_code, plus, shape_code
from rnnsym.language.syntax import Time
from rnnsym.language.timing import is_late, is_outside


class Views:
    """Source for the values of a layout. inner: those that are computed for a part of a chunk, not for all of it."""

    def __init__(self, layout: Layout, names: Names) -> None:
        self.layout = layout
        self.names = names
        self.inner = inner(layout)

    def shift(self, offset: int) -> int:
        """The row of the first step, `offset` steps later."""
        return offset + self.layout.pad

    def at_time(self, name: str, time: Time) -> str:
        """A variable at a fixed time."""
        kind = self.layout.kinds.get(name, "")
        if name in self.layout.plan.program.sequences and not is_outside(time):
            row = plus("ends" if time.anchor else "", time.offset - 1)
            return f'inputs["{name}"][{row}{", each" if time.anchor else ""}]'
        row = plus(("T" if is_late(time) else "steps") if time.anchor else "", time.offset - 1 + self.layout.pad)
        if time.anchor and time.offset < 1:
            row = plus("ends - origin", time.offset - 1 + self.layout.pad)
            if kind == ROWS:
                return f"{self.names.of(name)}[{row}, each]"
            place = self.layout.spaces.places.get(name)
            if kind == SLAB and place is not None:
                return f"{self.names.space(place.space)}[{row}, {place.slot}, each]"
        if kind == ROWS:
            return f"{self.names.of(name)}[{row}]"
        place = self.layout.spaces.places.get(name)
        if kind == SLAB and place is not None:
            return f"{self.names.space(place.space)}[{row}, {place.slot}]"
        upwards = self.layout.plan.runs_up(name)
        if time == (Time("T", 0) if upwards else Time("", 1)) and kind == CARRIED:
            return self.slab_or_own(name)
        if time == Time("T", 0) and upwards and kind in (COLUMN, CHUNK) and name not in self.inner:
            # The last step is one of the last chunk.
            if place is not None:
                return f"{self.names.space(place.space)}[(T - 1) % block, {place.slot}]"
            return f"{self.names.of(self.layout.owners.get(name, name))}[(T - 1) % block]"
        if (
            not time.anchor
            and not upwards
            and 1 <= time.offset <= self.layout.passes.shortest
            and kind in (COLUMN, CHUNK, OUTPUT)
            and name not in self.inner
        ):
            # The first steps are those of the last chunk of the backward pass.
            if place is not None:
                return f"{self.names.space(place.space)}[{time.offset - 1}, {place.slot}]"
            return f"{self.names.of(self.layout.owners.get(name, name))}[{time.offset - 1}]"
        raise Irregular(f"{name} is not kept at {time}")

    def slab_or_own(self, name: str) -> str:
        """The place of a value within a step."""
        owner = self.layout.owners.get(name, name)
        place = self.layout.spaces.places.get(owner)
        return f"{self.names.space(place.space)}[{place.slot}]" if place else self.names.of(owner)

    def rows_of(self, name: str, offset: int, rows: Rows) -> str:
        """A variable at all steps of a chunk, each `offset` later, with time as the first axis."""
        name = self.layout.owners.get(name, name)
        kind, code = self.layout.kinds[name], self.names.of(name)
        place = self.layout.spaces.places.get(name)
        if kind in (SEQUENCE, OUTPUT):
            if offset:
                raise Irregular(f"{name} is read at another step")
            return f"{code}[{rows.low}:{rows.high}]"
        if kind in (ROWS, SLAB):
            cut = f"{plus(rows.low, self.shift(offset))}:{plus(rows.high, self.shift(offset))}"
            return f"{code}[{cut}]" if place is None else f"{self.names.space(place.space)}[{cut}, {place.slot}]"
        if offset:
            raise Irregular(f"{name} is read at another step")
        if rows.low != rows.start and (rows.length != PART.length or name not in self.inner):
            cut = f"{rows.low} - {rows.start}:{rows.high} - {rows.start}"
        else:
            cut = f":{rows.count}"
        if place is not None:
            return f"{self.names.space(place.space)}[{cut}, {place.slot}]"
        if kind == CHUNK:
            return f"{code}[{cut}]"
        raise Irregular(f"{name} is needed for many steps at once")

    def flat_rows(self, name: str, offset: int, rows: Rows) -> str:
        """The same as a matrix: a row for each step and example."""
        return f"{self.rows_of(name, offset, rows)}.reshape(-1, {shape_code(self.layout.shapes[name])[0]})"

    def columns(self, piece: list[str]) -> str:
        """Neighbouring columns of a chunk as a matrix."""
        place = self.layout.spaces.places[piece[0]]
        code = f"{self.names.space(place.space)}_wide[:count * B"
        if len(piece) == len(self.layout.spaces.orders[place.space]):
            return f"{code}]"
        size = shape_code(self.layout.shapes[piece[0]])[0]
        return f"{code}, {place.slot} * {size}:{place.slot + len(piece)} * {size}]"

    def product_of_columns(self, piece: list[str]) -> str:
        """The function that multiplies neighbouring columns: `dot` makes a copy of what is not one piece of memory."""
        place = self.layout.spaces.places[piece[0]]
        return "dot" if len(piece) == len(self.layout.spaces.orders[place.space]) else "matmul"

    def at_step(self, run: Run) -> str:
        """Slabs of a space at one step, as source in `now` (its position) and the position in its chunk."""
        kind, code = run.space.split(":")[0], self.names.space(run.space)
        first, count, distance = run.first, run.count, run.distance
        if distance == 0:
            count = 1
        if kind == SLAB:
            size = len(self.layout.spaces.orders[run.space])
            base = first + self.layout.pad * size
            if count == 1:
                return f"{code}_slabs[{plus(f'{size} * now', base)}]"
            stop = base + (count - 1) * distance + 1
            step = f":{distance}" if distance > 1 else ""
            return f"{code}_slabs[{plus(f'{size} * now', base)}:{plus(f'{size} * now', stop)}{step}]"
        cut = cut_code(first, count, distance)
        if kind in (GATES, COEFFICIENT, COLUMN):
            chunk = {GATES: "rows", COEFFICIENT: "part", COLUMN: "block"}[kind]
            return f"{code}[now % {chunk}, {cut}]"
        return f"{code}[{cut}]"


def inner(layout: Layout) -> set[str]:
    """Elementwise values that only coefficients and the loop after them read: computed for a part of a chunk."""
    region = layout.plan.backward
    readers: dict[str, set[str]] = {}
    for equation in (*region.equations, *region.sums, *layout.plan.after):
        for element in elements_of(equation):
            readers.setdefault(name_of(element), set()).add(equation.name)
    kinds = layout.kinds
    found = {e.name for e in region.equations if kinds[e.name] == COEFFICIENT}
    loops = {e.name for stage in region.stages if stage.loop for e in stage.equations}
    batch = [e for stage in region.stages if not stage.loop for e in stage.equations]
    changed = True
    while changed:
        changed = False
        for equation in batch:
            if (
                equation.name not in found
                and kinds[equation.name] == CHUNK
                and is_elementwise(equation, layout.plan.variables)
                and all(term.when is None for term in equation.terms)
                and readers.get(equation.name, set()) <= found | loops
                and readers.get(equation.name, set()) & found
            ):
                found.add(equation.name)
                changed = True
    return found
