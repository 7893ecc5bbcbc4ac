"""A layout written out: a workspace, and a function that runs all steps in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from sympy import Expr, Indexed, Mul, Rational

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import (
    Equation,
    Role,
    Select,
    Term,
    Variable,
    elements,
    name_of,
    t,
    time_of,
    whole_function,
)
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.fast.lanes import WITH_OUT, Constant, Lane, operations
from rnnsym.kernels.fast.layout import (
    CARRIED,
    CHUNK,
    COEFFICIENT,
    COLUMN,
    GATES,
    OUTPUT,
    PRODUCT,
    ROWS,
    SEQUENCE,
    SLAB,
    UNTIMED,
    WORK,
    Gather,
    Layout,
    Spread,
    outer_pair,
)
from rnnsym.kernels.fast.normal import Irregular, Matvec, is_elementwise, matvec_of
from rnnsym.kernels.fast.packs import Pack, Run, pieces
from rnnsym.kernels.fast.regions import Region, Stage
from rnnsym.kernels.schedule import Program
from rnnsym.kernels.numpy_code import SUM, size_code, term_value
from rnnsym.kernels.when import when_code
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval

WIDTH = 116


@dataclass(frozen=True)
class Rows:
    """The steps that a statement works on, as source: positions from `low` to `high`, in a chunk that begins at `start`."""

    low: str
    high: str
    start: str
    count: str


FORWARD = Rows("start", "stop", "start", "count")
BLOCK = Rows("start", "stop", "start", "count")
PART = Rows("low", "high", "start", "size")


class Writer:
    """Writes one layout. `describe` gives an equation as a person reads it."""

    def __init__(self, model: Model, layout: Layout, describe: Callable[[Equation], str]) -> None:
        self.model = model
        self.layout = layout
        self.plan = layout.plan
        self.describe = describe
        self.variables = layout.plan.variables
        self.interval = layout.plan.forward.interval
        if self.interval != Interval(Time("", 1), Time("T", 0)):
            raise Irregular("its loop does not run from step 1 to step T")
        for equation in (*layout.plan.before, *layout.plan.between, *layout.plan.after, *self._all()):
            for term in equation.terms:
                for factor in term.factors:
                    if any(part.args[0] in equation.indices for part in factor.atoms(Select)):
                        raise Irregular(f"{equation.label} is put together of parts")
        self.names = _Names(self)
        self.made: list[str] = []  # lines of the workspace
        self.fields: list[str] = []  # its fields, which the function unpacks
        self.prepared: list[str] = []  # lines at the start of every call
        self.stacks: dict[object, str] = {}
        self.constants: dict[Fraction | float, str] = {}
        self.functions: set[str] = set()
        self.sums: list[tuple[str, str]] = []  # shapes of what is added up over chunks, and its gradient's source
        self.inner = self._inner()

    # Frame

    def source(self) -> str:
        """The workspace and the function as source."""
        self._arrays()
        forward = self._forward()
        between = [line for equation in self.plan.between for line in self._once(equation)]
        before = [line for equation in self.plan.before for line in self._once(equation)]
        backward = self._backward()
        after = [line for equation in self.plan.after for line in self._once(equation)]
        results = self._results()
        body = [
            *self._unpacked(),
            *self._given(),
            *self.prepared,
            *before,
            "",
            *forward,
            "",
            *between,
            *backward,
            *after,
            "",
            *results,
        ]
        functions = [f"{name} = np.{name}" for name in sorted(self.functions)]
        return TEMPLATE.format(
            sizes=_indented(self._sizes(), 2),
            made=_indented(self.made, 2),
            fields="".join(f"\n        self.{name} = {name}" for name in self.fields),
            constants="".join(
                f"\n{name} = np.array({_literal(value)}, DTYPE)" for value, name in self.constants.items()
            ),
            functions="\n".join(functions),
            body=_indented(body, 1),
            minimum=self.model.timing.minimum_length,
        )

    def _sizes(self) -> list[str]:
        return ['T, B = sizes["T"], sizes["B"]', *self._named_sizes()]

    def _named_sizes(self) -> list[str]:
        symbols = {
            str(symbol) for shape in self.layout.shapes.values() for size in shape for symbol in size.free_symbols
        }
        return [f'{name} = sizes["{name}"]' for name in sorted(symbols)]

    def _unpacked(self) -> list[str]:
        lines = [*self._named_sizes(), *(f"{name} = w.{name}" for name in self.fields)]
        read = {
            name_of(element)
            for equation in (*self.plan.before, *self.plan.between, *self.plan.after, *self._all())
            for element in _elements(equation)
        }
        lines += [f'{self.names.of(name)} = params["{name}"]' for name in self.model.parameters if name in read]
        lines += [
            f'{self.names.of(name)} = inputs["{name}"]'
            for name in self.model.sequences
            if name in read and self.layout.kinds[name] == SEQUENCE
        ]
        lines += [f'{self.names.of(name)} = inputs["{name}"]' for name in self.model.inputs if name in read]
        return lines

    def _all(self) -> tuple[Equation, ...]:
        return (*self.plan.forward.equations, *self.plan.backward.equations, *self.plan.backward.sums)

    def _given(self) -> list[str]:
        lines = []
        for name, time in self.model.given:
            kind = self.layout.kinds.get(name)
            if kind in (ROWS, SLAB) and not time.anchor:
                lines.append(f'{self._at_time(name, time)}[...] = inputs["{name}[{time}]"]')
            elif any(name in {name_of(e) for e in _elements(q)} for q in self._all()):
                raise Irregular(f"{name}[{time}] has no row")
        return lines

    # Arrays

    def _array(self, name: str, *shape: str, zeros: bool = False) -> None:
        self.made.append(f"{name} = np.{'zeros' if zeros else 'empty'}(({', '.join(shape)},), DTYPE)")
        self.fields.append(name)

    def _view(self, name: str, code: str) -> None:
        self.made.append(f"{name} = {code}")
        self.fields.append(name)

    def _arrays(self) -> None:
        self.made += [
            "# steps in a chunk of the forward pass; in a chunk of the backward pass, and in a part of it",
            f"rows = min(T, max(1, {ROWS_OF_A_PRODUCT} // B))",
            f"block = min(T, max({SHORTEST}, {ROWS_OF_A_PRODUCT} // B))",
            f"part = min(block, max(1, {CACHE} // (B * ITEM * max(1, {self._part_sizes()}))))",
            "block = -(-block // part) * part",
        ]
        self.fields += ["T", "B", "rows", "block", "part"]
        for space, order in self.layout.spaces.orders.items():
            kind, code = space.split(":")[0], self.names.space(space)
            size = _shape_code(self.layout.shapes[order[0]])
            count = str(len(order))
            self.made.append(f"# {', '.join(self.names.shown(name) for name in order)}")
            if kind == SLAB:
                self._array(code, f"T + {self.layout.pad}", count, "B", *size, zeros=True)
                self._view(f"{code}_slabs", f"{code}.reshape(-1, B, {', '.join(size)})")
            elif kind == GATES:
                self._view(
                    f"{code}_wide",
                    f"np.empty((rows, {count} * {size[0]}) if B == 1 else ({count}, rows * B, {size[0]}), DTYPE)",
                )
                self._view(
                    code,
                    f"{code}_wide.reshape(rows, {count}, 1, {size[0]}) if B == 1 else "
                    f"{code}_wide.reshape({count}, rows, B, {size[0]}).transpose(1, 0, 2, 3)",
                )
            elif kind == COEFFICIENT:
                self._array(code, "part", count, "B", *size)
            elif kind == COLUMN:
                self._array(f"{code}_wide", "block * B", f"{count} * {size[0]}")
                self._view(code, f"{code}_wide.reshape(block, B, {count}, {size[0]}).transpose(0, 2, 1, 3)")
            elif kind == "vector":
                self._array(code, count, "1", *size)
                self.prepared += [f"{code}[{slot}] = {self.names.of(name)}" for slot, name in enumerate(order)]
            else:
                self._array(code, count, "B", *size)
        pools = self.layout.spaces.places
        forward = {e.name for e in self.plan.forward.equations}
        for name, kind in self.layout.kinds.items():
            if name in pools or self.layout.owners.get(name, name) != name:
                continue
            shape = _shape_code(self.layout.shapes[name])
            code = self.names.of(name)
            if kind == ROWS:
                self._array(code, f"T + {self.layout.pad + self.layout.lead}", "B", *shape, zeros=True)
                if name in self.model.sequences:
                    pad = self.layout.pad
                    self.prepared.append(f'{code}[{pad}:T + {pad}] = inputs["{name}"]')
            elif kind == CHUNK:
                rows = "part" if name in self.inner else "rows" if name in forward else "block"
                self._array(code, rows, "B", *shape)
            elif kind == OUTPUT:
                self._array(code, "T", "B", *shape)
            elif kind in (WORK, CARRIED, PRODUCT):
                self._array(code, "B", *shape)

    def _part_sizes(self) -> str:
        """The bytes that a step of the backward pass touches, by elements of each example, as source."""
        sizes: dict[str, int] = {}
        names = [n for n, k in self.layout.kinds.items() if k in (COEFFICIENT, SLAB) or n in self.inner]
        for name in names:
            code = " * ".join(_shape_code(self.layout.shapes[name])) or "1"
            sizes[code] = sizes.get(code, 0) + 1
        return " + ".join(f"{count} * {code}" for code, count in sizes.items()) or "1"

    def _inner(self) -> set[str]:
        """Elementwise values that only coefficients and the loop after them read: computed for a part of a chunk."""
        region = self.plan.backward
        readers: dict[str, set[str]] = {}
        for equation in (*region.equations, *region.sums, *self.plan.after):
            for element in _elements(equation):
                readers.setdefault(name_of(element), set()).add(equation.name)
        kinds = self.layout.kinds
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
                    and is_elementwise(equation, self.variables)
                    and all(term.when is None for term in equation.terms)
                    and readers.get(equation.name, set()) <= found | loops
                    and readers.get(equation.name, set()) & found
                ):
                    found.add(equation.name)
                    changed = True
        return found

    # Views

    def _shift(self, offset: int) -> int:
        return offset + self.layout.pad

    def _at_time(self, name: str, time: Time) -> str:
        """A variable at a fixed time."""
        kind = self.layout.kinds[name]
        position = _sum("T" if time.anchor else "", time.offset - 1)
        if kind == SEQUENCE:
            return f"{self.names.of(name)}[{position}]"
        row = _sum("T" if time.anchor else "", time.offset - 1 + self.layout.pad)
        if kind == ROWS:
            return f"{self.names.of(name)}[{row}]"
        place = self.layout.spaces.places.get(name)
        if kind == SLAB and place is not None:
            return f"{self.names.space(place.space)}[{row}, {place.slot}]"
        if time == Time("", 1) and kind == CARRIED:
            return self._slab_or_own(name)
        if (
            not time.anchor
            and 1 <= time.offset <= SHORTEST
            and kind in (COLUMN, CHUNK, OUTPUT)
            and name not in self.inner
        ):
            # The first steps are those of the last chunk of the backward pass.
            if place is not None:
                return f"{self.names.space(place.space)}[{time.offset - 1}, {place.slot}]"
            return f"{self.names.of(name)}[{time.offset - 1}]"
        raise Irregular(f"{name} is not kept at {time}")

    def _slab_or_own(self, name: str) -> str:
        owner = self.layout.owners.get(name, name)
        place = self.layout.spaces.places.get(owner)
        return f"{self.names.space(place.space)}[{place.slot}]" if place else self.names.of(owner)

    def rows_of(self, name: str, offset: int, rows: Rows) -> str:
        """A variable at all steps of a chunk, each `offset` later, with time as the first axis."""
        kind, code = self.layout.kinds[name], self.names.of(name)
        place = self.layout.spaces.places.get(name)
        if kind in (SEQUENCE, OUTPUT):
            if offset:
                raise Irregular(f"{name} is read at another step")
            return f"{code}[{rows.low}:{rows.high}]"
        if kind in (ROWS, SLAB):
            cut = f"{_sum(rows.low, self._shift(offset))}:{_sum(rows.high, self._shift(offset))}"
            return f"{code}[{cut}]" if place is None else f"{self.names.space(place.space)}[{cut}, {place.slot}]"
        if offset:
            raise Irregular(f"{name} is read at another step")
        if rows == PART and name not in self.inner:
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
        return f"{self.rows_of(name, offset, rows)}.reshape(-1, {_shape_code(self.layout.shapes[name])[0]})"

    def _step_view(self, run: Run) -> str:
        """Slabs of a space at one step, as source in r (position) and the position in its chunk."""
        kind, code = run.space.split(":")[0], self.names.space(run.space)
        first, count, distance = run.first, run.count, run.distance
        if distance == 0:
            count = 1
        if kind == SLAB:
            size = len(self.layout.spaces.orders[run.space])
            base = first + self.layout.pad * size
            if count == 1:
                return f"{code}_slabs[{_sum(f'{size} * r', base)}]"
            stop = base + (count - 1) * distance + 1
            step = f":{distance}" if distance > 1 else ""
            return f"{code}_slabs[{_sum(f'{size} * r', base)}:{_sum(f'{size} * r', stop)}{step}]"
        cut = _cut(first, count, distance)
        if kind in (GATES, COEFFICIENT, COLUMN):
            chunk = {GATES: "rows", COEFFICIENT: "part", COLUMN: "block"}[kind]
            return f"{code}[r % {chunk}, {cut}]"
        return f"{code}[{cut}]"

    # The forward pass

    def _forward(self) -> list[str]:
        region = self.plan.forward
        lines: list[str] = []
        once: list[str] = []
        for stage in region.stages:
            if stage.loop:
                steps, body, zipped = self._loop(stage)
                lines += self._loop_lines(steps, body, zipped, "start:stop", "")
            else:
                fixed = [e for e in stage.equations if self._is_fixed(e)]
                for equation in fixed:
                    once += self._comment(equation) + self._fixed(equation)
                lines += self._batch([e for e in stage.equations if e not in fixed], FORWARD, region)
        return [
            *once,
            "# Forward, a chunk of steps at a time.",
            "for start in range(0, T, rows):",
            "    stop = min(T, start + rows)",
            *(["    count = stop - start"] if any("count" in line for line in lines) else []),
            *("    " + line for line in lines),
        ]

    def _is_fixed(self, equation: Equation) -> bool:
        return self.layout.kinds[equation.name] == GATES and not any(
            matvec_of(term, equation, self.variables) for term in equation.terms
        )

    def _fixed(self, equation: Equation) -> list[str]:
        """What is the same at every step fills its place once."""
        place = self.layout.spaces.places[equation.name]
        code = self._plain_sum(equation.terms, equation, rows=False)
        return [f"{self.names.space(place.space)}[:, {place.slot}] = {code}"]

    def _loop_lines(self, steps: str, body: list[str], zipped: dict[str, str], cut: str, turn: str) -> list[str]:
        names = self.step_names[steps]
        pattern = ", ".join(names) + ("," if len(names) == 1 else "")
        if zipped:
            rows = ", ".join(f"{code}[{cut}]{turn}" for code in zipped)
            head = f"for ({pattern}), {', '.join(zipped.values())} in zip({steps}[{cut}]{turn}, {rows}):"
        else:
            head = f"for {pattern} in {steps}[{cut}]{turn}:"
        return [head, *("    " + line for line in body)]

    # The backward pass

    def _backward(self) -> list[str]:
        region = self.plan.backward
        lines: list[str] = []
        waiting: list[Equation] = []
        for stage in region.stages:
            if not stage.loop:
                waiting = [e for e in stage.equations if e.name in self.inner]
                lines += self._batch([e for e in stage.equations if e.name not in self.inner], BLOCK, region)
                continue
            inner = self._batch(waiting, PART, region)
            waiting = []
            steps, body, zipped = self._loop(stage)
            inner += self._loop_lines(steps, body, zipped, "low:high", "[::-1]")
            if any("size" in line for line in inner):
                inner.insert(0, "size = high - low")
            lines += [
                "for low in range(start + (count - 1) // part * part, start - 1, -part):",
                "    high = min(stop, low + part)",
                *("    " + line for line in inner),
            ]
        lines += self._sum_lines()
        clear = [f"{self._slab_or_own(name)}[...] = 0.0" for name, kind in self.layout.kinds.items() if kind == CARRIED]
        return [
            "# Backward, a chunk of steps at a time; nothing comes from beyond the last step.",
            *clear,
            "first, loss = True, 0.0",
            "for start in range((T - 1) // block * block, -1, -block):",
            "    stop = min(T, start + block)",
            "    count = stop - start",
            *("    " + line for line in lines),
            "    first = False",
        ]

    # Loops

    step_names: dict[str, list[str]]

    def _loop(self, stage: Stage) -> tuple[str, list[str], dict[str, str]]:
        """The name of the steps of a loop, its body, and the inputs whose rows go along."""
        if not hasattr(self, "step_names"):
            self.step_names = {}
        book = _Book(self)
        body: list[str] = []
        told: set[str] = set()
        by_name = {e.name: e for e in stage.equations}
        for call in self.layout.calls[stage]:
            if isinstance(call, Pack):
                ready = [o.equation for o in call.operations if o.equation is not None and o.equation.name not in told]
                told |= {e.name for e in ready}
                body += self._comments(ready)
                body.append(self._pack(call, book))
            elif isinstance(call, Spread):
                body += self._comments([by_name[name] for name in call.targets if name in by_name])
                body += self._spread(call, book)
            elif isinstance(call, Gather):
                body += self._comments([by_name[call.target]])
                body += self._gather(call, book)
            else:
                body += self._comments([call.equation])
                body += self._plain_step(call.equation, book)
        steps = f"steps_{len(self.step_names) + 1}"
        names = list(book.views)
        self.step_names[steps] = names
        self.made += [
            f"{steps} = [",
            "    (",
            *(f"        {book.views[name]}," for name in names),
            "    )",
            "    for r in range(T)",
            "]",
        ]
        self.fields.append(steps)
        return steps, body, book.zipped

    def _pack(self, pack: Pack, book: _Book) -> str:
        runs = [run for run in (pack.target, *pack.sources) if isinstance(run, Run)]
        # Where the batch is one, all slabs of a call are one vector if they lie side by side.
        side_by_side = all(run.distance == 1 or pack.target.count == 1 for run in runs)
        form = "flat" if side_by_side else "lean"
        target = book.run(pack.target, [o.target for o in pack.operations], form)
        sources = []
        for source in pack.sources:
            if isinstance(source, Constant):
                sources.append(self.constant(source.value))
            else:
                lanes = [s for o in pack.operations for s in o.sources if self._lies(s, source)]
                sources.append(book.run(source, lanes[: source.count] if source.distance else lanes[:1], form))
        return self.call(pack.function, sources, target)

    def _lies(self, operand: object, run: Run) -> bool:
        if not isinstance(operand, Lane):
            return False
        space, slot = self.layout.spaces.address(operand)
        stops = range(run.first, run.first + run.distance * run.count, run.distance) if run.distance else [run.first]
        return space == run.space and slot in stops

    def call(self, function: str, sources: Iterable[str], target: str) -> str:
        """One call that writes its result in place."""
        sources = list(sources)
        if function == "copyto":
            self.functions.add("copyto")
            return f"copyto({target}, {sources[0]})"
        if function in WITH_OUT:
            self.functions.add(function)
            # NumPy takes a third operand of these two for another number to compare.
            out = f"out={target}" if function in ("maximum", "minimum") else target
            return f"{function}({', '.join([*sources, out])})"
        return f"{target}[...] = {function.format(*sources)}"

    def constant(self, value: Fraction | float) -> str:
        known = {Fraction(1): "ONE", Fraction(1, 2): "HALF", Fraction(2): "TWO"}
        if value not in self.constants:
            name = known.get(value, f"NUMBER_{len(self.constants) + 1}") if isinstance(value, Fraction) else ""
            self.constants[value] = name or f"NUMBER_{len(self.constants) + 1}"
        return self.constants[value]

    def _spread(self, call: Spread, book: _Book) -> list[str]:
        vector = book.flat(call.vector)
        by_target = dict(zip(call.targets, call.matvecs, strict=True))
        lines = []
        places = self.layout.spaces.places
        placed = [name for name in call.targets if self.layout.kinds[name] == PRODUCT and name in places]
        for piece in pieces(placed, self.layout.spaces):
            stack = self.stack("spread", [by_target[name] for name in piece], call.shape)
            space, first = places[piece[0]].space, places[piece[0]].slot
            out = book.flat_run(Run(space, first, 1, len(piece)), piece)
            function = "product" if len(piece) > 1 else "dot"
            self.functions.add("dot")
            if len(piece) > 1:
                self._product()
            lines.append(f"{function}({vector}, {stack}, {out})")
        for name in call.targets:
            if name not in placed:
                stack = self.stack("spread", [by_target[name]], call.shape)
                self.functions.add("dot")
                lines.append(f"dot({vector}, {stack}, {book.flat(Lane(name))})")
        return lines

    def _product(self) -> None:
        if "product" not in self.fields:
            self._view("product", "np.dot if B == 1 else np.matmul")

    def _gather(self, call: Gather, book: _Book) -> list[str]:
        by_vector = dict(zip(call.vectors, call.matvecs, strict=True))
        lines: list[str] = []
        out = book.flat(Lane(call.target))
        self.functions.add("dot")
        for number, piece in enumerate(pieces(call.vectors, self.layout.spaces)):
            stack = self.stack("gather", [by_vector[name] for name in piece], call.shape)
            columns = book.columns(piece)
            if number == 0:
                lines.append(f"dot({columns}, {stack}, {out})")
            else:
                self.functions.add("add")
                lines.append(f"add({out}, dot({columns}, {stack}), {out})")
        return lines

    def stack(self, kind: str, matvecs: list[Matvec], shape: tuple[Expr, ...]) -> str:
        """Matrices side by side, as a product with rows on its left takes them, made at the start of each call."""
        key = (kind, tuple((m.matrix_name, m.transposed, m.scale) for m in matvecs))
        if key in self.stacks:
            return self.stacks[key]
        name = self.names.fresh("_".join([kind, *dict.fromkeys(m.matrix_name for m in matvecs)])[:40])
        self.stacks[key] = name
        first = matvecs[0]
        sizes = self.variables[first.matrix_name].shape
        inner = size_code(sizes[0] if first.transposed else sizes[1])
        outer = size_code(shape[0])
        count = len(matvecs)
        if kind == "spread":
            if count == 1:
                self._array(name, inner, outer)
                parts = [name]
            else:
                self._view(
                    name, f"np.empty(({inner}, {count} * {outer}) if B == 1 else ({count}, {inner}, {outer}), DTYPE)"
                )
                parts_name = f"{name}_parts"
                self._view(
                    parts_name,
                    f"{name}.reshape({inner}, {count}, {outer}).transpose(1, 0, 2) if B == 1 else {name}",
                )
                parts = [f"{parts_name}[{k}]" for k in range(count)]
        else:
            self._view(
                name,
                f"np.empty(({outer}, {count} * {inner}), DTYPE).T if B == 1 else "
                f"np.empty(({count} * {inner}, {outer}), DTYPE)",
            )
            parts = [name if count == 1 else f"{name}[{k} * {inner}:{k + 1} * {inner}]" for k in range(count)]
        for part, one in zip(parts, matvecs, strict=True):
            matrix = self.names.of(one.matrix_name) + ("" if one.transposed else ".T")
            self.prepared.append(self._scaled(matrix, one.scale, part))
        return name

    def _scaled(self, source: str, scale: Expr, target: str) -> str:
        if scale == 1:
            self.functions.add("copyto")
            return f"copyto({target}, {source})"
        self.functions.add("multiply")
        return f"multiply({source}, {self.constant(_number(scale))}, {target})"

    def _plain_step(self, equation: Equation, book: _Book) -> list[str]:
        target = book.lane(Lane(equation.name))
        self.names.context = book
        code = self._plain_sum(equation.terms, equation, rows=False)
        self.names.context = None
        return [f"{target}[...] = {code}"]

    # Many steps at once

    def _batch(self, equations: list[Equation], rows: Rows, region: Region) -> list[str]:
        lines: list[str] = []
        gates = [e for e in equations if self.layout.kinds[e.name] == GATES]
        lines += self._gates(gates, rows)
        waiting: list[Equation] = []
        done: list[Equation] = []
        for equation in equations:
            if equation in gates:
                continue
            if is_elementwise(equation, self.variables) and all(term.when is None for term in equation.terms):
                waiting.append(equation)
                continue
            lines += self._elementwise(waiting, rows)
            waiting = []
            if equation not in done:
                together = self._same_vector(equation, equations)
                done += together
                lines += self._comments(together or [equation])
                lines += self._vector_function(together, rows) if together else self._whole_rows(equation, rows)
        return lines + self._elementwise(waiting, rows)

    def _same_vector(self, equation: Equation, equations: list[Equation]) -> list[Equation]:
        """The softmax and the log-softmax of one vector, which share their exponentials."""
        function = whole_function(equation)
        if function is None or function.func.__name__ not in SHARED or not isinstance(function.args[0], Indexed):
            return []
        return [
            e
            for e in equations
            if (f := whole_function(e)) is not None
            and f.func.__name__ in SHARED
            and f.args[0].base == function.args[0].base
        ]

    def _vector_function(self, equations: list[Equation], rows: Rows) -> list[str]:
        functions = {whole_function(e).func.__name__: self.rows_of(e.name, 0, rows) for e in equations}
        argument = whole_function(equations[0]).args[0]
        source = self.rows_of(name_of(argument), time_of(argument.indices[0]).offset, rows)
        if "log_softmax" not in functions:
            return [f"softmax_into({source}, {functions['softmax']})"]
        return [
            f"log_softmax_into({', '.join([source, functions['log_softmax'], *([functions['softmax']] if 'softmax' in functions else [])])})"
        ]

    def _gates(self, equations: list[Equation], rows: Rows) -> list[str]:
        groups: dict[object, list[tuple[Equation, Matvec]]] = {}
        for equation in equations:
            (one,) = [m for m in (matvec_of(term, equation, self.variables) for term in equation.terms) if m]
            groups.setdefault((one.vector, equation.variable.shape), []).append((equation, one))
        lines: list[str] = []
        for (vector, shape), members in groups.items():  # type: ignore[misc]
            by_name = {e.name: (e, m) for e, m in members}
            for piece in pieces(by_name, self.layout.spaces):
                place = self.layout.spaces.places[piece[0]]
                wide = f"{self.names.space(place.space)}_wide"
                size = size_code(shape[0])
                lines += self._comments([by_name[name][0] for name in piece])
                stack = self.stack("spread", [by_name[name][1] for name in piece], shape)
                first, last = place.slot, place.slot + len(piece)
                whole = len(piece) == len(self.layout.spaces.orders[place.space])
                narrow = f"{wide}[:count]" if whole else f"{wide}[:count, {first} * {size}:{last} * {size}]"
                slabs = f"{wide}[:, :count * B]" if whole else f"{wide}[{first}:{last}, :count * B]"
                if len(piece) == 1:
                    slabs = f"{wide}[{first}, :count * B]"
                lines.append(f"gates = {narrow} if B == 1 else {slabs}")
                name, offset = name_of(vector), time_of(vector.indices[0]).offset
                self.functions |= {"matmul", "add"}
                lines.append(f"matmul({self.flat_rows(name, offset, rows)}, {stack}, gates)")
                bias = self._bias([by_name[name][0] for name in piece], size)
                if bias:
                    lines.append(f"add(gates, {bias}, gates)")
        return lines

    def _bias(self, equations: list[Equation], size: str) -> str:
        """The parameters that are added to matrix products side by side, likewise side by side."""
        terms = [[term for term in e.terms if matvec_of(term, e, self.variables) is None] for e in equations]
        if not any(terms):
            return ""
        name = self.names.fresh("bias_" + "_".join(dict.fromkeys(e.name for e in equations))[:30])
        count = len(equations)
        single = count == 1
        self._view(f"{name}_parts", f"np.zeros(({count}, {size}), DTYPE)")
        shape = f"({size},)" if single else f"({count} * {size},) if B == 1 else ({count}, 1, {size})"
        self._view(name, f"{name}_parts.reshape({shape})")
        for slot, (equation, own) in enumerate(zip(equations, terms, strict=True)):
            if own:
                self.prepared.append(f"{name}_parts[{slot}] = {self._plain_sum(own, equation, rows=False)}")
        return name

    def _elementwise(self, equations: list[Equation], rows: Rows) -> list[str]:
        if not equations:
            return []
        found = operations(equations, self.variables)
        last = {lane.name: k for k, o in enumerate(found) for lane in o.lanes}
        pool: dict[str, list[str]] = {}
        homes: dict[str, str] = {}
        lines: list[str] = []
        for number, operation in enumerate(found):
            if operation.equation is not None:
                lines += self._comment(operation.equation)
            sources = [
                self.constant(s.value) if isinstance(s, Constant)
                else homes[s.name] if s.temporary
                else self._batch_operand(s, rows)
                for s in operation.sources
            ]  # fmt: skip
            free = [s.name for s in operation.lanes if s.temporary and last[s.name] == number]
            size = ", ".join(_shape_code(operation.shape))
            for name in dict.fromkeys(free):
                pool.setdefault(size, []).append(homes[name])
            if operation.target.temporary:
                if pool.get(size):
                    homes[operation.target.name] = pool[size].pop()
                else:
                    homes[operation.target.name] = self._spare(rows, operation.shape, len(homes))
                target = homes[operation.target.name]
            else:
                target = self.rows_of(operation.target.name, 0, rows)
            lines.append(self.call(operation.function, sources, target))
        return lines

    def _batch_operand(self, lane: Lane, rows: Rows) -> str:
        if self.layout.kinds[lane.name] == UNTIMED:
            return self.names.of(lane.name)
        return self.rows_of(lane.name, lane.offset, rows)

    def _spare(self, rows: Rows, shape: tuple[Expr, ...], number: int) -> str:
        """Room for a value that is needed for a moment."""
        length = "part" if rows == PART else "rows" if rows is FORWARD else "block"
        size = _shape_code(shape)
        name = f"spare_{length}_{'_'.join(size).replace(' + ', '_')}_{number + 1}"
        if name not in self.fields:
            self._array(name, length, "B", *size)
        return f"{name}[:{rows.count}]"

    def _whole_rows(self, equation: Equation, rows: Rows) -> list[str]:
        """An equation with matrix products, or as it stands, for all steps of a chunk."""
        target = self.rows_of(equation.name, 0, rows)
        always = [term for term in equation.terms if term.when is None]
        products = [(term, matvec_of(term, equation, self.variables)) for term in always]
        matvecs = [one for _, one in products if one is not None]
        rest = [term for term, one in products if one is None]
        lines: list[str] = []
        started = False
        if matvecs:
            flat = self.flat_rows(equation.name, 0, rows)
            started = True
            lines += self._products(matvecs, equation, flat, rows)
        if rest:
            code = self._plain_sum(rest, equation, rows=True, at=rows)
            lines.append(f"{target}[...] = {code}" if not started else f"{target} += {code}")
        elif not started:
            lines.append(f"{target}[...] = 0.0")
        for term in equation.terms:
            if term.when is not None:
                lines += self._at_some(term, equation, rows)
        return [line.replace("][...] +=", "] +=") for line in lines]

    def _products(self, matvecs: list[Matvec], equation: Equation, target: str, rows: Rows) -> list[str]:
        self.functions |= {"dot", "add"}
        lines: list[str] = []
        columns = [m for m in matvecs if self.layout.kinds[name_of(m.vector)] == COLUMN]
        by_vector = {name_of(m.vector): m for m in columns}
        parts: list[tuple[str, str]] = []
        for piece in pieces(by_vector, self.layout.spaces) if columns else []:
            stack = self.stack("gather", [by_vector[name] for name in piece], equation.variable.shape)
            parts.append((self._columns(piece), stack))
        for one in matvecs:
            if one not in columns:
                name, offset = name_of(one.vector), time_of(one.vector.indices[0]).offset
                if one.scale != 1:
                    matrix = self.stack("spread", [one], equation.variable.shape)
                else:
                    matrix = self.names.of(one.matrix_name) + ("" if one.transposed else ".T")
                parts.append((self.flat_rows(name, offset, rows), matrix))
        for number, (left, right) in enumerate(parts):
            if number == 0:
                lines.append(f"dot({left}, {right}, {target})")
            else:
                lines += [f"product_ = {target}", f"add(product_, dot({left}, {right}), product_)"]
        return lines

    def _columns(self, piece: list[str]) -> str:
        """Neighbouring columns of a chunk as a matrix."""
        place = self.layout.spaces.places[piece[0]]
        code = f"{self.names.space(place.space)}_wide[:count * B"
        if len(piece) == len(self.layout.spaces.orders[place.space]):
            return f"{code}]"
        size = size_code(self.layout.shapes[piece[0]][0])
        return f"{code}, {place.slot} * {size}:{place.slot + len(piece)} * {size}]"

    def _at_some(self, term: Term, equation: Equation, rows: Rows) -> list[str]:
        """A term that is there at some steps only."""
        assert term.when is not None
        low = _sum("T" if term.when.low.anchor else "", term.when.low.offset - 1)
        high = _sum("T" if term.when.high.anchor else "", term.when.high.offset)
        own = Rows("early", "late", rows.start, "late - early")
        inside = replace(term, when=None)
        self.names.context = own
        code = self._plain_sum([inside], equation, rows=True, at=own)
        self.names.context = None
        kind = self.layout.kinds[equation.name]
        shift = "" if kind in (OUTPUT, ROWS) else f" - {rows.low}"
        whole = self.rows_of(equation.name, 0, rows)
        del kind
        return [
            f"early, late = max({rows.low}, {low}), min({rows.high}, {high})",
            "if early < late:",
            f"    {whole}[early{shift or ' - ' + rows.low}:late{shift or ' - ' + rows.low}] += {code}",
        ]

    # Sums

    def _sum_lines(self) -> list[str]:
        lines: list[str] = []
        self.totals: dict[str, str] = {}
        entries: list[tuple[str, str, list[str]]] = []  # shape, code with {out}, comments
        outer: dict[object, list[Equation]] = {}
        ones: dict[str, list[Equation]] = {}
        for equation in self.plan.backward.sums:
            pair = self._pair(equation)
            if equation.name == self.plan.program.loss:
                lines += self._loss_lines(equation)
                continue
            if pair is not None:
                left = name_of(pair[0])
                column = self.layout.kinds[left] == COLUMN
                outer.setdefault((pair[1], pair[2], column, self.layout.shapes[left]), []).append(equation)
            elif self._bare(equation):
                name = name_of(equation.terms[0].factors[0])
                place = self.layout.spaces.places.get(name)
                ones.setdefault(place.space if place and self.layout.kinds[name] == COLUMN else name, []).append(
                    equation
                )
            else:
                code = self._plain_sum(equation.terms, equation, rows=False, at=BLOCK, over=True)
                shape = ", ".join(self._shape_of(equation))
                entries.append((f"({shape},)" if shape else "()", f"{{out}}[...] = {code}", self._comment(equation)))
                self.totals[equation.name] = f"sums[{len(entries) - 1}]"
        for key, members in outer.items():
            self._outer(key, members, entries)
        for space, members in ones.items():
            self._ones(space, members, entries)
        if not entries:
            return lines
        shapes = ", ".join(shape for shape, _, _ in entries)
        self._view("sums", f"[np.zeros(shape, DTYPE) for shape in ({shapes},)]")
        self._view("parts", "[np.zeros_like(array) for array in sums]")
        lines.append("into = sums if first else parts")
        for number, (_, code, comments) in enumerate(entries):
            lines += [*comments, code.format(out=f"into[{number}]")]
        self.functions.add("add")
        lines += [
            "if not first:",
            "    for total, more in zip(sums, parts):",
            "        add(total, more, total)",
        ]
        return lines

    def _loss_lines(self, equation: Equation) -> list[str]:
        """The loss over all examples; a product of two values is one long dot product."""
        lines = self._comment(equation)
        for term in equation.terms:
            found = [f for f in term.factors if isinstance(f, Indexed)]
            numbers = [f for f in term.factors if isinstance(f, Rational)]
            shapes = {self.layout.shapes[name_of(f)] for f in found}
            if (
                len(found) == 2
                and len(found) + len(numbers) == len(term.factors)
                and len(shapes) == 1
                and (
                    found[0].indices[1:] == found[1].indices[1:] and len(set(found[0].indices)) == len(found[0].indices)
                )
            ):
                self.functions.add("vdot")
                left, right = (self.rows_of(name_of(f), time_of(f.indices[0]).offset, BLOCK) for f in found)
                scale = Mul(*numbers)
                sign = "-" if scale == -1 else "+"
                factor = "" if abs(scale) == 1 else f"{float(scale)!r} * "
                lines.append(f"loss {sign}= {factor}float(vdot({left}, {right}))")
            else:
                code = self._plain_sum([term], equation, rows=False, at=BLOCK, over=True)
                lines.append(f"loss += float(np.sum({code}))")
        self.totals[equation.name] = "loss"
        return lines

    def _shape_of(self, equation: Equation) -> list[str]:
        batch = equation.variable.role is Role.LOSS or self.names.of_array(equation.name).batch
        return [*(["B"] if batch else []), *_shape_code(equation.variable.shape)]

    def _bare(self, equation: Equation) -> bool:
        if len(equation.indices) != 1 or len(equation.terms) != 1 or len(equation.terms[0].factors) != 1:
            return False
        (factor,) = equation.terms[0].factors
        if not isinstance(factor, Indexed) or factor.indices[0] != t:
            return False
        return self.layout.kinds[name_of(factor)] in (COLUMN, CHUNK) and name_of(factor) not in self.inner

    def _pair(self, equation: Equation) -> tuple[Indexed, Indexed, bool] | None:
        """The two values of a sum of outer products, columns of a chunk first, and whether they were exchanged."""
        pair = outer_pair(equation)
        if pair is None:
            return None
        first, second = pair
        turned = self.layout.kinds[name_of(first)] != COLUMN and self.layout.kinds[name_of(second)] == COLUMN
        return (second, first, True) if turned else (first, second, False)

    def _outer(self, key: object, members: list[Equation], entries: list[tuple[str, str, list[str]]]) -> None:
        right, turned, is_column, shape = key  # type: ignore[misc]
        name, offset = name_of(right), time_of(right.indices[0]).offset
        rights = self.flat_rows(name, offset, BLOCK)
        width = _shape_code(self.layout.shapes[name])[0]
        self.functions.add("dot")
        by_left: dict[str, list[Equation]] = {}
        offsets: dict[str, int] = {}
        for equation in members:
            pair = self._pair(equation)
            assert pair is not None
            left, later = name_of(pair[0]), time_of(pair[0].indices[0]).offset
            by_left.setdefault(left if is_column else f"{left} {later}", []).append(equation)
            offsets[f"{left} {later}"] = later
        height = _shape_code(shape)[0]
        groups = pieces(by_left, self.layout.spaces) if is_column else [[name] for name in by_left]
        for piece in groups:
            lone = piece[0].split(" ")[0]
            left_code = self._columns(piece) if is_column else self.flat_rows(lone, offsets[piece[0]], BLOCK)
            comments = self._comments([e for left in piece for e in by_left[left]])
            number = len(entries)
            rows = height if len(piece) == 1 else f"{len(piece)} * {height}"
            entries.append((f"({rows}, {width})", f"dot({left_code}.T, {rights}, {{out}})", comments))
            for slot, left in enumerate(piece):
                cut = "" if len(piece) == 1 else f"[{slot} * {height}:{slot + 1} * {height}]"
                cut += ".T" if turned else ""
                for again, equation in enumerate(by_left[left]):
                    self.totals[equation.name] = f"sums[{number}]{cut}" + (".copy()" if again else "")

    def _ones(self, space: str, members: list[Equation], entries: list[tuple[str, str, list[str]]]) -> None:
        """Sums over all rows, as a product with a vector of ones."""
        self.functions.add("dot")
        if "ones" not in self.fields:
            self._view("ones", "np.ones(block * B, DTYPE)")
        number = len(entries)
        comments = self._comments(members)
        if space in self.layout.spaces.orders:
            order = self.layout.spaces.orders[space]
            size = _shape_code(self.layout.shapes[order[0]])[0]
            code = f"dot(ones[:count * B], {self.names.space(space)}_wide[:count * B], {{out}})"
            entries.append((f"({len(order)} * {size},)", code, comments))
        else:
            order, size = [space], _shape_code(self.layout.shapes[space])[0]
            code = f"dot(ones[:count * B], {self.flat_rows(space, 0, BLOCK)}, {{out}})"
            entries.append((f"({size},)", code, comments))
        seen: set[str] = set()
        for equation in members:
            name = name_of(equation.terms[0].factors[0])
            slot = order.index(name)
            cut = "" if len(order) == 1 else f"[{slot} * {size}:{slot + 1} * {size}]"
            self.totals[equation.name] = f"sums[{number}]{cut}" + (".copy()" if name in seen else "")
            seen.add(name)

    # Statements as they stand

    def _once(self, equation: Equation) -> list[str]:
        """A statement that stands alone, before, between or after the passes."""
        always = [term for term in equation.terms if term.when is None]
        shape = self._shape_of(equation)
        zeros = f"np.zeros(({', '.join(shape)},), DTYPE)" if shape else "np.zeros((), DTYPE)"
        code = self._plain_sum(always, equation, rows=False) if always else zeros
        if equation.variable.role is not Role.ADJOINT and self.layout.kinds.get(equation.name) in (ROWS, SLAB):
            assert equation.time is not None
            target = f"{self._at_time(equation.name, equation.time)}[...]"
        else:
            target = self.names.once(equation)
            code = f"{zeros} + {code}" if always and shape and self._narrow(equation) else code
        lines = [*self._comment(equation), f"{target} = {code}"]
        for term in equation.terms:
            if term.when is not None:
                condition = when_code(term.when, None, equation.time)
                more = self._plain_sum([term], equation, rows=False)
                lines += (
                    [f"if {condition}:", f"    {target} = {target} + {more}"] if condition else [f"{target} += {more}"]
                )
        return lines

    def _narrow(self, equation: Equation) -> bool:
        """Whether no term has all axes of the target."""
        arrays = self.names.arrays
        target = len(self._shape_of(equation))
        axes = {axis for term in equation.terms for axis in term_value(term, equation, arrays).axes}
        return len(axes) < target

    def _plain_sum(
        self, terms: Iterable[Term], equation: Equation, rows: bool, at: Rows | None = None, over: bool = False
    ) -> str:
        previous, self.names.context = self.names.context, at if at is not None else self.names.context
        self.names.over = over
        code = ""
        for term in terms:
            if rows and over is False:
                term = replace(term, when=None)
            part = term_value(term, equation, self.names.arrays, rows).within(SUM)
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        self.names.context = previous
        self.names.over = False
        return code or "0.0"

    # Comments

    def _comment(self, equation: Equation) -> list[str]:
        return self._comments([equation])

    def _comments(self, equations: Iterable[Equation]) -> list[str]:
        text = "; ".join(self.describe(equation) for equation in equations)
        return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 24, break_long_words=False)]

    # Results

    def _results(self) -> list[str]:
        loss = self.plan.program.loss
        lines = [] if loss in self.totals else [f"loss = float(np.sum({self.names.of(loss)}))"]
        lines.append("return loss, {")
        wanted = {e.name: e for e in (*self.plan.after, *self.plan.between)}
        for key in self.plan.program.wanted:
            name, _, rest = key.partition("[")
            adjoint = adjoint_name(name)
            time = next((time for other, time in self.model.given if f"{other}[{time}]" == key), None)
            if rest:
                found = next(
                    (e for e in (*self.plan.after, *self.plan.between) if e.name == adjoint and e.time == time), None
                )
                code = self.names.once(found) if found is not None else ""
            elif adjoint in self.totals:
                code = self.totals[adjoint]
            elif self.layout.kinds.get(adjoint) == OUTPUT:
                code = self.names.of(adjoint)
            else:
                code = self.names.once(wanted[adjoint]) if adjoint in wanted else ""
            if not code:
                code = f"np.zeros(({', '.join(self._key_shape(key))},), DTYPE)"
            lines.append(f'    "{key}": {code},')
        return [*lines, "}"]

    def _key_shape(self, key: str) -> list[str]:
        name = key.split("[")[0]
        shape = _shape_code(self.variables[name].shape)
        if key in self.model.parameters:
            return shape
        return ["T", "B", *shape] if key in self.model.sequences else ["B", *shape]


class _Names:
    """Names in the source, and where the plain code finds what is not in an array of its own."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        plan = writer.plan
        program = replace(
            plan.program,
            variables=plan.variables,
            forward=(*plan.before, *plan.forward.equations),
            backward=(*plan.between, *plan.backward.equations, *plan.backward.sums, *plan.after),
        )
        self.arrays = _Elsewhere(program, self)
        self.context: Rows | _Book | None = None
        self.over = False
        self.spaces: dict[str, str] = {}

    def of(self, name: str) -> str:
        found = self.arrays.found.get((name, None))
        return found.code if found is not None else self.once_name(name)

    def of_array(self, name: str) -> Array:
        return self.arrays.found.get((name, None)) or next(a for (n, _), a in self.arrays.found.items() if n == name)

    def once_name(self, name: str) -> str:
        if (name, None) not in self.arrays.found:
            variable = self.writer.variables.get(name) or Variable(
                name, self.writer.layout.shapes[name], True, Role.INTERMEDIATE
            )
            self.arrays.found[name, None] = Array(variable, self.fresh(name), False, 0, True, name)
        return self.arrays.found[name, None].code

    def once(self, equation: Equation) -> str:
        """The name of what a single statement gives."""
        if equation.time is None:
            return self.arrays.of(equation.name, None).code
        key = (f"{equation.name}@{equation.time}", None)
        if key not in self.arrays.found:
            code = self.fresh(f"{equation.name}_{equation.time}".replace("-", "m"))
            self.arrays.found[key] = Array(equation.variable, code, False, 0, True, "")
        return self.arrays.found[key].code

    def fresh(self, hint: str) -> str:
        return self.arrays._code(hint)

    def space(self, space: str) -> str:
        if space not in self.spaces:
            kind = space.split(":")[0]
            several = sum(other.split(":")[0] == kind for other in self.writer.layout.spaces.orders) > 1
            plain = {SLAB: "kept", GATES: "gates", COEFFICIENT: "coefficients", COLUMN: "deltas"}
            hint = {**plain, PRODUCT: "products", WORK: "work", "vector": "vectors"}[kind]
            self.spaces[space] = self.fresh(hint + ("_" + space.split(":")[1] if several else "_all"))
        return self.spaces[space]

    def shown(self, name: str) -> str:
        return name

    def view(self, name: str, time: Time, summed: bool) -> tuple[str, bool] | None:
        """Where plain code finds a variable: see `Arrays.view`."""
        writer = self.writer
        if not writer.variables[name].timed:
            return None
        if isinstance(self.context, _Book) and time.anchor == "t":
            return self.context.lane(Lane(name, time.offset)), False
        if isinstance(self.context, Rows) and time.anchor in ("t", "s"):
            return writer.rows_of(name, time.offset, self.context), True
        if time.anchor not in ("t", "s"):
            if (f"{name}@{time}", None) in self.arrays.found:
                return self.arrays.found[f"{name}@{time}", None].code, False
            return writer._at_time(name, time), False
        raise Irregular(f"{name} is read outside of its loop")


