"""Where a C kernel keeps the values of each variable.

Given arrays and gradients stay with the caller; everything else has a place in the workspace, for all steps or for
those of one chunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from sympy import Expr

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Variable
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.backends.native.expressions import size_code
from rnnsym.kernels.backends.native.reserved import RESERVED
from rnnsym.kernels.schedule import Program
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time, free_name


class Kind(Enum):
    """How long a value lives."""

    ROWS = "rows"  # one row for each time step
    CHUNK = "chunk"  # one row for each step of a chunk
    SINGLE = "single"  # no time


@dataclass(frozen=True)
class Place:
    """A named array in C. Its first row is time `first`, in a chunk relative to the lowest time of the chunk.

    `more` rows lie beyond time T, or beyond the chunk. Values side by side share an array: stride and column say how
    many numbers it has for an example, and where in these a value begins.
    """

    variable: Variable
    code: str
    kind: Kind
    first: int
    more: int
    batch: bool
    given: bool = False  # the caller's
    stride: str = ""
    column: str = ""

    @property
    def size(self) -> str:
        """Numbers in one row, without the batch."""
        return size_product(self.variable.shape)

    @property
    def apart(self) -> str:
        """Numbers from one example to the next."""
        return self.stride or self.size

    @property
    def row(self) -> str:
        """Numbers in one row."""
        if not self.batch:
            return self.size
        return "B" if self.apart == "1" else f"B * {self.apart}"

    @property
    def leading(self) -> tuple[str, ...]:
        """The sizes before its own, where it is handed out: of time and batch."""
        return ("B",) if self.kind is Kind.SINGLE else ("T", "B")

    @property
    def count(self) -> str:
        """Numbers in all of it."""
        if self.kind is Kind.SINGLE:
            return self.row
        rows = "T" if self.kind is Kind.ROWS else "chunk"
        extra = (1 - self.first if self.kind is Kind.ROWS else -self.first) + self.more
        return f"({rows} + {extra}) * {self.row}" if extra else f"{rows} * {self.row}"

    def has(self, time: Time) -> bool:
        """Whether there is a row for a time outside of the steps; where nothing reads it, there is none."""
        if self.kind is not Kind.ROWS:
            return True
        return time.offset <= self.more if time.anchor else time.offset >= self.first

    def at(self, time: str, offset: int = 0) -> str:
        """Where the row of `time + offset` begins; `time` is C, in a chunk relative to `low`."""
        if self.kind is Kind.SINGLE:
            return self.code
        base = time if self.kind is Kind.ROWS else ("" if time == "low" else f"{time} - low")
        shift = offset - self.first
        steps = f"{base} {'+' if shift > 0 else '-'} {abs(shift)}" if shift and base else base or str(shift)
        code = self.code if steps == "0" else f"{self.code} + ({steps}) * {self.row}"
        return f"{code} + {self.column}" if self.column else code


def size_product(shape: tuple[Expr, ...]) -> str:
    """How many numbers a value of this shape has."""
    return " * ".join(size_code(size) for size in shape) or "1"


class Storage:
    """All places of a program. `chunked` gives the rows before and after a chunk for variables that live in one."""

    def __init__(
        self,
        model: Model,
        program: Program,
        chunked: dict[str, tuple[int, int]],
        more: dict[str, int],
        apart: bool,
        columns: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.model = model
        self.program = program
        self.arrays = Arrays(program, alike=apart)
        #: Names in C: those of the arrays, out of the way of what the fixed text defines.
        self.codes: dict[str, str] = {}
        self.taken = self.arrays.taken | RESERVED
        self.chunked = chunked
        #: By variable, the variables beside it in their order.
        self.columns = columns or {}
        self.more = more
        #: Values at one time that are kept apart from the rows of their variable.
        self.single: dict[tuple[str, Time | None], Place] = {}
        self.places: dict[str, Place] = {}
        self.used: dict[str, Place] = {}
        #: Room for a moment, by what it is for: its name, and how many numbers it takes.
        self.rooms: dict[str, tuple[str, str]] = {}
        self.apart = apart
        self.gradients = self._gradients()

    def _gradients(self) -> dict[str, Place | None]:
        """The places of gradients that the caller gets: none where it is copied at the end, or is zero."""
        found: dict[str, Place | None] = {}
        times = {f"{name}[{time}]": (name, time) for name, time in self.model.given}
        for key in self.program.wanted:
            name, time = times.get(key, (key, None))
            array = self.arrays.get(adjoint_name(name), time)
            found[key] = None
            if array is None:
                continue
            field = "grad_" + plain(key)
            if time is not None and (self.apart or not array.rows):
                place = Place(array.variable, field, Kind.SINGLE, 0, 0, array.batch, True)
                self.single[adjoint_name(name), time] = place
                found[key] = place
            elif time is None and not array.rows:
                place = Place(array.variable, field, Kind.SINGLE, 0, 0, array.batch, True)
                self.single[adjoint_name(name), None] = place
                found[key] = place
            elif time is None and array.base == 1 and not self.late(array):
                place = Place(array.variable, field, Kind.ROWS, 1, 0, array.batch, True)
                self.places[array.variable.name] = place
                found[key] = place
        return found

    def of(self, name: str, time: Time | None) -> Place:
        """The place of a variable, at a time where it has no rows."""
        if (name, time) in self.single:
            return self.single[name, time]
        if name in self.places:
            return self.places[name]
        array = self.arrays.of(name, time)
        place = self._made(array, name, time)
        self.used[place.code] = place
        if array.rows:
            self.places[name] = place
        else:
            self.single[name, time] = place
        return place

    def late(self, array: Array) -> int:
        """How many rows after the last step an array has."""
        return max(self.more.get(array.variable.name, 0), array.late)

    def code(self, array: Array) -> str:
        """The name of an array in C."""
        if array.code not in self.codes:
            clash = array.code in RESERVED or not array.code.isascii()
            self.codes[array.code] = self.fresh(plain(array.code) + "_") if clash else array.code
        return self.codes[array.code]

    def _made(self, array: Array, name: str, time: Time | None) -> Place:
        variable, code = array.variable, self.code(array)
        if array.rows and name in self.chunked:
            group = self.columns.get(name, (name,))
            before, after = (max(self.chunked[one][side] for one in group) for side in (0, 1))
            whole = Place(variable, code, Kind.CHUNK, -before, after, True)
            if len(group) == 1:
                return whole
            sizes = [size_product(self.program.variables[one].shape) for one in group]
            code = self.codes.setdefault("+".join(group), "") or self.fresh(f"{self.code(array)}_and_others")
            self.codes["+".join(group)] = code
            column = " + ".join(sizes[: group.index(name)])
            return replace(whole, code=code, stride=f"({' + '.join(sizes)})", column=column)
        if array.rows:
            direct = name in self.model.sequences and array.base == 1 and not array.late
            return Place(variable, code, Kind.ROWS, array.base, self.late(array), True, direct)
        given = any((name, time) == entry for entry in self.model.given)
        given = given or name in (*self.model.param_keys, *self.model.inputs)
        return Place(variable, code, Kind.SINGLE, 0, 0, array.batch, given)

    def room(self, hint: str, count: str) -> str:
        """The name of room for so many numbers, for a moment; the same one for the same count."""
        if f"{hint} {count}" not in self.rooms:
            self.rooms[f"{hint} {count}"] = (self.fresh(hint), count)
        return self.rooms[f"{hint} {count}"][0]

    def fresh(self, hint: str) -> str:
        """A name that is not taken."""
        hint = free_name(hint, self.taken)
        self.taken.add(hint)
        return hint


def plain(key: str) -> str:
    """A key as part of a C name: `h[0]` is h_0."""
    return "".join(c if (c.isalnum() and c.isascii()) or c == "_" else "_" for c in key.replace("-", "m")).strip("_")


def apart(keys: Iterable[str]) -> dict[str, str]:
    """The same for several keys, each with a name of its own: `z_1` beside `z[1]` is z_1_."""
    found: dict[str, str] = {}
    for key in keys:
        name = free_name(plain(key), found.values())
        found[key] = name
    return found
