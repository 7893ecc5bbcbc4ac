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
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.schedule import Program
from rnnsym.language.model import Model


class PanelWriter(Writer):
    """Writes a program in C."""

    def __init__(self, model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None) -> None:
        super().__init__(model, program, describe, cut)
        self.packed: dict[tuple[str, bool, str], tuple[str, str]] = {}  # matrix, transposed, scale -> name, numbers
        self.sides: dict[str, tuple[str, str]] = {}  # right sides of sums, packed: name, numbers
        self.turned_sizes: set[str] = set()
        self.outers: list[tuple[Place, Rowed, Rowed, str]] = []

    def _buffers(self) -> list[tuple[str, str]]:
        buffers = [*self.packed.values(), *self.sides.values()]
        return [*buffers, *((_turned(size), f"{size} * chunk * B + WIDE") for size in sorted(self.turned_sizes))]

    def _phase(self, phase: Phase, time: str, rows: str) -> list[str]:
        stored = {e.name for e in phase.equations if self._is_stored(e.name, phase)}
        cells = Cells("", phase, self.variables, self.storage, stored, rows != "B")
        size = size_product(phase.shape)
        arguments = cells.arguments(time)
        parts = [self._part(matvec, time) for _, group in phase.products for matvec in group]
        if cells.is_plain:
            calls, start = [], 0
            for target, (_, group) in zip(arguments[-len(phase.products) :], phase.products, strict=True):
                calls.append(f"multiply({rows}, {size}, {target}, parts + {start}, {len(group)});")
                start += len(group)
        else:
            self.count += 1
            cells.name = self.storage.fresh(f"{self.stem}_{self.count}")
            self.functions.append("\n".join([*(self._comment(e) for e in phase.equations), cells.source()]))
            given = [rows, size, *(["parts"] if parts else []), *arguments]
            calls = [f"{cells.name}({', '.join(given)});"]
        if parts:
            calls = ["{", *indented(["const Part parts[] = {", *indented(f"{part}," for part in parts), "};"]),
                     *indented(calls), "}"]  # fmt: skip
        return [*(self._comment(e) for e in phase.equations), *calls]

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

    def _sums(self, region: Region) -> tuple[list[str], list[str]]:
        self.outers.clear()
        lines, zeros = super()._sums(region)
        return [*lines, *self._outer_products()], zeros

    def _add_outer(self, total: Place, one: Rowed, other: Rowed, scale: str) -> list[str]:
        self.outers.append((total, one, other, scale))
        return []

    def _outer_products(self) -> list[str]:
        """Products of the rows of a chunk: each right side is packed once, each left side turned over once."""
        rows = "(high - low + 1) * B"
        packing: dict[str, str] = {}
        by_left: dict[tuple[str, str], list[str]] = {}
        for total, (_, left, n), (place, right, m), scale in self.outers:
            if right not in self.sides:
                self.sides[right] = (self.storage.fresh(f"{place.code}_packed"), f"panels({m}, chunk * B)")
            packed = self.sides[right][0]
            packing[right] = f"pack({packed}, {right}, {rows}, {m}, {m}, 1, (R)1);"
            self.turned_sizes.add(n)
            line = f"add_outer({total.code}, {rows}, {_turned(n)}, {n}, {packed}, {m}, {scale});"
            by_left.setdefault((left, n), []).append(line)
        lines = list(packing.values())
        for (left, n), products in by_left.items():
            lines += [f"turn({_turned(n)}, {left}, {rows}, {n});", *products]
        return lines

    def _add_rows(self, total: Place, rows: Rowed, scale: str) -> list[str]:
        return [f"add_rows({total.code}, (high - low + 1) * B, {rows[1]}, {rows[2]}, {scale});"]


def _turned(size: str) -> str:
    """The name of the buffer for a left side of so many columns that is turned over."""
    return "turned_" + plain(size.replace(" + ", "_plus_").replace(" * ", "_times_"))
