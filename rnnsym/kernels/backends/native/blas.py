"""Matrix products of a Numba kernel: BLAS on matrices side by side, and functions for what follows elementwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr

from rnnsym.equations.indexed import Equation, Term, access, accesses, time_of
from rnnsym.kernels.backends.native.expressions import number, size_code
from rnnsym.kernels.backends.native.phases import Phase, phases
from rnnsym.kernels.backends.native.python import PYTHON
from rnnsym.kernels.backends.native.rows import Rows
from rnnsym.kernels.backends.native.storage import Kind, Place, size_product
from rnnsym.kernels.backends.native.syntax import Syntax
from rnnsym.kernels.backends.native.writer import Rowed, Writer
from rnnsym.kernels.fast.normal import Matvec
from rnnsym.kernels.fast.regions import Plan, Region
from rnnsym.kernels.schedule import Program
from rnnsym.language.model import Model


@dataclass(frozen=True)
class Bundle:
    """Products of the same vectors, side by side: for each product a matrix for each vector."""

    products: tuple[tuple[str, tuple[Matvec, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.products)


@dataclass(frozen=True)
class Outer:
    """A sum of outer products over the rows of a chunk."""

    total: Place
    one: Rowed
    other: Rowed
    scale: str

    @property
    def key(self) -> tuple[str, ...]:
        """What sums have in common that one product can give."""
        place, left, _ = self.one
        begin = left.removesuffix(f" + {place.column}") if place.column else left
        return begin, self.other[1], self.other[2], self.scale


class BlasWriter(Writer):
    """Writes a program in Python for Numba."""

    syntax: Syntax = PYTHON

    def __init__(self, model: Model, program: Program, describe: Callable[[Equation], str], cut: Plan | None) -> None:
        super().__init__(model, program, describe, cut)
        self.stacks: dict[object, tuple[str, str]] = {}  # matrices side by side: name, numbers
        self.rooms: list[tuple[str, str]] = []  # room for products: name, numbers
        self.outers: list[Outer] = []
        #: How wide the sides of sums of outer products are.
        self.widest_left: set[str] = set()
        self.widest_right: set[str] = set()

    def _buffers(self) -> list[tuple[str, str]]:
        buffers = [*self.stacks.values(), *self.rooms]
        if self.widest_left:
            left, right = (f"max({', '.join(['0', *sorted(w)])})" for w in (self.widest_left, self.widest_right))
            buffers.append(("turned", f"chunk * B * {left} + 2 * WIDE"))
            buffers.append(("panels", f"chunk * B * ({right} + WIDE)"))
        return buffers

    # What lies side by side

    def _columns(self, cut: Plan | None, chunked: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
        """Vectors that one product reads, and results of products of one vector for many steps."""
        found: dict[str, tuple[str, ...]] = {}
        if cut is None:
            return found
        variables = dict(self.variables)
        regions = (*cut.backward.regions, *cut.forward.regions)
        own = [region.names for region in regions]

        def put(names: tuple[str, ...]) -> None:
            fits = len(set(names)) == len(names) > 1 and all(n in chunked and n not in found for n in names)
            if fits and any(set(names) <= region for region in own):
                found.update(dict.fromkeys(names, names))

        for region in regions:
            for stage in region.stages:
                for phase in phases(stage.equations, variables, many=not stage.loop):
                    if isinstance(phase, Equation):
                        continue
                    for _, group in phase.products:
                        put(tuple(access(m.vector, variables).name for m in group))
                    if not stage.loop:
                        for bundle in bundles(phase):
                            put(tuple(name.partition(" ")[2] for name in bundle.names))
        return found

    # Phases

    def _phase(self, phase: Phase, time: str, rows: str) -> list[str]:
        lines = [self._comment(e) for e in phase.equations]
        many = rows != "B"
        size = size_product(phase.shape)
        straight = self._straight(phase, many)
        if straight is not None:
            return [*lines, *straight]
        product_lines: list[str] = []
        extra: list[str] = []
        found = bundles(phase)
        ordered = [one for bundle in found for one in bundle.products]
        if ordered:
            width = f"{len(ordered)} * {size}"
            name = self.storage.fresh(f"products_{len(self.rooms) + 1}")
            self.rooms.append((name, f"{'chunk * ' if many else ''}B * {width}"))
            for position, bundle in enumerate(found):
                before = sum(len(one.products) for one in found[:position])
                start = name if not before else f"{name} + {before} * {size}"
                product_lines += self._products(bundle, time, rows, start, width, size, False)
            extra = [name, width]
            phase = replace(phase, products=tuple(ordered))
        self.count += 1
        stored = {e.name for e in phase.equations if self._is_stored(e.name, phase)}
        cells = Rows(self.storage.fresh(f"{self.stem}_{self.count}"), phase, self.variables, self.storage, stored, many)
        cells.product_apart = "n" if len(ordered) == 1 else ""
        self.functions.append("\n".join([*(self._comment(e) for e in phase.equations), cells.source()]))
        call = f"{cells.name}({', '.join([rows, size, *extra, *cells.arguments(time)])})"
        return [*lines, *product_lines, call]

    def _straight(self, phase: Phase, many: bool) -> list[str] | None:
        """Products that go to their place in memory at once, after what parameters add to them."""
        found = bundles(phase)
        names = [e.name for e in phase.equations]
        if not many or len(phase.products) != len(names) or any(not self._is_stored(n, phase) for n in names):
            return None
        lines: list[str] = []
        rows = "(high - low + 1) * B"
        for bundle in found:
            own = [name.partition(" ")[2] for name in bundle.names]
            places = [self.storage.of(name, None) for name in own]
            group = self.storage.columns.get(own[0], (own[0],))
            if not all(place.batch and place.kind is not Kind.SINGLE for place in places):
                return None
            if tuple(own) != group and len(own) > 1:
                return None
            equations = [e for e in phase.elementwise if e.name in own]
            rest = [replace(e, terms=tuple(x for x in e.terms if not self._is_product(x, bundle))) for e in equations]
            others = [e for e in rest if e.terms]
            adding = bool(others)
            if any(not self._is_fixed(e) for e in others) or (others and len(others) != len(rest)):
                return None
            if others:
                self.count += 1
                part = Phase(tuple(e for e in phase.equations if e.name in own), (), tuple(others))
                cells = Rows(
                    self.storage.fresh(f"{self.stem}_{self.count}"), part, self.variables, self.storage, set(own), True
                )
                self.functions.append("\n".join([*(self._comment(e) for e in part.equations), cells.source()]))
                lines.append(f"{cells.name}({', '.join([rows, size_product(phase.shape), *cells.arguments('low')])})")
            place = places[0]
            lines += self._products(
                bundle, "low", rows, place.at("low"), place.apart, size_product(phase.shape), adding
            )
        return lines

    def _is_product(self, term: Term, bundle: Bundle) -> bool:
        return any(one.name in bundle.names for one in accesses(term, self.variables))

    def _is_fixed(self, equation: Equation) -> bool:
        """Whether parameters alone are read."""
        return all(
            not self.variables[one.name].timed and not self.storage.of(one.name, None).batch
            for term in equation.terms
            for one in accesses(term, self.variables)
        )

    # Products

    def _products(
        self, bundle: Bundle, time: str, rows: str, out: str, apart: str, size: str, adding: bool
    ) -> list[str]:
        """BLAS calls for the products of a bundle, which go to columns from `out` on; adding: to what is there."""
        lines: list[str] = []
        vectors = [one.vector for one in bundle.products[0][1]]
        width = size if len(bundle.products) == 1 else f"{len(bundle.products)} * {size}"
        position = 0
        while position < len(vectors):
            stop = position + 1
            found = access(vectors[position], self.variables)
            group = self.storage.columns.get(found.name, (found.name,))
            while stop < len(vectors) and self._follows(vectors, stop, group):
                stop += 1
            matvecs = [tuple(group_of[position:stop]) for _, group_of in bundle.products]
            place = self.storage.of(found.name, None)
            begin = place.at(time, time_of(found.time).offset)
            depth = " + ".join(self._depth(vector) for vector in vectors[position:stop])
            matrix = self._matrix(matvecs, width)
            lines.append(
                f"product(B, {rows}, {width}, {depth}, {begin}, {place.apart}, {matrix}, "
                f"{1 if adding or lines else 0}, {out}, {apart}, more)"
            )
            position = stop
        return lines

    def _depth(self, vector: Expr) -> str:
        (depth,) = self.variables[access(vector, self.variables).name].shape
        return size_code(depth)

    def _follows(self, vectors: Sequence[Expr], position: int, group: Sequence[str]) -> bool:
        one, other = (access(vectors[k], self.variables) for k in (position - 1, position))
        if one.time != other.time or one.name not in group or other.name not in group:
            return False
        return group.index(other.name) == group.index(one.name) + 1

    def _matrix(self, matvecs: Sequence[tuple[Matvec, ...]], width: str) -> str:
        """Matrices as one of (depth, width): where it is, how far its rows are apart, if it lies turned, its panels."""
        first = matvecs[0][0]
        place = self.storage.of(first.matrix_name, None)
        single = len(matvecs) == len(matvecs[0]) == 1 and first.scale == 1
        key = tuple(tuple((m.matrix_name, m.transposed, m.scale) for m in group) for group in matvecs)
        if key not in self.stacks:
            self._stack(key, matvecs, width, f"{place.code}_panels" if single else f"{place.code}_and_others", single)
        name = self.stacks[key][0]
        if single:
            return f"{place.code}, {size_code(place.variable.shape[1])}, {0 if first.transposed else 1}, {name}"
        return f"{name}, {width}, 0, {name}"

    def _stack(self, key: object, matvecs: Sequence[tuple[Matvec, ...]], width: str, name: str, single: bool) -> None:
        """Put matrices side by side, and one above the other, at the start of every call."""
        name = self.storage.fresh(name)
        depths: list[str] = []
        parts: list[str] = []
        for vector in range(len(matvecs[0])):
            row = " + ".join(depths) or "0"
            for column, group in enumerate(matvecs):
                one = group[vector]
                own = self.storage.of(one.matrix_name, None)
                rows, columns = (size_code(size) for size in own.variable.shape)
                depth, wide = (rows, columns) if one.transposed else (columns, rows)
                steps = (columns, "1") if one.transposed else ("1", columns)
                begin = f"{column} * {wide}" if column else "0"
                scale = number(one.scale, self.syntax)
                parts.append(f"{row}, {begin}, {own.code}, {depth}, {wide}, {', '.join(steps)}, {scale})")
            depths.append(depth)
        whole = " + ".join(depths)
        packing = [f"pack(B, {name}, {whole}, {width}, {part}" for part in parts]
        # A matrix alone is read where it is if there is one example.
        self.packing += self.syntax.test("B > 1", packing) if single else packing
        self.stacks[key] = (name, f"({whole}) * ({width} + WIDE - 1)")

    # Sums over time

    def _sums(self, region: Region) -> tuple[list[str], list[str]]:
        self.outers.clear()
        lines, zeros = super()._sums(region)
        return [*lines, *self._joined_outers()], zeros

    def _add_outer(self, total: Place, one: Rowed, other: Rowed, scale: str) -> list[str]:
        self.outers.append(Outer(total, one, other, scale))
        return []

    def _joined_outers(self) -> list[str]:
        """One product for vectors side by side whose sums are gradients: these lie one after the other then."""
        lines: list[str] = []
        waiting = list(self.outers)
        while waiting:
            first = waiting[0]
            like = [other for other in waiting if other.key == first.key]
            found = {other.one[0].variable.name: other for other in like}
            order = self.storage.columns.get(first.one[0].variable.name, ())
            group = [found[name] for name in order if name in found]
            free = all(o.total.given and not any(o.total.code in known for known in self.joined) for o in group)
            free = free and len({outer.total.code for outer in group}) == len(group)  # each lies in one place
            if len(group) < 2 or len(group) < len(order) or len(like) != len(group) or not free:
                group = [first]
            else:
                self.joined.append(tuple(outer.total.code for outer in group))
            width = " + ".join(outer.one[2] for outer in group)
            place, left, _ = group[0].one
            right, start, m = group[0].other
            self.widest_left.add(width)
            self.widest_right.add(m)
            lines.append(
                f"add_outer(B, {group[0].total.code}, (high - low + 1) * B, {left}, {place.apart}, {width}, "
                f"{start}, {right.apart}, {m}, {group[0].scale}, turned, panels, more)"
            )
            waiting = [outer for outer in waiting if outer not in group]
        return lines

    def _add_rows(self, total: Place, rows: Rowed, scale: str) -> list[str]:
        return [f"add_rows({total.code}, (high - low + 1) * B, {rows[1]}, {rows[0].apart}, {rows[2]}, {scale})"]


def bundles(phase: Phase) -> list[Bundle]:
    """The products of a phase, those of the same vectors together."""
    found: dict[tuple[Expr, ...], list[tuple[str, tuple[Matvec, ...]]]] = {}
    for name, group in phase.products:
        found.setdefault(tuple(one.vector for one in group), []).append((name, group))
    return [Bundle(tuple(group)) for group in found.values()]
