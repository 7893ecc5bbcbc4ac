"""A plan as code that works on some steps at a time, for a compiler that writes in place what it may.

What the steps of a part need only among themselves is still in the cache where it is read again, and is never an array
of all steps. `part` takes the arrays of all steps that it fills, and the sums so far, and gives them back; `in_parts`
calls it for one part after the other. Beside NumPy the code has `each_step`, `split`, `rows`, `put`, `in_parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnnsym.equations.indexed import Equation, t, time_of
from rnnsym.kernels.backends.functional.draft import INDENT, Loop, tuple_code
from rnnsym.kernels.backends.functional.writer import Writer
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.fast.stages import Stage
from rnnsym.kernels.numpy_code import size_code
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval


@dataclass(frozen=True)
class Whole:
    """An array of all steps that parts fill, with `low` rows before the first step and `high` after the last one."""

    code: str
    low: int
    high: int

    def first(self, offset: int) -> str:
        """The row of the first step of a part, so many steps later."""
        place = self.low + offset
        return f"start {'+' if place > 0 else '-'} {abs(place)}" if place else "start"


class PartWriter(Writer):
    """Writes one plan in parts."""

    turns = True

    def __init__(self, model: Model, plan: Plan, describe: Callable[[Equation], str], inline: bool) -> None:
        super().__init__(model, plan, describe, inline)
        self.region: Region | None = None  # the one that is written now, if any
        self.wholes: dict[str, Whole] = {}

    def _region(self, region: Region) -> None:
        for equation in region.first:
            self.once(equation)
        self._check(region)
        self.region = region
        # What lies side by side does so in a part.
        self.bundles.clear()
        self.wide.clear()
        self.here: dict[tuple[str, int], str] = {}
        self.state: dict[str, str] = {}  # what a part hands on to the next one, and what it begins with
        self.outer: list[str] = []  # what is computed once, before the first part
        self.later: list[str] = []  # and after the last one
        known, self.lines = self.lines, []
        self.hoisted = self.outer
        self._stages(region, self._inlined(region))
        inner, self.lines = self.lines, [*known, "", *self.outer]
        self.region = None
        if self.state:
            self._written(inner, region)
        for name, whole in self.wholes.items():
            low, high = str(whole.low or ""), f"-{whole.high}" if whole.high else ""
            self.many.setdefault((name, 0), f"{whole.code}[{low}:{high}]" if low or high else whole.code)
        self.lines += self.later

    def _written(self, inner: list[str], region: Region) -> None:
        """The function of a part, and its calls."""
        back = region.direction < 0
        function = "part_back" if back else "part"
        state = tuple_code(self.state)
        while inner and not inner[0]:
            del inner[0]
        self.lines += [
            "",
            f"def {function}(start, count, state):",
            f"{INDENT}{state} = state",
            *(INDENT + line if line else "" for line in inner),
            f"{INDENT}return {state}",
            "",
            *(f"{name} = {code}" for name, code in self.state.items() if name != code),
            f"state = in_parts({function}, T, B, {state}{', reverse=True' if back else ''})",
            f"{state} = state",
            "",
        ]

    def _check(self, region: Region) -> None:
        """Raise Irregular where a value is read before its part is computed."""
        own = {e.name for e in region.equations}
        for equation in (*region.equations, *region.sums):
            for name in own & equation.reads:
                for found in self.found(equation, name):
                    if found.time is None or not found.time.has(t):
                        raise Irregular(f"{name} is read at one time while it is computed")
                    if time_of(found.time).offset * region.direction > 0:
                        raise Irregular(f"{name} is read before it is computed")

    # Where values are

    def shape(self, equation: Equation, rows: bool) -> list[str]:
        shape = super().shape(equation, rows)
        return ["count", *shape[1:]] if rows and self.region is not None else shape

    def shifted(self, name: str, offset: int) -> str:
        if self.region is None:
            return super().shifted(name, offset)
        if (name, offset) not in self.here:
            array, first = self._place(name, offset)
            is_input = name in self.model.sequences
            code = self.names.lagged(name, offset) if offset else self.names.code(name)
            code = self.names.fresh(f"{code}_rows") if is_input else code
            self.lines.append(f"{code} = rows({array}, {first}, count)")
            self.here[name, offset] = code
        return self.here[name, offset]

    def _place(self, name: str, offset: int) -> tuple[str, str]:
        """The array that holds a variable at the steps of a part, and the row that they begin with."""
        if (name, offset) in self.here:
            return self.here[name, offset], "0"
        if name in self.wholes:
            return self.wholes[name].code, self.wholes[name].first(offset)
        if (name, offset) not in self.many and (name, 0) in self.many:  # an input at other steps
            inner, self.lines, region = self.lines, self.outer, self.region
            self.region = None
            super().shifted(name, offset)
            self.lines, self.region = inner, region
        if (name, offset) not in self.many:
            raise Irregular(f"{name} is read before it is computed")
        return self.many[name, offset], "start"

    def at(self, name: str, time: Time) -> str:
        whole = self.wholes.get(name)
        if whole is None or (name, time) in self.fixed:
            return super().at(name, time)
        if self.region is not None or (not time.anchor and time.offset < 1) or (time.anchor and time.offset > 0):
            raise Irregular(f"{name} is not kept at {time}")
        return f"{whole.code}[{time.offset - 1 + (-whole.high if time.anchor else whole.low)}]"

    def _leaves(self, name: str, stage: Stage | None = None) -> bool:
        """Whether an array of all steps is needed: other than within the steps of a part, or a loop's last value."""
        assert self.region is not None
        region, end = self.region, 1 if self.region.direction < 0 else None
        own = stage.equations if stage else ()
        handed = [f for e in own for f in self.found(e, name) if f.time == t - region.direction]
        outside = [f for e in self.others(region) for f in self.found(e, name)]
        if self.is_result(name) or any(not handed or f.time != end for f in outside):
            return True
        inside = [e for e in (*region.equations, *region.sums) if not any(e is other for other in own)]
        return any(f.time is not None and f.time != t for e in inside for f in self.found(e, name))

    def _whole(self, name: str) -> Whole:
        """An array for all steps, made before the first part."""
        if name in self.wholes:
            return self.wholes[name]
        times = [time_of(f.time) for e in self.every() for f in self.found(e, name) if f.time is not None]
        offsets = [time.offset for time in times if time.anchor in ("t", "s")]
        low, high = max(0, -min(offsets, default=0)), max(0, *offsets, 0)
        whole = self.wholes[name] = Whole(self.names.fresh(f"all_{self.names.code(name)}"), low, high)
        rest = "".join(f", {size}" for size in ("B", *(size_code(size) for size in self.variables[name].shape)))
        # What a loop fills needs no zeros.
        start = f"room({len(self.wholes)}, (T{rest},), dtype)"
        before, after = (
            [f"{code}[None]" if code else f"np.zeros((1{rest},))" for code in (self.margin(name, n) if n else ())]
            for n in (-low, high)
        )
        if before or after:
            start = f"np.concatenate([{', '.join([*before, start, *after])}])"
        self.state[whole.code] = start
        return whole

    def hold(self, name: str, code: str) -> None:
        if self.region is None:
            super().hold(name, code)
            return
        self.here[name, 0] = code
        if self._leaves(name):
            whole = self._whole(name)
            self.lines.append(f"{whole.code} = put({whole.code}, {code}, {whole.first(0)})")

    def _when(self, when: Interval, equation: Equation) -> str:
        if self.region is None:
            return super()._when(when, equation)
        if "steps = start + np.arange(1, count + 1)" not in self.lines:
            self.lines.append("steps = start + np.arange(1, count + 1)")
        return self.mask(when, equation)

    # Loops

    def sources(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str]]:
        found = {}
        for name, offset in keys:
            array, first = self._place(name, offset)
            row = self.names.lagged(name, offset) if offset else self.names.code(name)
            found[name, offset] = array if name in self.model.sequences else row, f"({array}, {first})"
        return found

    def loop(self, loop: Loop, stage: Stage, region: Region) -> None:
        """The call of the function of a step."""
        carry = self.names.fresh("carried")
        self.state[carry] = tuple_code(loop.initial)
        results, room = [], []
        wholes: dict[str, Whole] = {}
        for name, code, size in loop.results:
            if name and self._leaves(name, stage):
                wholes[name] = self._whole(name)
                results.append(wholes[name].code)
                room.append(f"({wholes[name].code}, {wholes[name].first(0)})")
            else:
                results.append(code)
                room.append(f"(np.zeros((count, B, {size})), 0)" if size else "(np.zeros((count, B)), 0)")
        reverse = ", reverse=True" if region.direction < 0 else ""
        rows = [source if source.startswith("(") else f"({source}, 0)" for source in loop.rows]
        call = f"each_step({loop.function}, {carry}, [{', '.join(rows)}], [{', '.join(room)}], count{reverse})"
        self.lines.append(f"{carry}, {tuple_code(results) if results else '_'} = {call}")
        for bundle in loop.bundles:
            self.lines.append(self.taken_apart(bundle))
            for name in bundle.members:
                self.hold(name, self.names.code(name))
        for name, code, _ in loop.results:
            if name and name not in wholes:
                self.here[name, 0] = code
        last = [self.names.fresh(f"{code}_last") for code in loop.codes.values()]
        if last:
            self.later.append(f"{tuple_code(last)} = {carry}")
        end = Time("", 1) if region.direction < 0 else Time("T", 0)
        for (name, offset), code in zip(loop.codes, last, strict=True):
            if abs(offset) == 1 and name not in self.wholes:
                self.fixed[name, end] = code

    # Sums

    def total(self, code: str, targets: Sequence[Equation], shape: Sequence[str]) -> str:
        name = self.names.of(targets[0].name, None).code
        name = self.names.fresh(f"{name}_and_others") if len(targets) > 1 else name
        self.comment(*targets)
        self.lines.append(f"{name} = {name} + {code}")
        self.state[name] = name if name in self.summed else f"np.zeros({tuple_code(shape)})"
        self.summed |= {name}
        return name

    def finish(self, line: str, targets: Sequence[Equation]) -> None:
        if len(targets) > 1:
            self.later.append(line)
