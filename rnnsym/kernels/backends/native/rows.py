"""The Numba function of one phase: what follows elementwise from rows in memory, in one loop."""

from __future__ import annotations

from typing import ClassVar

from rnnsym.kernels.backends.native.cells import VECTOR, Cells
from rnnsym.kernels.backends.native.expressions import call, number
from rnnsym.kernels.backends.native.python import PYTHON, inside
from rnnsym.kernels.backends.native.storage import Kind, Place
from rnnsym.kernels.backends.native.syntax import Syntax
from rnnsym.kernels.fast.lanes import Constant, Lane


class Rows(Cells):
    """Writes a phase for Numba. Arguments are addresses, and how far rows are apart where that is not their size."""

    syntax: ClassVar[Syntax] = PYTHON
    #: How far apart the rows of the products are, as the caller says it.
    product_apart = "n"

    def _apart(self, place: Place) -> str:
        """From one row to the next."""
        if not place.batch:
            return "0"
        return "1" if not place.variable.shape and self.phase.shape else place.apart

    @property
    def strides(self) -> dict[str, str]:
        """Arguments that say how far rows are apart: code at the caller, and name."""
        found: dict[str, str] = {}
        places = [self.place(lane) for lane in self.reads] + [self.place(Lane(name)) for name in self.writes]
        for place in places:
            if place.stride:
                found.setdefault(place.stride, f"apart_{len(found) + 1}")
        return found

    def arguments(self, time: str) -> list[str]:
        return [*self.strides, *super().arguments(time)]

    def _begins(self, place: Place, before: str) -> str:
        """Where a row begins."""
        apart = self._apart(place)
        if apart == "0":
            return before
        apart = apart if apart == "1" else self.strides.get(apart, "n")
        row = "(r % B)" if self.many and place.kind is Kind.SINGLE else "r"
        return f"{before} + {row}" if apart == "1" else f"{before} + {row} * {apart}"

    def _is_flat(self) -> bool:
        """Whether all rows lie one after the other, so that they are one long row."""
        places = [self.place(lane) for lane in self.reads] + [self.place(Lane(name)) for name in self.writes]
        if self.products and self.product_apart != "n":
            return False
        return all(self.how(lane) == VECTOR and not self._repeats(lane) for lane in self.reads) and not any(
            place.stride or not place.batch for place in places
        )

    def source(self) -> str:
        flat = self._is_flat()
        given = ["rows", "n", *(["products", "product_apart"] if self.products else []), *self.strides.values()]
        given += ["B"] if self.many else []
        given += [f"p_{self.local(lane)}" for lane in self.reads]
        given += [f"out_{self.local(Lane(name))}" for name in self.writes]
        starts: list[str] = []
        body: list[str] = []
        for position, name in enumerate(self.products):
            local = self.local(Lane(name))
            begins = "products" if flat else "products + r * product_apart"
            shift = "" if not position else " + n" if position == 1 else f" + {position} * n"
            starts.append(f"q_{local} = {begins}{shift}")
            body.append(f"{local} = take(q_{local}, c)")
        for lane in self.reads:
            local = self.local(lane)
            begins = f"p_{local}" if flat else self._begins(self.place(lane), f"p_{local}")
            if self.how(lane) == VECTOR:
                starts.append(f"q_{local} = {begins}")
                body.append(f"{local} = take(q_{local}, c)")
            else:
                starts.append(f"{local} = take({begins}, 0)")
        for operation in self.operations:
            arguments = [
                number(s.value, self.syntax) if isinstance(s, Constant) else self.local(s) for s in operation.sources
            ]
            body.append(f"{self.local(operation.target)} = {call(operation.function, arguments, self.syntax)}")
        for name in self.writes:
            local = self.local(Lane(name))
            starts.append(
                f"o_{local} = out_{local}"
                if flat
                else f"o_{local} = {self._begins(self.place(Lane(name)), f'out_{local}')}"
            )
            body.append(f"put(o_{local}, c, {local})")
        loop = inside(f"for c in range({'rows * n' if flat else 'n'}):", body)
        lines = [*starts, *loop]
        if not flat:
            lines = inside("for r in range(rows):", lines)
        whole = inside(f"def {self.name}({', '.join(given)}):", ["apart()", *lines])
        return "\n".join([f"@step({len(given)})", *whole])
