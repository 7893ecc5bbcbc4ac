"""A program written out in C: one function that computes the loss and every gradient in a given workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Indexed, Number

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Equation, Term, access, reads_of, t, time_of
from rnnsym.kernels.backends.native.cells import Cells
from rnnsym.kernels.backends.native.expressions import number, size_code
from rnnsym.kernels.backends.native.lifetimes import chunked_rows, rows_beyond
from rnnsym.kernels.backends.native.nests import Nest, block, condition, indented
from rnnsym.kernels.backends.native.phases import Phase, moved, phases, readers_of
from rnnsym.kernels.backends.native.storage import Kind, Place, Storage, plain, size_product
from rnnsym.kernels.fast.normal import Irregular, Matvec
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.schedule import Block, Program, blocks
from rnnsym.kernels.when import time_code
from rnnsym.language.model import Model


@dataclass(frozen=True)
class Written:
    """The parts of a C file: functions of the phases, packed matrices, the places in the workspace, and the body."""

    functions: tuple[str, ...]
    places: tuple[Place, ...]
    buffers: tuple[tuple[str, str], ...]  # name, numbers
    body: tuple[str, ...]
    sizes: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]  # given arrays and gradients: C type, name


def written(model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None) -> Written:
    """The program as C, many steps at once where it has a plan for that, otherwise step by step."""
    if cut is not None:
        try:
            return Writer(model, cut.program, describe, cut).written()
        except Irregular:
            pass
    return Writer(model, program, describe, None).written()


class Writer:
    """Writes one program. `describe` gives an equation as a person reads it, for the comment above its code."""

    def __init__(self, model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None) -> None:
        self.model = model
        self.cut = cut
        self.variables = dict(program.variables if cut is None else cut.variables)
        self.describe = describe
        if cut is not None:
            program = replace(
                program,
                variables=self.variables,
                forward=(*cut.before, *cut.forward.equations, *cut.forward.sums),
                backward=(*cut.between, *cut.backward.equations, *cut.backward.sums, *cut.after),
            )
        self.program = program
        self.equations = (*program.forward, *program.backward)
        self.readers = readers_of(self.equations, self.variables)
        chunked = {} if cut is None else chunked_rows(cut, self.readers, self.variables)
        self.storage = Storage(model, program, chunked, rows_beyond(self.equations, self.variables), cut is not None)
        self.nest = Nest(self.storage, self.variables)
        self.functions: list[str] = []
        self.packed: dict[tuple[str, bool, str], tuple[str, str]] = {}  # matrix, transposed, scale -> name, numbers
        self.packing: list[str] = []
        self.panel_sizes: list[str] = []
        self.count = 0

    def written(self) -> Written:
        body = self._planned(self.cut) if self.cut is not None else self._in_steps()
        body = [*self._given(), *self.packing, *body, *self._results()]
        places = tuple(place for place in self.storage.used.values() if not place.given)
        buffers = [(name, amount) for name, amount in self.packed.values()]
        for name in sorted(set(self.panel_sizes)):
            buffers.append((_panel(name), f"panels({name}, DEEP)"))
        sizes = {
            str(symbol) for v in self.program.variables.values() for size in v.shape for symbol in size.free_symbols
        }
        return Written(
            tuple(self.functions),
            places,
            tuple(buffers),
            tuple(body),
            tuple(sorted(sizes)),
            self._fields(),
        )

    # The caller's arrays

    def _fields(self) -> tuple[tuple[str, str], ...]:
        fields = [("const R", f"param_{plain(name)}") for name in self.model.param_keys]
        fields += [("const R", f"input_{plain(key)}") for key in self.model.input_keys]
        fields += [("R", f"grad_{plain(key)}") for key in self.program.wanted]
        return tuple(fields)

    def _given(self) -> list[str]:
        """Given arrays under their names; values from before the first step go into the first rows."""
        lines: list[str] = []
        names = {name for equation in self.equations for name in reads_of(equation)}
        for name in self.model.param_keys:
            if name in names:
                lines.append(f"const R *const {self.storage.of(name, None).code} = problem->param_{plain(name)};")
        for name in self.model.inputs:
            if name in names:
                lines.append(f"const R *const {self.storage.of(name, None).code} = problem->input_{plain(name)};")
        for name in self.model.sequences:
            if name not in names:
                continue
            place = self.storage.of(name, None)
            if place.given:
                lines.append(f"const R *const {place.code} = problem->input_{plain(name)};")
            else:
                lines.append(f"memcpy({place.at('1')}, problem->input_{plain(name)}, sizeof(R) * T * {place.row});")
        for name, time in self.model.given:
            array = self.storage.arrays.get(name, time)
            if array is None or name not in names:
                continue
            place = self.storage.of(name, time)
            source = f"problem->input_{plain(f'{name}[{time}]')}"
            if place.kind is Kind.SINGLE:
                lines.append(f"const R *const {place.code} = {source};")
            elif place.has(time):
                lines.append(f"memcpy({place.at(time_code(time))}, {source}, sizeof(R) * {place.row});")
        lines += [
            f"R *const {place.code} = problem->grad_{plain(key)};"
            for key, place in self.storage.gradients.items()
            if place is not None and place.code != f"problem->grad_{plain(key)}"
        ]
        return lines

    def _results(self) -> list[str]:
        """Gradients that are not in place yet, and the loss."""
        lines: list[str] = []
        times = {f"{name}[{time}]": (name, time) for name, time in self.model.given}
        for key, place in self.storage.gradients.items():
            if place is not None:
                continue
            name, time = times.get(key, (key, None))
            variable = self.variables[name]
            shape = size_product(variable.shape)
            parts = [shape] if key in self.model.param_keys else ["B", shape]
            parts = ["T", *parts] if key in self.model.sequences else parts
            amount = f"sizeof(R) * {' * '.join(part for part in parts if part != '1') or '1'}"
            array = self.storage.arrays.get(adjoint_name(name), time)
            if array is None:
                lines.append(f"memset(problem->grad_{plain(key)}, 0, {amount});")
                continue
            own = self.storage.of(adjoint_name(name), time)
            if time is not None and not own.has(time):
                lines.append(f"memset(problem->grad_{plain(key)}, 0, {amount});")
                continue
            source = own.at("1" if time is None else time_code(time))
            lines.append(f"memcpy(problem->grad_{plain(key)}, {source}, {amount});")
        loss = self.storage.of(self.program.loss, None)
        lines += ["double total = 0;", f"for (I b = 0; b < B; b++) total += {loss.code}[b];", "*problem->loss = total;"]
        return lines

    # Step by step

    def _in_steps(self) -> list[str]:
        lines: list[str] = []
        for part, direction in ((self.program.forward, 1), (self.program.backward, -1)):
            for found in blocks(part, self.program, direction):
                lines += self._block(found)
        return lines

    def _block(self, found: Block) -> list[str]:
        if found.interval is None:
            return [line for equation in found.statements for line in self._once(equation)]
        inside: list[str] = []
        usual = [e for e in found.statements if e.interval == found.interval]
        if len(usual) == len(found.statements):
            inside = self._together(phases(usual, self.variables, reorder=False), "t", "B")
        else:
            for equation in found.statements:
                assert equation.interval is not None
                test = condition(equation.interval, "t", found.interval)
                body = self._once(equation)
                inside += block(f"if ({test})", body) if test else body
        low, high = time_code(found.interval.low), time_code(found.interval.high)
        if found.direction > 0:
            return block(f"for (I t = {low}; t <= {high}; t++)", inside)
        return block(f"for (I t = {high}; t >= {low}; t--)", inside)

    def _once(self, equation: Equation) -> list[str]:
        return [self._comment(equation), *self.nest.lines(equation)]

    def _comment(self, equation: Equation) -> str:
        return f"/* {self.describe(equation)} */"

    # Many steps at once

    def _planned(self, cut: Plan) -> list[str]:
        lines = [line for equation in cut.before for line in self._once(equation)]
        lines += self._region(cut.forward)
        lines += [line for equation in cut.between for line in self._once(equation)]
        lines += self._region(cut.backward)
        after = [line for equation in cut.after for line in self._once(equation)]
        return [*lines, *block("", [f"const I low = {time_code(cut.backward.interval.low)};", "(void)low;", *after])]

    def _region(self, region: Region) -> list[str]:
        low, high = time_code(region.interval.low), time_code(region.interval.high)
        stages = moved([(s.loop, s.equations) for s in region.stages], self.readers, self.variables)
        inside: list[str] = []
        for loop, equations in stages:
            found = phases(equations, self.variables, many=not loop)
            if loop:
                head = "for (I t = low; t <= high; t++)" if region.direction > 0 else "for (I t = high; t >= low; t--)"
                inside += block(head, self._together(found, "t", "B"))
            else:
                inside += self._together(found, "low", "(high - low + 1) * B")
        sums, zeros = self._sums(region)
        inside += sums
        before, after = self._edges(region)
        lines = [*zeros, *before]
        if not inside:
            return lines
        if region.direction > 0:
            head = f"for (I low = {low}; low <= {high}; low += chunk)"
            limit = f"const I high = low + chunk - 1 < {high} ? low + chunk - 1 : {high};"
        else:
            head = f"for (I high = {high}; high >= {low}; high -= chunk)"
            limit = f"const I low = high - chunk + 1 > {low} ? high - chunk + 1 : {low};"
        return [*lines, *block(head, [limit, *inside, *after])]

    def _edges(self, region: Region) -> tuple[list[str], list[str]]:
        """What is zero beyond the steps, and what one chunk leaves to the next."""
        before, after = [], []
        own = {equation.name for equation in region.equations}
        low, high = time_code(region.interval.low), time_code(region.interval.high)
        for name, place in list(self.storage.places.items()):
            if name not in own or place.kind is not Kind.CHUNK:
                continue
            if region.direction < 0 and place.more:
                amount = f"sizeof(R) * {place.more} * {place.row}"
                first = f"(chunk < {high} - {low} + 1 ? chunk : {high} - {low} + 1)"
                before.append(f"memset({place.code} + {first} * {place.row}, 0, {amount});")
                following = f"(low - {low} < chunk ? low - {low} : chunk)"
                after.append(
                    f"if (low > {low}) memmove({place.code} + {following} * {place.row}, {place.code}, {amount});"
                )
            if region.direction > 0 and place.first < 0:
                amount = f"sizeof(R) * {-place.first} * {place.row}"
                before.append(f"memset({place.code}, 0, {amount});")
                after.append(f"memmove({place.code}, {place.code} + (high - low + 1) * {place.row}, {amount});")
        return before, after

    def _together(self, found: Iterable[Phase | Equation], time: str, rows: str) -> list[str]:
        """Phases and single equations at a step, or at all steps of a chunk."""
        lines: list[str] = []
        for one in found:
            if isinstance(one, Equation):
                body = self._once(one)
                lines += body if time == "t" else [body[0], *block("for (I t = low; t <= high; t++)", body[1:])]
            else:
                lines += self._phase(one, time, rows)
        return lines

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

    def _is_stored(self, name: str, phase: Phase) -> bool:
        """Whether a value is needed outside of its phase, or at another step."""
        if any(key in self.program.wanted for key in self._keys(name)):
            return True
        return any(reader.name not in phase.names or offset != 0 for reader, offset in self.readers.get(name, []))

    def _keys(self, name: str) -> list[str]:
        origin = self.variables[name].adjoint_of
        return [] if origin is None else [origin, *(f"{n}[{time}]" for n, time in self.model.given if n == origin)]

    def _part(self, matvec: Matvec, time: str) -> str:
        found = access(matvec.vector, self.variables)
        place = self.storage.of(found.name, None)
        offset = time_of(found.time).offset
        (depth,) = self.variables[found.name].shape
        return f"{{{place.at(time, offset)}, {size_code(depth)}, {self._packed(matvec)}, {size_code(depth)}}}"

    def _packed(self, matvec: Matvec) -> str:
        """The name of a matrix in panels."""
        scale = number(matvec.scale)
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

    # Sums over time

    def _sums(self, region: Region) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        zeros: list[str] = []
        for equation in region.sums:
            place = self.nest.target(equation)
            zeros.append(f"memset({place.code}, 0, sizeof(R) * {place.row});")
            lines.append(self._comment(equation))
            for term in equation.terms:
                fast = self._outer(term, equation, place) or self._row_sum(term, equation, place)
                lines += fast or self.nest.lines(replace(equation, terms=(term,)), ("low", "high"))
        return lines, zeros

    def _rowed(self, factor: Expr | None) -> tuple[Place, str, str] | None:
        """A vector with a batch at a step relative to t: its place, first row and size."""
        if not isinstance(factor, Indexed):
            return None
        found = access(factor, self.variables)
        if found.time is None or not found.time.has(t) or len(found.indices) != 1:
            return None
        place = self.storage.of(found.name, None)
        return place, place.at("low", time_of(found.time).offset), size_code(place.variable.shape[0])

    def _outer(self, term: Term, equation: Equation, place: Place) -> list[str]:
        """Sums of outer products as a matrix product."""
        if len(equation.indices) != 2 or term.when is not None or place.batch:
            return []
        scale = [factor for factor in term.factors if isinstance(factor, Number)]
        rest = [factor for factor in term.factors if not isinstance(factor, Number)]
        if len(rest) != 2:
            return []
        by_index = {access(f, self.variables).indices: f for f in rest if isinstance(f, Indexed)}
        one, other = (self._rowed(by_index.get((index,))) for index in equation.indices)
        if one is None or other is None:
            return []
        (_, left, n), (_, right, m) = one, other
        self.panel_sizes.append(m)
        factor = " * ".join(number(one) for one in scale) or "(R)1"
        return [f"add_outer({place.code}, (high - low + 1) * B, {left}, {n}, {right}, {m}, {factor}, {_panel(m)});"]

    def _row_sum(self, term: Term, equation: Equation, place: Place) -> list[str]:
        if len(equation.indices) != 1 or term.when is not None or place.batch:
            return []
        scale = [factor for factor in term.factors if isinstance(factor, Number)]
        rest = [factor for factor in term.factors if not isinstance(factor, Number)]
        found = self._rowed(rest[0]) if len(rest) == 1 else None
        if found is None or access(rest[0], self.variables).indices != equation.indices:
            return []
        factor = " * ".join(number(one) for one in scale) or "(R)1"
        return [f"add_rows({place.code}, (high - low + 1) * B, {found[1]}, {found[2]}, {factor});"]


def _panel(size: str) -> str:
    """The name of the buffer for panels of a matrix with so many columns."""
    return "panel_" + plain(size.replace(" + ", "_plus_").replace(" * ", "_times_"))
