"""The plain schedule, one step after the other, where nothing can be written in place.

For models whose equations hold at some steps only, or that have no recurrence at all. A library that runs Python as it
stands keeps the rows of a variable in a list; JAX traces a step once, so that a condition on the time is a choice
between two values, and a loop is a function of all arrays that it fills.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sympy import Expr

from rnnsym.equations.indexed import Equation, Term
from rnnsym.kernels.arrays import Array
from rnnsym.kernels.backends.dialects import Dialect
from rnnsym.kernels.numpy_code import size_code
from rnnsym.kernels.schedule import Program, schedule
from rnnsym.kernels.writer import Writer
from rnnsym.notation.document import Content, printer_for
from rnnsym.version import __version__

INDENT = "    "
LOOP = re.compile(r"^for t in range\((.+?), (.+?)(, -1)?\):$")
EMPTY = re.compile(r"(\w+) = np\.empty\(\((.*)\), DTYPE\)")


def stepwise(content: Content, program: Program, dialect: Dialect) -> tuple[list[str], dict[str, str]]:
    """Statements that compute `loss`, and source for the gradients by key."""
    writer = _Plain(content, program)
    lines, gradients = writer.computation()
    if dialect.inline:
        traced = _Traced(dialect, writer.rows(), writer.singles())
        return traced.lines(lines), {key: dialect.code(code) for key, code in gradients.items()}
    rows = writer.rows()
    return (
        [_eager(line, dialect, rows) for line in lines],
        {key: dialect.code(code, rows) for key, code in gradients.items()},
    )


class _Plain(Writer):
    """The statements of the NumPy module, each value with all its axes."""

    words = frozenset("jax jnp lax torch xp dtype device namespace rows_together step".split())

    def __init__(self, content: Content, program: Program) -> None:
        printer = printer_for(replace(content, system=program.system), "text")

        def describe(equation: Equation) -> str:
            return f"{printer.left(equation)} = {printer.right(equation)}"

        super().__init__(content.model, schedule(program), describe, {}, "float64", __version__)

    def computation(self) -> tuple[list[str], dict[str, str]]:
        """All statements, forwards and backwards, and what the gradients are called."""
        every = (*self.schedule.forward, *self.schedule.backward)
        loss = self.arrays.of(self.schedule.program.loss, None).code
        forward, backward = self.steps(self.schedule.forward), self.steps(self.schedule.backward)
        unpacked = [line for line in self.unpack(every) if ' = sizes["' not in line]
        gradients = dict(line.strip().rstrip(",").split('": ', 1) for line in self._gradients())
        return (
            [*unpacked, "", *forward, "", *backward, "", f"loss = np.sum({loss})"],
            {key[1:]: code for key, code in gradients.items()},
        )

    def rows(self) -> frozenset[str]:
        """The names of what is computed with one row for each step."""
        blocks = (*self.schedule.forward, *self.schedule.backward)
        return frozenset(array.code for array in self.forward_arrays(blocks) if array.rows)

    def singles(self) -> dict[str, str]:
        """What is computed for one time only, and its shape."""
        found = {}
        for array in self.forward_arrays((*self.schedule.forward, *self.schedule.backward)):
            if not array.rows:
                shape = [*(["B"] if array.batch else []), *(size_code(size) for size in array.variable.shape)]
                found[array.code] = f"({''.join(f'{size}, ' for size in shape).rstrip()})"
        return found

    def _whole(self, terms: list[Term], statement: Equation, array: Array) -> str:
        shape: Sequence[Expr] = statement.variable.shape
        if not terms and not array.batch and not shape:
            return "np.zeros((), DTYPE)"
        code = super()._whole(terms, statement, replace(array, rows=False))
        # A number, sizes in it included, is not yet an array.
        every = self.schedule.program.variables.values()
        sizes = {symbol.name for variable in every for size in variable.shape for symbol in size.free_symbols}
        return code if set(re.findall(r"[A-Za-z_]\w*", code)) - {"T", "B", *sizes} else f"np.zeros((), DTYPE) + {code}"


def _indented(line: str) -> tuple[str, str]:
    code = line.lstrip()
    return line[: len(line) - len(code)], code


# Libraries that run Python as it stands


def _eager(line: str, dialect: Dialect, rows: frozenset[str]) -> str:
    """A line with the rows of computed variables in lists."""
    space, code = _indented(line)
    if not code or code.startswith(("#", "for ", "if ")):
        return line
    if found := EMPTY.match(code):
        name, shape = found.groups()
        count, rest = shape.split(", ", 1)
        zeros = dialect.code(f"np.zeros(({rest},))")
        return f"{space}{name} = [{zeros}] * ({count})"
    target, value = _assignment(code)
    return f"{space}{target} = {dialect.code(value, rows)}"


def _assignment(code: str) -> tuple[str, str]:
    """Target and value of an assignment; `a += b` is `a = a + b`."""
    (statement,) = ast.parse(code).body
    if isinstance(statement, ast.AugAssign):
        target = ast.unparse(statement.target)
        return target, f"{target} + ({ast.unparse(statement.value)})"
    assert isinstance(statement, ast.Assign)
    return ast.unparse(statement.targets[0]), ast.unparse(statement.value)


# A library that traces


class _Traced:
    """Lines with arrays that are replaced where a row of them changes."""

    def __init__(self, dialect: Dialect, rows: frozenset[str], singles: Mapping[str, str]) -> None:
        self.dialect = dialect
        self.singles = singles
        self.rows = rows
        self.count = 0

    def lines(self, lines: Sequence[str]) -> list[str]:
        found: list[str] = []
        position = 0
        while position < len(lines):
            line = lines[position]
            position += 1
            if not line.startswith("for "):
                found.append(self._line(line, []))
                continue
            stop = position
            while stop < len(lines) and (lines[stop].startswith(INDENT) or not lines[stop]):
                stop += 1
            found += self._loop(line, [inner[len(INDENT) :] for inner in lines[position:stop]])
            position = stop
        return found

    def _loop(self, header: str, body: Iterable[str]) -> list[str]:
        found = LOOP.match(header)
        assert found is not None, header
        low, high, backwards = found.groups()
        conditions: list[str] = []
        inner: list[str] = []
        changed: dict[str, None] = {}
        for line in body:
            space, code = _indented(line)
            depth = len(space) // len(INDENT)
            if not code:
                continue
            conditions = conditions[:depth]
            if code.startswith("if "):
                conditions.append(code[len("if ") : -1])
                continue
            if not code.startswith("#"):
                changed[_assignment(code)[0].split("[")[0]] = None
            inner.append(INDENT + self._line(code, conditions))
        self.count += 1
        name = "step" if self.count == 1 else f"step_{self.count}"
        names = ", ".join(changed) + ("," if len(changed) == 1 else "")
        bounds = f"0, {low} - ({high})" if backwards else f"{low}, {high}"
        time = [f"{INDENT}t = {low} - position"] if backwards else []
        singles = [other for other in changed if other in self.singles]
        once = [f"{other} = {self.dialect.code(f'np.zeros({self.singles[other]})')}" for other in singles]
        return [
            *once,
            f"def {name}({'position' if backwards else 't'}, arrays):",
            f"{INDENT}{names} = arrays",
            *time,
            *inner,
            f"{INDENT}return ({names})",
            "",
            f"{names} = lax.fori_loop({bounds}, {name}, ({names}))",
            "",
        ]

    def _line(self, line: str, conditions: Sequence[str]) -> str:
        space, code = _indented(line)
        if not code or code.startswith(("#", "if ")):
            return line
        if found := EMPTY.match(code):
            return f"{space}{found.group(1)} = {self.dialect.code(f'np.zeros(({found.group(2)}))')}"
        target, value = _assignment(code)
        name = target.split("[")[0]
        translated = self.dialect.code(value)
        if conditions:
            test = " & ".join(f"({part})" for condition in conditions for part in condition.split(" and "))
            translated = f"jnp.where({test}, {translated}, {target})"
        if name not in self.rows or "[" not in target:
            return f"{space}{target} = {translated}"
        row = target[len(name) + 1 : -1]
        return f"{space}{name} = {name}.at[{row}].set({translated})"