class _Elsewhere(Arrays):
    def __init__(self, program: Program, names: _Names) -> None:
        super().__init__(program, WORDS)
        self.names = names

    def view(self, name: str, time: Time, summed: bool) -> tuple[str, bool] | None:
        return self.names.view(name, time, summed)

    def of(self, name: str, time: Time | None) -> Array:
        found = self.found.get((name, None)) or self.found.get((name, time))
        return found or self.names.of_array(name)


class _Book:
    """The views that a loop uses: those that change with the step are handed to it, the others are made before.

    Where the batch is one, calls work on views without the batch axis: `flat` makes a vector of slabs that lie side by
    side, `lean` leaves a row for each.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.views: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.zipped: dict[str, str] = {}

    def _named(self, hint: str, code: str) -> str:
        if code not in self.codes:
            name = self.writer.names.fresh(hint)
            self.codes[code] = name
            if "r" in _words(code):
                self.views[name] = code
            else:
                self.writer._view(name, code)
        return self.codes[code]

    def run(self, run: Run, lanes: list[Lane], form: str) -> str:
        """Slabs of a space, or a value that lies by itself, as an operand of a call."""
        if " " in run.space:
            return self.flat(lanes[0])
        names = [_shown(lane) for lane in lanes][: run.count]
        form = "flat" if run.count == 1 or not run.distance else form
        return self._named("_".join(dict.fromkeys(names))[:32], f"{form}({self.writer._step_view(run)})")

    def lane(self, lane: Lane) -> str:
        """One variable at one step, with its batch axis."""
        return self._operand(lane, "{}")

    def flat(self, lane: Lane) -> str:
        """One variable at one step as calls take it."""
        return self._operand(lane, "flat({})")

    def flat_run(self, run: Run, names: list[str]) -> str:
        """Neighbouring slabs as a matrix product leaves them."""
        return self._named("_".join(names)[:32], f"flat({self.writer._step_view(run)})")

    def columns(self, piece: list[str]) -> str:
        """Neighbouring columns at one step as a matrix product takes them."""
        writer = self.writer
        place = writer.layout.spaces.places[piece[0]]
        size = size_code(writer.layout.shapes[piece[0]][0])
        cut = f", {place.slot} * {size}:{place.slot + len(piece)} * {size}"
        if len(piece) == len(writer.layout.spaces.orders[place.space]):
            cut = ""
        code = f"flat({writer.names.space(place.space)}_wide[r % block * B:(r % block + 1) * B{cut}])"
        return self._named("_".join(piece)[:32], code)

    def _operand(self, lane: Lane, form: str) -> str:
        source = self._source(lane)
        if source in self.zipped or self._is_fixed(lane):
            return self.zipped.get(source, source)
        return self._named(_shown(lane), form.format(source))

    def _is_fixed(self, lane: Lane) -> bool:
        return self.writer.layout.kinds[lane.name] == UNTIMED and lane.name not in self.writer.layout.spaces.places

    def _source(self, lane: Lane) -> str:
        """Source for one variable, in r where it changes with the step."""
        writer = self.writer
        name = writer.layout.owners.get(lane.name, lane.name)
        kind = writer.layout.kinds[name]
        code = writer.names.of(name)
        place = writer.layout.spaces.places.get(name)
        if kind == UNTIMED and place is None:
            return code
        if place is not None:
            return writer._step_view(Run(place.space, place.slot + place.stride * lane.offset, 0, 1))
        if kind == ROWS:
            return f"{code}[{_sum('r', writer._shift(lane.offset))}]"
        if lane.offset and kind != CARRIED:
            raise Irregular(f"{name} is read at another step")
        if kind == SEQUENCE:
            line = f"{code}_rows = {code}.reshape(T, -1) if B == 1 else {code}"
            if line not in writer.prepared:
                writer.prepared.append(line)
            self.zipped[f"{code}_rows"] = f"{code}_now"
            return f"{code}_rows"
        if kind == OUTPUT:
            return f"{code}[r]"
        if kind == CHUNK:
            forward = {e.name for e in writer.plan.forward.equations}
            chunk = "part" if name in writer.inner else "rows" if name in forward else "block"
            return f"{code}[r % {chunk}]"
        return code


def _shown(lane: Lane) -> str:
    return lane.name + ("_before" if lane.offset < 0 else "_after" if lane.offset > 0 else "")


def _words(code: str) -> set[str]:
    return {word for word in "".join(c if c.isalnum() or c == "_" else " " for c in code).split()}


def _elements(equation: Equation) -> list[Expr]:
    return [element for term in equation.terms for factor in term.factors for element in elements(factor)]


def _shape_code(shape: tuple[Expr, ...]) -> list[str]:
    codes = [size_code(size) for size in shape]
    return [f"({code})" if " " in code else code for code in codes]


def _sum(base: str, offset: int) -> str:
    if not base:
        return str(offset)
    return base if not offset else f"{base} {'+' if offset > 0 else '-'} {abs(offset)}"


def _cut(first: int, count: int, distance: int) -> str:
    if count == 1:
        return str(first)
    step = f":{distance}" if distance > 1 else ""
    return f"{first}:{first + (count - 1) * distance + 1}{step}"


def _number(scale: Expr) -> Fraction | float:
    return Fraction(int(scale.p), int(scale.q)) if isinstance(scale, Rational) else float(scale)


def _literal(value: Fraction | float) -> str:
    return repr(float(value))


def _is_view(code: str) -> bool:
    return not any(mark in code for mark in " (@")


def _indented(lines: Iterable[str], depth: int) -> str:
    return "\n".join("    " * depth + line if line else "" for line in lines)


#: Functions of a vector that share their exponentials.
SHARED = ("softmax", "log_softmax")
SHORTEST = 16
ROWS_OF_A_PRODUCT = 512
CACHE = 600_000
WORDS = frozenset(
    "w flat lean product rows block part start stop count low high size first into total more sums parts ones early late "
    "gates product_ key array shape r early late loss".split()
)

TEMPLATE = '''ITEM = np.dtype(DTYPE).itemsize
{functions}{constants}


class Workspace:
    """Room for sequences of T steps and B examples, made once and used by one call of `loss_and_grad` after another.

    The gradients that a call returns lie in it: the next call with the same workspace overwrites them.
    """

    def __init__(self, sizes):
        self.sizes = dict(sizes)
        self.shapes = [
            (place, key, tuple(_size(part, sizes) for part in shape))
            for place, table in enumerate((PARAMETERS, INPUTS))
            for key, shape in table.items()
        ]
{sizes}

        def flat(array):
            return array.reshape(-1) if B == 1 else array

        def lean(array):
            return array[:, 0] if B == 1 else array

{made}
{fields}

    def fits(self, params, inputs):
        """Whether all arrays are there, in the right type and shape."""
        given = params, inputs
        for place, key, shape in self.shapes:
            array = given[place].get(key)
            if type(array) is not np.ndarray or array.dtype != DTYPE or array.shape != shape:
                return False
        return True


def workspace(params, inputs, length={minimum}):
    """A workspace for arrays of these shapes."""
    return Workspace(_checked(params, inputs, length=length)[2])


def loss_and_grad(params, inputs, length={minimum}, workspace=None):
    """The loss and its gradient with respect to every parameter and every input.

    All steps of a chunk at once, wherever the recurrence allows it. With a `workspace` no array is made.
    """
    if workspace is None or not workspace.fits(params, inputs):
        params, inputs, sizes = _checked(params, inputs, length=length)
        if workspace is not None and workspace.sizes != sizes:
            raise ValueError(f"the workspace is for {{workspace.sizes}}, the arrays have {{sizes}}")
    w = Workspace(sizes) if workspace is None else workspace
    sizes = w.sizes
{body}
'''
