"""The C function of one phase: panels, tiles, and the elementwise work on what their products give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rnnsym.equations.indexed import Variable
from rnnsym.kernels.backends.native.expressions import call, number
from rnnsym.kernels.backends.native.phases import Phase
from rnnsym.kernels.backends.native.storage import Kind, Place, Storage, plain
from rnnsym.kernels.backends.native.syntax import C, Syntax, block
from rnnsym.kernels.fast.lanes import Constant, Lane, operations

VECTOR, ROW, SCALAR = "vector", "row", "scalar"  # an element of its own for each column; one for each row; one for all


@dataclass
class Cells:
    """Writes the function `name` of a phase. `stored`: what is written to memory. many: for the rows of many steps."""

    name: str
    phase: Phase
    variables: dict[str, Variable]
    storage: Storage
    stored: set[str]
    many: bool
    names: dict[Lane, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    syntax: ClassVar[Syntax] = C

    def __post_init__(self) -> None:
        self.operations = operations(self.phase.elementwise, self.variables)
        self.products = [name for name, _ in self.phase.products]
        own = self.phase.names
        self.reads: list[Lane] = []
        for operation in self.operations:
            for lane in operation.lanes:
                inside = lane.temporary or (lane.offset == 0 and lane.name in own)
                if not inside and lane.name not in self.products and lane not in self.reads:
                    self.reads.append(lane)
        self.writes = [e.name for e in self.phase.equations if e.name in self.stored]

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done but matrix products, whose results go to memory as they are."""
        written = [operation.target.name for operation in self.operations]
        sources = [one.name for operation in self.operations for one in operation.lanes]
        copies = all(operation.function == "copyto" for operation in self.operations)
        whole = written == self.writes and len(written) == len(self.phase.equations)
        return bool(self.products) and copies and whole and sources == self.products

    def local(self, lane: Lane) -> str:
        """The name of a value inside the function."""
        if lane not in self.names:
            if lane.temporary:
                hint = "part"
            elif lane.name in self.products:
                hint = "product_" + plain(lane.name.partition(" ")[2])
            else:
                hint = plain(lane.name)
                hint += f"_{'before' if lane.offset < 0 else 'after'}{abs(lane.offset)}" if lane.offset else ""
            hint = "v_" + hint
            base, count = hint, 1
            while hint in self.taken:
                count += 1
                hint = f"{base}_{count}"
            self.taken.add(hint)
            self.names[lane] = hint
        return self.names[lane]

    def place(self, lane: Lane) -> Place:
        return self.storage.of(lane.name, None)

    def how(self, lane: Lane) -> str:
        """How a value that is read lies in memory."""
        place = self.place(lane)
        if not place.variable.shape and self.phase.shape:
            return ROW if place.batch else SCALAR
        return VECTOR

    def arguments(self, time: str) -> list[str]:
        """What the function is called with: where each value begins."""
        found = ["B"] if self.many else []
        for lane in self.reads:
            place = self.place(lane)
            found.append(place.at("" if place.kind is Kind.SINGLE else time, lane.offset))
        return [*found, *(self.place(Lane(name)).at(time) for name in self.writes)]

    def _row(self, place: Place, row: str) -> str:
        """Where a row begins, from the first one; parameters have one for all."""
        if not place.batch:
            return ""
        row = f"({row}) % B" if self.many and place.kind is Kind.SINGLE else f"({row})"
        return f" + {row}" if not place.variable.shape and self.phase.shape else f" + {row} * n"

    def source(self) -> str:
        """The function, after one for the elements of a row."""
        inner = self.name + "_elements"
        parameters = ["const I w", *(f"const R *restrict p_{self.local(Lane(name))}" for name in self.products)]
        body: list[str] = []
        before: list[str] = []
        for name in self.products:
            body.append(f"const R {self.local(Lane(name))} = p_{self.local(Lane(name))}[c];")
        for lane in self.reads:
            local = self.local(lane)
            parameters.append(f"const R *restrict p_{local}")
            if self.how(lane) == VECTOR:
                body.append(f"const R {local} = p_{local}[c];")
            else:
                before.append(f"const R {local} = *p_{local};")
        for operation in self.operations:
            arguments = [
                number(source.value, self.syntax) if isinstance(source, Constant) else self.local(source)
                for source in operation.sources
            ]
            body.append(f"const R {self.local(operation.target)} = {call(operation.function, arguments, self.syntax)};")
        for name in self.writes:
            parameters.append(f"R *restrict out_{self.local(Lane(name))}")
            body.append(f"out_{self.local(Lane(name))}[c] = {self.local(Lane(name))};")
        lines = block(
            f"INLINE void {inner}({', '.join(parameters)})",
            [*before, *block("VECTORISED for (I c = 0; c < w; c++)", body)],
        )
        return "\n".join([*lines, *self._frame(inner)])

    def _frame(self, inner: str) -> list[str]:
        given = ["I rows", "I n"]
        given += ["const Part *parts"] if self.products else []
        given += ["I B"] if self.many else []
        given += [f"const R *p_{self.local(lane)}" for lane in self.reads]
        given += [f"R *out_{self.local(Lane(name))}" for name in self.writes]
        head = f"static void {self.name}({', '.join(given)})"
        unused = ["(void)B;"] if self.many else []
        if self.products:
            return block(head, [*unused, *self._tiled(inner)])
        if all(self.how(lane) == VECTOR and self.place(lane).batch and not self._repeats(lane) for lane in self.reads):
            everything = ", ".join(["rows * n", *(f"p_{self.local(lane)}" for lane in self.reads), *self._outs("")])
            return block(head, [*unused, f"{inner}({everything});"])
        arguments = ", ".join(["n", *self._ins("r", ""), *self._outs(" + r * n")])
        return block(head, [*unused, *block("for (I r = 0; r < rows; r++)", [f"{inner}({arguments});"])])

    def _repeats(self, lane: Lane) -> bool:
        return self.many and self.place(lane).kind is Kind.SINGLE

    def _ins(self, row: str, column: str) -> list[str]:
        found = []
        for lane in self.reads:
            shift = self._row(self.place(lane), row) + (column if self.how(lane) == VECTOR else "")
            found.append(f"p_{self.local(lane)}{shift}")
        return found

    def _outs(self, shift: str) -> list[str]:
        return [f"out_{self.local(Lane(name))}{shift}" for name in self.writes]

    def _tiled(self, inner: str) -> list[str]:
        """Panels of columns; in each, blocks of rows: all products of a block, then all that follows from them.

        A panel of a matrix stays in the nearest cache for a whole block.
        """
        sums = [f"R sum_{place}[BLOCK * WIDE];" for place in range(len(self.products))]
        start = 0
        tiles: list[str] = []
        for place, (_, group) in enumerate(self.phase.products):
            tiles.append(f"product(count, sum_{place}, WIDE, parts + {start}, {len(group)}, r, j / WIDE);")
            start += len(group)
        given = [f"sum_{place} + q * WIDE" for place in range(len(self.products))]
        arguments = ", ".join([*given, *self._ins("r + q", " + j"), *self._outs(" + (r + q) * n + j")])
        row = [f"if (w == WIDE) {inner}(WIDE, {arguments});", f"else {inner}(w, {arguments});"]
        rows = ["count = piece(rows - r, BLOCK);", *tiles]
        rows += block("for (I q = 0; q < count; q++)", row)
        return [
            *sums,
            *block(
                "for (I j = 0; j < n; j += WIDE)",
                [
                    "const I w = n - j < WIDE ? n - j : WIDE;",
                    *block("for (I r = 0, count; r < rows; r += count)", rows),
                ],
            ),
        ]
