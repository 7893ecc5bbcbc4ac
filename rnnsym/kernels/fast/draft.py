"""The source while it is written: lines of the workspace, of the start of a call, and what they need."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from rnnsym.equations.indexed import Equation, Role, Term
from rnnsym.kernels.fast.kinds import CHUNK
from rnnsym.kernels.fast.lanes import WITH_OUT, Lane
from rnnsym.kernels.fast.layout import Layout
from rnnsym.kernels.fast.names import Names
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.picks import picked
from rnnsym.kernels.fast.ragged import ragged
from rnnsym.kernels.fast.text import Rows, shape_code
from rnnsym.kernels.fast.views import Views
from rnnsym.kernels.numpy_code import SUM, term_value
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import is_outside

#: How wide a comment may be.
WIDTH = 92
#: Numbers that have a name of their own.
NUMBERS = {Fraction(1): "ONE", Fraction(1, 2): "HALF", Fraction(2): "TWO"}


class Step(Protocol):
    """What gives a variable at the step of a loop."""

    def lane(self, lane: Lane) -> str:
        """Source for one variable, with its batch axis."""
        ...


class Draft:
    """What all writers add to. `describe` gives an equation as a person reads it.

    made: lines that make the workspace. fields: the names that it keeps. handed_in, prepared: lines at the start of
    every call, before and after what parameters alone give.
    entering: lines at the start of every segment of the steps.
    chunks: lines that say how many steps a chunk has. rooms: how many numbers the arrays take, by shape as source.
    stacks, constants, functions: matrices side by side, numbers and NumPy functions, by the names that stand for them.
    """

    def __init__(self, model: Model, layout: Layout, describe: Callable[[Equation], str]) -> None:
        self.model = model
        self.layout = layout
        self.plan = layout.plan
        self.variables = layout.plan.variables
        self.describe = describe
        self.names = Names(layout, self._look)
        self.views = Views(layout, self.names)
        self.made: list[str] = []
        self.fields: list[str] = []
        #: Those of the fields that are one piece of memory.
        self.solid: set[str] = set()
        self.handed_in: list[str] = []
        self.prepared: list[str] = []
        self.entering: list[str] = []
        self.stacks: dict[object, str] = {}
        self.constants: dict[Fraction | float, str] = {}
        self.functions: set[str] = set()
        self.chunks: list[str] = []
        self.rooms: dict[str, int] = {}
        self.views_a_step = 0
        #: Shapes of values that plain code makes for a moment.
        self.passing: set[str] = set()
        #: How many numbers calls on slabs that lie apart have in each operand.
        self.buffered: set[str] = set()
        self._context: Rows | Step | None = None
        self.ragged = ragged(layout)
        #: The part of the function that is written, and the times counted from either end that it reads rows at.
        self.part = "before"
        self.fixed: list[tuple[str, str, Time]] = []
        #: By the size of classes, where each row of a chunk begins.
        self.places: dict[str, str] = {}
        #: Gradients put together of those of slices, by the name of the variable.
        self.assembled: dict[str, str] = {}
        #: By the logarithms of a softmax that lack the number of their row: the name of these numbers.
        self.below: dict[str, str] = {}
        #: Whose classes `chosen` holds, in the pass that is written.
        self.choice = ""
        #: Sequences that may be given as classes.
        self.picked = picked(layout)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations of both passes."""
        return (*self.plan.forward.equations, *self.plan.backward.equations, *self.plan.backward.sums)

    @property
    def statements(self) -> tuple[Equation, ...]:
        """The equations that stand alone, before, between or after the passes."""
        return (*self.plan.before, *self.plan.between, *self.plan.after)

    # The workspace

    def array(self, name: str, *shape: str, zeros: bool = False) -> None:
        """Make an array."""
        self.room(*shape)
        self.solid.add(name)
        self.made.append(f"{name} = np.{'zeros' if zeros else 'empty'}(({', '.join(shape)},), DTYPE)")
        self.fields.append(name)

    def view(self, name: str, code: str) -> None:
        """Make anything else that is made once."""
        self.made.append(f"{name} = {code}")
        self.fields.append(name)

    def room(self, *shape: str) -> None:
        """Count the numbers that an array of this shape takes."""
        code = " * ".join(f"({size})" if " " in size and not size.startswith("(") else size for size in shape) or "1"
        self.rooms[code] = self.rooms.get(code, 0) + 1

    # Calls and numbers

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
        """The name of a number."""
        if value not in self.constants:
            name = NUMBERS.get(value) if isinstance(value, Fraction) else None
            self.constants[value] = name or f"NUMBER_{len(self.constants) + 1}"
        return self.constants[value]

    # Classes

    def are_classes(self, name: str) -> str:
        """A condition: whether an input came as classes."""
        return f"{self.names.of(name)}.ndim == 2"

    def chosen(self, name: str) -> list[str]:
        """For a chunk of the backward pass, in all of its numbers: `chosen`, the place of each row's class."""
        if self.choice == name:  # it is there
            return []
        self.choice = name
        size = shape_code(self.variables[name].shape)[0]
        if size not in self.places:
            self.places[size] = self.names.fresh("places")
            self.room("2 * block", "B")  # numbers of eight bytes
            self.view(self.places[size], f"np.arange(block * B) * {size}")
        return [f"chosen = {self.places[size]}[:count * B] + {self.names.of(name)}[start:stop].reshape(-1)"]

    # Terms as they stand

    def plain_sum(
        self, terms: Iterable[Term], equation: Equation, rows: bool = False, at: Rows | Step | None = None
    ) -> str:
        """Terms as an expression. `at`: the steps that they are for. `rows`: with time as the first axis."""
        previous, self._context = self._context, at if at is not None else self._context
        code = ""
        for term in terms:
            part = term_value(replace(term, when=None) if rows else term, equation, self.names.arrays, rows).within(SUM)
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        self._context = previous
        return code or "0.0"

    def _look(self, name: str, time: Time) -> tuple[str, bool] | None:
        """Where plain code finds a variable: see `Look`."""
        if not self.variables[name].timed:
            return None
        if time.anchor not in ("t", "s"):
            known = self.names.arrays.found.get((f"{name}@{time}", None))
            if known is not None:
                return known.code, False
            if name not in self.plan.program.sequences or is_outside(time):
                self.fixed.append((self.part, name, time))
            return self.views.at_time(name, time), False
        if isinstance(self._context, Rows):
            return self.views.rows_of(name, time.offset, self._context), True
        if self._context is not None and time.anchor == "t":
            return self._context.lane(Lane(name, time.offset)), False
        raise Irregular(f"{name} is read outside of its loop")

    def shape_of(self, equation: Equation) -> list[str]:
        """The axes of what a single statement gives."""
        batch = equation.variable.role is Role.LOSS or self.names.of_array(equation.name).batch
        return [*(["B"] if batch else []), *shape_code(equation.variable.shape)]

    def is_narrow(self, equation: Equation) -> bool:
        """Whether no term has all axes of the target."""
        arrays = self.names.arrays
        target = len(self.shape_of(equation))
        axes = {axis for term in equation.terms for axis in term_value(term, equation, arrays).axes}
        return len(axes) < target

    # Comments

    def comment(self, equation: Equation) -> list[str]:
        """The equation that the next lines compute."""
        return self.comments([equation])

    def comments(self, equations: Iterable[Equation]) -> list[str]:
        """The equations that the next lines compute."""
        text = "; ".join(self.describe(equation) + self._place(equation.name) for equation in equations)
        return [f"# {line}" for line in textwrap.wrap(text, WIDTH, break_long_words=False)]

    def _place(self, name: str) -> str:
        """Where a value of a chunk lies, where that is the place of another one."""
        owner = self.layout.owners.get(name, name)
        if owner == name or self.layout.kinds[name] != CHUNK:
            return ""
        return f" (in the place of {self.variables[owner].label or owner}[t])"
