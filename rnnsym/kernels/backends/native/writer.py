"""A program written out for a compiler: one function that computes the loss and every gradient in a given workspace.

What matrix products are made of differs by language: see `panels.py` and `blas.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Indexed, Number

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Equation, Term, access, t, time_of
from rnnsym.kernels.backends.native.edges import chunk_edges, step_edges
from rnnsym.kernels.backends.native.expressions import number, size_code
from rnnsym.kernels.backends.native.lifetimes import chunked_rows, rows_beyond
from rnnsym.kernels.backends.native.nests import Nest, condition
from rnnsym.kernels.backends.native.phases import Phase, moved, phases, readers_of
from rnnsym.kernels.backends.native.storage import Kind, Place, Storage, apart, plain, size_product
from rnnsym.kernels.backends.native.syntax import C, Syntax
from rnnsym.kernels.backends.native.whole import function_lines, share
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.schedule import Block, Program, blocks
from rnnsym.kernels.when import time_code
from rnnsym.language.model import Model


@dataclass(frozen=True)
class Written:
    """What is written: functions of the phases, the places in the workspace with packed matrices, and the body."""

    functions: tuple[str, ...]
    places: tuple[Place, ...]
    buffers: tuple[tuple[str, str], ...]  # name, numbers
    body: tuple[str, ...]
    sizes: tuple[str, ...]
    fields: tuple[tuple[bool, str], ...]  # given arrays and gradients: whether it is given, name
    joined: tuple[tuple[str, ...], ...] = ()  # gradients that have to lie one after the other
    outputs: tuple[tuple[str, Place], ...] = ()  # what is handed out beside gradients: key, place


def written(
    writer: type[Writer], model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None
) -> Written:
    """The program as code, many steps at once where it has a plan for that, otherwise step by step."""
    if cut is not None:
        try:
            return writer(model, cut.program, describe, cut).written()
        except Irregular:
            pass
    return writer(model, program, describe, None).written()


#: A vector with a batch at the steps of a chunk: its place, where its first row begins, and its size.
Rowed = tuple[Place, str, str]


class Writer:
    """Writes one program. `describe` gives an equation as a person reads it, for the comment above its code."""

    syntax: Syntax = C

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
        beyond = rows_beyond(self.equations, self.variables)
        self.storage = Storage(model, program, chunked, beyond, cut is not None, self._columns(cut, chunked))
        self.nest = Nest(self.storage, self.variables, self.syntax)
        self.stem = "ahead" if program.outputs else "step"  # of the names of functions
        self.functions: list[str] = []
        self.before: list[str] = []  # what is computed once, slices of matrices among it,
        self.packing: list[str] = []  # and matrices as products want them
        self.joined: list[tuple[str, ...]] = []
        self.summed: set[str] = set()  # sums over time that some region has begun
        self.count = 0

    def written(self) -> Written:
        body = self._planned(self.cut) if self.cut is not None else self._in_steps()
        # Outputs may be wanted again for the same parameters.
        packing = self.syntax.test("fresh", self.packing) if self.packing and self.program.outputs else self.packing
        margins = step_edges(self.storage, self.cut, self.syntax) if self.cut is not None else []
        body = [*margins, *self._given(), *self.before, *packing, *body, *self._results()]
        places = tuple(place for place in self.storage.used.values() if not place.given)
        buffers = [*self._buffers(), *self.storage.rooms.values()]
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
            tuple(self.joined),
            tuple(self.outputs().items()),
        )

    def _columns(self, cut: Plan | None, chunked: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
        """Variables that are to lie side by side, by each of them."""
        return {}

    def _buffers(self) -> list[tuple[str, str]]:
        """Room for matrices in another form: names and how many numbers each takes."""
        raise NotImplementedError

    # The caller's arrays

    def _fields(self) -> tuple[tuple[bool, str], ...]:
        fields = [(True, f"param_{plain(name)}") for name in self.model.param_keys]
        fields += [(True, f"input_{plain(key)}") for key in self.model.input_keys]
        fields += [(False, f"grad_{plain(key)}") for key in self.program.wanted]
        fields += [(False, f"out_{name}") for name in apart(self.outputs()).values()]
        return tuple(fields)

    def outputs(self) -> dict[str, Place]:
        """The places of what is handed out beside gradients, by key: a name, or a name at a time."""
        found: dict[str, Place] = {}
        for equation in self.equations:
            if equation.name in self.program.outputs:
                array = self.storage.arrays.of(equation.name, equation.time)
                found[array.key] = self.storage.of(equation.name, equation.time)
        return found

    def _given(self) -> list[str]:
        """Given arrays under their names; values from before the first step go into the first rows."""
        lines: list[str] = []
        syntax = self.syntax
        names = {name for equation in self.equations for name in equation.reads}
        for name in self.model.param_keys:
            if name in names:
                lines += syntax.alias(self.storage.of(name, None).code, f"param_{plain(name)}", True)
        for name in self.model.inputs:
            if name in names:
                lines += syntax.alias(self.storage.of(name, None).code, f"input_{plain(name)}", True)
        for name in self.model.sequences:
            if name not in names:
                continue
            place = self.storage.of(name, None)
            if place.given:
                lines += syntax.alias(place.code, f"input_{plain(name)}", True)
            else:
                lines.append(syntax.copy(place.at("1"), syntax.field(f"input_{plain(name)}"), f"T * {place.row}"))
        for name, time in self.model.given:
            array = self.storage.arrays.get(name, time)
            if array is None or name not in names:
                continue
            place = self.storage.of(name, time)
            source = f"input_{plain(f'{name}[{time}]')}"
            if place.kind is Kind.SINGLE:
                lines += syntax.alias(place.code, source, True)
            elif place.has(time):
                lines.append(syntax.copy(place.at(time_code(time)), syntax.field(source), place.row))
        lines += [
            line
            for key, place in self.storage.gradients.items()
            if place is not None
            for line in syntax.alias(place.code, f"grad_{plain(key)}", False)
        ]
        return lines

    def _results(self) -> list[str]:
        """Gradients that are not in place yet, and the loss."""
        lines: list[str] = []
        syntax = self.syntax
        times = {f"{name}[{time}]": (name, time) for name, time in self.model.given}
        for key, place in self.storage.gradients.items():
            if place is not None:
                continue
            name, time = times.get(key, (key, None))
            variable = self.variables[name]
            shape = size_product(variable.shape)
            parts = [shape] if key in self.model.param_keys else ["B", shape]
            parts = ["T", *parts] if key in self.model.sequences else parts
            amount = " * ".join(part for part in parts if part != "1") or "1"
            field = syntax.field(f"grad_{plain(key)}")
            array = self.storage.arrays.get(adjoint_name(name), time)
            if array is None:
                lines.append(syntax.zero(field, amount))
                continue
            own = self.storage.of(adjoint_name(name), time)
            if time is not None and not own.has(time):
                lines.append(syntax.zero(field, amount))
                continue
            source = own.at("1" if time is None else time_code(time))
            lines.append(syntax.copy(field, source, amount))
        outputs = self.outputs()
        for key, name in apart(outputs).items():
            place, field = outputs[key], syntax.field(f"out_{name}")
            rows = "" if place.kind is Kind.SINGLE else "T * "
            copy = [syntax.copy(field, place.at("1"), rows + place.row)]
            if not place.batch:  # the same for all examples
                copy = syntax.through(
                    "b", "0", "B - 1", [syntax.copy(f"{field} + b * {place.row}", place.code, place.row)]
                )
            lines += syntax.test(field, copy)
        if self.program.outputs:
            return lines
        loss = self.storage.of(self.program.loss, None)
        return [*lines, *syntax.loss(loss.code)]

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
                test = condition(equation.interval, "t", self.syntax, found.interval)
                body = self._once(equation)
                inside += self.syntax.test(test, body) if test else body
        low, high = time_code(found.interval.low), time_code(found.interval.high)
        if found.direction > 0:
            return self.syntax.through("t", low, high, inside)
        return self.syntax.down("t", high, low, inside)

    def _once(self, equation: Equation) -> list[str]:
        return [self._comment(equation), *self.nest.lines(equation)]

    def _comment(self, equation: Equation) -> str:
        return self.syntax.comment(self.describe(equation))

    # Many steps at once

    def _planned(self, cut: Plan) -> list[str]:
        self.before = [line for equation in cut.before for line in self._once(equation)]
        lines = [line for region in cut.forward.regions for line in self._region(region)]
        lines += [line for equation in cut.alone(cut.between) for line in self._once(equation)]
        lines += [line for region in cut.backward.regions for line in self._region(region)]
        return [*lines, *self._after(cut.alone(cut.after))]

    def _after(self, equations: Iterable[Equation]) -> list[str]:
        """Single statements, which may read the last chunk of a region downwards."""
        assert self.cut is not None
        low = [self.syntax.whole("low", time_code(self.cut.backward.interval.low)), *self.syntax.unused("low")]
        lines = [line for equation in equations for line in self._once(equation)]
        return self.syntax.scope([*low, *lines]) if lines else []

    def _region(self, region: Region) -> list[str]:
        syntax = self.syntax
        low, high = time_code(region.interval.low), time_code(region.interval.high)
        stages = moved([(s.loop, s.equations) for s in region.stages], self.readers, self.variables)
        inside: list[str] = []
        for loop, equations in stages:
            found = phases(equations, self.variables, many=not loop)
            if loop:
                steps = self._together(found, "t", "B")
                up = region.direction > 0
                inside += syntax.through("t", "low", "high", steps) if up else syntax.down("t", "high", "low", steps)
            else:
                inside += self._together(found, "low", "(high - low + 1) * B")
        sums, zeros = self._sums(region)
        inside += sums
        before, after = chunk_edges(self.storage, region, self.syntax)
        lines = [*self._after(region.first), *zeros, *before]
        if not inside:
            return lines
        if region.direction > 0:
            limit = syntax.whole("high", syntax.smaller("low + chunk - 1", high))
            return [*lines, *syntax.through("low", low, high, [limit, *inside, *after], "chunk")]
        limit = syntax.whole("low", syntax.larger("high - chunk + 1", low))
        return [*lines, *syntax.down("high", high, low, [limit, *inside, *after], "chunk")]

    def _together(self, found: Iterable[Phase | Equation], time: str, rows: str) -> list[str]:
        """Phases and single equations at a step, or at all steps of a chunk."""
        lines: list[str] = []
        waiting = list(found)
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, Phase):
                lines += self._phase(one, time, rows)
                continue
            told, other = [self._comment(one)], waiting[0] if waiting else None
            if isinstance(other, Equation) and share(one, other):
                told.append(self._comment(other))
                body = function_lines(self.nest, one, other)
                waiting.pop(0)
            else:
                body = self.nest.lines(one)
            lines += told + (body if time == "t" else self.syntax.through("t", "low", "high", body))
        return lines

    def _phase(self, phase: Phase, time: str, rows: str) -> list[str]:
        """A function for a phase, and its call for the rows of a step, or of all steps of a chunk."""
        raise NotImplementedError

    def _is_stored(self, name: str, phase: Phase) -> bool:
        """Whether a value is needed outside of its phase, or at another step."""
        if name in self.program.outputs:
            return True
        if any(key in self.program.wanted and self._is_read_for(key, name) for key in self._keys(name)):
            return True
        return any(reader.name not in phase.names or offset != 0 for reader, offset in self.readers.get(name, []))

    def _is_read_for(self, key: str, name: str) -> bool:
        """Whether the gradient by this key is what the steps leave, and is not computed apart from them."""
        place = self.storage.gradients.get(key)
        return place is None or place.kind is not Kind.SINGLE or self.variables[name].adjoint_of == key

    def _keys(self, name: str) -> list[str]:
        origin = self.variables[name].adjoint_of
        return [] if origin is None else [origin, *(f"{n}[{time}]" for n, time in self.model.given if n == origin)]

    # Sums over time

    def _sums(self, region: Region) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        zeros: list[str] = []
        for equation in region.sums:
            place = self.nest.target(equation)
            if equation.name not in self.summed:
                zeros.append(self.syntax.zero(place.code, place.row))
            self.summed.add(equation.name)
            lines.append(self._comment(equation))
            for term in equation.terms:
                fast = self._outer(term, equation, place)
                fast = self._row_sum(term, equation, place) if fast is None else fast
                if fast is None:
                    fast = self.nest.lines(replace(equation, terms=(term,)), ("low", "high"))
                lines += fast
        return lines, zeros

    def _rowed(self, factor: Expr | None) -> Rowed | None:
        """A vector with a batch at a step relative to t: its place, first row and size."""
        if not isinstance(factor, Indexed):
            return None
        found = access(factor, self.variables)
        if found.time is None or not found.time.has(t) or len(found.indices) != 1:
            return None
        place = self.storage.of(found.name, None)
        return place, place.at("low", time_of(found.time).offset), size_code(place.variable.shape[0])

    def _outer(self, term: Term, equation: Equation, place: Place) -> list[str] | None:
        """Sums of outer products as a matrix product."""
        if len(equation.indices) != 2 or term.when is not None or place.batch:
            return None
        scale = [factor for factor in term.factors if isinstance(factor, Number)]
        rest = [factor for factor in term.factors if not isinstance(factor, Number)]
        if len(rest) != 2:
            return None
        by_index = {access(f, self.variables).indices: f for f in rest if isinstance(f, Indexed)}
        one, other = (self._rowed(by_index.get((index,))) for index in equation.indices)
        if one is None or other is None:
            return None
        (_, left, n), (_, right, m) = one, other
        factor = " * ".join(number(one, self.syntax) for one in scale) or self.syntax.one
        return self._add_outer(place, (one[0], left, n), (other[0], right, m), factor)

    def _row_sum(self, term: Term, equation: Equation, place: Place) -> list[str] | None:
        if len(equation.indices) != 1 or term.when is not None or place.batch:
            return None
        scale = [factor for factor in term.factors if isinstance(factor, Number)]
        rest = [factor for factor in term.factors if not isinstance(factor, Number)]
        found = self._rowed(rest[0]) if len(rest) == 1 else None
        if found is None or access(rest[0], self.variables).indices != equation.indices:
            return None
        factor = " * ".join(number(one, self.syntax) for one in scale) or self.syntax.one
        return self._add_rows(place, found, factor)

    def _add_outer(self, total: Place, one: Rowed, other: Rowed, scale: str) -> list[str]:
        """Add the sum of outer products over the rows of a chunk to a matrix."""
        raise NotImplementedError

    def _add_rows(self, total: Place, rows: Rowed, scale: str) -> list[str]:
        """Add the sum of the rows of a chunk to a vector."""
        raise NotImplementedError
