"""Equations as NumPy statements, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from sympy import Expr, Integer, Symbol

from rnnsym.equations.indexed import Equation, Select, Term
from rnnsym.equations.products import Place, layered
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.numpy_code import SUM, size_code, term_value
from rnnsym.kernels.schedule import GENERIC, Block, Schedule
from rnnsym.kernels.when import time_code, when_code
from rnnsym.language.syntax import Time

INDENT = "    "


class Statements:
    """Writes the statements of a schedule. `describe` gives an equation as a person reads it, for a comment."""

    #: Names that the code uses beside NumPy's, and that no variable may have.
    words: frozenset[str] = frozenset()

    def __init__(self, schedule: Schedule, describe: Callable[[Equation], str]) -> None:
        self.schedule = schedule
        self.describe = describe
        self.arrays = Arrays(schedule.program, self.words)
        self.variables = schedule.program.variables

    def steps(self, blocks: Iterable[Block]) -> list[str]:
        """The lines of blocks, loops over time included."""
        lines: list[str] = []
        for block in blocks:
            if block.interval is None:
                for statement in block.statements:
                    lines += self._statement(statement)
            else:
                lines += ["", self._loop(block)]
                lines += [INDENT + line for line in self._body(block)]
                lines.append("")
        while lines and not lines[-1]:
            lines.pop()
        while lines and not lines[0]:
            lines.pop(0)
        return lines

    @staticmethod
    def _loop(block: Block) -> str:
        assert block.interval is not None
        low, high = (
            time_code(block.interval.low),
            time_code(Time(block.interval.high.anchor, block.interval.high.offset + 1)),
        )
        if block.direction > 0:
            return f"for t in range({low}, {high}):"
        below = time_code(Time(block.interval.low.anchor, block.interval.low.offset - 1))
        return f"for t in range({time_code(block.interval.high)}, {below}, -1):"

    def _body(self, block: Block) -> list[str]:
        """The statements of a loop; those that hold at some of its times stand together under their condition."""
        lines: list[str] = []
        for interval, statements in groupby(block.statements, key=lambda statement: statement.interval):
            condition = "" if interval is None else when_code(interval, block.interval)
            inner = [line for statement in statements for line in self._statement(statement)]
            lines += [f"if {condition}:", *(INDENT + line for line in inner)] if condition else inner
        return lines

    def _statement(self, statement: Equation) -> list[str]:
        """The comment and the code of one equation."""
        return [f"# {self.describe(statement)}", *self._assignment(statement)]

    def _assignment(self, statement: Equation) -> list[str]:
        array = self.arrays.of(statement.name, statement.time if statement.time != GENERIC else None)
        target = array.code
        if array.rows:
            assert statement.time is not None
            target = f"{array.code}[{array.row(statement.time)}]"
        if any(
            isinstance(factor, Select) and factor.args[0] in statement.indices[:1]
            for term in statement.terms
            for factor in term.factors
        ):
            return self._stacked(statement, target)
        always = [term for term in statement.terms if term.when is None]
        guarded = [term for term in statement.terms if term.when is not None]
        lines = [f"{target} = {self._whole(always, statement, array)}"]
        for when, terms in groupby(guarded, key=lambda term: term.when):
            assert when is not None
            condition = when_code(when, statement.interval, None if statement.time == GENERIC else statement.time)
            code = self._sum(list(terms), statement)
            if not condition:
                lines.append(f"{target} += {code}")
            else:
                lines += [f"if {condition}:", f"{INDENT}{target} += {code}"]
        return lines

    def _whole(self, terms: list[Term], statement: Equation, array: Array) -> str:
        """The right side; what has no rows gets its full shape here, where the terms do not."""
        shape = [*(["B"] if array.batch else []), *(size_code(size) for size in statement.variable.shape)]
        tuple_code = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
        if not terms:
            return "0.0" if array.rows or not shape else f"np.zeros({tuple_code}, DTYPE)"
        code = self._sum(terms, statement)
        guarded = len(terms) < len(statement.terms)
        axes = {axis for term in terms for axis in term_value(term, statement, self.arrays).axes}
        if array.rows or (len(axes) == len(shape) and not guarded):
            return code
        if len(axes) < len(shape):
            code = f"np.broadcast_to({code}, {tuple_code})"
            return f"np.array({code}, DTYPE)" if guarded else code
        return code

    def _sum(self, terms: list[Term], statement: Equation) -> str:
        code = ""
        for term in terms:
            part = term_value(term, statement, self.arrays).within(SUM)
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return code

    def _stacked(self, statement: Equation, target: str) -> list[str]:
        """A concatenation; a part that counts at some times only is added where it stands."""
        always = replace(statement, terms=tuple(term for term in statement.terms if term.when is None))
        lines = [f"{target} = {self._concatenation(always)}"]
        for term in statement.terms:
            if term.when is not None:
                at = None if statement.time == GENERIC else statement.time
                condition = when_code(term.when, statement.interval, at)
                alone = replace(statement, terms=(replace(term, when=None),))
                code = f"{target} = {target} + {self._concatenation(alone)}"
                lines += [f"if {condition}:", f"{INDENT}{code}"] if condition else [code]
        return lines

    def _concatenation(self, statement: Equation) -> str:
        """Terms by the part of the vector that they fill, side by side; parts that overlap, and wholes, are added."""
        parts: dict[Place, list[Term]] = {}
        wholes: list[Term] = []
        whole = statement.variable.shape[0]
        for term in statement.terms:
            select = _select_of(term, statement.indices[0])
            if select is None:
                wholes.append(term)
                continue
            rest = tuple(
                factor.xreplace({select.args[1]: statement.indices[0]})
                for factor in term.factors
                if factor is not select
            )
            _, _, offset, size = select.args
            parts.setdefault((offset, size), []).append(replace(term, factors=rest))
        layers = [self._layer(layer, parts, statement) for layer in layered(parts)]
        if wholes:
            layers.append(self._sum(wholes, statement))
        return " + ".join(layers) or f"np.zeros((B, {size_code(whole)}), DTYPE)"

    def _layer(self, places: list[Place], parts: Mapping[Place, list[Term]], statement: Equation) -> str:
        whole = statement.variable.shape[0]
        pieces = []
        filled: Expr = Integer(0)
        for offset, size in places:
            if offset != filled:  # a part that does not change with the parameters
                pieces.append(f"np.zeros((B, {size_code(offset - filled)}), DTYPE)")
            filled = offset + size
            # Each part is an equation of its own over the part's size.
            variable = replace(statement.variable, shape=(size,))
            terms = tuple(parts[offset, size])
            part = Equation(variable, statement.time, statement.indices, terms, statement.interval)
            code = self._sum(list(terms), part)
            axes = {axis for term in terms for axis in term_value(term, part, self.arrays).axes}
            pieces.append(code if len(axes) == 2 else f"np.broadcast_to({code}, (B, {size_code(size)}))")
        if filled != whole:
            pieces.append(f"np.zeros((B, {size_code(whole - filled)}), DTYPE)")
        return f"np.concatenate([{', '.join(pieces)}], axis=-1)"


def _select_of(term: Term, index: Symbol) -> Expr | None:
    """The factor that says which part of a concatenation a term fills; None where it fills all of it."""
    return next((factor for factor in term.factors if isinstance(factor, Select) and factor.args[0] == index), None)
