"""Which arrays a kernel holds, how their rows correspond to time steps, and what they are called in code."""

from __future__ import annotations

import builtins
import keyword
from dataclasses import dataclass

import numpy as np

from rnnsym.equations.indexed import Equation, Role, Variable, accesses, time_of
from rnnsym.kernels.schedule import Program
from rnnsym.language.syntax import Time, free_name
from rnnsym.language.timing import Interval, is_late, times_outside

#: Names that generated modules use themselves, for any backend in Python: no array is called so.
RESERVED = (
    frozenset(dir(builtins))
    | {name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}
    | frozenset(
        "np params inputs values gradients loss t T B length init seed sizes forward backward predict advance step "
        "clip loss_and_grad workspace memory hessian_product Workspace Team softmax log_softmax logsumexp concatenate "
        "copyto dot matmul vdot ONE HALF TWO DTYPE ITEM PARAMETERS INPUTS TARGETS SIZES STATE PICKED SHORTEST LEARNED "
        "UNSIGNED GRADIENTS Loss Network ragged jax jnp lax torch xp namespace scan partial einsum "
        "rows_together".split()
    )
)


@dataclass(frozen=True)
class Array:
    """The storage of one variable.

    rows: whether it has one row for each time step, the first for time `base`, and `late` rows for times after the last
    step; otherwise it holds one value.
    batch: whether it has a batch axis (all but parameters and their gradients).
    """

    variable: Variable
    code: str
    rows: bool
    base: int
    batch: bool
    key: str = ""  # its name among the values that a kernel hands out
    late: int = 0

    def row(self, time: Time) -> str:
        """The row of a time as Python source: `t - 1`, `0`, `T`."""
        offset = time.offset - self.base
        if not time.anchor:
            return str(offset)
        return f"{time.anchor} {'+' if offset > 0 else '-'} {abs(offset)}" if offset else time.anchor

    def rows_of(self, interval: Interval, offset: int) -> str:
        """The rows of all times of an interval shifted by `offset`, as a slice."""
        low, high = interval.low, interval.high
        start = self.row(Time(low.anchor, low.offset + offset))
        stop = self.row(Time(high.anchor, high.offset + offset + 1))
        return f"{'' if start == '0' else start}:{stop}"

    @property
    def count(self) -> str:
        """The number of rows as Python source."""
        return self.row(Time("T", 1 + self.late))


Key = tuple[str, Time | None]


def parameters(program: Program) -> frozenset[str]:
    """The parameters of a program."""
    return frozenset(name for name, variable in program.variables.items() if variable.role is Role.PARAMETER)


def single(program: Program) -> frozenset[str]:
    """The variables that are the same for all examples: parameters, and what is made of these alone."""
    found = {name for name, variable in program.variables.items() if variable.role is Role.PARAMETER}
    reads: dict[str, set[str]] = {}
    for equation in program.forward:
        names = {place.name for term in equation.terms for place in accesses(term, program.variables)}
        reads.setdefault(equation.name, set()).update(names)
    for equation in program.forward:  # each stands after what it reads
        if equation.variable.role is not Role.LOSS and not equation.variable.timed and reads[equation.name] <= found:
            found.add(equation.name)
    return frozenset(found)


class Arrays:
    """All arrays of a program, found by variable and, where a variable has no rows, by time."""

    def __init__(self, program: Program, reserved: frozenset[str] = frozenset(), alike: bool = False) -> None:
        self.program = program
        self.times: dict[str, set[Time]] = {}
        sizes = {
            str(symbol)
            for variable in program.variables.values()
            for size in variable.shape
            for symbol in size.free_symbols
        }
        self.taken = {*RESERVED, *reserved, *keyword.kwlist, *sizes}
        self.found: dict[Key, Array] = {}
        self.single = single(program) if alike else parameters(program)
        #: The variables with one row for each step; sequences that are handed in always are.
        self.general: set[str] = set(program.sequences)
        for equation in (*program.forward, *program.backward):
            self._note(equation)
        # An adjoint is stored like its variable.
        for name, variable in program.variables.items():
            if variable.adjoint_of in self.general and name in self.times:
                self.general.add(name)
        for name, variable in program.variables.items():
            self._make(name, variable)

    def _note(self, equation: Equation) -> None:
        variables = self.program.variables
        if equation.time is not None:
            self._note_time(equation.name, equation.time, equation.interval)
        for term in equation.terms:
            for found in accesses(term, variables):
                if found.time is not None:
                    time = time_of(found.time)
                    ranges = {str(index): interval for index, interval in term.over}
                    interval = ranges.get(time.anchor) or (
                        None if time.anchor == "s" else term.when or equation.interval
                    )
                    self._note_time(found.name, Time("t", time.offset) if time.anchor == "s" else time, interval)

    def _note_time(self, name: str, time: Time, interval: Interval | None) -> None:
        known = self.times.setdefault(name, set())
        if time.anchor == "t":
            self.general.add(name)
            assert interval is not None
            read = interval.shifted(time.offset)
            known |= {read.low, *(late for late in times_outside(read) if is_late(late))}
        else:
            known.add(time)

    def _make(self, name: str, variable: Variable) -> None:
        batch = self.has_batch(variable)
        if not variable.timed:
            self.found[name, None] = Array(variable, self.fresh(name), False, 0, batch, name)
            return
        times = self.times.get(name, set())
        if name in self.general:
            early = min([time.offset for time in times if not time.anchor], default=1)
            own = self._origin(variable)
            # Handed-in sequences are used as they come; everything else has row t for time t.
            base = min(1 if own.role is Role.INPUT else 0, early)
            late = max([time.offset for time in times if is_late(time)], default=0)
            self.found[name, None] = Array(variable, self.fresh(name), True, base, batch, name, late)
            return
        for time in sorted(times, key=str):
            suffix = str(time).replace("-", "m").replace("+", "p")
            self.found[name, time] = Array(variable, self.fresh(f"{name}_{suffix}"), False, 0, batch, f"{name}[{time}]")

    def has_batch(self, variable: Variable) -> bool:
        """Whether a variable has a value for each example, or sums up what each of them gives."""
        return self._origin(variable).name not in self.single

    def _origin(self, variable: Variable) -> Variable:
        """The variable of the model that an adjoint or a change belongs to."""
        while behind := variable.adjoint_of or (variable.partial.of if variable.partial else None):
            variable = self.program.variables[behind]
        return variable

    def fresh(self, name: str) -> str:
        """A name like this one that is not taken."""
        code = "".join(
            character if character.isidentifier() or character.isdigit() else "_" for character in name
        ).strip("_")
        code = free_name(code, self.taken)
        self.taken.add(code)
        return code

    def of(self, name: str, time: Time | None) -> Array:
        """The array that holds a variable at a time."""
        return self.found[name, None] if (name, None) in self.found else self.found[name, time]

    def view(self, name: str, time: Time, summed: bool) -> tuple[str, bool] | None:
        """Source for a variable at a time, and whether it has a time axis, where it is not in an array found here."""
        return None

    def get(self, name: str, time: Time | None) -> Array | None:
        """The same, or None where nothing uses it."""
        return self.found.get((name, None)) or self.found.get((name, time))
