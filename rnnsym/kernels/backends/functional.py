"""A plan as code that writes nothing in place: batched expressions, and loops as functions of a carry and a row.

The code is NumPy source plus `scan`, `split` and nothing else; a dialect translates it line by line.

Products are joined: those of one vector with several matrices, and those of several vectors whose results are added.
The vectors of the latter, side by side, are a *bundle*, and sums over time that read several of them read the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Indexed

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Access, Equation, Select, Term, accesses, name_of, reads_of, t, time_of
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.fast.layout import outer_pair
from rnnsym.kernels.fast.normal import Irregular, Matvec, is_elementwise, matvec_of
from rnnsym.kernels.fast.regions import Plan, Region, Stage
from rnnsym.kernels.numpy_code import SUM, size_code, term_value
from rnnsym.kernels.when import time_code
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import WHOLE, Interval

INDENT = "    "
#: Names that generated code uses beside those of `arrays.RESERVED`.
WORDS = frozenset(
    "jax jnp lax torch xp dtype device steps scan split carry row rows namespace einsum partial rows_together".split()
)


@dataclass(frozen=True)
class Bundle:
    """Values side by side along the last axis, as one array."""

    code: str
    members: tuple[str, ...]


class Writer:
    """Writes one plan. `describe` gives an equation as a person reads it; `inline`: see `Dialect`."""

    def __init__(self, model: Model, plan: Plan, describe: Callable[[Equation], str], inline: bool) -> None:
        self.model = model
        self.plan = plan
        self.describe = describe
        self.inline = inline
        self.variables = plan.variables
        self.interval = plan.forward.interval
        if self.interval != WHOLE:
            raise Irregular("its loop does not run from step 1 to step T")
        self.names = Names(self)
        self.lines: list[str] = []
        self.many: dict[tuple[str, int], str] = {}  # arrays with a row for each step, by variable and offset
        self.fixed: dict[tuple[str, Time], str] = {}  # values at one time
        self.bundles: list[Bundle] = []
        #: Results of one product for all steps that a loop alone reads, and takes apart in each step.
        self.wide: list[Bundle] = []
        self.stacks: dict[object, str] = {}
        self.gradients: dict[str, str] = {}
        self.locals: dict[tuple[str, int], str] | None = None  # inside a loop: what a step knows

    def body(self) -> tuple[list[str], dict[str, str]]:
        """Statements that compute `loss` from `params` and `inputs`, and source for the gradients by key."""
        self._unpack()
        for equation in self.plan.before:
            self._once(equation)
        self._region(self.plan.forward)
        for equation in self.plan.between:
            self._once(equation)
        self._region(self.plan.backward)
        for equation in self.plan.after:
            self._once(equation)
        self._results()
        return self.lines, self.gradients

    # Arrays handed in

    def _every(self) -> tuple[Equation, ...]:
        plan = self.plan
        regions = (*plan.forward.equations, *plan.backward.equations, *plan.backward.sums)
        return (*plan.before, *plan.between, *plan.after, *regions)

    def _unpack(self) -> None:
        read = {name for equation in self._every() for name in reads_of(equation)}
        for name in (*self.model.param_keys, *self.model.inputs):
            if name in read:
                group = "params" if name in self.model.param_keys else "inputs"
                self.lines.append(f'{self.names.of(name, None).code} = {group}["{name}"]')
        for name in self.model.sequences:
            if name in read:
                self.many[name, 0] = self.names.code(name)
                self.lines.append(f'{self.many[name, 0]} = inputs["{name}"]')
        for name, time in self.model.given:
            code = self.names.fresh(f"{name}_{time}".replace("-", "m"))
            self.fixed[name, time] = code
            self.lines.append(f'{code} = inputs["{name}[{time}]"]')

    # What code reads

    def read(self, name: str, time: Time) -> tuple[str, bool]:
        """Source for a timed variable, and whether it has a time axis."""
        if time.anchor not in ("t", "s"):
            return self.at(name, time), False
        if self.locals is not None:
            if (name, time.offset) not in self.locals:
                raise Irregular(f"{name} is read outside of its loop")
            return self.locals[name, time.offset], False
        return self.shifted(name, time.offset), True

    def at(self, name: str, time: Time) -> str:
        """A variable at one time."""
        if (name, time) in self.fixed:
            return self.fixed[name, time]
        if (name, 0) not in self.many or (not time.anchor and time.offset < 1) or (time.anchor and time.offset > 0):
            raise Irregular(f"{name} is not kept at {time}")
        return f"{self.many[name, 0]}[{time.offset - 1}]"

    def shifted(self, name: str, offset: int) -> str:
        """A variable at all steps, each `offset` later; beyond the ends what is given there, or zero."""
        if (name, offset) in self.many:
            return self.many[name, offset]
        if (name, 0) not in self.many:
            raise Irregular(f"{name} is read before it is computed")
        whole, size = self.many[name, 0], abs(offset)
        cut = "" if size == 1 else "[:T]"
        if offset > 0:
            parts = [f"{whole}[{size}:]", f"np.zeros_like({whole}[:{size}])"]
        else:
            times = [Time("", number) for number in range(1 - size, 1)]
            early = [self.fixed.get((name, time)) for time in times]
            parts = [f"{code}[None]" if code else f"np.zeros_like({whole}[:1])" for code in early]
            parts.append(f"{whole}[:-{size}]")
        code = self.names.lagged(name, offset)
        self.lines.append(f"{code} = np.concatenate([{', '.join(parts)}]){cut}")
        self.many[name, offset] = code
        return code

    def _shape(self, equation: Equation, rows: bool) -> list[str]:
        shape = [size_code(size) for size in equation.variable.shape]
        return [*(["T"] if rows else []), *(["B"] if self._batch(equation) else []), *shape]

    def _batch(self, equation: Equation) -> bool:
        return self.names.of(equation.name, equation.time).batch

    def _comment(self, *equations: Equation) -> None:
        for equation in equations:
            text = self.describe(equation)
            self.lines.append(f"# {text}")

    # Right sides

    def _whole(self, equation: Equation, rows: bool, terms: Sequence[Term] | None = None, start: str = "") -> str:
        """The right side of an equation with all axes of its target; `start` is a part of it that has them."""
        terms = equation.terms if terms is None else terms
        code, axes = start, set()
        for term in terms:
            if any(isinstance(f, Select) and f.args[0] in equation.indices for f in term.factors):
                raise Irregular(f"{equation.label} is a concatenation")
            value = term_value(replace(term, when=None), equation, self.names, rows)
            part = value.within(SUM)
            if term.when is not None and term.when != equation.interval:
                if not rows:
                    raise Irregular(f"a part of {equation.label} is there at some steps only")
                part = f"np.where({self._when(term.when, equation)}, {value.code}, 0.0)"
            axes |= {"t"} if rows and term.when is not None else set()
            axes |= set(value.axes)
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        shape = self._shape(equation, rows)
        if start or (len(axes) == len(shape) and axes):
            return code
        if not shape:
            return f"np.zeros(()) + {code or '0.0'}"
        return f"np.broadcast_to({code or '0.0'}, ({', '.join(shape)},))"

    def _when(self, when: Interval, equation: Equation) -> str:
        """The steps of an interval as a mask that broadcasts."""
        if "steps = np.arange(1, T + 1)" not in self.lines:
            self.lines.append("steps = np.arange(1, T + 1)")
        low, high = time_code(when.low), time_code(when.high)
        test = f"steps == {low}" if when.is_point else f"(steps >= {low}) & (steps <= {high})"
        return f"({test})[:{', None' * (len(self._shape(equation, True)) - 1)}]"

    def _once(self, equation: Equation) -> None:
        """A statement outside of the loops."""
        code = self._whole(equation, rows=False)
        self._comment(equation)
        if equation.time is None:
            self.lines.append(f"{self.names.of(equation.name, None).code} = {code}")
            return
        target = self.names.fresh(f"{equation.name}_{equation.time}".replace("-", "m"))
        self.lines.append(f"{target} = {code}")
        self.fixed[equation.name, equation.time] = target

    # Regions and stages

    def _region(self, region: Region) -> None:
        stages = self._inlined(region) if self.inline else region.stages
        for stage in stages:
            self.lines.append("")
            if stage.loop:
                self._loop(stage, region, stages)
            else:
                self._batched(stage.equations, region, stages)
        self._sums(region.sums)

    def _inlined(self, region: Region) -> tuple[Stage, ...]:
        """Elementwise values that one loop alone reads, computed in that loop."""
        stages = list(region.stages)
        changed = True
        while changed:
            changed = False
            for equation in [e for stage in stages if not stage.loop for e in stage.equations]:
                readers = [stage for stage in stages if any(equation.name in reads_of(e) for e in stage.equations)]
                elsewhere = (*region.sums, *self._others(region))
                if (
                    len(readers) != 1
                    or not readers[0].loop
                    or any(equation.name in reads_of(e) for e in elsewhere)
                    or any(found.time != t for e in readers[0].equations for found in self._found(e, equation.name))
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

    def _others(self, region: Region) -> tuple[Equation, ...]:
        own = {id(equation) for equation in (*region.equations, *region.sums)}
        return tuple(equation for equation in self._every() if id(equation) not in own)

    def _found(self, equation: Equation, name: str) -> list[Access]:
        return [f for term in equation.terms for f in accesses(term, self.variables) if f.name == name]

    def _batched(self, equations: Iterable[Equation], region: Region, stages: Sequence[Stage]) -> None:
        """Equations for all steps at once."""
        waiting = list(equations)
        groups = self._groups(waiting)
        done: set[str] = set()
        for equation in waiting:
            if equation.name in done:
                continue
            group = groups.get(equation.name)
            if group is None:
                code = self._whole(equation, rows=True)
                self._comment(equation)
                self._keep(equation.name, code)
            else:
                product = self._product(group)
                self._comment(*group)
                if not self._stays_wide(group, product, region, stages):
                    self._parts(group, product, rows=True)
                done |= {e.name for e in group}

    def _stays_wide(self, group: list[Equation], product: str, region: Region, stages: Sequence[Stage]) -> bool:
        """Leave a product in one piece where one loop alone reads its parts, and parameters alone are added to it."""
        names = {e.name for e in group}
        others = (*region.sums, *self._others(region))
        loops = [stage for stage in stages if any(names & reads_of(e) for e in stage.equations)]
        if len(group) < 2 or len(loops) != 1 or not loops[0].loop or any(names & reads_of(e) for e in others):
            return False
        if any(self._is_result(name) for name in names) or any(
            found.time != t for e in loops[0].equations for name in names for found in self._found(e, name)
        ):
            return False
        added = []
        for equation in group:
            code = ""
            for term in equation.terms:
                if term.when is not None:
                    return False
                if matvec_of(term, equation, self.variables) is None:
                    value = term_value(term, equation, self.names, True)
                    if len(value.axes) != 1 or any(found.time is not None for found in accesses(term, self.variables)):
                        return False
                    code += f" + {value.within(SUM)}" if code else value.code
            added.append(code)
        if any(added) and not all(added):
            return False
        code = self.names.fresh(f"{self.names.code(group[0].name)}_and_others")
        bias = f" + np.concatenate([{', '.join(added)}])" if any(added) else ""
        self.lines.append(f"{code} = {product}{bias}")
        self.wide.append(Bundle(code, tuple(e.name for e in group)))
        return True

    def _keep(self, name: str, code: str) -> None:
        target = self.names.code(name)
        self.lines.append(f"{target} = {code}")
        self.many[name, 0] = target

    # Matrix products

    def _matvecs(self, equation: Equation) -> tuple[Matvec, ...]:
        """The matrix-vector products among the terms of an equation."""
        found = [matvec_of(term, equation, self.variables) for term in equation.terms if term.when is None]
        return tuple(one for one in found if one is not None)

    def _groups(self, equations: Sequence[Equation]) -> dict[str, list[Equation]]:
        """Equations with products of the same vectors, computed by one product."""
        by_vectors: dict[tuple[Indexed, ...], list[Equation]] = {}
        for equation in equations:
            vectors = tuple(one.vector for one in self._matvecs(equation))
            if vectors and len(set(vectors)) == len(vectors):
                by_vectors.setdefault(vectors, []).append(equation)
        names = {equation.name for equation in equations}
        found: dict[str, list[Equation]] = {}
        for vectors, group in by_vectors.items():
            # What else they need has to be there when the first of them is computed.
            group = [
                e
                for e in group
                if e is group[0]
                or not any(f.name in names and f.time == t and f.element not in vectors for term in e.terms
                           for f in accesses(term, self.variables))
            ]  # fmt: skip
            if len(group) > 1 or len(vectors) > 1:
                found.update(dict.fromkeys([e.name for e in group], group))
        return found

    def _product(self, group: list[Equation]) -> str:
        """One product for all equations of a group."""
        matvecs = [self._matvecs(equation) for equation in group]
        vectors = [one.vector for one in matvecs[0]]
        matrix = self._stack(matvecs)
        names = tuple(name_of(vector) for vector in vectors)
        if len(vectors) == 1:
            return f"{self.read(names[0], time_of(vectors[0].indices[0]))[0]} @ {matrix}"
        offsets = {time_of(vector.indices[0]).offset for vector in vectors}
        known = next((b for b in self.bundles if b.members == names and offsets == {0} and self.locals is None), None)
        if known is not None:
            return f"{known.code} @ {matrix}"
        values = [self.read(name, time_of(vector.indices[0]))[0] for name, vector in zip(names, vectors, strict=True)]
        code = self.names.fresh(f"{values[0]}_and_others")
        self.lines.append(f"{code} = np.concatenate([{', '.join(values)}], axis=-1)")
        if offsets == {0}:
            self.bundles.append(Bundle(code, names))
        return f"{code} @ {matrix}"

    def _stack(self, matvecs: list[tuple[Matvec, ...]]) -> str:
        """The matrices of a group as one, to be multiplied from the right."""
        key = tuple(tuple((m.scale, m.matrix) for m in row) for row in matvecs)
        if key in self.stacks:
            return self.stacks[key]
        columns = []
        for row in matvecs:
            parts = [self._matrix(one) for one in row]
            columns.append(parts[0] if len(parts) == 1 else f"np.concatenate([{', '.join(parts)}])")
        code = self.names.fresh("_".join(dict.fromkeys(m.matrix_name for row in matvecs for m in row)))
        whole = columns[0] if len(columns) == 1 else f"np.concatenate([{', '.join(columns)}], axis=1)"
        place = len(self.lines) if self.locals is None else self.before_loop
        self.lines.insert(place, f"{code} = {whole}")
        self.before_loop += 1
        self.stacks[key] = code
        return code

    before_loop = 0

    def _matrix(self, one: Matvec) -> str:
        matrix = self.names.of(one.matrix_name, None).code + ("" if one.transposed else ".T")
        return matrix if one.scale == 1 else f"{float(one.scale)!r} * {matrix}"

    def _parts(self, group: list[Equation], product: str, rows: bool) -> None:
        """The equations of a group from their common product: its part of each, and what else they add."""
        targets = [self.names.code(equation.name) for equation in group]
        if len(group) == 1:
            self.lines.append(f"{targets[0]} = {product}")
        else:
            sizes = ", ".join(size_code(equation.variable.shape[0]) for equation in group)
            self.lines.append(f"{', '.join(targets)} = split({product}, {sizes})")
        for equation, target in zip(group, targets, strict=True):
            rest = [x for x in equation.terms if x.when is not None or matvec_of(x, equation, self.variables) is None]
            if rest:
                self.lines.append(f"{target} = {self._whole(equation, rows, rest, target)}")
            if rows:
                self.many[equation.name, 0] = target

    # Loops

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
        rows = {key: self.shifted(*key) for key in timed if key[0] not in own and key[0] not in apart}
        carry = [(name, -region.direction * lag) for name, lags in handed.items() for lag in range(1, lags + 1)]
        initial = [self._initial(name, offset, region) for name, offset in carry]
        codes = {key: self.names.lagged(*key) for key in carry}
        outer, self.lines = self.lines, []
        self.locals = {**rows, **codes, **{(name, 0): code for name, code in apart.items()}}
        inner, stacks = self._step(stage)
        outer += stacks
        after = [self.locals[name, offset + region.direction] for name, offset in carry]
        bundled = [b for b in self.bundles if b.code in {line.split(" = ")[0].strip() for line in inner}]
        members = {name for bundle in bundled for name in bundle.members}
        kept = [name for name in own - members if self._read_outside(name, stage, region, stages)]
        kept.sort(key=[e.name for e in stage.equations].index)
        results = [*(bundle.code for bundle in bundled), *(self.names.code(name) for name in kept)]
        self.locals = None
        function = self.names.fresh("step" if region.direction > 0 else "step_back")
        row_codes = list(dict.fromkeys([*rows.values(), *(bundle.code for bundle in wide)]))
        inner = [*(self._taken_apart(bundle) for bundle in wide), *inner]
        self.lines = outer
        self.lines += [
            "",
            f"def {function}(carry, row):",
            *([f"{INDENT}{_tuple(codes.values())} = carry"] if codes else []),
            *([f"{INDENT}{_tuple(row_codes)} = row"] if row_codes else []),
            *(INDENT + line for line in inner),
            f"{INDENT}return {_tuple(after)}, {_tuple(results)}",
            "",
        ]
        last = [self.names.fresh(f"{code}_last") for code in codes.values()]
        reverse = ", reverse=True" if region.direction < 0 else ""
        call = f"scan({function}, {_tuple(initial)}, {_tuple(row_codes)}, length=T{reverse})"
        self.lines.append(f"{_tuple(last)}, {_tuple(results) if results else '_'} = {call}")
        self.lines += [self._taken_apart(bundle) for bundle in bundled]
        for name in (*kept, *members):
            self.many[name, 0] = self.names.code(name)
        end = Time("", 1) if region.direction < 0 else Time("T", 0)
        for (name, offset), code in zip(carry, last, strict=True):
            if abs(offset) == 1 and (name, 0) not in self.many:
                self.fixed[name, end] = code

    def _taken_apart(self, bundle: Bundle) -> str:
        """The members of a bundle from it."""
        sizes = ", ".join(size_code(self.variables[name].shape[0]) for name in bundle.members)
        return f"{', '.join(self.names.code(name) for name in bundle.members)} = split({bundle.code}, {sizes})"

    def _step(self, stage: Stage) -> tuple[list[str], list[str]]:
        """The statements of one step, and those that make its matrices before the loop."""
        assert self.locals is not None
        self.before_loop = 0
        groups = self._groups(stage.equations)
        done: set[str] = set()
        for equation in stage.equations:
            if equation.name in done:
                continue
            group = groups.get(equation.name, [equation])
            if equation.name in groups:
                product = self._product(group)
                self._comment(*group)
                self._parts(group, product, rows=False)
                done |= {e.name for e in group}
            else:
                code = self._whole(equation, rows=False)
                self._comment(equation)
                self.lines.append(f"{self.names.code(equation.name)} = {code}")
            for member in group:
                self.locals[member.name, 0] = self.names.code(member.name)
        return self.lines[self.before_loop :], self.lines[: self.before_loop]

    def _initial(self, name: str, offset: int, region: Region) -> str:
        """What the first step of a loop takes over."""
        time = Time("", 1 + offset)
        if region.direction > 0 and (name, time) in self.fixed:
            return self.fixed[name, time]
        return f"np.zeros(({', '.join(['B', *(size_code(size) for size in self.variables[name].shape)])},))"

    def _read_outside(self, name: str, stage: Stage, region: Region, stages: Sequence[Stage]) -> bool:
        """Whether anything but its own loop needs a variable, beyond its last value."""
        here = {id(equation) for equation in stage.equations}
        end = 1 if region.direction < 0 else None
        inlined = [e for other in stages if other is not stage for e in other.equations]
        others = [*inlined, *region.sums, *self._others(region)]
        found = [f for e in others if id(e) not in here for f in self._found(e, name)]
        return any(f.time != end for f in found) or self._is_result(name)

    def _is_result(self, name: str) -> bool:
        return any(adjoint_name(key) == name for key in self.plan.program.wanted)

    # Sums over time

    def _sums(self, sums: Sequence[Equation]) -> None:
        """Sums over all steps; those of outer products with a common right side are one product."""
        if sums:
            self.lines.append("")
        pairs = {e.name: self._pair(e) for e in sums}
        done: set[str] = set()
        for equation in sums:
            if equation.name in done:
                continue
            waiting = [e for e in sums if e.name not in done]
            bundle, group = self._run(equation, pairs, waiting)
            if bundle is not None:
                self._bundled_sum(bundle, group, pairs[equation.name])
            else:
                target = self.names.of(equation.name, None).code
                code = self._whole(equation, rows=False)
                self._comment(equation)
                self.lines.append(f"{target} = {code}")
            done |= {e.name for e in group}

    def _pair(self, equation: Equation) -> tuple[str, Expr | None] | None:
        """(a, b) where a sum is of a[t, i] b[t, j]; (a, None) where it is of a[t, i]; a is read at t."""
        found: tuple[Indexed, Expr | None] | None = outer_pair(equation)
        if found is None and len(equation.terms) == 1 and len(equation.terms[0].factors) == 1:
            (factor,) = equation.terms[0].factors
            if isinstance(factor, Indexed) and len(factor.indices) == 2 and factor.indices[1] in equation.indices:
                found = (factor, None)
        if found is None or found[0].indices[0] != t or not equation.terms[0].over:
            return None
        return name_of(found[0]), found[1]

    def _run(
        self, equation: Equation, pairs: dict[str, tuple[str, Expr | None] | None], sums: Sequence[Equation]
    ) -> tuple[Bundle | None, list[Equation]]:
        """A bundle, and the sums that read its members, all of them, with the same right side."""
        pair = pairs[equation.name]
        for bundle in self.bundles if pair is not None else ():
            assert pair is not None
            group = {p[0]: e for e in reversed(sums) if (p := pairs[e.name]) is not None and p[1] == pair[1]}
            if pair[0] in bundle.members and all(name in group for name in bundle.members):
                return bundle, [group[name] for name in bundle.members]
        return None, [equation]

    def _bundled_sum(self, bundle: Bundle, group: list[Equation], pair: tuple[str, Expr | None] | None) -> None:
        assert pair is not None
        parts = [self.names.of(e.name, None).code for e in group]
        sizes = ", ".join(size_code(e.variable.shape[0]) for e in group)
        if pair[1] is None:
            self._comment(*group)
            self.lines.append(f"{', '.join(parts)} = split(np.sum({bundle.code}, axis=(0, 1)), {sizes})")
            return
        assert isinstance(pair[1], Indexed)
        right = self.read(name_of(pair[1]), time_of(pair[1].indices[0]))[0]
        product = f"np.tensordot({right}, {bundle.code}, axes=([0, 1], [0, 1]))"
        self._comment(*group)
        self.lines.append(f"{', '.join(parts)} = split({product}, {sizes})")
        self.lines.append(f"{', '.join(parts)} = {', '.join(f'{part}.T' for part in parts)}")

    # Results

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


class Names(Arrays):
    """Names in the source; where a timed variable is found, the writer says."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        super().__init__(writer.plan.written)
        self.taken |= WORDS
        self.codes: dict[str, str] = {}
        self.lags: dict[tuple[str, int], str] = {}

    def view(self, name: str, time: Time, summed: bool) -> tuple[str, bool] | None:
        return self.writer.read(name, time)

    def of(self, name: str, time: Time | None) -> Array:
        found = self.found.get((name, None)) or self.found.get((name, time))
        return found or next(array for (other, _), array in self.found.items() if other == name)

    def code(self, name: str) -> str:
        """The name of a timed variable: of all its steps, and of one step inside a loop."""
        if name not in self.codes:
            self.codes[name] = self.fresh(name) if (name, None) not in self.found else self.found[name, None].code
        return self.codes[name]

    def lagged(self, name: str, offset: int) -> str:
        """The name of a variable some steps before or after."""
        if (name, offset) not in self.lags:
            word = "before" if offset < 0 else "after"
            far = "" if abs(offset) == 1 else f"_{abs(offset)}"
            self.lags[name, offset] = self.fresh(f"{self.code(name)}_{word}{far}")
        return self.lags[name, offset]


def _tuple(parts: Iterable[str]) -> str:
    parts = list(parts)
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
