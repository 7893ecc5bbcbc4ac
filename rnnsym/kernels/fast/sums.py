"""Sums over time, chunk by chunk: the loss, gradients of parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Indexed, Mul, Rational

from rnnsym.equations.indexed import Equation, Term, name_of, t, time_of
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.kinds import CHUNK, COLUMN
from rnnsym.kernels.fast.nodes import outer_pair
from rnnsym.kernels.fast.packs import pieces
from rnnsym.kernels.fast.picks import dot_pair
from rnnsym.kernels.fast.ragged import THERE, there
from rnnsym.kernels.fast.regions import Region
from rnnsym.kernels.fast.text import BLOCK, shape_code
from rnnsym.kernels.schedule import GENERIC


@dataclass(frozen=True)
class Sum:
    """What a chunk adds to the arrays of one product: their shape, the code with {out}, comments."""

    shape: str
    code: str
    comments: list[str]


@dataclass(frozen=True)
class Side:
    """Outer products with the same right side: `right`, rows `turned` or not, left sides of one kind and shape."""

    right: Indexed
    turned: bool
    columns: bool
    shape: tuple[Expr, ...]


class Sums:
    """The sums over time of a region. totals: by variable, source for its value after all chunks."""

    def __init__(self, draft: Draft, region: Region, totals: dict[str, str]) -> None:
        self.draft = draft
        self.region = region
        self.totals = totals
        self.entries: list[Sum] = []
        number = draft.plan.backward.regions.index(region)
        #: The arrays of the sums, and of what a chunk adds to them.
        self.sums, self.parts = (f"{name}_{number + 1}" if number else name for name in ("sums", "parts"))

    def lines(self) -> list[str]:
        """What every chunk does."""
        lines: list[str] = []
        outer: dict[Side, list[Equation]] = {}
        ones: dict[str, list[Equation]] = {}
        for equation in self.region.sums:
            pair = self._pair(equation)
            if equation.name == self.draft.plan.program.loss:
                lines += self._loss_lines(equation)
                continue
            if pair is not None:
                left = name_of(pair[0])
                column = self.draft.layout.kinds[left] == COLUMN
                side = Side(pair[1], pair[2], column, self.draft.layout.shapes[left])
                outer.setdefault(side, []).append(equation)
            elif self._bare(equation):
                name = name_of(equation.terms[0].factors[0])
                place = self.draft.layout.spaces.places.get(name)
                ones.setdefault(place.space if place and self.draft.layout.kinds[name] == COLUMN else name, []).append(
                    equation
                )
            else:
                code = self.draft.plain_sum(equation.terms, equation, at=BLOCK)
                shape = ", ".join(self.draft.shape_of(equation))
                self.entries.append(
                    Sum(f"({shape},)" if shape else "()", f"{{out}}[...] = {code}", self.draft.comment(equation))
                )
                self.totals[equation.name] = f"{self.sums}[{len(self.entries) - 1}]"
        for key, members in outer.items():
            self._outer(key, members)
        for space, members in ones.items():
            self._ones(space, members)
        if not self.entries:
            return lines
        shapes = ", ".join(one.shape for one in self.entries)
        for one in self.entries:
            shape = one.shape.removeprefix("(").removesuffix(")").rstrip(",")
            for _ in range(2):
                self.draft.room(*(shape.split(", ") if shape else []))
        self.draft.view(self.sums, f"[np.zeros(shape, DTYPE) for shape in ({shapes},)]")
        self.draft.view(self.parts, f"[np.zeros_like(array) for array in {self.sums}]")
        lines.append(f"into = {self.sums} if first else {self.parts}")
        for number, one in enumerate(self.entries):
            lines += [*one.comments, one.code.format(out=f"into[{number}]")]
        self.draft.functions.add("add")
        lines += [
            "if not first:",
            f"    for total, more in zip({self.sums}, {self.parts}):",
            "        add(total, more, total)",
        ]
        return lines

    def _loss_lines(self, equation: Equation) -> list[str]:
        """The loss over all examples; a product of two values is one long dot product."""
        lines = self.draft.comment(equation)
        for term in equation.terms:
            pair = dot_pair(term, self.draft.layout.shapes)
            lines += self._looked_up(pair, term, equation) if pair else self._summed(term, equation)
        self.totals[equation.name] = "loss"
        return lines

    def _summed(self, term: Term, equation: Equation, pair: tuple[Indexed, Indexed] | None = None) -> list[str]:
        """A term of the loss, added up over steps and examples, without the steps that are not there."""
        if pair:
            self.draft.functions.add("vdot")
            left, right = (self.draft.views.rows_of(name_of(f), time_of(f.indices[0]).offset, BLOCK) for f in pair)
            whole = f"{_added(term)}float(vdot({left}, {right}))"
        else:
            whole = f"loss += float(np.sum({self.draft.plain_sum([term], equation, at=BLOCK)}))"
        if not self.draft.ragged.possible:
            return [whole]
        # The same step by step.
        single = replace(equation, time=GENERIC, terms=(replace(term, over=()),))
        code = self.draft.plain_sum(single.terms, single, rows=True, at=BLOCK)
        part = f"loss += float(np.sum({there(BLOCK, 0)} * ({code})))"
        return [f"if {THERE} is None:", f"    {whole}", "else:", f"    {part}"]

    def _looked_up(self, pair: tuple[Indexed, Indexed], term: Term, equation: Equation) -> list[str]:
        """A product of two values, one of which may be classes: these say which elements of the other one count."""
        dense = self._summed(term, equation, pair)
        own = next((f for f in pair if name_of(f) in self.draft.picked), None)
        if own is None:
            return dense
        (other,) = [f for f in pair if f is not own]
        self.draft.functions.add("add")
        rows = self.draft.views.flat_rows(name_of(other), time_of(other.indices[0]).offset, BLOCK)
        below = self.draft.below.get(name_of(other), "")
        lines = self.draft.chosen(name_of(own))
        lines.append(f"picks = {rows}.reshape(-1)[chosen]" + (f" - {below}" if below else ""))
        if below:
            self.draft.functions.add("subtract")
            dense = [f"subtract({rows}, {below}[:, None], {rows})", *dense]
        if self.draft.ragged.possible:
            lines += [f"if {THERE} is not None:", f"    picks = picks * {there(BLOCK, 0)}.reshape(-1)"]
        lines.append(f"{_added(term)}float(add.reduce(picks))")
        return [
            f"if {self.draft.are_classes(name_of(own))}:",
            *("    " + line for line in lines),
            "else:",
            *("    " + line for line in dense),
        ]

    def _bare(self, equation: Equation) -> bool:
        if len(equation.indices) != 1 or len(equation.terms) != 1 or len(equation.terms[0].factors) != 1:
            return False
        if self.draft.names.of_array(equation.name).batch:
            return False  # each example has its own
        (factor,) = equation.terms[0].factors
        if not isinstance(factor, Indexed) or factor.indices[0] != t:
            return False
        return (
            self.draft.layout.kinds[name_of(factor)] in (COLUMN, CHUNK)
            and name_of(factor) not in self.draft.views.inner
        )

    def _pair(self, equation: Equation) -> tuple[Indexed, Indexed, bool] | None:
        """The two values of a sum of outer products, columns of a chunk first, and whether they were exchanged."""
        pair = None if self.draft.names.of_array(equation.name).batch else outer_pair(equation)
        if pair is None:
            return None
        first, second = pair
        turned = (
            self.draft.layout.kinds[name_of(first)] != COLUMN and self.draft.layout.kinds[name_of(second)] == COLUMN
        )
        return (second, first, True) if turned else (first, second, False)

    def _outer(self, side: Side, members: list[Equation]) -> None:
        right = side.right
        name, offset = name_of(right), time_of(right.indices[0]).offset
        rights = self.draft.views.flat_rows(name, offset, BLOCK)
        width = shape_code(self.draft.layout.shapes[name])[0]
        by_left: dict[str, list[Equation]] = {}
        offsets: dict[str, int] = {}
        for equation in members:
            pair = self._pair(equation)
            assert pair is not None
            left, later = name_of(pair[0]), time_of(pair[0].indices[0]).offset
            by_left.setdefault(left if side.columns else f"{left} {later}", []).append(equation)
            offsets[f"{left} {later}"] = later
        height = shape_code(side.shape)[0]
        groups = pieces(by_left, self.draft.layout.spaces) if side.columns else [[name] for name in by_left]
        for piece in groups:
            lone = piece[0].split(" ")[0]
            left_code = (
                self.draft.views.columns(piece)
                if side.columns
                else self.draft.views.flat_rows(lone, offsets[piece[0]], BLOCK)
            )
            comments = self.draft.comments([e for left in piece for e in by_left[left]])
            number = len(self.entries)
            rows = height if len(piece) == 1 else f"{len(piece)} * {height}"
            product = self.draft.views.product_of_columns(piece) if side.columns else "dot"
            self.draft.functions.add(product)
            self.entries.append(Sum(f"({rows}, {width})", f"{product}({left_code}.T, {rights}, {{out}})", comments))
            for slot, left in enumerate(piece):
                cut = "" if len(piece) == 1 else f"[{slot} * {height}:{slot + 1} * {height}]"
                cut += ".T" if side.turned else ""
                for again, equation in enumerate(by_left[left]):
                    self.totals[equation.name] = f"{self.sums}[{number}]{cut}" + (".copy()" if again else "")

    def _ones(self, space: str, members: list[Equation]) -> None:
        """Sums over all rows, as a product with a vector of ones."""
        self.draft.functions.add("dot")
        if "ones" not in self.draft.fields:
            self.draft.room("block", "B")
            self.draft.view("ones", "np.ones(block * B, DTYPE)")
        number = len(self.entries)
        comments = self.draft.comments(members)
        if space in self.draft.layout.spaces.orders:
            order = self.draft.layout.spaces.orders[space]
            size = shape_code(self.draft.layout.shapes[order[0]])[0]
            code = f"dot(ones[:count * B], {self.draft.names.space(space)}_wide[:count * B], {{out}})"
            self.entries.append(Sum(f"({len(order)} * {size},)", code, comments))
        else:
            order, size = [space], shape_code(self.draft.layout.shapes[space])[0]
            code = f"dot(ones[:count * B], {self.draft.views.flat_rows(space, 0, BLOCK)}, {{out}})"
            self.entries.append(Sum(f"({size},)", code, comments))
        seen: set[str] = set()
        for equation in members:
            name = name_of(equation.terms[0].factors[0])
            slot = order.index(name)
            cut = "" if len(order) == 1 else f"[{slot} * {size}:{slot + 1} * {size}]"
            self.totals[equation.name] = f"{self.sums}[{number}]{cut}" + (".copy()" if name in seen else "")
            seen.add(name)


def _added(term: Term) -> str:
    """How a term's sum is added to the loss, with the number before it."""
    scale = Mul(*(f for f in term.factors if isinstance(f, Rational)))
    factor = "" if abs(scale) == 1 else f"{float(scale)!r} * "
    return f"loss {'-' if scale == -1 else '+'}= {factor}"
