"""Names in the source: of variables, of spaces, of single values."""

from __future__ import annotations

from collections.abc import Callable

from rnnsym.equations.indexed import Equation, Role, Variable
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.fast.kinds import COEFFICIENT, COLUMN, GATES, PRODUCT, SLAB, VECTOR, WORK
from rnnsym.kernels.fast.layout import Layout
from rnnsym.kernels.schedule import Program
from rnnsym.language.syntax import Time

#: Names that the frame of the module and the lines of the passes use themselves.
WORDS = frozenset(
    "w flat lean product rows block part start stop count low high size first into total more sums parts ones "
    "early late gates product_ key array shape now loss gradients accumulate name span segments cuts number back "
    "origin steps checkpoint rooms length workspace lengths there ends each here at apart truncate turned buffer "
    "picks chosen".split()
)
#: By kind of space, what it is called.
SPACES = {
    SLAB: "kept",
    GATES: "gates",
    COEFFICIENT: "coefficients",
    COLUMN: "deltas",
    PRODUCT: "products",
    WORK: "work",
    VECTOR: "vectors",
}
#: Where plain code finds a variable at a time: source, and whether it has a time axis; None for an array of its own.
Look = Callable[[str, Time], tuple[str, bool] | None]


class Names:
    """Names in the source, each given once. `look` says where plain code finds what is not in an array of its own."""

    def __init__(self, layout: Layout, look: Look) -> None:
        self.layout = layout
        self.arrays = _Elsewhere(layout.plan.written, look, self)
        self.spaces: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name of a variable."""
        found = self.arrays.found.get((name, None))
        return found.code if found is not None else self._new(name)

    def of_array(self, name: str) -> Array:
        """How a variable is stored where it stands in plain code."""
        return self.arrays.found.get((name, None)) or next(a for (n, _), a in self.arrays.found.items() if n == name)

    def _new(self, name: str) -> str:
        if (name, None) not in self.arrays.found:
            variable = self.layout.plan.variables.get(name) or Variable(
                name, self.layout.shapes[name], True, Role.INTERMEDIATE
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
        """A name that is not taken."""
        return self.arrays.fresh(hint)

    def space(self, space: str) -> str:
        """The name of the array of a space."""
        if space not in self.spaces:
            kind, *rest = space.split(":")
            several = sum(other.split(":")[0] == kind for other in self.layout.spaces.orders) > 1
            self.spaces[space] = self.fresh("_".join([SPACES[kind], *rest]) if several else f"{SPACES[kind]}_all")
        return self.spaces[space]


class _Elsewhere(Arrays):
    """Arrays of which most lie in the workspace, as slabs of spaces or rows of a chunk."""

    def __init__(self, program: Program, look: Look, names: Names) -> None:
        super().__init__(program, WORDS, alike=True)
        self.look = look
        self.names = names

    def view(self, name: str, time: Time, summed: bool) -> tuple[str, bool] | None:
        return self.look(name, time)

    def of(self, name: str, time: Time | None) -> Array:
        found = self.found.get((name, None)) or self.found.get((name, time))
        return found or self.names.of_array(name)
