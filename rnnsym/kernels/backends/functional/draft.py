"""The source of a plan as far as it is written: its lines, and what they have put where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer, expand

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Access, Equation, Select, Term, accesses, t
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.numpy_code import SUM, size_code, term_value
from rnnsym.kernels.when import time_code, when_code
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import WHOLE, Interval

INDENT = "    "
#: Names that generated code uses beside those of `arrays.RESERVED`.
WORDS = frozenset(
    "dtype device steps split carry row rows part part_back start count state put in_parts in_rows room each_step "
    "outer ROWS STEPS".split()
)


@dataclass(frozen=True)
class Bundle:
    """Values side by side along the last axis, as one array."""

    code: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Loop:
    """A recurrence: the function of a step, and what it takes and gives.

    codes: the names of what a step takes over from the one before, by variable and offset; initial: what the first
    step takes over. rows: arrays that a step reads a row of. results: variable, name and size of what each step gives;
    a bundle has no variable.
    """

    function: str
    codes: dict[tuple[str, int], str]
    initial: list[str]
    rows: list[str]
    results: list[tuple[str, str, str]]
    bundles: list[Bundle]


class Draft:
    """Statements so far. `describe` gives an equation as a person reads it."""

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
        self.summed: frozenset[str] = frozenset()  # sums over time that some region has begun
        self.locals: dict[tuple[str, int], str] | None = None  # inside a loop: what a step knows
        self.hoisted: list[str] | None = None  # where a loop's matrices are made, if not where they are used

    def every(self) -> tuple[Equation, ...]:
        """All equations of the plan."""
        plan = self.plan
        regions = (*plan.forward.equations, *plan.backward.equations, *plan.backward.sums)
        return (*plan.before, *plan.between, *plan.after, *regions)

    def others(self, region: Region) -> tuple[Equation, ...]:
        """The equations of the plan outside of a region."""
        own = {id(equation) for equation in (*region.equations, *region.sums)}
        return tuple(equation for equation in self.every() if id(equation) not in own)

    def found(self, equation: Equation, name: str) -> list[Access]:
        """Where an equation reads a variable."""
        return [f for term in equation.terms for f in accesses(term, self.variables) if f.name == name]

    def is_result(self, name: str) -> bool:
        """Whether a variable is the adjoint of what a gradient is wanted for."""
        return any(adjoint_name(key) == name for key in self.plan.program.wanted)

    def unpack(self) -> None:
        """Names for the arrays that are handed in."""
        read = {name for equation in self.every() for name in equation.reads}
        for name in (*self.model.param_keys, *self.model.inputs):
            if name in read:
                group = "params" if name in self.model.param_keys else "inputs"
                self.lines.append(f'{self.names.of(name, None).code} = {group}["{name}"]')
        for name in self.model.sequences:
            if name in read:
                self.many[name, 0] = self.names.code(name)
                self.lines.append(f'{self.many[name, 0]} = inputs["{name}"]')
        for name, time in self.model.given:
            code = self._single(name, time)
            self.fixed[name, time] = code
            self.lines.append(f'{code} = inputs["{name}[{time}]"]')

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
        edge = f"{whole}[-1:]" if offset > 0 else f"{whole}[:1]"
        edge = edge if self._is_conditional(name, offset) else f"np.zeros_like({edge})"
        lines = [f"{code}[None]" if code else edge for code in self.margin(name, offset)]
        if offset > 0:
            parts, cut = [f"{whole}[1:]" if size == 1 else f"{whole}[min(T, {size}) :]", *lines], "[-T:]"
        else:
            parts, cut = [*lines, f"{whole}[:-1]" if size == 1 else f"{whole}[: max(T - {size}, 0)]"], "[:T]"
        code = self.names.lagged(name, offset)
        self.lines.append(f"{code} = np.concatenate([{', '.join(parts)}]){cut if size > 1 else ''}")
        self.many[name, offset] = code
        return code

    def _single(self, name: str, time: Time) -> str:
        """A name for a value at one time."""
        return self.names.fresh(f"{name}_{time}".replace("-", "m").replace("+", "_"))

    def _is_conditional(self, name: str, offset: int) -> bool:
        """Whether a forward value is read at another step only where that is there: beyond, any number that it has."""
        if self.variables[name].adjoint_of is not None:
            return False
        time = t + offset
        return all(
            term.when is not None
            for equation in self.every()
            for term in equation.terms
            if any(found.name == name and found.time == time for found in accesses(term, self.variables))
        )

    def margin(self, name: str, offset: int) -> list[str]:
        """Source for a variable's values before the first or after the last step, in order; empty where it is zero."""
        outside = range(1 + offset, 1) if offset < 0 else range(1, offset + 1)
        times = [Time("T" if offset > 0 else "", number) for number in outside]
        found = [self.fixed.get((name, time), "") for time in times]
        once = {(e.name, e.time) for e in (*self.plan.before, *self.plan.between, *self.plan.after)}
        if any(not code and (name, time) in once for code, time in zip(found, times, strict=True)):
            raise Irregular(f"{name} is read before it is computed")
        return found

    def shape(self, equation: Equation, rows: bool) -> list[str]:
        """The sizes of the axes of what an equation defines, at one step or at all."""
        shape = [size_code(size) for size in equation.variable.shape]
        return [*(["T"] if rows else []), *(["B"] if self._batch(equation) else []), *shape]

    def _batch(self, equation: Equation) -> bool:
        return self.names.of(equation.name, equation.time).batch

    def comment(self, *equations: Equation) -> None:
        """Say which equations the next line computes."""
        for equation in equations:
            text = self.describe(equation)
            self.lines.append(f"# {text}")

    def whole(self, equation: Equation, rows: bool, terms: Sequence[Term] | None = None, start: str = "") -> str:
        """The right side of an equation with all axes of its target; `start` is a part of it that has them."""
        terms = equation.terms if terms is None else terms
        code, axes = start, set()
        if any(isinstance(f, Select) and f.args[0] in equation.indices for term in terms for f in term.factors):
            if start:
                raise Irregular(f"{equation.label} is more than values side by side")
            return self._joined(replace(equation, terms=tuple(terms)), rows)
        for term in terms:
            value = term_value(replace(term, when=None), equation, self.names, rows)
            part, test = value.within(SUM), ""
            if term.when is not None and term.when != equation.interval:
                if rows:
                    part = f"np.where({self._when(term.when, equation)}, {value.code}, 0.0)"
                elif equation.time is None or self.locals is not None:
                    raise Irregular(f"a part of {equation.label} is there at some steps only")
                elif test := when_code(term.when, None, equation.time):
                    part = f"({value.code} if {test} else 0.0)"
            axes |= {"t"} if rows and term.when is not None else set()
            axes |= set() if test else set(value.axes)  # a number where it is not there
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        shape = self.shape(equation, rows)
        if start or (len(axes) == len(shape) and axes):
            return code
        if not shape:
            return f"np.zeros(()) + {code or '0.0'}"
        return f"np.broadcast_to({code or '0.0'}, ({', '.join(shape)},))"

    def _when(self, when: Interval, equation: Equation) -> str:
        """The steps of an interval as a mask that broadcasts."""
        if "steps = np.arange(1, T + 1)" not in self.lines:
            self.lines.append("steps = np.arange(1, T + 1)")
        return self.mask(when, equation)

    def _joined(self, equation: Equation, rows: bool) -> str:
        """Values side by side along an axis."""
        parts: dict[Expr, Equation] = {}  # by where a part begins
        axes = set()
        for term in equation.terms:
            selects = [f for f in term.factors if isinstance(f, Select) and f.args[0] in equation.indices]
            if len(selects) != 1:
                raise Irregular(f"{equation.label} is more than values side by side")
            index, inner, low, size = selects[0].args
            axis = equation.indices.index(index)
            axes.add(axis)
            indices, shape = list(equation.indices), list(equation.variable.shape)
            indices[axis], shape[axis] = inner, size
            part = replace(
                equation,
                variable=replace(equation.variable, shape=tuple(shape)),
                indices=tuple(indices),
                terms=(replace(term, factors=tuple(f for f in term.factors if f != selects[0])),),
            )
            known = parts.setdefault(expand(low), part)
            if known is not part:
                if known.indices != part.indices or known.variable.shape != part.variable.shape:
                    raise Irregular(f"{equation.label} is more than values side by side")
                parts[expand(low)] = replace(known, terms=(*known.terms, *part.terms))
        (axis, *others), place, codes = axes, Integer(0), []
        while place in parts:
            part = parts.pop(place)
            codes.append(self.whole(part, rows))
            place = expand(place + part.variable.shape[axis])
        if others or parts or place != expand(equation.variable.shape[axis]):
            raise Irregular(f"{equation.label} is more than values side by side")
        return f"np.concatenate([{', '.join(codes)}], axis={axis - len(equation.indices)})"

    def mask(self, when: Interval, equation: Equation) -> str:
        """A test of `steps`, as a mask that broadcasts."""
        low, high = time_code(when.low), time_code(when.high)
        test = f"steps == {low}" if when.is_point else f"(steps >= {low}) & (steps <= {high})"
        return f"({test})[:{', None' * (len(self.shape(equation, True)) - 1)}]"

    def once(self, equation: Equation) -> None:
        """A statement outside of the loops."""
        code = self.whole(equation, rows=False)
        self.comment(equation)
        if equation.time is None:
            self.lines.append(f"{self.names.of(equation.name, None).code} = {code}")
            return
        target = self._single(equation.name, equation.time)
        self.lines.append(f"{target} = {code}")
        self.fixed[equation.name, equation.time] = target

    def keep(self, name: str, code: str) -> None:
        """A statement for all steps of a variable."""
        target = self.names.code(name)
        self.lines.append(f"{target} = {code}")
        self.hold(name, target)

    def hold(self, name: str, code: str) -> None:
        """Say where a variable is."""
        self.many[name, 0] = code

    def bundle_size(self, bundle: Bundle) -> str:
        """The length of the last axis of a bundle."""
        return " + ".join(size_code(self.variables[name].shape[0]) for name in bundle.members)

    def taken_apart(self, bundle: Bundle) -> str:
        """The members of a bundle from it."""
        sizes = ", ".join(size_code(self.variables[name].shape[0]) for name in bundle.members)
        return f"{', '.join(self.names.code(name) for name in bundle.members)} = split({bundle.code}, {sizes})"


class Names(Arrays):
    """Names in the source; where a timed variable is found, the writer says."""

    def __init__(self, writer: Draft) -> None:
        self.writer = writer
        super().__init__(writer.plan.written, WORDS)
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


def tuple_code(parts: Iterable[str]) -> str:
    """Source for a tuple of these."""
    parts = list(parts)
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
