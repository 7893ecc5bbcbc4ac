"""Matrix products of a C kernel: matrices in panels, and tiles at whose end the elementwise work is done."""

from __future__ import annotations

from collections.abc import Callable

from rnnsym.equations.indexed import Equation, access, time_of
from rnnsym.kernels.backends.native.cells import Cells
from rnnsym.kernels.backends.native.expressions import number, size_code
from rnnsym.kernels.backends.native.phases import Phase
from rnnsym.kernels.backends.native.storage import Place, plain, size_product
from rnnsym.kernels.backends.native.syntax import C, indented
from rnnsym.kernels.backends.native.writer import Rowed, Writer
from rnnsym.kernels.fast.normal import Matvec
from rnnsym.kernels.fast.regions import Plan
from rnnsym.kernels.schedule import Program
from rnnsym.language.model import Model


class PanelWriter(Writer):
    """Writes a program in C."""

    def __init__(self, model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None) -> None:
        super().__init__(model, program, describe, cut)
        self.packed: dict[tuple[str, bool, str], tuple[str, str]] = {}  # matrix, transposed, scale -> name, numbers
        self.panel_sizes: set[str] = set()
        self.turned_sizes: set[str] = set()

    def _buffers(self) -> list[tuple[str, str]]:
        buffers = list(self.packed.values())
        buffers += [(_buffer("panel", size), f"panels({size}, DEEP)") for size in sorted(self.panel_sizes)]
        return [*buffers, *((_buffer("turned", size), f"{size} * DEEP + WIDE") for size in sorted(self.turned_sizes))]

    def _phase(self, phase: Phase, time: str, rows: str) -> list[str]:
        self.count += 1
        stored = {e.name for e in phase.equations if self._is_stored(e.name, phase)}
        cells = Cells(f"step_{self.count}", phase, self.variables, self.storage, stored, rows != "B")
        self.functions.append("\n".join([*(self._comment(e) for e in phase.equations), cells.source()]))
        lines = [self._comment(e) for e in phase.equations]
        parts = [self._part(matvec, time) for _, group in phase.products for matvec in group]
        arguments = [rows, size_product(phase.shape), *cells.arguments(time)]
        if parts:
            lines += ["{"]
            lines += indented(["const Part parts[] = {", *indented(f"{part}," for part in parts), "};"])
            arguments.insert(2, "parts")
            lines += [*indented([f"{cells.name}({', '.join(arguments)});"]), "}"]
        else:
            lines.append(f"{cells.name}({', '.join(arguments)});")
        return lines

    def _part(self, matvec: Matvec, time: str) -> str:
        found = access(matvec.vector, self.variables)
        place = self.storage.of(found.name, None)
        offset = time_of(found.time).offset
        (depth,) = self.variables[found.name].shape
        return f"{{{place.at(time, offset)}, {size_code(depth)}, {self._packed(matvec)}, {size_code(depth)}}}"

    def _packed(self, matvec: Matvec) -> str:
        """The name of a matrix in panels."""
        scale = number(matvec.scale, C)
        key = (matvec.matrix_name, matvec.transposed, scale)
        if key not in self.packed:
            place = self.storage.of(matvec.matrix_name, None)
            rows, columns = (size_code(size) for size in place.variable.shape)
            name = self.storage.fresh(f"{place.code}_{'across' if matvec.transposed else 'panels'}")
            depth, width, down, right = (
                (rows, columns, columns, "1") if matvec.transposed else (columns, rows, "1", columns)
            )
            self.packed[key] = (name, f"panels({width}, {depth})")
            self.packing.append(f"pack({name}, {place.code}, {depth}, {width}, {down}, {right}, {scale});")
        return self.packed[key][0]

    def _add_outer(self, total: Place, one: Rowed, other: Rowed, scale: str) -> list[str]:
        (_, left, n), (_, right, m) = one, other
        self.panel_sizes.add(m)
        self.turned_sizes.add(n)
        rows = f"(high - low + 1) * B, {left}, {n}, {right}, {m}"
        return [f"add_outer({total.code}, {rows}, {scale}, {_buffer('turned', n)}, {_buffer('panel', m)});"]

    def _add_rows(self, total: Place, rows: Rowed, scale: str) -> list[str]:
        return [f"add_rows({total.code}, (high - low + 1) * B, {rows[1]}, {rows[2]}, {scale});"]


def _buffer(kind: str, size: str) -> str:
    """The name of the buffer for panels of a matrix with so many columns, or for tiles of one that is turned over."""
    return f"{kind}_" + plain(size.replace(" + ", "_plus_").replace(" * ", "_times_"))
