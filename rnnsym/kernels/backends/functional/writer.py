"""A plan as code that writes nothing in place: batched expressions, and loops as functions of a carry and a row.

The code is NumPy source plus `scan`, `split` and nothing else; a dialect translates it line by line.

Products are joined: those of one vector with several matrices, and those of several vectors whose results are added.
The vectors of the latter, side by side, are a *bundle*, and sums over time that read several of them read the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Equation, accesses, t, time_of
from rnnsym.kernels.backends.functional.draft import INDENT, Loop, tuple_code
from rnnsym.kernels.backends.functional.products import Products
from rnnsym.kernels.backends.functional.sums import Sums
from rnnsym.kernels.fast.normal import Irregular, is_elementwise
from rnnsym.kernels.fast.regions import Region
from rnnsym.kernels.fast.stages import Stage
from rnnsym.kernels.numpy_code import size_code
from rnnsym.language.syntax import Time


class Writer(Products, Sums):
    """Writes one plan."""

    def body(self) -> tuple[list[str], dict[str, str]]:
        """Statements that compute `loss` from `params` and `inputs`, and source for the gradients by key."""
        self.unpack()
        for equation in self.plan.before:
            self.once(equation)
        for region in self.plan.forward.regions:
            self._region(region)
        for equation in self.plan.alone(self.plan.between):
            self.once(equation)
        for region in self.plan.backward.regions:
            self._region(region)
        for equation in self.plan.alone(self.plan.after):
            self.once(equation)
        self._results()
        return self.lines, self.gradients

    def _region(self, region: Region) -> None:
        for equation in region.first:
            self.once(equation)
        self._stages(region, self._inlined(region) if self.inline else region.stages)

    def _stages(self, region: Region, stages: tuple[Stage, ...]) -> None:
        for stage in stages:
            self.lines.append("")
            if stage.loop:
                self._loop(stage, region, stages)
            else:
                self._batched(stage.equations, region, stages)
        self.sums(region.sums)

    def _inlined(self, region: Region) -> tuple[Stage, ...]:
        """Elementwise values that one loop alone reads, computed in that loop."""
        stages = list(region.stages)
        changed = True
        while changed:
            changed = False
            for equation in [e for stage in stages if not stage.loop for e in stage.equations]:
                readers = [stage for stage in stages if any(equation.name in e.reads for e in stage.equations)]
                elsewhere = (*region.sums, *self.others(region))
                if (
                    len(readers) != 1
                    or not readers[0].loop
                    or any(equation.name in e.reads for e in elsewhere)
                    or any(found.time != t for e in readers[0].equations for found in self.found(e, equation.name))
                    or any(term.when is not None for term in equation.terms)
                    or not is_elementwise(equation, self.variables)
                ):
                    continue
                target = stages.index(readers[0])
                own = next(k for k, stage in enumerate(stages) if equation in stage.equations)
                stages[target] = replace(readers[0], equations=(equation, *readers[0].equations))
                stages[own] = replace(stages[own], equations=tuple(e for e in stages[own].equations if e != equation))
                changed = True
                break
        return tuple(stage for stage in stages if stage.equations)

    def _batched(self, equations: Iterable[Equation], region: Region, stages: Sequence[Stage]) -> None:
        """Equations for all steps at once."""
        waiting = list(equations)
        groups = self.groups(waiting)
        done: set[str] = set()
        for equation in waiting:
            if equation.name in done:
                continue
            group = groups.get(equation.name)
            if group is None:
                code = self.whole(equation, rows=True)
                self.comment(equation)
                self.keep(equation.name, code)
            else:
                product = self.product(group)
                self.comment(*group)
                if not self.stays_wide(group, product, region, stages):
                    self.parts(group, product, rows=True)
                done |= {e.name for e in group}

    def _loop(self, stage: Stage, region: Region, stages: Sequence[Stage]) -> None:
        """A recurrence as a function of what the step before hands on and of the row of a step."""
        own = {e.name for e in stage.equations}
        reads = [f for e in stage.equations for term in e.terms for f in accesses(term, self.variables)]
        timed = dict.fromkeys((f.name, time_of(f.time).offset) for f in reads if f.time is not None and f.time.has(t))
        handed: dict[str, int] = {}
        for name, offset in timed:
            if name in own and offset:
                if offset * region.direction > 0:
                    raise Irregular(f"{name} is read at a later step")
                handed[name] = max(handed.get(name, 0), abs(offset))
        wide = [bundle for bundle in self.wide if any((name, 0) in timed for name in bundle.members)]
        apart = {name: self.names.code(name) for bundle in wide for name in bundle.members}
        sources = self.sources([key for key in timed if key[0] not in own and key[0] not in apart])
        carry = [(name, -region.direction * lag) for name, lags in handed.items() for lag in range(1, lags + 1)]
        initial = [self._initial(name, offset) for name, offset in carry]
        codes = {key: self.names.lagged(*key) for key in carry}
        outer, self.lines = self.lines, []
        hoisted, self.hoisted = self.hoisted, outer if self.hoisted is None else self.hoisted
        self.locals = {
            **{key: row for key, (row, _) in sources.items()},
            **codes,
            **{(name, 0): code for name, code in apart.items()},
        }
        inner = self._step(stage)
        after = [self.locals[name, offset + region.direction] for name, offset in carry]
        bundled = [b for b in self.bundles if b.code in {line.split(" = ")[0].strip() for line in inner}]
        members = {name for bundle in bundled for name in bundle.members}
        kept = [name for name in own - members if self._read_outside(name, stage, region, stages)]
        kept.sort(key=[e.name for e in stage.equations].index)
        results = [
            *(("", bundle.code, self.bundle_size(bundle)) for bundle in bundled),
            *((name, self.names.code(name), ", ".join(map(size_code, self.variables[name].shape))) for name in kept),
        ]
        self.locals = None
        function = self.names.fresh("step" if region.direction > 0 else "step_back")
        rows = dict([*sources.values(), *((bundle.code, bundle.code) for bundle in wide)])
        inner = [*(self.taken_apart(bundle) for bundle in wide), *inner]
        self.lines = outer
        self.hoisted += [
            "",
            f"def {function}(carry, row):",
            *([f"{INDENT}{tuple_code(codes.values())} = carry"] if codes else []),
            *([f"{INDENT}{tuple_code(rows)} = row"] if rows else []),
            *(INDENT + line for line in inner),
            f"{INDENT}return {tuple_code(after)}, {tuple_code(code for _, code, _ in results)}",
            "",
        ]
        self.hoisted = hoisted
        self.loop(Loop(function, codes, initial, list(rows.values()), results, bundled), stage, region)

    def sources(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str]]:
        """For what a loop reads, its name in a step, and the array that a step's row is of."""
        return {key: (self.shifted(*key),) * 2 for key in keys}

    def loop(self, loop: Loop, stage: Stage, region: Region) -> None:
        """The call of the function of a step, and what it leaves behind."""
        last = [self.names.fresh(f"{code}_last") for code in loop.codes.values()]
        reverse = ", reverse=True" if region.direction < 0 else ""
        results = [code for _, code, _ in loop.results]
        call = f"scan({loop.function}, {tuple_code(loop.initial)}, {tuple_code(loop.rows)}, length=T{reverse})"
        self.lines.append(f"{tuple_code(last)}, {tuple_code(results) if results else '_'} = {call}")
        self.lines += [self.taken_apart(bundle) for bundle in loop.bundles]
        for name in (*(name for name, *_ in loop.results if name), *(n for b in loop.bundles for n in b.members)):
            self.many[name, 0] = self.names.code(name)
        end = Time("", 1) if region.direction < 0 else Time("T", 0)
        for (name, offset), code in zip(loop.codes, last, strict=True):
            if abs(offset) == 1 and (name, 0) not in self.many:
                self.fixed[name, end] = code

    def _step(self, stage: Stage) -> list[str]:
        """The statements of one step."""
        assert self.locals is not None
        groups = self.groups(stage.equations)
        done: set[str] = set()
        for equation in stage.equations:
            if equation.name in done:
                continue
            group = groups.get(equation.name, [equation])
            if equation.name in groups:
                product = self.product(group)
                self.comment(*group)
                self.parts(group, product, rows=False)
                done |= {e.name for e in group}
            else:
                code = self.whole(equation, rows=False)
                self.comment(equation)
                self.lines.append(f"{self.names.code(equation.name)} = {code}")
            for member in group:
                self.locals[member.name, 0] = self.names.code(member.name)
        return self.lines

    def _initial(self, name: str, offset: int) -> str:
        """What the first step of a loop takes over."""
        margin = self.margin(name, offset)
        if code := margin[0 if offset < 0 else -1]:
            return code
        return f"np.zeros(({', '.join(['B', *(size_code(size) for size in self.variables[name].shape)])},))"

    def _read_outside(self, name: str, stage: Stage, region: Region, stages: Sequence[Stage]) -> bool:
        """Whether anything but its own loop needs a variable, beyond its last value."""
        here = {id(equation) for equation in stage.equations}
        handed = any(found.time == t + 1 for e in stage.equations for found in self.found(e, name))
        end = 1 if region.direction < 0 and handed else None
        inlined = [e for other in stages if other is not stage for e in other.equations]
        others = [*inlined, *region.sums, *self.others(region)]
        found = [f for e in others if id(e) not in here for f in self.found(e, name)]
        return any(f.time != end for f in found) or self.is_result(name)

    def _results(self) -> None:
        loss = self.names.of(self.plan.program.loss, None).code
        self.lines += ["", f"loss = np.sum({loss})"]
        defined = {e.name for e in (*self.plan.between, *self.plan.after, *self.plan.backward.sums) if e.time is None}
        for key in self.plan.program.wanted:
            name, _, rest = key.partition("[")
            adjoint = adjoint_name(name)
            time = next((time for other, time in self.model.given if f"{other}[{time}]" == key), None)
            if rest and time is not None and (adjoint, time) in self.fixed:
                code = self.fixed[adjoint, time]
            elif not rest and adjoint in defined:
                code = self.names.of(adjoint, None).code
            elif not rest and (adjoint, 0) in self.many:
                code = self.many[adjoint, 0]
            else:
                shape = (
                    [] if key in self.model.parameters else ["T", "B"] if key in self.model.sequences else ["B"]
                ) + [size_code(size) for size in self.variables[name].shape]
                code = f"np.zeros(({', '.join(shape)},))" if shape else "np.zeros(())"
            self.gradients[key] = code
